"""`Source`: how somebody's call records are written, as data; and those that are known by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from pbxnb.arguments import nearest
from pbxnb.errors import AnalysisError
from pbxnb.history.legs import OUTCOMES
from pbxnb.text import clean

__all__ = ["FIELDS", "SOURCES", "Field", "Source", "source_of"]

FIELDS = {
    "call": "id of the record's call or leg",
    "link": "what all legs of one call have in common",
    "other": "id of the leg that this one was joined with",
    "start": "when it began",
    "answer": "when it was answered",
    "end": "when it ended",
    "duration": "from start to end",
    "wait": "from start to the answer, or to the end",
    "talk": "from the answer to the end",
    "hold": "on hold, within the talk",
    "from": "the caller's number",
    "to": "the number that was called",
    "ext": "the extension it is counted for",
    "queue": "the queue it went through",
    "outcome": "what became of it",
    "direction": "in, out or internal",
    "domain": "the tenant",
}
"""What a field of a source may be, and what it means."""


class Field(msgspec.Struct, frozen=True):
    """Where a value stands.

    Args:
        columns: one, or several: the first that holds anything counts.
        pattern: a regular expression whose first group is the value; what does not match holds nothing.
        joined: what stands between the columns where all of them together are the value, as ``" "`` of a date and a
            time of day.
    """

    columns: tuple[str, ...]
    pattern: str = ""
    joined: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """How call records are written.

    Args:
        name: of the system.
        fields: a column, several of which the first that holds anything counts, or a `Field`, for each of `FIELDS`
            that there is; ``start`` at least. Of names of columns only letters, digits and dots are compared.
        header: names of the columns, in order, of a file that does not name them itself.
        zone: of times without one: empty for the zone that `read_calls` is told, or ``UTC``.
        unit: of bare numbers in lengths: ``s`` or ``ms``. ``00:01:30`` is read too.
        unpadded: of seconds since 1970 a fraction of one or two digits is milliseconds, as Vodia writes them
            (protocol.md 7.5).
        time_format: of times that are neither ISO 8601 nor seconds since 1970, as for ``strptime``.
        outcomes: words in small letters, and what they mean, beside those that `pbxnb.analysis.values` knows. A word
            that nobody knows decides nothing.
        directions: likewise.
        only: a column, and a regular expression of its values in rows that are call records.
        extension: a regular expression of an extension's number.

    Example:
        >>> mine = Source(name="mine", fields={"start": Field(("day", "time"), joined=" "), "talk": "seconds"})
    """

    name: str
    fields: Mapping[str, str | tuple[str, ...] | Field]
    header: tuple[str, ...] = ()
    zone: str = ""
    unit: str = "s"
    unpadded: bool = False
    time_format: str = ""
    outcomes: Mapping[str, str] = MappingProxyType({})
    directions: Mapping[str, str] = MappingProxyType({})
    only: Mapping[str, str] = MappingProxyType({})
    extension: str = r"\d{2,6}"

    def field(self, name: str) -> Field | None:
        """Where a value stands; None where it does not."""
        given = self.fields.get(name)
        if given is None or isinstance(given, Field):
            return given
        return Field((given,) if isinstance(given, str) else tuple(given))


_DIRECTIONS = ("in", "out", "internal")
_SIP = r"^(?:.*sips?:)?([^@;>]+)"
ASTERISK = Source(
    name="asterisk",  # cdr_csv's Master.csv; with linkedid also the tables of cdr_odbc and cdr_adaptive_odbc
    header=(
        "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
        "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "linkedid",
    ),
    fields={
        "call": "uniqueid",
        "link": "linkedid",
        "start": ("start", "calldate"),
        "answer": "answer",
        "end": "end",
        "duration": "duration",
        "talk": "billsec",
        "from": "src",
        "to": "dst",
        "ext": Field(("dstchannel",), r"^[A-Za-z0-9]+/(\d+)"),
        "queue": Field(("lastapp", "lastdata"), r"^Queue:([^,|]*)", joined=":"),
        "outcome": "disposition",
    },
)  # fmt: skip

FREESWITCH = Source(
    name="freeswitch",  # mod_cdr_csv's template "example", and mod_json_cdr
    header=(
        "caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp", "answer_stamp",
        "end_stamp", "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid", "accountcode", "read_codec",
        "write_codec",
    ),
    fields={
        "call": ("variables.uuid", "uuid"),
        "other": ("variables.bridge_uuid", "variables.originating_leg_uuid",
                  "variables.other_leg_unique_id", "bleg_uuid"),
        "start": ("variables.start_epoch", "start_stamp"),
        "answer": ("variables.answer_epoch", "answer_stamp"),
        "end": ("variables.end_epoch", "end_stamp"),
        "duration": ("variables.duration", "duration"),
        "talk": ("variables.billsec", "billsec"),
        "from": ("variables.caller_id_number", "variables.sip_from_user", "caller_id_number"),
        "to": ("variables.destination_number", "variables.sip_to_user", "destination_number"),
        "queue": Field(("variables.cc_queue",), r"^([^@]+)"),
        # of an answered call the cause says how it ended, not what became of it
        "outcome": Field(("variables.hangup_cause", "hangup_cause"), r"^(USER_BUSY|CALL_REJECTED|NO_ROUTE.*)$"),
    },
)  # fmt: skip

THREECX = Source(
    name="3cx",  # cdr.log with all fields in their order; its times are UTC
    header=(
        "historyid", "callid", "duration", "time-start", "time-answered", "time-end", "reason-terminated", "from-no",
        "to-no", "from-dn", "to-dn", "dial-no", "reason-changed", "final-number", "final-dn", "bill-code", "bill-rate",
        "bill-cost", "bill-name", "chain", "from-type", "to-type", "final-type", "from-dispname", "to-dispname",
        "final-dispname", "missed-queue-calls",
    ),
    fields={
        "call": Field(("callid",)),
        "link": Field(("historyid",), r"(\d+)$"),
        "start": "time-start",
        "answer": "time-answered",
        "end": "time-end",
        "talk": "duration",
        "from": Field(("from-no",), r"^(?:Ext\.)?(.+)$"),
        "to": Field(("dial-no", "to-no"), r"^(?:Ext\.)?(.+)$"),
        "ext": Field(("final-type", "final-dn", "to-type", "to-dn"), r"(?:^|:)Extension:(\d+)", joined=":"),
        "queue": Field(("to-type", "to-dn"), r"^Queue:(.+)$", joined=":"),
    },
    zone="UTC",
)  # fmt: skip

CUCM = Source(
    name="cucm",  # CDR files of Cisco Unified CM: a row of types below the names; times are seconds since 1970
    fields={
        "call": Field(("globalCallID_callId", "origLegCallIdentifier", "destLegIdentifier"), joined=":"),
        "link": Field(("globalCallId_ClusterID", "globalCallID_callManagerId", "globalCallID_callId"), joined=":"),
        "start": "dateTimeOrigination",
        "answer": "dateTimeConnect",
        "end": "dateTimeDisconnect",
        "talk": "duration",
        "from": "callingPartyNumber",
        "to": "originalCalledPartyNumber",
        "ext": Field(("finalCalledPartyNumber",), r"^(\d{2,6})$"),
        "queue": "huntPilotDN",
    },
    only={"cdrRecordType": "^1$"},
)

VODIA_CDR = Source(
    name="vodia-cdr",  # rest.md 2.3: a domain's records, and those that the PBX posts leg by leg
    fields={
        "call": ("CallID", "call_id", "id"),
        "link": ("PrimaryCallID", "call_id"),
        "start": "start",
        "answer": "connect",
        "end": "end",
        "from": Field(("from", "RemoteParty"), _SIP),
        "to": Field(("to", "LocalParty"), _SIP),
        "ext": Field(("Extension", "extensions"), r"^\W*(\d+)"),
        "direction": "Direction",
        "domain": ("domain", "System"),
    },
    unpadded=True,
    directions={"i": "in", "o": "out"},
)

VODIA_ACD = Source(
    name="vodia-acd",  # rest.md 2.3: the records of one queue, lengths in seconds below "duration"
    fields={
        "start": "start",
        "from": Field(("from",), _SIP),
        "to": Field(("to",), _SIP),
        "queue": Field(("queue", "to"), _SIP),
        "ext": Field(("agent", "extension"), _SIP),
        "wait": "duration.ring",
        "talk": "duration.talk",
        "hold": "duration.hold",
        "outcome": "abandoned",
    },
    unpadded=True,
    outcomes={"true": "abandoned", "false": "answered", "1": "abandoned", "0": "answered"},
)

PBXNB = Source(
    name="pbxnb",  # the table of calls itself, from a recorder or another notebook
    fields={
        "call": "call_id",
        "link": "conversation",
        "start": "started_at",
        "answer": "answered_at",
        "end": "ended_at",
        **{name: f"{name}_ms" for name in ("wait", "talk", "hold")},
        "from": "from_num",
        "to": "to_num",
        **{name: name for name in ("ext", "queue", "outcome", "direction", "domain")},
    },
    zone="UTC",
    unit="ms",
    directions={word: word for word in _DIRECTIONS},
)

SOURCES: Mapping[str, Source] = MappingProxyType(
    {one.name: one for one in (VODIA_CDR, VODIA_ACD, ASTERISK, FREESWITCH, THREECX, CUCM, PBXNB)}
)
"""The sources that are known by name."""


def source_of(source: object) -> Source:
    """The source that somebody means: a name, a `Source`, or a mapping of one's own from fields to columns.

    Raises:
        AnalysisError: there is no such source, or the mapping names a field that there is not, lacks ``start``, or has
            a pattern that is none.
    """
    if isinstance(source, str):
        if source not in SOURCES:
            raise AnalysisError(
                f"{clean(repr(source), 60)} is no source of call records{nearest(source, SOURCES)}.",
                hint=f"Known: {', '.join(SOURCES)}. Or give a mapping such as {{'start': 'begin', 'from': 'caller'}}.",
            )
        return SOURCES[source]
    if isinstance(source, Mapping):
        source = Source(name="a mapping", fields=dict(source))
    if not isinstance(source, Source):
        raise AnalysisError(
            f"{clean(repr(source), 60)} is no source of call records.", hint=f"Give one of {', '.join(SOURCES)}."
        )
    for name in source.fields:
        if name not in FIELDS:
            raise AnalysisError(
                f"A call record has no field {clean(repr(name), 60)}{nearest(str(name), FIELDS)}.",
                hint=f"Fields: {', '.join(FIELDS)}.",
            )
        try:
            re.compile(((field := source.field(name)) and field.pattern) or "")
        except re.error as error:
            raise AnalysisError(f"The pattern of {name!r} is no regular expression: {error}.") from None
    if "start" not in source.fields:
        raise AnalysisError(
            f"The fields of {source.name} lack 'start'.", hint="Name the column that says when a call began."
        )
    for name, words in (("outcome", source.outcomes), ("direction", source.directions)):
        known = OUTCOMES if name == "outcome" else _DIRECTIONS
        for word in words.values():
            if word not in known:
                raise AnalysisError(f"{clean(repr(word), 60)} is no {name}.", hint=f"It is one of {', '.join(known)}.")
    return source

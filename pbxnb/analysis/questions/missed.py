"""Calls that nobody took: phones that rang in vain, callers who reached nobody, and those nobody has called back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pbxnb.errors import AnalysisError

from ..columns import By, keys_of, measure, one_if, opened, totals, whole
from .callers import CALLER, LOST, REACHED, from_callers, microseconds, window_of, with_parties

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["LEVELS", "Level", "missed", "not_called_back"]

Level = Literal["leg", "extension", "caller"]

LEVELS: dict[Level, str] = {
    "leg": "each time a phone rang",
    "extension": "each extension once for each conversation in which it rang",
    "caller": "each conversation of somebody from outside or in a queue",
}
"""What one is counted for."""
_FATES = ("answered", "answered_elsewhere", "undecided", "missed")  # what one is counted as: the first that is true


@measure
def missed(calls: Any, *, level: Level = "leg", by: By = (), legs: bool = False) -> Any:
    """Calls that were offered and not taken: by a phone, by an extension, or by anybody.

    Args:
        calls: needs ``direction``, ``from_num``, ``outcome`` and ``started_at``; for a leg also ``ext``, for an
            extension ``ext``, ``conversation`` and ``ended_at``, both of rows a leg: of a row a conversation only the
            account it is counted for is known.
        level: what counts as one, a key of `LEVELS`.
        by: columns to group by, such as ``ext`` or ``["domain", "week"]``; those of the first row of a conversation.
        legs: of callers count every row, not every conversation; phones and extensions have legs either way.

    Returns:
        ``by``, ``offered``, ``answered``, ``answered_elsewhere``, ``missed``, ``undecided`` (open, or not known;
        int64), a row a group in order of ``by``, one row without; the same kind as ``calls``.

    Definition:
        Of a leg: a phone rang and was not answered. Of an extension: none of its rings in a conversation was answered;
        answered elsewhere where another phone took it. Of a caller: nobody answered a conversation that came from
        outside or through a queue. The phone that calls does not ring, nor does one of an outgoing call, one that is
        busy or one that cannot be reached.

    Raises:
        AnalysisError: there is no such level.
        MissingColumn: a needed column is not there.

    Example:
        >>> import pandas as pd
        >>> from pbxnb.analysis import missed
        >>> legs = pd.DataFrame({"ext": ["204", "205"], "outcome": ["no_answer", "answered"]})
        >>> legs = legs.assign(direction="in", from_num="+15550100", started_at=pd.Timestamp("2026-09-21 09:00"))
        >>> missed(legs, by="ext")[["ext", "offered", "missed"]].to_dict("records")
        [{'ext': '204', 'offered': 1, 'missed': 1}, {'ext': '205', 'offered': 1, 'missed': 0}]
    """
    if level not in LEVELS:
        raise AnalysisError(f"There is no level {level!r}.", hint=f"Choose of {', '.join(LEVELS)}.")
    import narwhals as nw

    keys, needed = keys_of(by), ("direction", "from_num", "outcome", "started_at")
    if level == "caller":
        frame, back = opened(calls, *needed, also=("queue",), by=keys, legs=legs)
        units = frame.filter(from_callers())
    else:
        more = ("conversation",) if level == "extension" else ()
        frame, back = opened(calls, *needed, "ext", *more, also=("domain",), by=keys, legs=True)
        rang = (nw.col("ext").fill_null("") != "") & (nw.col("ext") != nw.col("from_num").fill_null(""))
        rang = rang & (nw.col("direction").fill_null("") != "out")
        units = frame.filter(rang & ~nw.col("outcome").fill_null("").is_in(["busy", "failed"]))
    outcome = nw.col("outcome").fill_null("unknown")
    fate = nw.when(outcome.is_in(LOST)).then(nw.lit(3)).otherwise(nw.lit(2))
    for place, word in enumerate(_FATES[:2]):
        fate = nw.when(outcome == word).then(nw.lit(place)).otherwise(fate)
    units = units.with_columns(_fate=fate.cast(nw.Int64))
    if level == "extension":
        units = _extensions(units, keys)
    flags = {name: one_if(nw.col("_fate") == place) for place, name in enumerate(_FATES)}
    told = units.select(*keys, offered=nw.lit(1).cast(nw.Int64), **flags)
    return back(totals(told, keys, "offered", "answered", "answered_elsewhere", "missed", "undecided"))


def _extensions(legs: nw.LazyFrame[Any], keys: Sequence[str]) -> nw.LazyFrame[Any]:
    """Each extension's share in each conversation, with the first ``_fate`` that one of its legs had.

    Args:
        legs: those that rang; of one without a conversation nothing is known but itself.
        keys: columns that are kept; of several values in a share the least.
    """
    import narwhals as nw

    unit, fate = ("_domain", "_conversation", "_ext"), nw.col("_fate")
    columns = {name: nw.col(name[1:]).fill_null("") for name in unit}
    legs = legs.select(*keys, "_fate", **columns)
    linked = legs.filter(nw.col("_conversation") != "").with_columns(_first=fate.min().over("_domain", "_conversation"))
    elsewhere = (nw.col("_first") == 0) & (fate > 0)
    linked = linked.with_columns(_fate=nw.when(elsewhere).then(nw.lit(1)).otherwise(fate).cast(nw.Int64))
    shares = linked.group_by(*unit).agg(*(nw.col(key).min() for key in keys), fate.min())
    kept = (*keys, "_fate")
    return nw.concat([legs.filter(nw.col("_conversation") == "").select(*kept), shares.select(*kept)])


@measure
def not_called_back(calls: Any, *, within: float | None = None, by: By = (), legs: bool = False) -> Any:
    """Callers whom nobody answered and nobody has called back, and who did not get through themselves.

    Args:
        calls: needs ``direction``, ``from_num``, ``to_num``, ``outcome`` and ``started_at``; with ``domain`` a number
            of two of them is two callers.
        within: seconds from the beginning of a missed conversation to that of a call back that counts; None for any
            later one.
        by: columns to group by; a call back counts whatever group it is in.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``domain``, ``number`` (as it is written; of several ways the last in order), ``missed`` (conversations
        since which nobody spoke with the caller; int64), ``last_missed`` (when the last of them began), a row a caller
        in order of all keys; the same kind as ``calls``.

    Definition:
        A caller came from outside or through a queue and shows a number, which is compared without separators and
        without the + or 00 in front. He waits while nobody answered him, until an answered conversation of ours goes to
        his number, or one of his own is answered; one that begins at the same moment counts.

    Raises:
        MissingColumn: a needed column is not there.

    Example:
        >>> from pbxnb.analysis import not_called_back
        >>> not_called_back(pbx, within=3600).column_names[:4]
        ['domain', 'number', 'missed', 'last_missed']
    """
    keys, window = keys_of(by), None if within is None else window_of(within)
    needed = ("direction", "from_num", "to_num", "outcome", "started_at")
    frame, back = opened(calls, *needed, also=("domain", "queue"), by=keys, legs=legs)
    import narwhals as nw

    began, outcome, inbound = nw.col("started_at"), nw.col("outcome"), nw.col("_in") == 1
    known = with_parties(frame).filter(nw.col("_number") != "")
    through = inbound & outcome.is_in(REACHED)
    called_back = ~inbound & (outcome == "answered")
    ever = known.filter(through if window else through | called_back).group_by(*CALLER).agg(_reached=began.max())
    lost = known.filter(inbound & outcome.is_in(LOST)).join(ever, on=[*CALLER], how="left")
    lost = lost.filter(nw.col("_reached").is_null() | (nw.col("_reached") < began))
    if window:
        lost = _not_within(lost, known.filter(called_back), window)
    groups = keys_of((*keys, "domain", "number"))
    return back(
        lost.group_by(*keys_of((*keys, *CALLER)))
        .agg(missed=nw.len(), last_missed=nw.col("started_at").max(), number=nw.col("from_num").max())
        .with_columns(*whole("missed"))
        .select(*groups, "missed", "last_missed")
        .sort(*groups)
    )


def _not_within(lost: nw.LazyFrame[Any], backs: nw.LazyFrame[Any], within: timedelta) -> nw.LazyFrame[Any]:
    """The missed conversations after which no call back of the caller begins in time.

    Of slots of time as long as the window, what follows in time lies in the same slot, or early in the next: the last
    call back of the one and the first of the other answer for all, however many there are.
    """
    import narwhals as nw

    at, slot, width = nw.col("_at"), nw.col("_slot"), within // timedelta(microseconds=1)
    lost, backs = (
        frame.with_columns(_at=microseconds(frame, "started_at")).with_columns(_slot=at // width)
        for frame in (lost, backs)
    )
    slots = backs.group_by(*CALLER, "_slot").agg(_first=at.min(), _last=at.max())
    lost = lost.join(slots.select(*CALLER, slot, "_last"), on=[*CALLER, "_slot"], how="left")
    lost = lost.join(slots.select(*CALLER, slot - 1, "_first"), on=[*CALLER, "_slot"], how="left")
    not_in_this = nw.col("_last").is_null() | (nw.col("_last") < at)
    return lost.filter(not_in_this & (nw.col("_first").is_null() | (nw.col("_first") > at + width)))

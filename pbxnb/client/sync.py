"""From an open socket to a live line: which questions are asked, what makes it live, and what waits meanwhile.

`Sync` is pure: it collects one snapshot (accounts, calls) and keeps every frame that arrives around it, so that the
frames are applied after the snapshot and in order (telephony.md part 4, lesson 1). The clock is the client's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from pbxnb.errors import ConfigError
from pbxnb.model.store import Scope
from pbxnb.protocol import rest as paths
from pbxnb.protocol.decode import account_entry
from pbxnb.protocol.messages import (
    UNSET,
    AccountEntry,
    CallEntry,
    CallState,
    DomainState,
    Message,
    UserState,
)
from pbxnb.protocol.rest import url

from .endpoint import Endpoint
from .rest import Rest, RestError

__all__ = ["ASK", "Arrival", "Dialect", "Sync", "dialect_of", "opening_frames", "read_accounts", "switch_frames"]

Dialect = Literal["modern", "2016"]
Frames = tuple[dict[str, Any], ...]

ASK: Frames = ({"action": "get-users"}, {"action": "get-calls"})
KEEPALIVE = {"action": "avoid-disconnect"}
_FIRST_MODERN_MAJOR = 60


def dialect_of(dialect: str, version: str) -> Dialect:
    """Which vocabulary to speak.

    The portal whose code shows only ``get-users`` and ``get-calls`` belongs to the 5.x releases of 2016; the oldest
    release on which ``domain-calls`` was seen working is 67 (protocol.md 2.7, 4.1). Nothing is known between. The line
    is drawn at 60: a PBX that old gets the old words, anyone else, or one that hides its version, the modern ones,
    and the questions of 2016 follow anyway where no ``domain-state`` comes.

    Args:
        dialect: ``auto``, or the answer.
        version: from the ``Server`` header; may be empty.
    """
    if dialect == "modern" or dialect == "2016":
        return "modern" if dialect == "modern" else "2016"
    if dialect != "auto":
        raise ConfigError(f"There is no dialect {dialect!r}.", hint='Give "auto", "modern" or "2016".')
    major = re.match(r"\d+", version)
    return "2016" if major and int(major[0]) < _FIRST_MODERN_MAJOR else "modern"


def opening_frames(dialect: Dialect, scope: Scope) -> Frames:
    """What a monitor sends once on every new socket: one call subscription, never two (protocol.md 6.1).

    ``orbit-calls`` is left out: the shape of what it brings is unknown (protocol.md 6.4), and if that is a
    ``call-state`` it would pass for the scope's whole list. Orbits are read by REST.
    """
    if dialect == "2016":
        return ASK
    return ({"action": _SUBSCRIPTION[scope], "subscribe": True},)


def switch_frames() -> Frames:
    """From the tenant's calls to our own, once there is evidence that the tenant's are not shown to us."""
    return (
        {"action": _SUBSCRIPTION[Scope.DOMAIN], "subscribe": False},
        {"action": _SUBSCRIPTION[Scope.OWN], "subscribe": True},
    )


_SUBSCRIPTION = {Scope.DOMAIN: "domain-calls", Scope.OWN: "own-calls"}


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A decoded frame, waiting to be applied; ``seq`` is 0 for an answer by REST."""

    message: Message
    received: datetime
    seq: int


class Sync:
    """One snapshot in the making."""

    def __init__(self) -> None:
        self._waiting: list[Arrival] = []
        self._rest_position = -1  # of the last frame that came before the accounts were asked for by REST
        self._rest: tuple[AccountEntry, ...] | None = None
        self._calls_heard = False
        self.domain_state_heard = False
        self.arrays_heard = False  # call lists of this PBX are arrays: what such a list lacks has ended
        self.accounts_seq = self.calls_seq = 0  # frames that the two parts of `result` came in; 0: none, or REST

    @property
    def missing(self) -> tuple[str, ...]:
        """What is needed and not there yet: ``accounts``, ``calls``."""
        accounts = self.domain_state_heard or self._rest is not None
        return (() if accounts else ("accounts",)) + (() if self._calls_heard else ("calls",))

    def offer(self, arrival: Arrival) -> bool:
        """Keep a frame; True once nothing is missing."""
        self._waiting.append(arrival)
        message = arrival.message
        if isinstance(message, DomainState):
            self.domain_state_heard = True
            self._calls_heard |= message.calls is not UNSET
        elif isinstance(message, CallState):
            self._calls_heard = True
            self.arrays_heard |= message.whole
        return not self.missing

    def rest_asked(self) -> None:
        """The accounts are being read by REST: whatever arrives from now on is applied on top of the answer."""
        self._rest_position = len(self._waiting) - 1

    def rest_answered(self, accounts: Sequence[AccountEntry]) -> bool:
        """The answer is here; True once nothing is missing."""
        self._rest = tuple(accounts)
        return not self.missing

    def result(self) -> tuple[Sequence[AccountEntry] | None, Sequence[CallEntry] | None, list[Arrival]]:
        """The snapshot's two parts (None: not known), and the frames to apply after it, in order.

        The newest ``domain-state`` wins. A call list of its own is the first array, unless a newer one came inside the
        ``domain-state``; a single call is no list and ends nothing. Left out is only what the snapshot covers.
        """
        accounts: Sequence[AccountEntry] | None = self._rest
        accounts_at = self._rest_position
        calls: Sequence[CallEntry] | None = None
        calls_at = -1
        for position, arrival in enumerate(self._waiting):
            message = arrival.message
            if isinstance(message, DomainState):
                accounts, accounts_at, self.accounts_seq = message.accounts, position, arrival.seq
                if message.calls is not UNSET:
                    calls, calls_at, self.calls_seq = message.calls, position, arrival.seq
            elif isinstance(message, CallState) and message.whole and calls is None:
                calls, calls_at, self.calls_seq = message.calls, position, arrival.seq
        named = {entry.account for entry in accounts or ()}
        after = [
            arrival
            for position, arrival in enumerate(self._waiting)
            if not _covered(arrival.message, position, accounts_at, calls_at, named)
        ]
        return accounts, calls, after


def _covered(message: Message, position: int, accounts_at: int, calls_at: int, named: set[str]) -> bool:
    """Whether the snapshot already says what this frame says."""
    if isinstance(message, DomainState):
        return position <= accounts_at
    if isinstance(message, CallState):
        return position <= calls_at
    if isinstance(message, UserState):
        return position <= accounts_at and message.entry.account in named
    return False


async def read_accounts(rest: Rest, endpoint: Endpoint) -> tuple[AccountEntry, ...]:
    """The tenant's accounts by REST: what a user sees, then the two directories (rest.md 2.1).

    Raises:
        RestError: none of them may be read.
        ConnectionFailed: no answer came.
    """
    known = (
        url(paths.ACCOUNTS, account=endpoint.account),
        url(paths.ACCOUNTS, account=endpoint.account, type="extensions"),
        url(paths.USERS, domain=endpoint.domain),
        url(paths.USERLIST, domain=endpoint.domain, type="extensions"),
    )
    error: RestError | None = None
    for path in known:
        try:
            found = accounts_in(await rest.get(path))
        except RestError as exc:
            error = error or exc
            continue
        if found:
            return found
    if error is not None:
        raise error
    return ()


def accounts_in(value: Any) -> tuple[AccountEntry, ...]:
    """The accounts in each of the three shapes: a list, an object by id, one that holds ``accounts`` (rest.md 2.0)."""
    if isinstance(value, Mapping):
        for key in ("accounts", "users", "data"):
            if isinstance(value.get(key), list | Mapping):
                return accounts_in(value[key])
        value = [item for item in value.values() if isinstance(item, Mapping)]
    if not isinstance(value, list):
        return ()
    entries = (account_entry(_named(item)) for item in value if isinstance(item, Mapping))
    return tuple(entry for entry in entries if entry.account)


def _named(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A REST record under the names of the wire: there ``name`` is often the number and ``displayname`` the name."""
    if "account" in item:
        return item
    record = dict(item)
    number = record.pop("name", "") or record.pop("number", "")
    shown = next((record.pop(key) for key in ("displayname", "display_name", "display") if record.get(key)), "")
    if "usertype" in record:
        record.setdefault("type", record.pop("usertype"))
    return {**record, "account": str(number), "name": shown}

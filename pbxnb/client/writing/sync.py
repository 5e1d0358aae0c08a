"""From an open socket to a live line: which questions are asked, what makes it live, what waits, what is written.

`Sync` is pure: it collects one snapshot (accounts, calls) and keeps every frame that arrives around it, so that the
frames are applied after the snapshot and in order (telephony.md 4.1). `ModelWriter` writes them into the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from pbxnb.errors import ConfigError
from pbxnb.model.store import Scope
from pbxnb.protocol.messages import (
    UNSET,
    AccountEntry,
    CallEntry,
    CallState,
    DomainState,
    Malformed,
    Message,
    UserState,
)
from pbxnb.protocol.requests import AvoidDisconnect, DomainCalls, GetCalls, GetUsers, OwnCalls

__all__ = [
    "GET_ALL", "KEEPALIVE", "Arrival", "Dialect", "Sync", "dialect_of", "opening_frames", "switch_frames",
]  # fmt: skip

Dialect = Literal["modern", "2016"]
Frames = tuple[dict[str, Any], ...]

GET_ALL: Frames = (GetUsers().frame(), GetCalls().frame())
KEEPALIVE = AvoidDisconnect().frame()
_SUBSCRIPTION = {Scope.DOMAIN: DomainCalls, Scope.OWN: OwnCalls}
_FIRST_MODERN_MAJOR = 60
_MOST_WAITING, _MOST_BYTES = 100_000, 64 * 2**20  # frames, and their bytes, that wait for a snapshot


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
        return GET_ALL
    return (_SUBSCRIPTION[scope]().frame(),)


def switch_frames() -> Frames:
    """From the tenant's calls to our own, once there is evidence that the tenant's are not shown to us."""
    return (DomainCalls(subscribe=False).frame(), OwnCalls().frame())


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A decoded frame, waiting to be applied."""

    message: Message
    received: datetime
    seq: int
    raw: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of the frame."""
        return len(self.raw)


class Sync:
    """One snapshot in the making."""

    def __init__(self) -> None:
        self._waiting: list[Arrival] = []
        self._bytes = 0
        self._rest_position = -1  # of the last frame that came before the accounts were asked for by REST
        self._rest: tuple[AccountEntry, ...] | None = None
        self._got_calls = False
        self.got_domain_state: bool = False
        self.got_arrays: bool = False  # call lists of this PBX are arrays: what such a list lacks has ended
        self.accounts_seq = self.calls_seq = 0  # frames that the two parts of `result` came in; 0: none, or REST

    @property
    def missing(self) -> tuple[str, ...]:
        """What is needed and not there yet: ``accounts``, ``calls``."""
        accounts = self.got_domain_state or self._rest is not None
        return (() if accounts else ("accounts",)) + (() if self._got_calls else ("calls",))

    def offer(self, arrival: Arrival) -> bool:
        """Keep a frame; True once nothing is missing, or so much waits that the snapshot cannot be waited for."""
        self._waiting.append(arrival)
        self._bytes += arrival.size
        message = arrival.message
        if isinstance(message, DomainState):
            self.got_domain_state = True
            self._got_calls |= message.calls is not UNSET
        elif isinstance(message, CallState):
            self._got_calls = True
            self.got_arrays |= message.whole
        return not self.missing or self._bytes > _MOST_BYTES or len(self._waiting) >= _MOST_WAITING

    def rest_requested(self) -> None:
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
    if isinstance(message, Malformed):
        return position <= min(accounts_at, calls_at)
    return False

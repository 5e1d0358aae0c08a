"""The whole state of a store at one moment, as plain values: taken in a moment, kept, and made into a store again.

A store that is restored goes on exactly as the one that was taken: the same inputs give the same values. What has
ended longer ago than the store needs for that (ended calls, ended presence) is no part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from pbxnb.protocol.messages import UNSET, AccountEntry, CallEntry
from pbxnb.protocol.parties import Party

from ..changes import NO_CHANGES, Changes
from ..clock import Clock
from ..entities import Account, Call, Conversation, Direction, Evidence, Orbit, Phase, Queue
from ..ledger import ConversationTrack
from ..past.presence import Mark
from ..status import Gap
from ..store import Scope, Store
from ..tracks import AccountTrack, CallSpan, CallTrack, Times

__all__ = ["State", "go_on", "restore", "take"]

_T = TypeVar("_T")
_MICROSECOND = timedelta(microseconds=1)


class ClockState(msgspec.Struct, gc=False):
    """A `Clock`; a bound that is not known is None."""

    rate: float
    given: bool
    low: float | None
    high: float | None
    delta: int
    sharpened: bool
    read_at: datetime | None
    outdone: float | None
    foreign: bool
    said: bool


class TimesState(msgspec.Struct, gc=False):
    """A `Times`."""

    hold: float
    phase: Phase
    ring: float
    start: datetime
    talk: float


class CallTrackState(msgspec.Struct, gc=False):
    """A `CallTrack`, by the names of its attributes; the row of one that has ended is another store's."""

    _spans: list[CallSpan]
    _spans_from: datetime
    _spans_room: int
    _start: datetime
    alone: bool
    answered: bool
    arrived: bool
    call: Call
    ended_at: datetime | None
    ended_by: str
    ended_turn: int
    entry: CallEntry
    former: tuple[str, ...]
    former_pair: frozenset[str]
    gained: tuple[str, ...]
    gap: bool
    inferred_end: bool
    joined: dict[str, tuple[datetime | None, datetime]] | None
    moved_at: datetime | None
    numbers: tuple[str, ...]
    order: tuple[datetime, int]
    phase_seen: datetime
    phase_since: datetime | None
    seen_start: bool
    star: str
    times: TimesState
    waiting: bool
    was_parked: bool


class ConversationState(msgspec.Struct, gc=False):
    """A `ConversationTrack`, by the names of its attributes; ``calls`` are places among the tracks of the state."""

    _agents: tuple[str, ...]
    _answered: bool
    _answered_by: str
    _call_ids: tuple[str, ...]
    _caller: Party
    _direction: Direction
    _seen: datetime
    _shown: Conversation
    _since: datetime | None
    _times: TimesState
    calls: list[int]
    ended_at: datetime | None
    evidence: tuple[Evidence, ...]
    id: str
    inferred: bool
    size: int


class State(msgspec.Struct, gc=False):
    """Everything that a `Store` holds and needs to go on.

    Attributes:
        tracks: calls, open or lately ended; what follows names them by their place.
        table: those that are open, in order.
        shown: ids of the conversations, in the order in which they are shown.
        ended: conversations in the order of their end: kernel time, PBX time, place among ``talks``, bytes.
        gone, stars: what the linker remembers.
    """

    domain: str
    user: str
    seq: int
    clock: ClockState
    scope: Scope
    arrays: bool
    accounts: list[Account]
    wire: list[AccountTrack]
    missing: list[str]
    named_by: dict[str, list[str]]
    claims: dict[str, datetime]
    marks: dict[str, tuple[Mark | None, ...]]
    queues: list[Queue]
    orbits: list[Orbit]
    tracks: list[CallTrackState]
    table: list[int]
    count: int
    last: tuple[datetime, int] | None
    talks: list[ConversationState]
    shown: list[str]
    ended: list[tuple[datetime, datetime, int, int]]
    ended_bytes: int
    turn: int
    let_go: int
    gone: list[tuple[datetime, int]]
    stars: list[tuple[int, int]]


class _Places:
    """The tracks that a state names, each once."""

    def __init__(self) -> None:
        self.tracks: list[CallTrack] = []
        self._places: dict[CallTrack, int] = {}

    def __call__(self, track: CallTrack) -> int:
        place = self._places.setdefault(track, len(self.tracks))
        if place == len(self.tracks):
            self.tracks.append(track)
        return place


def take(store: Store) -> State:
    """The state of a store, while nobody writes it; the store goes on without touching it."""
    table, accounts, ledger, lists = store._calls, store._accounts, store._ledger, store._lists
    wire, linker, place = accounts.wire, ledger._linker, _Places()
    talks = [*ledger._tracks.values()]
    number = {id(talk): index for index, talk in enumerate(talks)}
    shown = [_talk(talk, place) for talk in talks]
    ended = [
        (received, at, number[id(talk)], size)
        for received, at, talk, size in ledger._ended
        if id(talk) in number  # one that was joined to another is remembered no more
    ]
    return State(
        domain=store.domain,
        user=store.user,
        seq=store.seq,
        clock=_clock(store.clock),
        scope=lists.scope,
        arrays=lists.arrays,
        accounts=[*accounts.accounts.values()],
        wire=[*wire.tracks.values()],
        missing=sorted(wire.missing),
        named_by={key: [*numbers] for key, numbers in wire._named_by.items()},
        claims=accounts._claims.copy(),
        marks={number: (*marks,) for number, marks in accounts.log._open.items()},
        queues=[*store.queues.values()],
        orbits=[*store.orbits.values()],
        table=[place(track) for track in table.tracks.values()],
        gone=[(received, place(track)) for received, track in linker._gone],
        stars=[(key, place(track)) for key, track in linker._stars.items()],
        tracks=[_track(track) for track in place.tracks],
        count=table._count,
        last=table._last,
        talks=shown,
        shown=[*ledger.conversations],
        ended=ended,
        ended_bytes=sum(size for *_, size in ended),
        turn=ledger._turn,
        let_go=ledger.let_go,
    )


def restore(state: State) -> Store:
    """A store that goes on where the one was whose state this is."""
    store = Store(domain=state.domain, user=state.user, scope=state.scope, clock=_clock_again(state.clock))
    table, accounts, ledger = store._calls, store._accounts, store._ledger
    wire, linker = accounts.wire, ledger._linker
    store.seq, store._lists.arrays = state.seq, state.arrays
    store.queues = {queue.number: queue for queue in state.queues}
    store.orbits = {orbit.number: orbit for orbit in state.orbits}
    accounts.accounts = {account.number: account for account in state.accounts}
    wire.tracks = {track.number: track for track in state.wire}
    wire._missing = frozenset(state.missing)
    wire._named_by = {key: dict.fromkeys(numbers) for key, numbers in state.named_by.items()}
    accounts._claims = state.claims
    accounts.log._open = {number: [*marks] for number, marks in state.marks.items()}
    tracks = [_track_again(one) for one in state.tracks]
    for track in (tracks[place] for place in state.table):
        table.tracks[track.call.id], table.calls[track.call.id] = track, track.call
        for number in track.numbers:
            table._by_number.setdefault(number, {})[track] = None
    table._count, table._last = state.count, state.last
    talks = [_talk_again(one, tracks, store) for one in state.talks]
    ledger._tracks = {talk.id: talk for talk in talks}
    ledger.conversations = {key: ledger._tracks[key]._shown for key in state.shown}
    ledger._ended.extend((received, at, talks[place], size) for received, at, place, size in state.ended)
    ledger._ended_bytes, ledger._turn, ledger.let_go = state.ended_bytes, state.turn, state.let_go
    for received, place in state.gone:
        linker.remember(tracks[place], received)
    linker._stars = {key: tracks[place] for key, place in state.stars}
    return store


def go_on(store: Store, known: Store, gap: Gap) -> Changes:
    """Let a store go on with what is known after a gap, as after a line that dropped: by difference.

    Args:
        store: it keeps what has ended, and what it knows where nothing else is known.
        known: the model that was begun anew; one without accounts and calls says nothing of them.
        gap: between the two; its end is the moment of ``known``, kernel time.
    """
    if known.clock.known:
        for name in Clock.__slots__:
            setattr(store.clock, name, getattr(known.clock, name))
    lists, wire, table = store._lists, known._accounts.wire, known._calls
    lists.scope, lists.arrays = known._lists.scope, known._lists.arrays
    store.queues, store.orbits = {**store.queues, **known.queues}, {**store.orbits, **known.orbits}
    if known.accounts or known.calls:
        accounts = [_entry(track) for track in wire.tracks.values()]
        calls = [track.entry for track in table.tracks.values()]
        return store.resync(accounts, calls, gap.end or gap.start, gap=gap)
    return NO_CHANGES


def _entry(track: AccountTrack) -> AccountEntry:
    """What the PBX would say of an account now."""
    return AccountEntry(
        account=track.number,
        name=track.name,
        type=track.type,
        domain=track.domain,
        registered=UNSET if track.registered is None else track.registered,
        dnd=UNSET if track.dnd is None else track.dnd,
        chatstatus=track.chat_status,
        code="" if track.code else None,
        calls=track.own,
        extra=track.extra,
    )


def _fields(kind: type[msgspec.Struct], value: object) -> dict[str, Any]:
    return {name: getattr(value, name) for name in kind.__struct_fields__}


def _track(track: CallTrack) -> CallTrackState:
    times = TimesState(**_fields(TimesState, track.times))
    return CallTrackState(**{**_fields(CallTrackState, track), "_spans": [*track._spans], "times": times})


def _track_again(state: CallTrackState) -> CallTrack:
    return _set(CallTrack.__new__(CallTrack), state, times=_set(Times.__new__(Times), state.times), kept_as=-1)


def _talk(talk: ConversationTrack, place: Callable[[CallTrack], int]) -> ConversationState:
    times, calls = TimesState(**_fields(TimesState, talk._times)), [place(track) for track in talk.calls]
    return ConversationState(**{**_fields(ConversationState, talk), "_times": times, "calls": calls})


def _talk_again(state: ConversationState, tracks: list[CallTrack], store: Store) -> ConversationTrack:
    calls, times = [tracks[place] for place in state.calls], _set(Times.__new__(Times), state._times)
    return _set(ConversationTrack.__new__(ConversationTrack), state, calls=calls, _times=times, _type_of=store._type_of)


def _set(value: _T, state: msgspec.Struct, **more: object) -> _T:
    for name, field in {**msgspec.structs.asdict(state), **more}.items():
        setattr(value, name, field)
    return value


def _clock(clock: Clock) -> ClockState:
    return ClockState(
        rate=clock.rate,
        given=clock._given,
        low=_finite(clock._low),
        high=_finite(clock._high),
        delta=clock._delta // _MICROSECOND,
        sharpened=clock._sharpened,
        read_at=clock._read_at,
        outdone=_finite(clock._outdone),
        foreign=clock._foreign,
        said=clock._said,
    )


def _clock_again(state: ClockState) -> Clock:
    clock = Clock(rate=state.rate)
    clock._given, clock._delta = state.given, state.delta * _MICROSECOND
    clock._low = -math.inf if state.low is None else state.low
    clock._high = math.inf if state.high is None else state.high
    clock._outdone = math.nan if state.outdone is None else state.outdone
    clock._sharpened, clock._read_at, clock._foreign, clock._said = (
        state.sharpened, state.read_at, state.foreign, state.said,
    )  # fmt: skip
    return clock


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None

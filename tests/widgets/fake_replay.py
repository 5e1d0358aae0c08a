"""A replay without a recording: a player that goes where it is told, and is slow where a test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from pbxnb.model.entities import LineState
from pbxnb.signals import Signal
from pbxnb.ui.player import Silence
from pbxnb.widgets.alerts.rules import AlertEvent, Rule
from tests.widgets.fakes import START, FakeHandle

HOUR = timedelta(hours=1)


class Held:
    """A command of the player; `end` is for the test to call."""

    def __init__(self) -> None:
        self._fns: list[Callable[[Any], None]] = []
        self._error: BaseException | None = None
        self._done = False

    def end(self, error: BaseException | None = None) -> None:
        self._done, self._error = True, error
        for fn in self._fns:
            fn(self)

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        self._fns.append(fn)
        if self._done:
            fn(self)

    def result(self, timeout: float | None = None) -> None:
        if self._error is not None:
            raise self._error

    def done(self) -> bool:
        return self._done


class PlayersClock:
    """The player's time is the handle's clock."""

    offset = 0.0

    def __init__(self, player: FakePlayer) -> None:
        self._player = player

    @property
    def rate(self) -> float:
        return self._player.speed if self._player.playing else 0.0

    def now(self) -> datetime:
        return self._player.position

    def at(self, moment: datetime) -> datetime:
        return moment


class FakePlayer:
    """Goes where it is told at once, or, with ``held``, when the test ends what it was told."""

    def __init__(self) -> None:
        self.start, self.end, self.position = START, START + HOUR, START
        self.playing = False
        self.on_change: Signal[FakePlayer] = Signal()
        self.told: list[tuple[Any, ...]] = []
        self.held: list[Held] | None = None
        self.fails: BaseException | None = None
        self._speed = 1.0
        self.raised: list[AlertEvent] = []
        self.errors: dict[str, str] = {}
        self.judges: list[tuple[Rule, ...]] = []

    def judge(self, rules: Iterable[Rule]) -> SimpleNamespace:
        self.judges.append(tuple(rules))
        return SimpleNamespace(events=self.raised, errors=self.errors, close=self.judges.clear)

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._do(("speed", speed), _speed=speed)

    def play(self) -> Held:
        return self._do(("play",), playing=True)

    def pause(self) -> Held:
        return self._do(("pause",), playing=False)

    def seek(self, t: datetime) -> Held:
        return self._do(("seek", t), position=t)

    def step(self, n: int = 1) -> Held:
        return self._do(("step", n), position=self.position + timedelta(seconds=n / 10))

    def _do(self, told: tuple[Any, ...], **fields: Any) -> Held:
        self.told.append(told)
        done = Held()
        vars(self).update(fields)
        if self.held is None:
            done.end(self.fails)
        else:
            self.held.append(done)
        self.on_change(self)
        return done


class FakeReplay:
    """A recording of an hour; ``moments`` are those of its events, by kind, minutes after the start."""

    def __init__(self, **moments: list[int]) -> None:
        self.player = FakePlayer()
        self.pbx = FakeHandle(control=False)
        self.pbx.clock = PlayersClock(self.player)  # type: ignore[assignment]
        self.silences: list[Silence] = []
        self.moments = {kind.replace("_", "."): minutes for kind, minutes in moments.items()}
        self.closed = 0
        self.player.on_change.add(lambda _: self.pbx.become(LineState.LIVE))

    def gaps(self) -> list[Silence]:
        return self.silences

    def search(self, kind: str, t: datetime, *, forward: bool) -> Iterator[datetime | None]:
        there = [START + timedelta(minutes=minute) for minute in self.moments[kind]]
        for at in there if forward else reversed(there):
            yield None
            if at > t if forward else at < t:
                yield at
                return

    def close(self) -> None:
        self.closed += 1

"""The scrubber: where a replay stands, and the ways to another moment. Knows what a player promises, no recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import traitlets

from pbxnb.errors import ConfigError
from pbxnb.ui.handle import Handle, PendingLike
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.player import Judged, Scrubbed
from pbxnb.ui.static import table
from pbxnb.ui.text import title_of
from pbxnb.zones import clock_text, day_text, times_in

from ..alerts import AlertEvent, Alerts, Rule
from .marks import Track

__all__ = ["Scrubber"]

_KINDS = {
    "call.new": "new call",
    "call.changed": "changed call",
    "call.ended": "ended call",
    "account.changed": "changed account",
    "gap": "gap",
    "alert": "alert",
}
_SPEEDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 1000.0)
_PLAYING = 0.1  # seconds between two batches while time passes
_APART = 0.04  # seconds between two moments that are shown; a page asks for one every 50 ms
_LOOK = 0.015  # seconds that a search may take of each beat
_PLACE, _TRACK = "place", "track"


class Scrubber(LivePanel):
    """The time of a replay: a track with its gaps and alerts, play, pause, speed, steps, and jumps to events.

    Every panel of the replay follows. A moment that is asked for while another is being shown waits, and of several the
    last one counts.

    Args:
        replay: what plays the recording; it is closed with the panel.
        alerts: rules, whose alerts are marked where they would have been raised, had they been judged once a second of
            the recording; or a panel of alerts, whose log is marked: what it has raised.
        traits: any attribute below.

    Attributes:
        position: PBX time; set it to jump there.
        playing: whether time passes; settable.
        speed: seconds of PBX time a second, 0.1 to 1000; settable.
        kind: what the buttons beside "play" jump to: ``call.new``, ``call.changed``, ``call.ended``,
            ``account.changed``, ``gap`` or ``alert``.
        pbx: the replayed handle, whose panels it moves.

    Raises:
        ConfigError: a position without a zone; something in ``alerts`` is no `Rule`.
    """

    scripts: ClassVar[tuple[str, ...]] = ("widgets/scrubber/seeks.js", "widgets/scrubber/scrubber.js")
    sheets: ClassVar[tuple[str, ...]] = ("widgets/scrubber/scrubber.css",)

    position: Final = traitlets.Instance(datetime)
    playing = traitlets.Bool(False)
    speed = traitlets.Float(1.0, min=0.1, max=1000.0)
    kind = traitlets.Enum(tuple(_KINDS), "call.new")

    def __init__(self, replay: Scrubbed, *, alerts: Alerts | Iterable[Rule] = (), **traits: Any) -> None:
        self.pbx: Final = replay.pbx
        self._replay, self._player = replay, replay.player
        self._alerts = alerts if isinstance(alerts, Alerts) else tuple(alerts)
        self._judged: Judged | None = None
        self._failed: set[str] = set()  # rules that are known to
        self._wanted: datetime | None = None  # asked for, while the one before is not shown yet
        self._aim: datetime | None = None  # being shown
        self._search: Iterator[datetime | None] | None = None
        self._says = self._else_says = ""  # what the panel says; what it will say where the search finds nothing
        self._sought = 0.0  # monotonic, when the last one was asked of the player
        self._sent: dict[str, Any] = {}
        self._next = 0.0
        self._mirrored = self._played()  # what of the player is being written to the traits
        super().__init__(replay.pbx, **{**self._mirrored, **traits})
        self._mirrored = {}
        self._ticket.wake()

    def _follow(self, handle: Handle) -> None:
        self._leave.callback(self._replay.close)
        super()._follow(handle)
        self._leave.callback(self._player.on_change.add(lambda _: self.refresh((_PLACE,))))
        if isinstance(self._alerts, Alerts):
            self._leave.callback(self._alerts.on_alert(lambda _: self.refresh((_TRACK,))))
        elif self._alerts:
            self._judged = self._player.judge(self._alerts)
            self._leave.callback(self._judged.close)

    # From any thread: hand over to the lane.

    def jump(self, n: int = 1) -> None:
        """Go to the next event of `kind`, or to the one before with ``n=-1``; where there is none the panel says so."""
        self._ticket.call(lambda: self._look_for(forward=n > 0))

    @traitlets.validate("position")
    def _check_position(self, proposal: Any) -> datetime:
        t: datetime = proposal["value"]
        if t.tzinfo is None:
            raise ConfigError("position has no zone.", hint="Give datetime(…, tzinfo=UTC), or your zone.")
        return t

    @traitlets.observe("position", "playing", "speed")
    def _set(self, change: Any) -> None:
        name, value = change["name"], change["new"]
        if self._mirrored.get(name) == value:
            return
        match name, value:
            case "position", t if t != self._place():
                self._ticket.call(lambda: self._seek(t))
            case "playing", on if on != self._player.playing:
                self._watch(self._player.play() if on else self._player.pause())
            case "speed", speed if speed != self._player.speed:
                self._player.speed = speed

    @traitlets.observe("kind")
    def _kind_changed(self, _change: Any) -> None:
        self.refresh((_PLACE,))

    def _watch(self, pending: PendingLike, then: Callable[[], object] = lambda: None) -> None:
        """See that it is done: a failure is shown in the strip."""

        def done() -> None:
            then()
            try:
                pending.result(0)
            except Exception as error:  # noqa: BLE001 - shown in the strip
                self.report(error)

        pending.add_done_callback(lambda _: self._ticket.call(done))

    # On the UI lane.

    def _paint(self, now: float) -> float | None:
        with self._lock:
            if self._closed:
                return None
            if self._search is not None or self._player.playing:
                self._dirty.mark((_PLACE,))
            self._look(time.perf_counter() + _LOOK)
            self._show_wanted()
            self._follow_player()
            again = now if self._search is not None else now + _PLAYING if self._player.playing else None
        painted = super()._paint(now)
        return min((at for at in (again, painted) if at is not None), default=None)

    def _tick(self, now: float) -> float | None:
        if now >= self._next:
            self._next = now + self.timing.recheck
            self._dirty.mark((_TRACK,))
            for rule, error in list(self._judged.errors.items()) if self._judged else ():
                if rule not in self._failed:
                    self._failed.add(rule)
                    self.report(f"Alert rule “{rule}” failed: {error}")
        return self._next

    def _place(self) -> datetime:
        """Where the replay is, or will be in a moment."""
        return self._wanted or self._aim or self._player.position

    def _seek(self, t: datetime) -> None:
        self._search, self._says = None, ""
        self._wanted = min(max(t, self._player.start), self._player.end)
        self._dirty.mark((_PLACE,))
        self._show_wanted()
        self._ticket.nudge()

    def _show_wanted(self) -> None:
        if self._wanted is None or self._aim is not None:
            return
        if (now := time.monotonic()) < self._sought + _APART:
            self._ticket.wake(self._sought + _APART)
            return
        self._sought, self._aim, self._wanted = now, self._wanted, None
        self._watch(self._player.seek(self._aim), self._arrived)

    def _arrived(self) -> None:
        self._aim = None
        self.refresh((_PLACE,))

    def _follow_player(self) -> None:
        self._mirrored = self._played()
        try:
            for name, value in self._mirrored.items():
                self.set_trait(name, value)
        except BaseException as error:  # noqa: BLE001 - an observer of the user's
            self.report(error)
        finally:
            self._mirrored = {}

    def _played(self) -> dict[str, Any]:
        """The traits as the player has them."""
        return {"position": self._place(), "playing": self._player.playing, "speed": self._player.speed}

    def _look_for(self, *, forward: bool) -> None:
        """Begin a search for the nearest event of `kind`."""
        kind, t = self.kind, self._place()
        self._says = f"Looking for the {'next' if forward else 'previous'} {_KINDS[kind]} …"
        self._else_says = f"There is no {_KINDS[kind]} {'after' if forward else 'before'} this moment."
        if kind in ("gap", "alert"):
            there = sorted(self._alert_times() if kind == "alert" else (gap.start for gap in self._replay.gaps()))
            near = [at for at in there if at > t][:1] if forward else [at for at in there if at < t][-1:]
            self._search = iter(near)
        else:
            self._search = self._replay.search(kind, t, forward=forward)
        self.refresh((_PLACE,))

    def _look(self, until: float) -> None:
        """Search on, up to a time of the performance counter."""
        while self._search is not None and time.perf_counter() < until:
            try:
                found = next(self._search)
            except StopIteration:
                self._search, self._says = None, self._else_says
            except Exception as error:  # noqa: BLE001 - shown in the strip
                self._search, self._says = None, ""
                self.report(error)
            else:
                if found is not None:
                    self._seek(found)

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"seek": int() | float() as at}:
                self._seek(self._player.start + timedelta(seconds=at))
            case {"by": int() | float() as seconds}:
                self._seek(self._place() + timedelta(seconds=seconds))
            case {"play": bool(on)}:
                self.playing = on
            case {"step": 1 | -1 as n}:
                self._says = ""
                self._watch(self._player.step(n))
            case {"jump": 1 | -1 as n}:
                self._look_for(forward=n > 0)
            case {"speed": int() | float() as speed}:
                self.speed = speed
            case {"kind": str(kind)}:
                self.kind = kind

    def _state(self) -> dict[str, Any]:
        words = {"kinds": _KINDS, "zone": times_in(self._handle.tz)}
        self._sent = {**self._place_facts(), **self._track_facts()}
        return words | self._sent

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        facts = {**(self._place_facts() if _PLACE in keys else {}), **(self._track_facts() if _TRACK in keys else {})}
        changed = {key: value for key, value in facts.items() if whole or self._sent.get(key) != value}
        self._sent |= changed
        return changed or None

    def _unsure(self) -> None:
        self._sent = {}

    def _place_facts(self) -> dict[str, Any]:
        t, zone, player = self._place(), self._handle.tz, self._player
        return {
            "at": round((t - player.start).total_seconds(), 3),
            "text": clock_text(t, zone, "milliseconds", date=True),
            "words": f"{day_text(t, zone)} {clock_text(t, zone)}, {'playing' if player.playing else 'paused'}",
            "playing": player.playing,
            "speed": player.speed,
            "speeds": sorted({*_SPEEDS, player.speed}),
            "kind": self.kind,
            "says": self._says,
        }

    def _track_facts(self) -> dict[str, Any]:
        start, end, zone = self._player.start, self._player.end, self._handle.tz
        track = Track(start, end, zone)
        return {
            "span": round((end - start).total_seconds(), 3),
            "first": track.text(start),
            "last": track.text(end),
            "gaps": track.gaps(self._replay.gaps()),
            "alerts": track.alerts(self._events()),
        }

    def _events(self) -> Sequence[AlertEvent]:
        """The alerts that are known."""
        if isinstance(self._alerts, Alerts):
            return self._alerts.log
        return () if self._judged is None else self._judged.events

    def _alert_times(self) -> Iterator[datetime]:
        return (one.at for one in self._events() if one.level.rank > one.before.rank)

    def _plain(self) -> str:
        zone, player = self._handle.tz, self._player
        first, place, last = (clock_text(t, zone, date=True) for t in (player.start, player.position, player.end))
        return f"Scrubber of {title_of(self._handle)}: {place}, of {first} to {last}, {times_in(zone)}"

    def _static(self) -> str:
        facts = self._place_facts() | self._track_facts()
        rows = [("Shown", facts["text"]), ("Recording", f"{facts['first']} to {facts['last']}")]
        return table(("", ""), rows + [("", mark.words) for mark in (*facts["gaps"], *facts["alerts"])])

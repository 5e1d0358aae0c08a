"""What the client says of its line: the current `Status`, its changes, and the gaps.

A gap begins at the last sign of life, a frame or a pong, whatever ended the line, and lasts to the resync. So does a
silence that made the line stale, up to its end: what came late is not lost, but when it happened is not known.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from pbxnb.model.changes import Event
from pbxnb.model.entities import LineState, Status
from pbxnb.model.status import Gap, slept
from pbxnb.signals import Signal

__all__ = ["LastSign", "LineStatus", "utc_now"]

_KEEP_GAPS = 1000
_CLOCK_NOISE = 0.001  # seconds by which two clocks differ that are read one after the other


def utc_now() -> datetime:
    """The kernel's clock."""
    return datetime.now(UTC)


class LastSign(msgspec.Struct, frozen=True, gc=False):
    """When something last came from the PBX: a frame or a pong.

    No clock is trusted alone. While a laptop sleeps the monotonic clock may stand still; the wall clock may be set.

    Attributes:
        at: on the client's clock, which stamps the model.
        wall: the kernel's wall clock, seconds.
        mono: its monotonic clock, seconds.
    """

    at: datetime
    wall: float
    mono: float

    def silence(self, wall: float, mono: float) -> float:
        """Seconds since then, never negative: the longer of what the two clocks say."""
        return max(wall - self.wall, mono - self.mono, 0.0)

    def moment(self, wall: float, mono: float) -> datetime:
        """When it was, on the client's clock as it is now: as much before ``at`` as that was set back since."""
        set_back = (mono - self.mono) - (wall - self.wall)
        return self.at - timedelta(seconds=set_back) if set_back > _CLOCK_NOISE else self.at


class LineStatus:
    """The current `Status` of a client.

    Args:
        on_event: gets an event ``connection`` for every new state.
        on_status: gets the status when its state, its reason or what it lacks changes.
        now: stamps the states and gaps.
        wall, mono: the kernel's wall and monotonic clocks, seconds.

    Attributes:
        current: the status without what changes with every message; `status` has that too.
        last_message_at: when the last frame came.
        latency: seconds of the last ping.
        version: what the PBX said it is.
        unreadable: frames that could not be read.
    """

    def __init__(
        self,
        on_event: Signal[Event],
        on_status: Signal[Status],
        now: Callable[[], datetime],
        *,
        wall: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self.current: Status = Status(state=LineState.CONNECTING, since=now())
        self.last_message_at: datetime | None = None
        self.latency: float | None = None
        self.version = ""
        self.unreadable = 0
        self._on_event = on_event
        self._on_status = on_status
        self._now = now
        self._wall = wall
        self._mono = mono
        self._down_since: LastSign | None = None  # of the gap that is open

    @property
    def status(self) -> Status:
        """The whole of it, as of now."""
        return msgspec.structs.replace(
            self.current,
            last_message_at=self.last_message_at,
            latency=self.latency,
            pbx_version=self.version,
            unreadable=self.unreadable,
        )

    def turn(self, state: LineState, *, why: str = "", missing: tuple[str, ...] = (), failed: bool = False) -> None:
        """Set the state; an event and a status go out only if something changed.

        Args:
            why: one sentence, empty when all is well.
            missing: what the line is live without.
            failed: whether a failure has ended it.
        """
        before = self.current
        if (state, why, missing) == (before.state, before.why, before.missing):
            return
        now = self._now()
        new = state != before.state
        self.current = msgspec.structs.replace(
            before, state=state, since=now if new else before.since, why=why, missing=missing, failed=failed
        )
        if new:
            self._on_event(Event(kind="connection", before=before.state.value, state=state.value, received=now))
        self._on_status(self.status)

    def live(self, missing: tuple[str, ...], behind: tuple[str, ...] = ()) -> None:
        """The line is live, if need be without something, or with something that may be old."""
        why = [f"The PBX has not sent its {' and '.join(missing)}."] if missing else []
        if behind:
            why.append(
                f"A frame could not be read: {' and '.join(behind)} may be old. The PBX is asked for them again."
            )
        self.turn(LineState.LIVE, missing=missing, why=" ".join(why))

    def stale(self, missing: tuple[str, ...], last: LastSign) -> None:
        """The line is open and silent since this sign of life, where a gap begins."""
        self.line_down(last)
        self.turn(LineState.STALE, missing=missing, why="Neither a frame nor a pong came for some time.")

    def line_down(self, last: LastSign) -> None:
        """A gap begins, at the last sign of life; one that a silence has opened goes on."""
        if self._down_since is not None:
            return
        self._down_since = last
        gap = self._gap_since(last, self.current.gaps, None)
        self.current = msgspec.structs.replace(self.current, gaps=(*self.current.gaps, gap)[-_KEEP_GAPS:])

    def line_up(self, end: datetime, *, reconnected: bool = True) -> Gap | None:
        """The open gap, if any, ends here; returned, and counted as a reconnect unless the line only was silent."""
        if self._down_since is None:
            return None
        # The clock may have been set back while the line was down, too.
        gap = self._gap_since(self._down_since, self.current.gaps[:-1], end)
        self._down_since = None
        self.current = msgspec.structs.replace(
            self.current, gaps=(*self.current.gaps[:-1], gap), reconnects=self.current.reconnects + reconnected
        )
        return gap

    def _gap_since(self, last: LastSign, before: tuple[Gap, ...], end: datetime | None) -> Gap:
        """The gap after this sign of life; a line that went live without any had none since the gap before."""
        start = last.moment(self._wall(), self._mono())
        former = before[-1].end if before else None
        if former is not None and start < former <= (end or self._now()):  # later only where a clock was set back
            start = former
        asleep = slept(self._wall() - last.wall, self._mono() - last.mono)
        return Gap(start, end, "sleep" if asleep else "line")

"""The status badge: what the line is doing, how fresh the picture is, and what to do when it is not. Sends nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from pbxnb.model.entities import LineState, Status
from pbxnb.shown import counted
from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.static import table
from pbxnb.zones import clock_text, offset_of

__all__ = ["HandleBadge", "StatusBadge"]

_GAPS_SHOWN = 5
_BEHIND = 2.0  # seconds that a recording may be behind before it is said
_WORDS = {
    LineState.CONNECTING: ("Connecting", "The line is being set up."),
    LineState.SYNCING: ("Syncing", "The line is open; accounts and calls are being read."),
    LineState.LIVE: ("Live", ""),
    LineState.STALE: ("Stale", "The PBX has gone quiet; what you see may be old. pbxnb keeps asking."),
    LineState.RECONNECTING: ("Reconnecting", "The line dropped; it is set up again by itself. What you see is old."),
    LineState.REFUSED: ("Refused", "Trying again unchanged cannot help: correct the cause and run the cell again."),
    LineState.CLOSED: ("Closed", "Run the cell that connects again for a live line."),
}
BOARD = "pbx.dashboard() shows the board."
_REPLAY = ("Replay", "A recording is shown.")


class StatusBadge(LivePanel):
    """The state of the line in one row, with the reason and the next step in words.

    Args:
        handle: the PBX.

    Example:
        >>> pbx.status_badge()
        <Status: Live...>
    """

    scripts: ClassVar[tuple[str, ...]] = ("widgets/badge.js",)
    sheets: ClassVar[tuple[str, ...]] = ("widgets/badge.css",)
    says_tenant = False

    def __init__(self, handle: Handle, **traits: Any) -> None:
        self._sent: dict[str, Any] = {}
        self._next = 0.0
        super().__init__(handle, **traits)

    def _status_changed(self, status: Status) -> None:
        super()._status_changed(status)
        self._dirty.mark(("line",))
        self._ticket.nudge()

    def _tick(self, now: float) -> float | None:
        if now >= self._next:
            self._next = now + self.timing.recheck
            self._dirty.mark(("line",))
        return self._next

    def _state(self) -> dict[str, Any]:
        self._sent = self._facts()
        return self._sent

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        before, self._sent = self._sent, self._facts()
        changed = {key: value for key, value in self._sent.items() if whole or before.get(key) != value}
        return changed or None

    def _unsure(self) -> None:
        self._sent = {}

    def _ending(self) -> str:
        return ""  # the badge says so itself, and its tenant too

    def _facts(self) -> dict[str, Any]:
        status, handle = self._handle.status, self._handle
        word, step = self._words(status)
        lacks = f"Live without {' and '.join(clean(name, 30) for name in status.missing)}." if status.missing else ""
        gaps = status.gaps
        return {
            "state": str(status.state),
            "word": word,
            "domain": clean(handle.domain),
            "user": clean(handle.user, 40),
            "version": clean(status.pbx_version, 40),
            "simulated": handle.simulated,
            "control": handle.control,
            "since": self._seconds(status.since),
            "last": self._seconds(status.last_message_at),
            "latency": None if status.latency is None else round(status.latency * 1000),
            "reconnects": status.reconnects,
            "gaps": [[self._seconds(gap.start), self._seconds(gap.end)] for gap in gaps[-_GAPS_SHOWN:]],
            "gap_count": len(gaps),
            "dropped": status.dropped_events,
            "unreadable": status.unreadable,
            "recording": _recording(status),
            "zone": handle.tz.key,
            "ahead": offset_of(handle.clock.now(), handle.tz).total_seconds() / 60,
            "failed": status.failed,
            "why": super()._ending() or clean(status.why, 400),
            "step": lacks or ("" if status.why else step),
        }

    def _words(self, status: Status) -> tuple[str, str]:
        replayed = self._handle.replayed and status.state == LineState.LIVE
        return _REPLAY if replayed else _WORDS[status.state]

    def _seconds(self, moment: datetime | None) -> float | None:
        """A time of the line, which is the kernel's, on the PBX's clock: the badge ticks by that."""
        return None if moment is None else round(self._handle.clock.at(moment).timestamp(), 1)

    def _plain(self) -> str:
        status = self._handle.status
        parts = (
            self._words(status)[0],
            clean(self._handle.domain),
            clean(self._handle.user, 40),
            clean(status.why, 200),
        )
        return "Status: " + " · ".join(part for part in parts if part)

    def _static(self) -> str:
        status = self._handle.status
        last = status.last_message_at
        rows = [
            ("State", self._words(status)[0]),
            ("Domain, user", f"{clean(self._handle.domain)} · {clean(self._handle.user, 40)}"),
            ("PBX", clean(status.pbx_version, 40)),
            (
                "Last message",
                "" if last is None else clock_text(self._handle.clock.at(last), self._handle.tz, date=True),
            ),
            ("Reconnects, gaps", f"{status.reconnects}, {len(status.gaps)}"),
            ("Frames not readable", f"{status.unreadable:,}" if status.unreadable else ""),
            ("Recording", clean(" ".join(_recording(status)), 300)),
            ("Why", clean(status.why, 400)),
        ]
        return table(("", ""), rows)


class HandleBadge(StatusBadge):
    """The badge that a handle shows of itself: with what it holds, and the way to the board.

    Args:
        handle: the PBX.

    Example:
        >>> pbx
        <Pbx ...>
    """

    def _facts(self) -> dict[str, Any]:
        held = counted(self._handle.accounts, "account"), counted(self._handle.calls, "call")
        return super()._facts() | {"holds": ", ".join(filter(None, held))}

    def _words(self, status: Status) -> tuple[str, str]:
        word, step = super()._words(status)
        return word, BOARD if status.state == LineState.LIVE else step


def _recording(status: Status) -> tuple[str, str]:
    """A word for how the recording stands, and where that is not well the reason; empty where there is none."""
    state = status.recording
    if state is None:
        return "", ""
    name = clean(state.path.replace("\\", "/").rpartition("/")[2], 60)
    if state.behind > _BEHIND:
        return "behind", f"The recording {name} is {state.behind:.0f} s behind. {clean(state.why, 200)}".strip()
    return ("with gaps" if state.why else "recording"), clean(state.why, 200) or name

"""What the client tells the outside: the four callbacks, and the status that three of its parts write to.

Callbacks run on the client's loop and must be quick; one that fails is logged and does not stop the line.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from pbxnb.model.changes import Changes, Event
from pbxnb.model.frames import Frame
from pbxnb.model.status import Gap, LineState, Status

__all__ = ["Board", "Listeners", "nobody", "tell", "utc_now"]

_LOG = logging.getLogger("pbxnb.client")
_KEEP_GAPS = 1000
_T = TypeVar("_T")


def utc_now() -> datetime:
    """The kernel's clock."""
    return datetime.now(UTC)


def nobody(_: Any) -> None:
    """The callback where there is none."""


class Listeners:
    """The callbacks: synchronous, called in order on the client's loop; set them before the client starts.

    Attributes:
        on_event: every `Event`, messages and connection included.
        on_changes: every non-empty `Changes`, before its events.
        on_frame: every `Frame`, both directions, at the moment it passes.
        on_status: every change of the line's state.
    """

    def __init__(self) -> None:
        self.on_event: Callable[[Event], None] = nobody
        self.on_changes: Callable[[Changes], None] = nobody
        self.on_frame: Callable[[Frame], None] = nobody
        self.on_status: Callable[[Status], None] = nobody


def tell(listener: Callable[[_T], None], *values: _T) -> None:
    """Call a callback with each value; its failure is its own affair."""
    for value in values:
        try:
            listener(value)
        except Exception:  # noqa: BLE001 - whatever a callback does wrong, the line and the model go on
            _LOG.exception("A callback failed.")


class Board:
    """The current `Status`, and its changes told to the listeners.

    Args:
        now: stamps the states.
    """

    def __init__(self, listeners: Listeners, now: Callable[[], datetime]) -> None:
        self._listeners = listeners
        self._now = now
        self._status = Status(state=LineState.CONNECTING, since=now())
        self.last_message_at: datetime | None = None
        self.latency: float | None = None
        self.version = ""

    @property
    def state(self) -> LineState:
        """Where the line is in its life."""
        return self._status.state

    @property
    def missing(self) -> tuple[str, ...]:
        """What the line is live without."""
        return self._status.missing

    @property
    def status(self) -> Status:
        """The whole of it, as of now."""
        return msgspec.structs.replace(
            self._status, last_message_at=self.last_message_at, latency=self.latency, pbx_version=self.version
        )

    def turn(self, state: LineState, *, why: str = "", missing: tuple[str, ...] = ()) -> None:
        """Set the state; an event and a status go out only if something changed.

        Args:
            why: one sentence, empty when all is well.
            missing: what the line is live without.
        """
        before = self._status
        if (state, why, missing) == (before.state, before.why, before.missing):
            return
        now = self._now()
        new = state != before.state
        self._status = msgspec.structs.replace(
            before, state=state, since=now if new else before.since, why=why, missing=missing
        )
        if new:
            event = Event(kind="connection", before=before.state.value, state=state.value, received=now)
            tell(self._listeners.on_event, event)
        tell(self._listeners.on_status, self.status)

    def live(self, missing: tuple[str, ...]) -> None:
        """The line is live, if need be without something."""
        why = f"The PBX has not sent its {' and '.join(missing)}." if missing else ""
        self.turn(LineState.LIVE, missing=missing, why=why)

    def line_down(self, start: datetime) -> None:
        """A gap begins."""
        gaps = (*self._status.gaps, Gap(start))[-_KEEP_GAPS:]
        self._status = msgspec.structs.replace(self._status, gaps=gaps)

    def line_up(self, end: datetime) -> Gap | None:
        """The open gap, if any, ends here; it is returned and counts as one reconnect."""
        gaps = self._status.gaps
        if not gaps or gaps[-1].end is not None:
            return None
        gap = Gap(gaps[-1].start, end)
        self._status = msgspec.structs.replace(
            self._status, gaps=(*gaps[:-1], gap), reconnects=self._status.reconnects + 1
        )
        return gap

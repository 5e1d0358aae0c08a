"""What a panel may ask of a PBX: everything a widget or a figure knows of the world outside.

`handle_of` is the way in, for our panels and for yours. It gives the handle of a `Pbx`, live, simulated or replayed;
a stand-in of a dozen lines, as in a test, is its own handle.

    class Counter(ipywidgets.Label):
        '''How many calls there are, live.'''

        def __init__(self, pbx):
            super().__init__()
            self._handle = handle_of(pbx)
            self._ticket = Lane.get().register(self._paint)  # pbxnb.ui.lane: the one thread that writes widgets
            self._stop = self._handle.watch(lambda changes: self._ticket.wake())
            self._ticket.wake()

        def _paint(self, now):
            self.value = f"{len(self._handle.calls)} calls"

        def close(self):
            self._stop()
            self._ticket.close()
            super().close()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from pbxnb.model.changes import Changes, Event, Frame
from pbxnb.model.entities import (
    Account,
    Call,
    CallRecord,
    Conversation,
    Evidence,
    Orbit,
    Presence,
    Queue,
    Snapshot,
    Status,
)

from .pending import PendingLike
from .player import Scrubbed

if TYPE_CHECKING:
    from pbxnb.history import History

__all__ = ["Clock", "Handle", "PagePhone", "PendingLike", "handle_of"]


class Clock(Protocol):
    """The PBX's clock, as far as it is known."""

    @property
    def offset(self) -> float:
        """Seconds to add to kernel time."""

    @property
    def rate(self) -> float:
        """PBX seconds per kernel second: 1 on a real PBX, the speed of a simulated one, 0 while paused."""

    def now(self) -> datetime:
        """PBX time now, UTC."""

    def at(self, moment: datetime) -> datetime:
        """A kernel moment (``received``, a time of `Status` or `Gap`) on the PBX's clock."""


class PagePhone(Protocol):
    """An extension whose calls sound in a page."""

    def takes(self, action: str, call: str = "") -> bool:
        """Whether it would ``dial`` now; or whether it is the one to ``answer``, ``hold`` or ``resume`` this call."""

    def request(self, action: str, call: str = "", to: str = "") -> None:
        """Do as if its button were pressed; from any thread."""


class Handle(Protocol):
    """What a panel may ask.

    Attributes:
        name, domain, user: whose view of which tenant it is.
        control: whether commands may be sent.
        simulated: whether the PBX is an embedded one.
        replayed: whether it is a recording that plays.
    """

    name: str
    domain: str
    user: str
    control: bool
    simulated: bool
    replayed: bool

    @property
    def tenant(self) -> str:
        """The domain, where lines to several are open and a panel must say which; else empty."""

    @property
    def status(self) -> Status:
        """The line, now."""

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Live accounts in order of number."""

    @property
    def calls(self) -> Mapping[str, Call]:
        """Live calls in order of start."""

    @property
    def conversations(self) -> Mapping[str, Conversation]:
        """Open conversations, and those that ended within the last minute."""

    @property
    def queues(self) -> Mapping[str, Queue]:
        """Queues as last read."""

    @property
    def orbits(self) -> Mapping[str, Orbit]:
        """Orbits as last read."""

    @property
    def clock(self) -> Clock:
        """The PBX's clock."""

    @property
    def tz(self) -> ZoneInfo:
        """The zone of every time that is shown (`pbxnb.zones` writes them)."""

    @property
    def history(self) -> History:
        """What was, on the PBX's clock."""

    def snapshot(self) -> Snapshot:
        """One consistent moment of the whole model."""

    def watch(self, fn: Callable[[Changes], None]) -> Callable[[], None]:
        """Call ``fn(changes)`` on the I/O lane after every change; it may only mark things dirty. Returns the stop."""

    def watch_frames(self, fn: Callable[[Frame], None]) -> Callable[[], None]:
        """Call ``fn(frame)`` on the I/O lane for every frame, both directions. Returns the stop."""

    def watch_status(self, fn: Callable[[Status], None]) -> Callable[[], None]:
        """Call ``fn(status)`` when the line's state changes (never for a mere new message). Returns the stop."""

    def on(self, kind: str, fn: Callable[[Event], Any]) -> Callable[[], None]:
        """Subscribe a user-level handler on the callback lane."""

    def frames(self) -> tuple[Frame, ...]:
        """The recent frames, oldest first."""

    def closed_calls(self) -> tuple[CallRecord, ...]:
        """The session's ended calls, oldest first."""

    def presence(self, number: str | None = None) -> tuple[Presence, ...]:
        """Presence intervals of the session, of one account or of all."""

    def explain(self, number: str) -> tuple[Evidence, ...]:
        """Why this account looks as it does: the rule and frame that set each axis."""

    def keep_read(self, queues: bool, orbits: bool) -> Callable[[], None]:
        """Ask for queues and orbits to be re-read while a panel shows them. Returns the stop."""

    def until_rerun(self, undo: Callable[[], object]) -> Callable[[], None]:
        """Call ``undo()`` when the cell that runs now runs again, as every panel does to close. Returns the stop."""

    def replay(self) -> Scrubbed:
        """What it records, played to panels of its own: it stands at the newest moment.

        Raises:
            ConfigError: it records nothing.
        """

    def preview(self, name: str, /, *args: Any, **kw: Any) -> Any:
        """What a command would send (a `Preview`), without sending it."""

    def page_phone(self, account: str) -> PagePhone | None:
        """The softphone of an account, where a page has one."""

    def command(self, name: str, /, *args: Any, **kw: Any) -> PendingLike:
        """Start the command ``name`` (``dial``, ``hangup`` ...)."""


def handle_of(pbx: Any) -> Handle:
    """The handle that panels ask.

    Args:
        pbx: a `Pbx`, or a stand-in for one, which is its own handle.

    Example:
        >>> stop = handle_of(pbx).watch(lambda changes: print("something to paint"))
        >>> stop()
    """
    make = getattr(pbx, "_panel_handle", None)
    return make() if make is not None else pbx  # type: ignore[no-any-return]

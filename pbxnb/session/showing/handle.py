"""What panels may ask of a `Pbx` beyond its public names (see `pbxnb.ui.handle`), and the newest frames."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from sys import getsizeof
from typing import TYPE_CHECKING, Any, Final

from pbxnb.forks import free_in_child
from pbxnb.model.changes import Frame
from pbxnb.model.entities import Status
from pbxnb.protocol.messages import CallState, DomainState, Malformed, UserState
from pbxnb.protocol.raw import in_memory

from ..line import Line
from ..registry import REGISTRY

if TYPE_CHECKING:
    from pbxnb.ui.handle import PagePhone
    from pbxnb.ui.player import Scrubbed

__all__ = ["FrameBuffer", "PanelHandle"]

_FRAME = 200  # bytes of a frame beside its text and its message: numbers, a time
_SMALL = 1024  # characters of a frame whose message is not looked at
_TYPED = 3  # bytes that a message with types of its own holds for each character of its text: 2 to 5, by what repeats


class FrameBuffer:
    """The newest frames, both directions, in memory and bounded.

    Args:
        max_frames: frames kept at most.
        max_bytes: bytes of memory kept at most, with the messages that were read of them.
    """

    def __init__(self, *, max_frames: int = 100_000, max_bytes: int = 32 * 2**20) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._lock = free_in_child(threading.Lock())

    def add(self, frame: Frame) -> None:
        """Keep ``frame``, and let the oldest go where there are too many; called on the I/O lane."""
        with self._lock:
            self._frames.append(frame)
            self._bytes += _held(frame)
            while len(self._frames) > self._max_frames or (self._bytes > self._max_bytes and len(self._frames) > 1):
                self._bytes -= _held(self._frames.popleft())

    def frames(self) -> tuple[Frame, ...]:
        """The frames, oldest first."""
        with self._lock:
            return tuple(self._frames)


def _held(frame: Frame) -> int:
    """Bytes of memory, about. What the model holds too counts: it goes on, and the message stays."""
    text, message = frame.text, frame.message
    size = _FRAME + getsizeof(text)
    if message is None or isinstance(message, Malformed):
        return size
    if len(text) <= _SMALL or isinstance(message, CallState | DomainState | UserState):
        return size + _TYPED * len(text)
    return size + in_memory(text)


class PanelHandle:
    """A `Pbx` as panels see it: all it has, the model's changes and frames as they come, and commands by name.

    Args:
        pbx: what everything else is asked of.
        line: the connection below it.
        command: starts a command by its name.
    """

    def __init__(self, pbx: Any, line: Line, command: Callable[..., Any]) -> None:
        self._pbx = pbx
        # Bound once: a panel asks for these with every change it paints.
        self.accounts: Final = pbx.accounts
        self.calls: Final = pbx.calls
        self.conversations: Final = pbx.conversations
        self.clock: Any = pbx.clock
        self.tz: Any = pbx.tz
        self.history: Final = line.history
        self.watch: Final = line.feed.on_changes.add
        self.watch_frames: Final = line.feed.on_frame.add
        self.watch_status: Final = line.on_status.add
        self.keep_read: Final = line.keep_read
        self.command = command
        self.until_rerun: Final = REGISTRY.cells.remember

    def page_phone(self, account: str) -> PagePhone | None:
        """The softphone of an account, where a page has one."""
        phones = tuple(self._pbx._page_calls.values())  # noqa: SLF001 - the handle is the part of a Pbx that panels see
        its = (one.panels for one in phones if one.phone.account == account and one.owner.page and one.panels)
        return next((panels[0] for panels in its), None)

    def replay(self) -> Scrubbed:
        """What it records, played to panels of its own; see `replay_of`."""
        from ..scrubbing.shown import replay_of

        return replay_of(self._pbx)

    @property
    def tenant(self) -> str:
        """The domain, where lines to several are open; else empty."""
        return self._pbx.domain if REGISTRY.several else ""

    @property
    def status(self) -> Status:
        """The line, now."""
        return self._pbx.status  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._pbx, name)

"""The console: the frames as they pass, both directions, every field explained, and why a tile looks as it does."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

import traitlets

from pbxnb.model.changes import Frame
from pbxnb.model.entities import Evidence
from pbxnb.protocol.registry import REGISTRY
from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.static import table
from pbxnb.ui.text import title_of
from pbxnb.zones import times_in

from .frames import Wish, evidence_rows, explained, line, matches

if TYPE_CHECKING:
    from ..grid import ExtensionGrid

__all__ = ["Console"]

_FRAMES, _DETAIL, _WHY = "frames", "detail", "why"
_AT_ONCE = 25  # lines of one batch: more than anybody reads in a twentieth of a second
_KEEP = 300  # lines in the page
_WAITING_SIZE = 8 * 2**20  # characters of their texts; of more the newest are read from the handle
_WAITING = 2000  # frames between two beats; of more only the number is known


class Console(LivePanel):
    """The live messages, newest last, for those who want to see what the PBX says.

    Every time in it is when a frame passed through the kernel, however fast the clock of a simulated PBX runs.

    Args:
        handle: the PBX.
        grid: its key ``w`` on a tile asks here why the tile looks as it does.
        traits: any attribute below.

    Attributes:
        direction: ``in``, ``out`` or empty for both.
        kinds: names of messages to show, such as ``call-state``; empty shows all.
        account: show what names this account.
        call: show what names this call.
        filter: words that must all be in the text.
        paused: the view stands still; frames are kept by the handle all the same.

    Example:
        >>> console = pbx.console(kinds=["call-state"])
        >>> console.why("45")
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "ui/clipboard.js",
        "widgets/console/code_text.js",
        "widgets/console/console.js",
    )
    sheets: ClassVar[tuple[str, ...]] = ("widgets/console/console.css",)

    direction: Final = traitlets.Enum(("", "in", "out"), "").tag(sync=True)
    kinds: Final = traitlets.List(traitlets.Unicode(), maxlen=100).tag(sync=True)
    account: Final = traitlets.Unicode("").tag(sync=True)
    call: Final = traitlets.Unicode("").tag(sync=True)
    filter: Final = traitlets.Unicode("").tag(sync=True)
    paused: Final = traitlets.Bool(False).tag(sync=True)

    def __init__(self, handle: Handle, grid: ExtensionGrid | None = None, **traits: Any) -> None:
        self._fresh: deque[Frame] = deque(maxlen=_WAITING)
        self._fresh_size = 0  # characters of their texts
        self._arrived = 0  # frames since the last batch, kept or not
        self._all = False  # the next batch replaces the page's lines
        self._until: int | None = None  # the newest frame of a paused view
        self._detail: dict[str, Any] | None = None
        self._why: dict[str, Any] | None = None
        super().__init__(handle, **traits)
        self._leave.callback(self._handle.watch_frames(self._frame))
        if grid is not None:
            self._leave.callback(grid.on_action(self._asked_by_tile))

    def why(self, number: str) -> None:
        """Show why the tile of an account looks as it does: the frames and rules that made its state."""
        account = self._handle.accounts.get(number)
        self._why = {
            "number": clean(number, 40),
            "state": "" if account is None else str(account.state),
            "name": "" if account is None else clean(account.name),
            "rows": evidence_rows(self._handle.explain(number), self._received, self._handle.tz)
            if account is not None
            else [],
        }
        self.refresh([_WHY])

    def show(self, seq: int) -> None:
        """Show one frame of the handle's recent ones with every field explained.

        Args:
            seq: its number.
        """
        frame = self._kept(seq)
        self._detail = {"gone": seq} if frame is None else explained(frame, self._handle.tz)
        self.refresh([_DETAIL])

    def _kept(self, seq: int) -> Frame | None:
        frames = self._handle.frames()
        at = bisect_left(frames, seq, key=lambda frame: frame.seq)
        return frames[at] if at < len(frames) and frames[at].seq == seq else None

    def _received(self, evidence: Evidence) -> datetime | None:
        """When the kernel received it: the one clock of the console. A simulated PBX stamps evidence with its own."""
        if not self._handle.simulated:
            return evidence.received
        frame = self._kept(evidence.seq)
        return None if frame is None else frame.received

    @traitlets.observe("direction", "kinds", "account", "call", "filter", "paused")
    def _wish_changed(self, change: Any) -> None:
        if change["name"] == "paused":
            frames = self._handle.frames()
            self._until = (frames[-1].seq if frames else 0) if change["new"] else None
        self._all = True
        self.refresh([_FRAMES])

    def _asked_by_tile(self, action: str, number: str, _call: str) -> None:
        if action == "why":
            self.why(number)

    # On the I/O lane.

    def _frame(self, frame: Frame) -> None:
        if self.paused:
            return
        if self._pages:
            self._arrived += 1
            self._fresh_size += len(frame.text)
            if self._fresh_size < _WAITING_SIZE:
                self._fresh.append(frame)
            else:
                self._all = True  # the handle keeps them; twice is too much
            self._ticket.wake()
        else:
            self._all = True  # whoever looks next gets the newest lines in one piece
        self._dirty.mark((_FRAMES,))

    # On the UI lane.

    def _state(self) -> dict[str, Any]:
        self._fresh.clear()
        self._arrived = 0
        return {
            "zone": times_in(self._handle.tz),
            "known": sorted({entry.name for entry in REGISTRY}),
            "lines": self._last(),
            "detail": self._detail,
            "why": self._why,
        }

    def _unsure(self) -> None:
        self._all = True

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        part: dict[str, Any] = {}
        if _DETAIL in keys:
            part["detail"] = self._detail
        if _WHY in keys:
            part["why"] = self._why
        if _FRAMES in keys:
            part |= self._lines(replace=whole or self._all)
        return part or None

    def _lines(self, replace: bool) -> dict[str, Any]:
        arrived, self._arrived = self._arrived, 0
        self._fresh_size = 0
        fresh = [self._fresh.popleft() for _ in range(len(self._fresh))]
        if replace:
            self._all = False
            return {"lines": self._last()}
        wish = self._wish()
        wanted = [frame for frame in fresh if matches(frame, wish)]
        if not wanted:
            return {}
        # What came too fast to be kept is counted without being looked at: "at least" is honest, silence is not.
        skipped = max(0, len(wanted) - _AT_ONCE) + arrived - len(fresh)
        return {"more": [line(frame, self._handle.tz) for frame in wanted[-_AT_ONCE:]], "skipped": skipped}

    def _last(self) -> list[list[Any]]:
        """The newest lines that are wanted, oldest first."""
        wish, found = self._wish(), []
        for frame in reversed(self._handle.frames()):
            if (self._until is None or frame.seq <= self._until) and matches(frame, wish):
                found.append(line(frame, self._handle.tz))
                if len(found) == _KEEP:
                    break
        return found[::-1]

    def _wish(self) -> Wish:
        return Wish(
            direction=self.direction,
            kinds=frozenset(self.kinds),
            account=self.account.strip(),
            call=self.call.strip(),
            words=tuple(self.filter.lower().split()),
        )

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"show": int(seq)}:
                self.show(seq)
            case {"why": str(number)}:
                self.why(number.strip()[:200])
            case {"close": "detail"}:
                self._detail = None
            case {"close": "why"}:
                self._why = None

    def _plain(self) -> str:
        return f"Console of {title_of(self._handle)}: {len(self._handle.frames()):,} recent frames"

    def _static(self) -> str:
        rows = [(str(seq), at, way, kind, text) for seq, way, at, kind, _, text in self._last()[-50:]]
        return table(("Frame", "Time", "Way", "Kind", "Text"), rows)

"""What is selected in one part of a board, selected in the others. Knows traits, not pages; writes on the UI lane only.

What somebody picked is never overwritten: a picked row lights its people's tiles only where no tile was picked, and a
picked tile selects its call only where no row was. So "pick a call, then the tile to transfer it to" keeps both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pbxnb.model.entities import Conversation
from pbxnb.ui.handle import Handle
from pbxnb.ui.lane import Lane, Ticket

if TYPE_CHECKING:
    from ..call_list import CallList
    from ..grid import ExtensionGrid

__all__ = ["Selection"]


class Selection:
    """Links ``grid.selected`` (numbers), ``calls.selected`` (conversations) and ``timeline.selected`` (a conversation).

    Args:
        handle: says who is in which conversation.
        ticket: how to get onto the UI lane.
        grid: tiles.
        calls: rows.
        timeline: any widget with a trait ``selected``, the id of a conversation or empty; or None.
    """

    def __init__(
        self, handle: Handle, ticket: Ticket, grid: ExtensionGrid, calls: CallList, timeline: Any = None
    ) -> None:
        self._handle, self._ticket = handle, ticket
        self._grid, self._calls = grid, calls
        self._timeline = timeline if timeline is not None and timeline.has_trait("selected") else None
        self._writing = False
        self._tiles_follow = self._rows_follow = True
        self._watched: list[tuple[Any, Callable[[Any], None]]] = []
        parts = ((grid, self._tile_picked), (calls, self._row_picked), (self._timeline, self._mark_picked))
        for part, do in parts:
            if part is not None:
                self._watch(part, do)
        self._mark_row()

    def close(self) -> None:
        """Leave the parts alone from now on."""
        for part, observer in self._watched:
            part.unobserve(observer, "selected")
        self._watched.clear()

    def _watch(self, part: Any, do: Callable[[], None]) -> None:
        def changed(_change: object) -> None:
            # Our own writes come back here, on the lane, while we write; everybody else's go there first.
            if not (self._writing and Lane.get().here()):
                self._ticket.call(lambda: self._write(do))

        part.observe(changed, "selected")
        self._watched.append((part, changed))

    # On the UI lane.

    def _write(self, do: Callable[[], None]) -> None:
        self._writing = True
        try:
            do()
        finally:
            self._writing = False

    def _tile_picked(self) -> None:
        tiles = self._grid.selected
        self._tiles_follow = not tiles
        self._calls.highlighted = list(tiles)
        if self._rows_follow:
            open_ones = self._conversations(tiles[0]) if len(tiles) == 1 else []
            self._calls.selected = open_ones if len(open_ones) == 1 else []
            self._mark_row()

    def _row_picked(self) -> None:
        self._rows_follow = not self._calls.selected
        self._mark_row()
        if self._tiles_follow:
            found = (self._handle.conversations.get(id_) for id_ in self._calls.selected)
            people = dict.fromkeys(number for c in found if c is not None for number in _people(c))
            self._grid.selected = list(filter(self._grid.shows, people))
        self._calls.highlighted = list(self._grid.selected)

    def _mark_picked(self) -> None:
        picked = self._timeline.selected if self._timeline is not None else ""
        self._calls.selected = [picked] if picked else []
        self._row_picked()

    def _mark_row(self) -> None:
        if self._timeline is not None:
            rows = self._calls.selected
            self._timeline.selected = rows[0] if len(rows) == 1 else ""

    def _conversations(self, number: str) -> list[str]:
        """The open conversations an account is in now."""
        account, calls = self._handle.accounts.get(number), self._handle.calls
        found = (calls.get(id_) for id_ in (account.calls if account is not None else ()))
        return list(dict.fromkeys(call.conversation for call in found if call is not None and call.conversation))


def _people(conversation: Conversation) -> tuple[str, ...]:
    return (conversation.from_.number, conversation.answered_by or conversation.to.number)

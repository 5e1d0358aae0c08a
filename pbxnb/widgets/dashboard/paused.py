"""A board that stands still: its parts over a recording of the line, and the scrubber that moves them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Final

from pbxnb.ui.handle import handle_of
from pbxnb.ui.lane import Ticket
from pbxnb.ui.player import Scrubbed

from ..alerts import Alerts
from ..scrubber import Scrubber
from .parts import Parts

__all__ = ["PausedParts"]


class PausedParts:
    """Made on the UI lane; closing ``leave`` closes them all, and the replay.

    Args:
        replay: what they show.
        ticket: how to get onto the UI lane.
        alerts: of the line, to be marked on the track.
        timeline: whether there is one.
        settings: traits of each panel.
    """

    def __init__(
        self, replay: Scrubbed, ticket: Ticket, alerts: Alerts | None, timeline: bool, settings: dict[str, Any]
    ) -> None:
        self.leave: Final = ExitStack()
        try:
            self.leave.callback(replay.close)
            self.scrubber: Final = self._own(Scrubber(replay, alerts=alerts or (), **settings))
            self.scrubber.add_class("pbx-board-scrubber")
            made = (lambda: replay.pbx.timeline(new=True, most_lanes=12)) if timeline else None
            self.parts: Final = Parts(handle_of(replay.pbx), ticket, self._own, made, commands=False, **settings)
            self.leave.callback(self.parts.selection.close)
        except BaseException:
            self.leave.close()
            raise

    @property
    def panels(self) -> list[Any]:
        """In the order shown."""
        return [self.scrubber, *self.parts.panels]

    def _own(self, part: Any) -> Any:
        self.leave.callback(lambda: part.layout.close())
        self.leave.callback(part.close)
        return part

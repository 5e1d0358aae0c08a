"""A panel whose buttons send commands: only while it is armed, and never on a handle without control."""

from __future__ import annotations

from typing import Any, Final

import traitlets

from pbxnb.ui.live_panel import LivePanel

__all__ = ["ArmedPanel"]


class ArmedPanel(LivePanel):
    """A panel that sends commands.

    Attributes:
        armed: whether a press sends; never on a handle without control. On at first where the PBX is simulated.
    """

    armed: Final = traitlets.Bool(False).tag(sync=True)

    @traitlets.default("armed")
    def _default_armed(self) -> bool:
        return self._handle.control and self._handle.simulated

    @traitlets.validate("armed")
    def _check_armed(self, proposal: Any) -> bool:
        return bool(proposal["value"]) and self._handle.control

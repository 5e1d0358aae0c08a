"""Panels: grid, calls, badge, command bar, console, phone, scrubber, board as ipywidgets. Know a `Handle`, no socket.

The names below are loaded when first used: a board needs plenty, one panel little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .alerts import AlertEvent, Alerts, Level, Rule
    from .badge import StatusBadge
    from .call_list import CallList
    from .command_bar import CommandBar
    from .console import Console
    from .dashboard import Dashboard
    from .grid import ExtensionGrid
    from .kpis import Kpis
    from .queue_board import QueueBoard
    from .scrubber import Scrubber
    from .softphone import Softphone
    from .sparklines import Sparklines

__all__ = [
    "AlertEvent",
    "Alerts",
    "CallList",
    "CommandBar",
    "Console",
    "Dashboard",
    "ExtensionGrid",
    "Kpis",
    "Level",
    "QueueBoard",
    "Rule",
    "Scrubber",
    "Softphone",
    "Sparklines",
    "StatusBadge",
]

_HOME = {
    "AlertEvent": "alerts",
    "Alerts": "alerts",
    "CallList": "call_list",
    "CommandBar": "command_bar",
    "Console": "console",
    "Dashboard": "dashboard",
    "ExtensionGrid": "grid",
    "Kpis": "kpis",
    "Level": "alerts",
    "QueueBoard": "queue_board",
    "Rule": "alerts",
    "Scrubber": "scrubber",
    "Softphone": "softphone",
    "Sparklines": "sparklines",
    "StatusBadge": "badge",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__

"""What lies behind the timeline's calls: do not disturb, not registered, and the line's gaps."""

from __future__ import annotations

from collections.abc import Sequence

from pbxnb.ui.handle import Handle

from .marks import Column

__all__ = ["backdrop"]

_AXES = {("registered", "false"): "offline", ("dnd", "true"): "dnd"}


def backdrop(handle: Handle, lanes: Sequence[str], start: float, end: float, now: float) -> dict[str, Column]:
    """Background marks of a window.

    Args:
        handle: whose presence and gaps are shown.
        lanes: visible lanes, top to bottom.
        start, end: the window, seconds since 1970.
        now: PBX time, where what goes on ends.

    Returns:
        ``offline``, ``dnd`` and ``gap``, as far as there are any; a gap is one mark over all rows.
    """
    backs: dict[str, Column] = {}
    for row, lane in enumerate(lanes):
        for interval in handle.presence(lane):
            name = _AXES.get((interval.axis, interval.value.lower()))
            if name is not None:
                words = "not registered" if name == "offline" else "do not disturb"
                until = interval.end.timestamp() if interval.end else now
                _add(backs, name, interval.start.timestamp(), until, start, end, row, f"{lane}: {words}")
    middle = (len(lanes) - 1) / 2
    for gap in handle.status.gaps:
        until = gap.end.timestamp() if gap.end else now
        lasted = f"line down {until - gap.start.timestamp():.0f} s"
        _add(backs, "gap", gap.start.timestamp(), until, start, end, middle, lasted)
    return backs


def _add(
    backs: dict[str, Column], name: str, left: float, right: float, start: float, end: float, row: float, text: str
) -> None:
    left, right = max(left, start), min(right, end)
    if right > left:
        backs.setdefault(name, Column([], [], [], [], [], [])).add(left, right, row, 1.0, "", text)

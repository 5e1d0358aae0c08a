"""How much of a session is known: the one sentence that stands under every picture, and the share of a window."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pbxnb.model.past.memory import Dropped
from pbxnb.model.status import Gap

__all__ = ["AT_LEAST", "Interval", "coverage_text", "gap_text", "share_up"]

Interval = tuple[float, float | None]
"""From when to when, PBX time, seconds since 1970; the end is None while it lasts."""
AT_LEAST = "totals are at least"
"""What is said wherever something may be missing."""
_WHY = {
    "line": "line down",
    "sleep": "computer asleep",
    "kernel": "no session",
    "disk": "left out by the disk",
    "off": "not recorded",
    "file": "file missing",
}


def gap_text(why: str) -> str:
    """Why nothing was known, in two or three words; of a reason that nobody knows that it is one."""
    return _WHY.get(why, "nothing known")


def coverage_text(gaps: Iterable[Gap], dropped: Dropped, now: datetime) -> str:
    """What may be missing, as a phrase.

    Args:
        gaps: when nothing was known, PBX time.
        dropped: what memory let go.
        now: the end of a gap that lasts, PBX time.

    Example:
        >>> from datetime import UTC, timedelta
        >>> noon = datetime(2026, 9, 21, 12, tzinfo=UTC)
        >>> coverage_text([], Dropped(), noon)
        'line up throughout'
        >>> coverage_text([Gap(noon, noon + timedelta(seconds=5), "sleep")], Dropped(calls=2_000), noon)
        'computer asleep 5 s in 1 gap, 2,000 older calls let go: totals are at least'
    """
    lasted: dict[str, list[float]] = {}
    for gap in gaps:
        lasted.setdefault(gap_text(gap.why), []).append(((gap.end or now) - gap.start).total_seconds())
    lacks = [f"{why} {sum(those):.0f} s in {_counted(len(those), 'gap')}" for why, those in lasted.items()]
    lacks += [f"{_counted(dropped.calls, 'older call')} let go"] if dropped.calls else []
    lacks += [f"{_counted(dropped.presence, 'older state')} of accounts let go"] if dropped.presence else []
    return f"{', '.join(lacks)}: {AT_LEAST}" if lacks else "line up throughout"


def share_up(gaps: Iterable[Interval], start: float, end: float) -> float:
    """Share of a window that the line was up, 0 to 1.

    Example:
        >>> share_up([(10.0, 20.0), (90.0, None)], 0.0, 100.0)
        0.8
    """
    down = sum(max(0.0, min(end, end if until is None else until) - max(start, since)) for since, until in gaps)
    return 1.0 - down / (end - start) if end > start else 1.0


def _counted(number: int, of_what: str) -> str:
    return f"{number:,} {of_what}{'' if number == 1 else 's'}"

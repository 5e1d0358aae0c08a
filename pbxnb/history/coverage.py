"""How much of a session is known: the one sentence that stands under every picture, and the share of a window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pbxnb.model.past.memory import Dropped

__all__ = ["AT_LEAST", "Interval", "coverage_text", "share_up"]

Interval = tuple[float, float | None]
"""From when to when, PBX time, seconds since 1970; the end is None while it lasts."""
AT_LEAST = "totals are at least"
"""What is said wherever something may be missing."""


def coverage_text(gaps: Sequence[Interval], dropped: Dropped, now: float) -> str:
    """What may be missing, as a phrase.

    Args:
        gaps: when the line was down.
        dropped: what memory let go.
        now: the end of a gap that lasts, PBX time.

    Example:
        >>> coverage_text([], Dropped(), 0.0)
        'line up throughout'
        >>> coverage_text([(10.0, 15.0)], Dropped(calls=2_000), 60.0)
        'line down 5 s in 1 gap, 2,000 older calls let go: totals are at least'
    """
    down = sum((now if end is None else end) - start for start, end in gaps)
    lacks = [f"line down {down:.0f} s in {_counted(len(gaps), 'gap')}"] if gaps else []
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

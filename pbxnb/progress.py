"""How far something is that takes longer than a second: a bar, in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import TypeVar

__all__ = ["counted", "shown"]

T = TypeVar("T")
_AFTER = 1.0  # seconds


def shown(items: Iterable[T], total: int | None, what: str) -> Iterable[T]:
    """The items as they are, with a bar where they take longer than a second; it goes at the end.

    Args:
        total: how many they are; None where nobody knows; the items are not asked, which may go through them all.
        what: is done with them, such as ``Reading monday.pbx``.

    Example:
        >>> [*shown([1, 2], 2, "Counting")]
        [1, 2]
    """
    from tqdm.auto import tqdm

    bar: Iterable[T] = tqdm(iter(items), total=total, desc=what, delay=_AFTER, leave=False)
    return bar


def counted(what: str, unit: str) -> tuple[Callable[[int, int | None], object], Callable[[], object]]:
    """A bar for what comes bit by bit on another thread: it belongs to the cell that asks for it.

    Returns:
        ``count(more, total)``, ``total`` as far as it is known, and ``close()``; from any thread, one at a time.

    Example:
        >>> count, close = counted("Reading", "pages")
        >>> count(1, None)
        >>> close()
    """
    from tqdm.auto import tqdm

    bar, cell = tqdm(desc=what, unit=f" {unit}", delay=_AFTER, leave=False), copy_context()

    def count(more: int, total: int | None) -> None:
        bar.total = total
        cell.run(bar.update, more)

    return count, lambda: cell.run(bar.close)

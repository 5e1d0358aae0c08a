"""How far something is that takes longer than a second: a bar, in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

__all__ = ["shown"]

T = TypeVar("T")
_AFTER = 1.0  # seconds


def shown(items: Iterable[T], total: int | None, what: str) -> Iterable[T]:
    """The items as they are, with a bar where they take longer than a second; it goes at the end.

    Args:
        total: how many they are; None where nobody knows.
        what: is done with them, such as ``Reading monday.pbx``.

    Example:
        >>> [*shown([1, 2], 2, "Counting")]
        [1, 2]
    """
    from tqdm.auto import tqdm

    bar: Iterable[T] = tqdm(items, total=total, desc=what, delay=_AFTER, leave=False)
    return bar

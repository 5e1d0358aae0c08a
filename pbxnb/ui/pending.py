"""A command in flight, as a panel sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["PendingLike"]


class PendingLike(Protocol):
    """A command in flight."""

    def result(self, timeout: float | None = None) -> Any:
        """Wait for and return the `Outcome`."""

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        """Call ``fn(pending)`` once it is done, on the callback lane."""

    def done(self) -> bool:
        """Whether the outcome is known."""

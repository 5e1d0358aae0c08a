"""The chat texts of one tenant, kept so that they can be read back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["SimChats", "SimText"]

MOST_TEXTS = 1_000


class SimText(NamedTuple):
    """One chat text; ``at`` is virtual time."""

    id: int
    sender: str
    text: str
    at: float


class SimChats:
    """The newest texts between each two extensions.

    Attributes:
        count: of all texts so far; the id of the newest.
    """

    def __init__(self) -> None:
        self.count: int = 0
        self._texts: dict[frozenset[str], list[SimText]] = {}

    def keep(self, sender: str, receiver: str, text: str, at: float) -> None:
        """Keep a text; of each two extensions the newest thousand."""
        self.count += 1
        texts = self._texts.setdefault(frozenset((sender, receiver)), [])
        texts.append(SimText(self.count, sender, text, at))
        del texts[:-MOST_TEXTS]

    def between(self, one: str, other: str) -> Sequence[SimText]:
        """What was exchanged by two extensions, oldest first."""
        return self._texts.get(frozenset((one, other)), ())

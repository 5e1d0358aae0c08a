"""When each account was registered, was not, or did not want to be disturbed; followed by changes, like the calls."""

from __future__ import annotations

from collections.abc import Callable

from pbxnb.model.entities import Account, Phase

from .index import Index
from .spans import Span
from .stories import Story

__all__ = ["CONDITIONS", "Conditions"]

CONDITIONS: dict[str, Callable[[Account], bool]] = {
    "registered": lambda account: account.registered is True,
    "offline": lambda account: account.registered is False,
    "dnd": lambda account: account.dnd is True,
}
_KEPT = 20_000
_NOBODY = Story("")


class Conditions:
    """The accounts' conditions.

    Attributes:
        past: by condition, its ended intervals; each account is a lane.
        since: by condition and number, from when on it holds; PBX time, seconds since 1970.
    """

    def __init__(self) -> None:
        self.past = {name: Index(most=_KEPT) for name in CONDITIONS}
        self.since: dict[str, dict[str, float]] = {name: {} for name in CONDITIONS}

    def follow(self, number: str, account: Account | None, moment: float) -> None:
        """An account has another value since a moment; None when it is gone."""
        for name, holds in CONDITIONS.items():
            since = self.since[name]
            if account is not None and holds(account):
                since.setdefault(number, moment)
            elif number in since:
                began = since.pop(number)
                span = Span(number, Phase.OTHER, began, max(began, moment), (number,))
                self.past[name].inbox.append((span, _NOBODY))

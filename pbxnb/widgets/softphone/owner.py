"""Which page has the sound of a phone, and whether it is still there. Without clock and wire: it counts beats."""

from __future__ import annotations

__all__ = ["Owner"]

PATIENCE = 5
"""Beats, one a second, that a page may leave unanswered before it counts as gone."""


class Owner:
    """The one page that may carry out orders.

    Attributes:
        page: the name that the page made for itself; empty while nobody has the phone.
        contested: whether another page asked for it and this one has not yet shown that it is there.

    Example:
        >>> owner = Owner()
        >>> owner.claim("one"), owner.claim("two"), owner.page, owner.contested
        (True, False, 'one', True)
        >>> owner.heard("one"), owner.contested
        (True, False)
    """

    def __init__(self) -> None:
        self.page: str = ""
        self.contested: bool = False
        self._unanswered = 0

    def claim(self, page: str) -> bool:
        """A page asks for the phone, and gets it where nobody has it: whether that changed the owner."""
        if self.page:
            self.contested = self.contested or page != self.page
            return False
        self.take(page)
        return True

    def take(self, page: str) -> None:
        """A person wants the phone in this page, whoever had it; empty: nobody has it."""
        self.page, self.contested, self._unanswered = page, False, 0

    def heard(self, page: str) -> bool:
        """A page said something: whether it is the owner, which has thereby shown that it is there."""
        if page != self.page:
            return False
        self.contested, self._unanswered = False, 0
        return True

    def beat(self, *, audible: bool) -> bool:
        """One more second: whether the owner has been silent for too long.

        Args:
            audible: whether its answer could have been heard; in a kernel that a cell blocks it could not.
        """
        self._unanswered += audible
        return bool(self.page) and self._unanswered > PATIENCE

"""What makes the phones of a handle."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pbxnb.client.client import Client
from pbxnb.session.line import Line

from .socket import PhoneSocket

__all__ = ["Phones"]


class Phones:
    """What the phones of one handle have in common.

    Args:
        line: the handle's.
        another: makes a client of the same PBX with the same login, for a user.
    """

    def __init__(self, line: Line, another: Callable[..., Client]) -> None:
        self._line = line
        self._another = another

    def socket(self, account: str, *, lines: int = 1, media_hosts: Collection[str] | None = None) -> PhoneSocket:
        """A socket for one phone; arguments as for `PhoneSocket`."""
        self._line.check_open()
        return PhoneSocket(self._line, self._another(user=account), lines=lines, media_hosts=media_hosts)

"""The gaps of a recording for whoever cannot wait: read on a thread of its own, which leaves most time to others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from pbxnb.errors import RecordingError
from pbxnb.forks import end_in_child
from pbxnb.model.entities import Gap

if TYPE_CHECKING:
    from pbxnb.journal import Journals

__all__ = ["GapReader"]

_STRIDE, _REST = 100, 0.002  # inputs after which others get their turn, and seconds of it
T = TypeVar("T")


class _Ended(Exception):
    """Nobody waits any more."""


class GapReader:
    """Reads the gaps of a recording, and on while it grows. A long one takes some seconds.

    Args:
        journals: the recording; closed by `close`.
    """

    def __init__(self, journals: Journals) -> None:
        from pbxnb.journal import Replayed

        self._journals = journals
        self._replayed = Replayed(journals, self._in_peace)
        self._thread: threading.Thread | None = None
        self._known: list[Gap] = []
        self._last = -1  # sequence up to which they are known
        self._ended = False
        end_in_child(self)

    def known(self) -> list[Gap]:
        """Those that are known by now, PBX time, in order; what is new in the recording is looked at meanwhile."""
        if self._thread is None and not self._ended and self._journals.last > self._last:
            self._thread = threading.Thread(target=self._read, name="pbxnb-gaps", daemon=True)
            self._thread.start()
        return self._known

    def close(self) -> None:
        """Stop reading, and let go of the recording. May be called again."""
        self._ended = True
        self._journals.close()

    def forked(self) -> None:
        """In a forked child: the thread is the parent's."""
        self._ended = True

    def _read(self) -> None:
        with suppress(_Ended, RecordingError):
            last = self._journals.last
            self._known = self._replayed.gaps()
            self._last = last
        self._thread = None

    def _in_peace(self, inputs: Iterable[T], _total: int) -> Iterator[T]:
        for number, one in enumerate(inputs, 1):
            if self._ended:
                raise _Ended
            if number % _STRIDE == 0:
                time.sleep(_REST)
            yield one

"""`Frames`: what was on the wire, as a recording has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pbxnb.model.changes import Frame
from pbxnb.model.kept.inputs import Received, Sent
from pbxnb.protocol.decode import decode

from ..past.table import Kind, Table

if TYPE_CHECKING:
    import pandas as pd

    from pbxnb.journal import Journals

__all__ = ["Frames"]

_COLUMNS: dict[str, Kind] = {
    "seq": "whole", "received": "time", "direction": "text", "connection": "whole", "action": "text", "text": "text",
}  # fmt: skip


class Frames:
    """The frames of both directions in order, each read when its turn comes; those that come meanwhile are there too.

    Args:
        journal: the recording.
    """

    def __init__(self, journal: Journals) -> None:
        self._journal = journal
        self._counted = (0, 0)  # sequence of the first input that is not, and the frames before it

    def __iter__(self) -> Iterator[Frame]:
        for _, one in self._journal.inputs():
            if isinstance(one, Received | Sent):
                yield _frame(one)

    def __len__(self) -> int:
        """Their number, counted without reading them."""
        first, count = self._counted
        for last, more in self._journal.frames(first):
            first, count = last + 1, count + more
        self._counted = first, count
        return count

    @property
    def df(self) -> pd.DataFrame:
        """As a pandas table: ``seq``, ``received`` (UTC), ``direction``, ``connection``, ``action``, ``text``.

        Raises:
            MissingExtra: pandas or pyarrow is not installed.
        """
        return Table("frames", _COLUMNS, lambda: map(_row, self)).df

    def __repr__(self) -> str:
        return f"<Frames of {self._journal.path.name}: {len(self):,}>"


def _frame(one: Received | Sent) -> Frame:
    came = isinstance(one, Received)
    return Frame(
        seq=one.seq,
        direction="in" if came else "out",
        received=one.utc,
        mono=one.mono,
        connection=one.connection,
        text=one.raw.decode("utf-8", "replace"),
        message=decode(one.raw, max_size=len(one.raw)) if came else None,
    )


def _row(frame: Frame) -> dict[str, Any]:
    return {
        "seq": frame.seq,
        "received": frame.received.replace(tzinfo=None),
        "direction": frame.direction,
        "connection": frame.connection,
        "action": "" if frame.message is None else frame.message.kind,
        "text": frame.text,
    }

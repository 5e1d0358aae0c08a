"""`CallsReport`: what became of every row that was read."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["EXAMPLES", "CallsReport"]

EXAMPLES = 3


class CallsReport(msgspec.Struct, frozen=True):
    """What became of the rows that were read.

    Attributes:
        source: how they were read.
        rows: that came in.
        kept: that are in the table, by themselves or as a leg of a call.
        repaired: by what was wrong, how many were kept with it mended.
        dropped: by what was wrong, how many are not in the table.
        examples: three rows of each, as they came.
    """

    source: str
    rows: int
    kept: int
    repaired: dict[str, int]
    dropped: dict[str, int]
    examples: dict[str, list[dict[str, Any]]]

    def __str__(self) -> str:
        text = f"{self.source}: {self.rows:,} rows, {self.kept:,} kept"
        for word, reasons in (("repaired", self.repaired), ("dropped", self.dropped)):
            for reason, count in reasons.items():
                text += f"; {count:,} {word}: {reason}"
        return text

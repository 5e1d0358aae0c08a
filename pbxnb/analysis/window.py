"""The window that a table was observed in, which every measure says beside its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .values import read

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["Window", "window_of"]


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, and how much of it was seen.

    Attributes:
        first, last: UTC without zone; None where nothing tells.
        coverage: the share of it that the line was up, 0 to 1; None of a table, which does not say.
    """

    first: datetime | None = None
    last: datetime | None = None
    coverage: float | None = None

    @classmethod
    def of_session(cls, source: Any) -> Window:
        """That of a `pbxnb.Pbx`, a history or a recording."""
        past = getattr(source, "history", source)
        return cls(_plain(past.start), _plain(past.end), float(past.coverage))

    def columns(self) -> dict[str, nw.Expr]:
        """``first``, ``last`` and ``coverage``, the same in every row."""
        import narwhals as nw

        moment = nw.Datetime("us")
        return {
            "first": nw.lit(self.first, moment),
            "last": nw.lit(self.last, moment),
            "coverage": nw.lit(self.coverage, nw.Float64),
        }


def window_of(times: nw.LazyFrame[Any]) -> Window:
    """The window of a table: from its first moment to its last, read at once, also of a lazy one.

    Args:
        times: its columns of times by their canonical names, or some of them.
    """
    import narwhals as nw

    columns = times.collect_schema().names()
    times = read(times, dict.fromkeys(columns, "time"), {column: column for column in columns})
    bounds = {f"{end}_{column}": getattr(nw.col(column), end)() for column in columns for end in ("min", "max")}
    [row] = times.select(**bounds).collect("pyarrow").rows(named=True)
    moments = [moment for moment in map(_plain, row.values()) if moment is not None]
    return Window(min(moments, default=None), max(moments, default=None))


def _plain(moment: datetime | None) -> datetime | None:
    """A moment as in every table: UTC without zone."""
    return moment if moment is None or moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)

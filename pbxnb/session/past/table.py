"""`Table`: rows of fixed columns, made when they are asked for; to pyarrow, pandas, polars, DuckDB, or plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from pbxnb import markup
from pbxnb.errors import MissingExtra, install_hint
from pbxnb.progress import shown
from pbxnb.shown import MOST_ROWS, caption
from pbxnb.text import clean

from ..waiting import in_own_thread

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Kind", "Table"]

Kind = Literal["text", "time", "bool", "small", "whole"]
_BATCH = 10_000  # rows made at once: a million of them as dictionaries would take gigabytes


class Table:
    """A table as it was when it was asked for. Times are UTC without a zone, in microseconds; null is None.

    Args:
        name: what its rows are, for texts.
        columns: their names and kinds, in order.
        rows: makes the rows, the same ones each time.

    Example:
        >>> table = pbx.history.calls
        >>> table.columns[:3]
        ('domain', 'call_id', 'started_at')
    """

    def __init__(self, name: str, columns: Mapping[str, Kind], rows: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        self._name = name
        self._kinds = dict(columns)
        self._rows = rows
        self._count: int | None = None
        self._arrow: pa.Table | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(self._kinds)

    def __len__(self) -> int:
        if self._count is None:
            self._count = sum(1 for _ in self._rows())
        return self._count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """A dictionary a row."""
        return ({name: row[name] for name in self._kinds} for row in self._rows())

    def to_pylist(self) -> list[dict[str, Any]]:
        """A dictionary a row; needs nothing that is not installed."""
        return list(iter(self))  # of the table itself `list` would ask the length, which goes through all rows

    def to_arrow(self) -> pa.Table:
        """As a pyarrow table.

        Raises:
            MissingExtra: pyarrow is not installed.
        """
        if self._arrow is None:
            try:
                import pyarrow as pa
            except ImportError:
                raise MissingExtra(
                    "This table as Arrow needs pyarrow, which is not installed.",
                    hint=f"{install_hint('pbxnb[analysis]')}; to_pylist() works without.",
                ) from None
            types = {"text": pa.string(), "time": pa.timestamp("us"), "bool": pa.bool_(), "small": pa.int8()}
            schema = pa.schema([(name, types.get(kind, pa.int64())) for name, kind in self._kinds.items()])
            rows = iter(self)
            if not in_own_thread():
                rows = iter(shown(rows, self._count, f"Making the table of {self._name}"))
            batches = []
            while batch := list(islice(rows, _BATCH)):
                batches.append(pa.RecordBatch.from_pylist(batch, schema=schema))
            self._arrow = pa.Table.from_batches(batches, schema=schema)
            self._count = self._arrow.num_rows
        return self._arrow

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface: polars, DuckDB, narwhals and others read the table as it is."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    @property
    def df(self) -> pd.DataFrame:
        """As a pandas table, which also goes to Excel as it is.

        Raises:
            MissingExtra: pandas or pyarrow is not installed.
        """
        try:
            from pbxnb.analysis.tables import FlatTable
        except ImportError:
            raise MissingExtra(
                "Tables need pandas, which is not installed.", hint=install_hint("pbxnb[analysis]")
            ) from None
        return FlatTable(self.to_arrow().to_pandas())

    def __repr__(self) -> str:
        return f"<Table of {self._name}: {len(self):,} rows, {len(self._kinds)} columns>"

    def _repr_html_(self) -> str:
        """The first rows; every word escaped."""
        rows = ([clean(value) for value in row.values()] for row in islice(self, MOST_ROWS))
        return markup.table(self.columns, rows, caption(self._name, self))

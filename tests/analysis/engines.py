"""One kind of table each: how it is made from rows, and read back into them."""

from collections.abc import Callable
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

from pbxnb.analysis.window import WINDOW


class Engine:
    """One kind of table: ``table(rows)`` and ``of(arrow)`` make one, ``rows(table)`` reads one back."""

    def __init__(self, name: str, connection: duckdb.DuckDBPyConnection, spark: Any = None) -> None:
        self.name = name
        self.connection = connection
        self.spark = spark

    def table(self, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> Any:
        return self.of(pa.Table.from_pylist(rows, schema=schema))

    def of(self, arrow: pa.Table) -> Any:
        make: dict[str, Callable[[], Any]] = {
            "pandas": arrow.to_pandas,
            "polars": lambda: pl.from_arrow(arrow),
            "polars-lazy": lambda: pl.from_arrow(arrow).lazy(),
            "pyarrow": lambda: arrow,
            "duckdb": lambda: self.connection.from_arrow(arrow),
            "ibis": lambda: self._ibis(arrow),
            "spark": lambda: self.spark.createDataFrame(arrow),
        }
        return make[self.name]()

    def rows(self, table: Any, *, window: bool = False) -> list[dict[str, Any]]:
        """Rows as plain Python values, without what a measure says of its window unless asked for.

        Fails unless the table is this engine's kind.
        """
        if self.name == "pandas":
            assert isinstance(table, pd.DataFrame)
            table = pa.Table.from_pandas(table, preserve_index=False)
        elif self.name.startswith("polars"):
            assert isinstance(table, pl.LazyFrame if self.name == "polars-lazy" else pl.DataFrame)
            table = table.lazy().collect().to_arrow()
        elif self.name == "duckdb":
            assert isinstance(table, duckdb.DuckDBPyRelation)
            table = table.to_arrow_table()
        elif self.name == "ibis":
            table = table.to_pyarrow()
        elif self.name == "spark":
            table = table.toArrow()
        assert isinstance(table, pa.Table)
        kept = table if window else table.drop_columns([name for name in WINDOW if name in table.column_names])
        return kept.to_pylist()

    def _ibis(self, arrow: pa.Table) -> Any:
        import ibis

        name = f"t{id(arrow)}"
        self.connection.register(name, arrow)
        return ibis.duckdb.from_connection(self.connection).table(name)

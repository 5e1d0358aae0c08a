"""The engines that read the files themselves: DuckDB, polars, pandas, pyarrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pbxnb.progress import counted

from .parquet import Files, base, find

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["connected", "open_duckdb", "open_pandas", "open_polars", "open_pyarrow"]


def open_duckdb(path: str, remote: None) -> duckdb.DuckDBPyRelation:
    """A relation, which keeps its connection."""
    connection, query = connected(find(path))
    return connection.sql(query)


def connected(files: Files) -> tuple[duckdb.DuckDBPyConnection, str]:
    """A connection of its own that can read the files, and the query that does; names of folders are text."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    if files.filesystem is not None:
        connection.register_filesystem(files.filesystem)
    pattern = files.pattern.replace("'", "''")
    query = f"select * from read_parquet('{pattern}', hive_partitioning = true, hive_types_autocast = false)"  # noqa: S608
    return connection, query


def open_polars(path: str, remote: None) -> pl.LazyFrame:
    """A lazy frame; behind a URL pyarrow chooses the files."""
    import polars as pl

    files = find(path)
    if files.filesystem is not None:
        return pl.scan_pyarrow_dataset(_dataset(files))
    named = dict.fromkeys(files.keys, pl.String())
    frame = pl.scan_parquet(files.pattern, hive_partitioning=bool(named), hive_schema=named or None)
    frame.collect_schema()  # now, what is no Parquet is refused
    return frame


def open_pandas(path: str, remote: None) -> pd.DataFrame:
    """The whole table in memory."""
    frame: pd.DataFrame = open_pyarrow(path, remote).to_pandas()
    return frame


def open_pyarrow(path: str, remote: None) -> pa.Table:
    """The whole table in memory."""
    import pyarrow as pa

    rows = _dataset(find(path))
    total, batches = rows.count_rows(), []
    count, close = counted("Reading the calls", "rows")
    try:
        for batch in rows.to_batches():
            batches.append(batch)
            count(batch.num_rows, total)
    finally:
        close()
    return pa.Table.from_batches(batches, schema=rows.schema)


def _dataset(files: Files) -> Any:
    import pyarrow as pa
    from pyarrow import dataset

    named = dataset.partitioning(pa.schema([(key, pa.string()) for key in files.keys]), flavor="hive")
    return dataset.dataset(
        files.path,
        filesystem=files.filesystem,
        format="parquet",
        partitioning=named,
        partition_base_dir=base(files.path) or files.path,
        exclude_invalid_files=False,
    )

"""Warehouses, and whatever else ibis connects to."""

from __future__ import annotations

from typing import Any

from pbxnb.errors import AnalysisError

from .local import connected
from .parquet import find

__all__ = ["open_ibis"]


def open_ibis(path: str, connection: Any) -> Any:
    """A table of a connection, by its name; without a connection the Parquet at the path, in ibis' own DuckDB."""
    import ibis
    from ibis.common.exceptions import TableNotFound

    if connection is None:
        own, query = connected(find(path))
        own.execute(f"create view calls as {query}")
        return ibis.duckdb.from_connection(own).table("calls")
    database, _, name = path.rpartition(".")
    try:
        return connection.table(name, database=database or None)
    except TableNotFound:
        raise AnalysisError(
            f"The {connection.name} of this connection has no table {path!r}.",
            hint="With a connection, ibis takes the name of a table, and of its database before a dot.",
        ) from None

"""One line opens a table of calls on any engine; every measure after it stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pbxnb.errors import AnalysisError, MissingExtra, PbxError, install_hint

from . import local, spark, warehouse
from .parquet import shown

__all__ = ["Engine", "open_calls"]

Engine = Literal["duckdb", "polars", "pandas", "pyarrow", "spark", "ibis"]

_OPENERS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "duckdb": ("analysis", local.open_duckdb),
    "polars": ("polars", local.open_polars),
    "pandas": ("analysis", local.open_pandas),
    "pyarrow": ("analysis", local.open_pyarrow),
    "spark": ("spark", spark.open_spark),
    "ibis": ("warehouse", warehouse.open_ibis),
}
"""Engine -> the extra that brings it, and what opens a path on it."""


def open_calls(path: str | Path, *, engine: Engine = "duckdb", remote: Any = None) -> Any:
    """Open a table of calls that lies as Parquet, for every measure of this package.

    Args:
        path: a Parquet file, or a folder of them, in subfolders ``domain=acme.example/month=2026-11`` or without; also
            a URL such as ``s3://bucket/calls`` or ``gs://bucket/calls`` (through fsspec; Spark asks its own file
            systems). For ibis with a connection: the name of a table there.
        engine: "duckdb" and "polars" read what a measure needs when it is asked for; "pandas" and "pyarrow" hold the
            whole table in memory; "spark" and "ibis" work where the data is.
        remote: for Spark ``"sc://host:port"`` of its Spark Connect server, which opens a session, or a session; its
            time zone becomes UTC, its timestamps those without zone. For ibis a connection; None is its own DuckDB.

    Returns:
        A DuckDB relation, a polars lazy frame, a pandas frame, a pyarrow table, a Spark frame or an ibis table. What
        the names of folders say are columns of text, so ``domain`` and ``month`` choose files before one is read.

    Raises:
        AnalysisError: an unknown engine, nothing at the path or no Parquet there, or a server that does not answer.
        MissingExtra: the engine, or what reads such a URL, is not installed.

    Example:
        >>> import pyarrow.parquet as pq
        >>> from pbxnb import analysis
        >>> pq.write_table(analysis.calls_of(pbx), "calls.parquet")
        >>> calls = analysis.open_calls("calls.parquet", engine="duckdb")
        >>> type(analysis.per_hour(calls)).__name__
        'DuckDBPyRelation'
    """
    if engine not in list(_OPENERS):
        raise AnalysisError(f"There is no engine {engine!r}.", hint=f"Choose of {', '.join(_OPENERS)}.")
    if remote is not None and engine not in ("spark", "ibis"):
        raise AnalysisError(
            f"The engine {engine!r} works here and knows no remote.", hint='"spark" and "ibis" take one.'
        )
    extra, opened = _OPENERS[engine]
    try:
        return opened(str(path), remote)
    except PbxError:
        raise
    except ImportError as error:
        raise MissingExtra(
            f"The engine {engine!r} needs {error.name or 'a package'}, which is not installed.",
            hint=install_hint(f"pbxnb[{extra}]"),
        ) from error
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise AnalysisError(
            f"{engine} could not open {shown(str(path))}: {type(error).__name__}: {said.rstrip('.')}.",
            hint="What is not Parquet, such as CSV, is read by analysis.read_calls(path, source=…).",
        ) from error

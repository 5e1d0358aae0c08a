"""`read_calls`: the table of calls out of somebody's call records, and what became of each row."""
# ruff: noqa: S608 - names of columns are ours, or quoted

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pbxnb.errors import AnalysisError, BadRows, MissingExtra, install_hint
from pbxnb.progress import shown
from pbxnb.zones import zone_of

from ..columns import seen
from ..engines.placing import placed
from . import query
from .files import Row, key, missing, rows_of
from .report import EXAMPLES, CallsReport
from .sources import Source, source_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["check_installed", "read_calls"]

_BATCH = 20_000
_STEPS = 64  # a call of more legs than that, each named only by the next, is not one


def read_calls(
    table_or_path: Any,
    *,
    source: str | Source | Mapping[str, Any],
    tz: str,
    domain: str = "",
    legs: bool = False,
    strict: bool = False,
) -> tuple[Any, CallsReport]:
    """The calls in call records of any system, as a table that every measure takes.

    Legs become calls by the source's own link. Times become UTC, by the zone where they have none; ``day``, ``dow`` and
    ``hour`` are of that zone. Rows that cannot be true are left out, and every one of them is counted.

    Args:
        table_or_path: a pandas, polars or pyarrow table or a DuckDB relation, which gives the same kind; or the path of
            a CSV, JSON or Parquet file or of a folder of such, which gives pyarrow.
        source: ``vodia-cdr``, ``vodia-acd``, ``asterisk``, ``freeswitch``, ``3cx``, ``cucm``, ``pbxnb``, a `Source`, or
            a mapping from its fields to columns of yours: ``{"start": "begin", "from": "caller"}``.
        tz: the zone of times that do not say theirs, such as ``Europe/Berlin``.
        domain: the tenant, where the records do not say it.
        legs: a row a leg instead of a row a call.
        strict: raise if any row was repaired or dropped.

    Returns:
        The table, with the columns of `pbxnb.analysis.calls`, in order of time; and the report.

    Raises:
        AnalysisError: no such source, zone or file; no column says when a call began; some times have a zone and
            others none.
        BadRows: ``strict``, and some rows were not right; its report says which.
        MissingExtra: pyarrow or DuckDB is not installed.

    Example:
        >>> import pyarrow as pa
        >>> rows = [{"begin": "2026-09-21 08:00:05", "caller": "+1 555 0199", "agent": "41", "talk": "90"}]
        >>> fields = {"start": "begin", "from": "caller", "ext": "agent", "talk": "talk"}
        >>> calls, report = read_calls(pa.Table.from_pylist(rows), source=fields, tz="Europe/Berlin")
        >>> calls["started_at"][0].as_py().isoformat(), calls["outcome"][0].as_py(), report.kept
        ('2026-09-21T06:00:05', 'answered', 1)
    """
    how, zone = source_of(source), zone_of(tz, error=AnalysisError).key
    check_installed()
    import duckdb
    import narwhals as nw

    columns = query.columns_of(how)
    given = None if isinstance(table_or_path, str | Path) else _seen(table_or_path)
    with tempfile.TemporaryDirectory(prefix="pbxnb-") as folder, duckdb.connect(f"{folder}/records") as database:
        database.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
        if given is None:
            there = _load(database, Path(table_or_path).expanduser(), how, columns)
        else:
            there = _take(database, database.from_arrow(given.lazy().collect("pyarrow").to_native()), how, columns)
        for statement in query.steps(how, there, zone, domain):
            database.execute(statement)
        report = _report(database, how, there)
        if strict and (report.dropped or report.repaired):
            raise BadRows(
                f"Not every row was right: {report}.", hint="Without strict=True they are left out.", report=report
            )
        _link(database, others="other" in how.fields)
        made: pa.Table = database.sql((query.legs_of if legs else query.calls_of)(zone)).to_arrow_table()
    if given is None:
        return made, report
    frame = placed(made, given.lazy())
    return (frame if isinstance(given, nw.LazyFrame) else frame.collect()).to_native(), report


def check_installed() -> None:
    """Refuse where what reads call records is missing.

    Raises:
        MissingExtra: pyarrow, narwhals or DuckDB is not installed.
    """
    try:
        import duckdb  # noqa: F401
        import narwhals  # noqa: F401
        import pyarrow as pa  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "Call records need DuckDB, narwhals and pyarrow, which are not all installed.",
            hint=install_hint("pbxnb[analysis]"),
        ) from None


def _seen(table: Any) -> Any:
    try:
        return seen(table)
    except TypeError:
        raise AnalysisError(
            f"{type(table).__name__} is no table of call records.",
            hint="Give a path, a pandas or polars frame, a pyarrow table, a DuckDB relation, or one of Spark or ibis.",
        ) from None


def _load(database: duckdb.DuckDBPyConnection, path: Path, how: Source, columns: Sequence[str]) -> dict[str, str]:
    """Bring a file's rows in as text, some thousands at a time."""
    import duckdb
    import pyarrow as pa

    if not path.exists():
        raise AnalysisError(f"{path.name} is not there.", hint="Give the path of a file or a folder.")
    if path.suffix.casefold() in (".parquet", ".pq"):
        try:
            found = database.read_parquet(str(path))
        except duckdb.Error as error:
            raise AnalysisError(f"{path.name} is no Parquet file that can be read: {error}.") from None
        return _take(database, found, how, columns, path.name)
    names = [f"c{n}" for n in range(len(columns))]
    schema = pa.schema([("bad", pa.string()), *((name, pa.string()) for name in names)])
    texts = ", ".join(f"{name} VARCHAR" for name in ("bad", *names))
    database.execute(f"CREATE SEQUENCE rows; CREATE TABLE raw (n BIGINT DEFAULT nextval('rows'), {texts})")
    rows = iter(shown(rows_of(path, columns, _start(how), how.header), None, f"Reading {path.name}"))
    while batch := list(islice(rows, _BATCH)):
        database.register("batch", pa.Table.from_pylist([_record(row, names) for row in batch], schema=schema))
        database.execute(f"INSERT INTO raw (bad, {', '.join(names)}) SELECT * FROM batch")
    return dict(zip(columns, names, strict=True))


def _record(row: Row, names: Sequence[str]) -> dict[str, str | None]:
    return {"bad": row[:500]} if isinstance(row, str) else dict(zip(names, row, strict=True))


def _start(how: Source) -> tuple[str, ...]:
    field = how.field("start")
    return field.columns if field is not None else ()


def _take(
    database: duckdb.DuckDBPyConnection, given: Any, how: Source, columns: Sequence[str], name: str = "The table"
) -> dict[str, str]:
    """Look at a table's columns as text."""
    found = {key(column): column for column in reversed(given.columns)}
    if not any(key(column) in found for column in _start(how)):
        raise missing(_start(how)[0], given.columns, name)
    there = {column: found[key(column)] for column in columns if key(column) in found}
    names = {column: f"c{n}" for n, column in enumerate(there)}
    database.register("given", given)
    texts = ", ".join(f"CAST({_quoted(column)} AS VARCHAR) AS {names[asked]}" for asked, column in there.items())
    database.execute(
        f"CREATE TABLE raw AS SELECT row_number() OVER () AS n, CAST(NULL AS VARCHAR) AS bad, {texts} FROM given"
    )
    return names


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _report(database: duckdb.DuckDBPyConnection, how: Source, there: Mapping[str, str]) -> CallsReport:
    """Count and show; a file with times of both kinds is refused."""

    def rows(ask: str) -> list[tuple[Any, ...]]:
        return database.execute(ask).fetchall()

    [(zoned, bare)] = rows("""SELECT count(*) FILTER (instant), count(*) FILTER (NOT instant) FROM known
        WHERE begun IS NOT NULL AND "start" IS NOT NULL""")
    if zoned and bare:
        raise AnalysisError(
            f"Of the times, {zoned:,} say their zone and {bare:,} do not.", hint="Read the two kinds of rows apart."
        )
    dropped = dict(rows("SELECT why, count(*) FROM judged WHERE why IS NOT NULL GROUP BY why ORDER BY 2 DESC, 1"))
    tests = {why: f"why IS NULL AND {column}" for why, column in query.REPAIRED.items()}
    [counts] = rows(f"SELECT {', '.join(f'count(*) FILTER ({test})' for test in tests.values())} FROM judged")
    repaired = {why: count for why, count in zip(tests, counts, strict=True) if count}
    columns = ", ".join(["n", "bad", *there.values()])
    examples = {
        why: [
            {"row": n} | ({"line": bad} if bad is not None else dict(zip(there, texts, strict=True)))
            for n, bad, *texts in rows(
                f"""SELECT {columns} FROM raw WHERE n IN (SELECT n FROM judged WHERE {test} ORDER BY n LIMIT {EXAMPLES})
                ORDER BY n"""
            )
        ]
        for why, test in ({why: f"why = '{why}'" for why in dropped} | {why: tests[why] for why in repaired}).items()
    }
    [(all_rows, kept)] = rows("SELECT count(*), count(*) FILTER (why IS NULL) FROM judged")
    return CallsReport(how.name, all_rows, kept, repaired, dropped, examples)


def _link(database: duckdb.DuckDBPyConnection, *, others: bool) -> None:
    """Say for each leg of which call it is."""
    statements, step = query.linking(others=others)
    for statement in statements:
        database.execute(statement)
    found = ""
    for _ in range(_STEPS if step else 0):
        database.execute(step)
        before = found
        [(found,)] = database.execute("SELECT md5(string_agg(conversation, '\n' ORDER BY n)) FROM label").fetchall()
        if found == before:
            return

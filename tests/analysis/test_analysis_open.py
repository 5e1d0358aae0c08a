"""`open_calls`: the same table from the same files on every engine, and a sentence where there is none."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pbxnb.analysis import open_calls, per_hour
from pbxnb.errors import AnalysisError, MissingExtra
from pbxnb.journal import file_name

pytest.importorskip("ibis", reason="the warehouse extra is not installed")

HERE = ["duckdb", "polars", "pandas", "pyarrow", "ibis"]
DOMAINS, MONTHS = ("Acme & Co", "007"), ("2026-01", "2026-02")  # a domain of digits stays the text it is


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `pbxnb record` leaves it: a file for each domain and month."""
    folder = tmp_path_factory.mktemp("it's a [folder]") / "calls"
    for domain in DOMAINS:
        for month in MONTHS:
            at = datetime.fromisoformat(f"{month}-05T09:30")
            row = {"domain": domain, "call_id": month, "started_at": at, "day": f"{month}-05", "hour": 9}
            below = folder / f"domain={file_name(domain)}" / f"month={month}"
            below.mkdir(parents=True)
            pq.write_table(pa.Table.from_pylist([row]), below / "a.parquet")
    return folder


def rows(table: Any) -> list[tuple[Any, ...]]:
    frame: Any = nw.from_native(table).lazy().select("domain", "month", "call_id", "started_at").collect()
    return sorted(frame.rows())


EVERY = sorted((d, m, m, datetime.fromisoformat(f"{m}-05T09:30")) for d in DOMAINS for m in MONTHS)


@pytest.mark.parametrize("engine", HERE)
@pytest.mark.parametrize("below", ["", "domain=007", "domain=007/month=2026-01", "domain=007/month=2026-01/a.parquet"])
def test_folders_say_domain_and_month_wherever_one_begins(tables: Path, below: str, engine: Any) -> None:
    found = rows(open_calls(tables / below, engine=engine))
    assert found == [row for row in EVERY if f"domain={row[0]}/month={row[1]}/a.parquet".startswith(below)]


@pytest.mark.parametrize("engine", HERE)
def test_behind_a_url_lies_the_same_table(tables: Path, engine: Any) -> None:
    fsspec = pytest.importorskip("fsspec")
    cloud = fsspec.filesystem("memory")  # stands for those of the cloud, which come by the same way
    for file in tables.rglob("*.parquet"):
        cloud.pipe_file(f"/bucket/calls/{file.relative_to(tables).as_posix()}", file.read_bytes())
    assert rows(open_calls("memory://bucket/calls", engine=engine)) == EVERY
    with pytest.raises(AnalysisError, match="nothing at memory://bucket/other"):
        open_calls("memory://bucket/other", engine=engine)


@pytest.mark.parametrize("engine", HERE)
def test_a_plain_file_of_any_name_is_a_table(tmp_path: Path, engine: Any) -> None:
    pq.write_table(pa.table({"day": ["2026-01-05"], "hour": [9]}), tmp_path / "calls")
    found: Any = nw.from_native(per_hour(open_calls(tmp_path / "calls", engine=engine))).lazy().collect()
    assert found["calls"].to_list() == [1]


@pytest.mark.parametrize("engine", HERE)
def test_what_is_not_there_is_said(tmp_path: Path, engine: Any) -> None:
    with pytest.raises(AnalysisError, match="There is nothing at"):
        open_calls(tmp_path / "nothing", engine=engine)
    with pytest.raises(AnalysisError, match=r"no Parquet file below.*pbxnb record"):
        open_calls(tmp_path, engine=engine)
    (tmp_path / "log.csv").write_text("a,b")
    with pytest.raises(AnalysisError, match=f"{engine} could not open"):
        open_calls(tmp_path / "log.csv", engine=engine)


def test_the_choice_of_domain_and_month_chooses_the_files(tables: Path) -> None:
    january = open_calls(tables).filter("domain = '007' and month = '2026-01'")
    assert "Scanning Files: 1/4" in january.explain()
    polars: Any = open_calls(tables, engine="polars")
    plan = polars.filter(domain="007", month="2026-01").explain()
    assert plan.count(".parquet") == 1


def test_an_unknown_engine_lists_the_known_ones(tables: Path) -> None:
    with pytest.raises(AnalysisError, match=r"no engine 'dask'.*duckdb, polars, pandas, pyarrow, spark, ibis"):
        open_calls(tables, engine="dask")  # type: ignore[arg-type]
    with pytest.raises(AnalysisError, match="'polars' works here"):
        open_calls(tables, engine="polars", remote="sc://127.0.0.1:1")


@pytest.mark.parametrize(
    ("engine", "module", "extra"),
    [("duckdb", "duckdb", "analysis"), ("polars", "polars", "polars"), ("ibis", "ibis", "warehouse")],
)
def test_a_missing_engine_is_a_line_that_installs_it(
    tables: Path, engine: Any, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf'{module}.*pip install "pbxnb\[{extra}\]"'):
        open_calls(tables, engine=engine)


def test_a_url_that_nothing_reads_is_said_without_its_secrets() -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(AnalysisError, match="nosuch://bucket/calls is of no kind") as caught:
        open_calls("nosuch://key:secret@bucket/calls")
    assert "secret" not in str(caught.value)


def test_a_warehouse_gives_a_table_by_its_name() -> None:
    ibis = pytest.importorskip("ibis")
    connection = ibis.duckdb.connect()
    connection.raw_sql("create schema shop; create table shop.calls as select 9 as hour, '2026-01-05' as day")
    found = per_hour(open_calls("shop.calls", engine="ibis", remote=connection)).to_pyarrow()
    assert found["calls"].to_pylist() == [1]
    with pytest.raises(AnalysisError, match="no table 'cdr'"):
        open_calls("cdr", engine="ibis", remote=connection)


@pytest.mark.parametrize(
    ("remote", "said"),
    [
        (None, "needs to know its server"),
        ("http://127.0.0.1:1", "not the URL"),
        ("sc://127.0.0.1:1/;token=secret", "No Spark Connect server answers at 127"),
    ],
)
def test_a_spark_server_that_does_not_answer_is_said_at_once(remote: Any, said: str) -> None:
    pytest.importorskip("grpc", reason="the spark extra is not installed")
    with pytest.raises(AnalysisError, match=said) as caught:
        open_calls("calls", engine="spark", remote=remote)
    assert "secret" not in str(caught.value)

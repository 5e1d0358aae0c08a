"""Every measure on a Spark Connect server with two workers: the answers are pyarrow's, value by value.

A question takes Spark seconds, however small the table: each measure is asked once, of a table with all that has ever
set engines apart. `pytest -m long tests/analysis` asks all the other tests of this folder there as well.
"""

import inspect
import random
import re
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pbxnb import analysis
from pbxnb.errors import AnalysisError

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("domain", "call_id", "conversation", "day", "direction", "from_num")),
        *((name, pa.string()) for name in ("to_num", "ext", "queue", "outcome")),
        *((name, pa.int8()) for name in ("dow", "hour")),
        *((name, pa.timestamp("us")) for name in ("started_at", "answered_at", "ended_at")),
        *((name, pa.int64()) for name in ("wait_ms", "talk_ms", "hold_ms")),
    ]
)


def leg(random_: random.Random, number: int) -> dict[str, Any]:
    """A row of the table: ties, nulls, open calls, nights, words of other systems, several legs a conversation."""
    started = datetime.fromisoformat("2026-01-30") + timedelta(
        days=random_.randrange(4), seconds=random_.choice([0, 3599, 86_390, random_.randrange(86_400)])
    )
    wait, talk = random_.randrange(0, 60_000), random_.randrange(0, 7_200_000)
    answered = random_.random() < 0.7
    ended = started + timedelta(milliseconds=wait + talk * answered, microseconds=random_.choice([0, 1, 999_999]))
    return {
        "domain": random_.choice(["acme", "example"]),
        "call_id": str(number),
        "conversation": random_.choice([None, str(number // 3)]),
        "day": f"{started:%Y-%m-%d}",
        "dow": started.weekday(),
        "hour": started.hour,
        "direction": random_.choice(["in", "out", "internal"]),
        "from_num": random_.choice(["+15550100", "+15550101", "45", None]),
        "to_num": random_.choice(["600", "45", "46"]),
        "ext": random_.choice(["45", "46", "47", "", None]),
        "queue": random_.choice(["600", "", None]),
        "outcome": "ANSWERED" if answered else random_.choice(["abandoned", "NO ANSWER", "unknown"]),
        "started_at": started,
        "answered_at": started + timedelta(milliseconds=wait) if answered else None,
        "ended_at": None if random_.random() < 0.05 else ended,
        "wait_ms": random_.choice([wait, wait, None]),
        "talk_ms": talk if answered else None,
        "hold_ms": random_.choice([0, 1500, None]),
    }


TABLE = pa.Table.from_pylist([leg(random.Random(number), number) for number in range(300)], schema=SCHEMA)
MEASURES: list[Callable[..., Any]] = [
    measure
    for name in analysis.__all__
    if callable(measure := getattr(analysis, name)) and [*inspect.signature(measure).parameters][:1] == ["calls"]
]
LOGINS = pa.table(
    {
        "ext": ["45", "46", "46"],
        "start": [datetime.fromisoformat(at) for at in ("2026-01-30", "2026-01-31", "2026-01-31T12:00")],
        "end": [datetime.fromisoformat("2026-02-01"), datetime.fromisoformat("2026-01-31T18:00"), None],
    }
)
MORE: dict[str, dict[str, Any]] = {
    "occupancy": {"presence": LOGINS, "by": "week"},
    "first_call_resolution": {"within": 7200},
    "one_more_agent": {"agents": 3},
    "missed": {"level": "extension", "by": ["domain", "ext"]},
    "not_called_back": {"within": 7200},
    "repeat_callers": {"within": 7200},
}
"""What a measure must be told besides."""
SHORT = (analysis.load, analysis.peak, analysis.service_level, analysis.abandonment)
"""Of these a month of the bank is asked each time, of the others by hand: Spark takes minutes for all of them."""


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: float(f"{v:.9g}") if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def test_every_measure_is_asked() -> None:
    assert {"concurrency", "load", "per_slot", "service_level"} <= {measure.__name__ for measure in MEASURES}


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: str(measure.__name__))
def test_spark_finds_what_pyarrow_finds(spark: Any, measure: Callable[..., Any]) -> None:
    more = MORE.get(measure.__name__, {})
    found = measure(spark.createDataFrame(TABLE), **more).toArrow()
    reference = measure(TABLE, **more)
    assert found.column_names == reference.column_names
    assert rounded(found.to_pylist()) == rounded(reference.to_pylist())
    assert reference.num_rows > 0


@pytest.mark.parametrize(
    "measure",
    [
        pytest.param(measure, id=measure.__name__, marks=[] if measure in SHORT else [pytest.mark.long])
        for measure in MEASURES
        if measure is not analysis.transfers  # a row of the log is a call, not a leg
    ],
)
def test_the_banks_month_has_the_same_answers_there(
    spark: Any, january: list[dict[str, Any]], measure: Callable[..., Any]
) -> None:
    named = [{"domain": "bank", "conversation": it["call_id"], "queue": it["to_num"], "hold_ms": 0} for it in january]
    calls = pa.Table.from_pylist([name | call for name, call in zip(named, january, strict=True)])
    more = MORE.get(measure.__name__, {})
    found = measure(spark.createDataFrame(calls), **more).toArrow()
    assert rounded(found.to_pylist()) == rounded(measure(calls, **more).to_pylist())


def test_call_records_that_lie_there_are_read_and_stay(spark: Any) -> None:
    records = [{"begin": "2026-09-21 08:00:05", "agent": "41", "talk": "90"}]
    fields = {"start": "begin", "ext": "agent", "talk": "talk"}
    calls, report = analysis.read_calls(
        spark.createDataFrame(pa.Table.from_pylist(records)), source=fields, tz="Europe/Berlin"
    )
    assert report.kept == 1
    [row] = calls.toArrow().to_pylist()
    assert (row["started_at"], row["talk_ms"]) == (datetime.fromisoformat("2026-09-21T06:00:05"), 90_000)


def test_no_worker_has_to_hold_every_call_of_a_running_sum(spark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    analysis.peak(spark.createDataFrame(TABLE)).explain()
    windows = re.findall(r"windowspecdefinition\(([^)]*) ASC", capsys.readouterr().out)
    assert {re.sub(r"#\w+", "", window) for window in windows} == {
        "_day, instant",
        "_day",
    }  # within days, and over them


def test_a_table_by_domain_and_month_is_opened_there(
    spark: Any, spark_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pq.write_to_dataset(
        TABLE.append_column("month", pa.array([day[:7] for day in TABLE["day"].to_pylist()])),
        tmp_path,
        partition_cols=["domain", "month"],
    )
    for remote in (spark, spark_url):
        calls = analysis.open_calls(tmp_path, engine="spark", remote=remote)
        assert {"domain", "month"} <= {*calls.columns}
        february = calls.filter("domain = 'acme' and month = '2026-02'")
        assert {"acme", "2026-02"} <= {*february.toArrow().to_pylist()[0].values()}
        february.explain()
        [chosen] = re.findall(r"PartitionFilters: \[(.*?)\], Pushed", capsys.readouterr().out)
        assert re.search(r"domain#\w+ = acme", chosen)
        assert re.search(r"month#\w+ = 2026-02", chosen)
    with pytest.raises(AnalysisError, match="finds nothing at"):
        analysis.open_calls(tmp_path / "nothing", engine="spark", remote=spark)


@pytest.mark.long
@pytest.mark.kernel
def test_notebook_10_gives_the_same_answers_there(
    spark_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("SPARK_REMOTE", spark_url)
    notebook = nbformat.read(Path(__file__).parents[2] / "notebooks" / "10_many_tenants.ipynb", as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook runner and its kernel manager, not ours
        nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    told = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [output.text for output in told if output.get("name") == "stderr"] == []
    assert told[-1].text.endswith("the same answers: True\n")

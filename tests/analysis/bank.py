"""The Anonymous Bank's log of January and October 1999 as a table of calls (tests/data/anonymous-bank/README.md).

Read with pyarrow and plain Python only, so that it can serve as the reference for every engine.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

LOG = Path(__file__).parents[1] / "data" / "anonymous-bank" / "anonymous-bank-1999-01-10.parquet"
OUTCOMES = {"AGENT": "answered", "HANG": "abandoned"}


def bank_calls(month: int | None = None) -> list[dict[str, Any]]:
    """Rows of the calls table, PHANTOM records dropped; of one month, or of both."""
    return [
        _call(row)
        for row in pq.read_table(LOG).to_pylist()
        if row["outcome"] in OUTCOMES and month in (None, row["date"].month)
    ]


def _call(row: dict[str, Any]) -> dict[str, Any]:
    day = datetime.combine(row["date"], datetime.min.time())

    def at(second: int) -> datetime | None:
        """A second of the day, or of the next one where the clock had run over midnight; 0 is none."""
        return day + timedelta(seconds=second, days=second < row["vru_entry_s"]) if second else None

    started = day + timedelta(seconds=row["vru_entry_s"])
    ended = at(row["ser_exit_s"]) or started + timedelta(seconds=row["q_time"] + row["ser_time"])
    answered = at(row["ser_start_s"]) or ended - timedelta(seconds=row["ser_time"])
    served = row["outcome"] == "AGENT"
    return {
        "call_id": str(row["call_id"]),
        "started_at": started,
        "answered_at": answered if served else None,
        "ended_at": ended if served else None,
        "day": row["date"].isoformat(),
        "dow": day.weekday(),
        "hour": row["vru_entry_s"] // 3600,
        "direction": "in",
        "from_num": str(row["customer"]),
        "to_num": row["type"],
        "ext": row["agent"],
        "outcome": OUTCOMES[row["outcome"]],
        "wait_ms": row["q_time"] * 1000,
        "talk_ms": row["ser_time"] * 1000 if served else None,
    }

"""Made-up calls as Parquet, for the benches of measures and pictures: as many as wanted, always the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

__all__ = ["made_calls"]

_CALLS = """
select 'acme.example' as domain, n::varchar as call_id, begun as started_at,
    case when outcome = 'answered' then begun + to_milliseconds(wait_ms) end as answered_at,
    begun + to_milliseconds(wait_ms + coalesce(talk_ms, 0)) as ended_at,
    strftime(begun, '%Y-%m-%d') as day, ((dayofweek(begun) + 6) % 7)::tinyint as dow, hour(begun)::tinyint as hour,
    'UTC' as tz, 'in' as direction, '+1555' || (hash(n + 7) % 400_000 + 100_000) as from_num,
    (hash(n + 1) % 1_000 + 2_000)::varchar as to_num, (hash(n + 2) % 500 + 200)::varchar as ext,
    'q' || (hash(n + 3) % 20) as queue, outcome, wait_ms, talk_ms,
    case when outcome = 'answered' then (hash(n + 4) % 5_000)::bigint end as hold_ms, false as end_inferred,
    false as gap
from (
    select n, begun, outcome, (hash(n + 5) % 90_000)::bigint as wait_ms,
        case when outcome = 'answered' then
            least(7_200_000, exp(4.8 + 1.1 * sqrt(-2 * ln(0.0001 + 0.9999 * (hash(n + 8) % 99_991) / 99_991))
                * cos(2 * pi() * (hash(n + 9) % 99_989) / 99_989)) * 1_000)::bigint
        end as talk_ms
    from (
        select n, timestamp '2026-01-01' + to_milliseconds(n * 3_000 + (hash(n) % 3_000)::bigint) as begun,
            case when hash(n + 6) % 10 < 8 then 'answered' when hash(n + 6) % 10 = 8 then 'abandoned'
            else 'no_answer' end as outcome
        from range(?) as r(n)
    )
)
"""


def made_calls(number: int) -> Path:
    """The file of so many calls of a busy call centre, one every three seconds; made when first asked for."""
    path = Path(tempfile.gettempdir()) / f"pbxnb-made-calls-{number}.parquet"
    if not path.exists():
        making = path.with_suffix(".making")
        duckdb.execute(f"copy ({_CALLS}) to '{making}' (format parquet)", [number])
        making.rename(path)
    return path

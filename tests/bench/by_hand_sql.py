"""Measures as somebody would write them for DuckDB alone, of a view ``calls`` without legs."""

# ruff: noqa: S608 - no word of these comes from outside

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

__all__ = ["ASKED", "SQL"]

_STEPS = """
steps as (
    select instant, sum(step)::bigint as step from (
        select answered_at as instant, 1 as step from calls
        where answered_at is not null and (ended_at is null or ended_at >= answered_at)
        union all
        select ended_at, -1 from calls where answered_at is not null and ended_at >= answered_at
    ) group by instant
),
running as (select instant, sum(step) over (order by instant)::bigint as at_once from steps)
"""
_PEAK = "select instant, at_once from running order by at_once desc, instant limit 1"
_SERVICE = """
    count(*) filter (outcome in ('answered', 'abandoned')) as offered,
    count(*) filter (outcome = 'answered') as answered,
    count(*) filter (outcome = 'abandoned') as abandoned,
    count(*) filter (outcome = 'answered' and wait_ms <= 20000) as answered_in_time,
    count(*) filter (outcome = 'abandoned' and wait_ms <= 20000) as short_abandons
"""
_HOURS = f"""
    {_STEPS},
    slots as (select distinct date_trunc('hour', instant) as slot from steps),
    edges as (
        select instant, step from steps union all
        select slot, 0 from slots union all select slot + interval 1 hour, 0 from slots
    ),
    every as (select instant, sum(step) as step from edges group by instant),
    spans as (
        select instant, sum(step) over (order by instant) as at_once,
            epoch_us(lead(instant) over (order by instant)) - epoch_us(instant) as lasted
        from every
    ),
    hours as (
        select date_trunc('hour', instant) as slot, sum(at_once * lasted) / sum(lasted)::double as erlang,
            max(at_once)::bigint as most
        from spans where lasted is not null group by slot
    )
"""
_HANDLED = "talk_ms + coalesce(hold_ms, 0)"
_CALLERS = r"""
callers as (
    select *, lead(started_at) over (partition by domain, caller order by started_at, call_id) as next from (
        select *, regexp_replace(from_num, '^(\+|00)|[ ()./-]', '', 'g') as caller from calls
        where direction = 'in' or queue <> ''
    )
)
"""

SQL = {
    "concurrency": f"with {_STEPS} select instant, at_once from running order by instant",
    "peak": f"with {_STEPS} {_PEAK}",
    "peak_calls": f"""
        with {_STEPS}, top as ({_PEAK})
        select call_id, answered_at, ended_at from calls, top
        where answered_at <= instant and (ended_at is null or ended_at > instant) order by call_id, answered_at
    """,
    "load": f"with {_HOURS} select slot, erlang, most from hours order by slot",
    "busy_hour": f"""
        with {_HOURS}, days as (select max(erlang) as most from hours group by date_trunc('day', slot))
        select count(*) as days, avg(most) as erlang, max(most) as highest from days
    """,
    "durations": """
        select count(*) as n, count(*) filter (talk_ms < 10000) as below_10, avg(talk_ms / 1000) as mean,
            stddev_samp(talk_ms / 1000) as sd, quantile_cont(talk_ms / 1000, 0.5) as median,
            quantile_cont(talk_ms / 1000, 0.9) as p90, quantile_cont(talk_ms / 1000, 0.99) as p99,
            avg(ln(talk_ms / 1000)) filter (talk_ms > 0) as log_mean,
            stddev_samp(ln(talk_ms / 1000)) filter (talk_ms > 0) as log_sd
        from calls where talk_ms is not null
    """,
    "histogram": """
        select (talk_ms // 10000 * 10)::double as from_s, count(*) as calls from calls
        where talk_ms is not null group by from_s order by from_s
    """,
    "per_extension": """
        select ext, count(*) as calls, count(*) filter (outcome = 'answered') as answered,
            count(*) filter (outcome not in ('answered', 'unknown', 'answered_elsewhere')) as missed,
            coalesce(sum(wait_ms), 0)::bigint as ring_ms, coalesce(sum(talk_ms), 0)::bigint as talk_ms
        from calls where ext <> '' group by ext order by ext
    """,
    "per_hour": """
        select hour::bigint as hour, count(*) as calls, (select count(distinct day) from calls) as days,
            count(*) / (select count(distinct day) from calls) as mean
        from calls where hour is not null and day is not null group by hour order by hour
    """,
    "per_slot": """
        with slots as (select dow, hour, count(*) as calls from calls group by dow, hour),
        weekdays as (select dow, count(distinct day) as days from calls group by dow)
        select dow::bigint as dow, hour::bigint as hour, calls, days, calls / days as mean
        from slots join weekdays using (dow) order by dow, hour
    """,
    "edges": """
        select from_num, to_num, count(*) as calls from calls
        group by from_num, to_num order by calls desc, from_num, to_num limit 200
    """,
    "flows": """
        select from_num, to_num, outcome, count(*) as calls from calls
        group by from_num, to_num, outcome order by from_num, to_num, outcome
    """,
    "service_level": f"""
        select *, answered_in_time / (offered - short_abandons) as service_level from (select {_SERVICE} from calls)
    """,
    "abandonment": """
        select *, (abandoned - short_abandons) / (offered - short_abandons) as abandonment from (
            select count(*) filter (outcome in ('answered', 'abandoned')) as offered,
                count(*) filter (outcome = 'abandoned') as abandoned,
                count(*) filter (outcome = 'abandoned' and wait_ms <= 5000) as short_abandons
            from calls
        )
    """,
    "answered": """
        select *, answered_in_time / offered as share from (
            select count(*) filter (outcome in ('answered', 'abandoned')) as offered,
                count(*) filter (outcome = 'answered') as answered,
                count(*) filter (outcome = 'answered' and wait_ms <= 20000) as answered_in_time
            from calls
        )
    """,
    "abandoned": """
        select *, abandoned_in_time / offered as share from (
            select count(*) filter (outcome in ('answered', 'abandoned')) as offered,
                count(*) filter (outcome = 'abandoned') as abandoned,
                count(*) filter (outcome = 'abandoned' and wait_ms <= 20000) as abandoned_in_time
            from calls
        )
    """,
    "speed_of_answer": """
        select count(*) as answered, avg(wait_ms) / 1000 as mean, max(wait_ms) / 1000 as longest from calls
        where outcome = 'answered' and wait_ms is not null
    """,
    "handle_time": f"""
        select count(*) as answered, avg(talk_ms) / 1000 as talk, avg(coalesce(hold_ms, 0)) / 1000 as hold,
            avg({_HANDLED}) / 1000 as mean, quantile_cont(({_HANDLED}) / 1000, 0.5) as median,
            quantile_cont(({_HANDLED}) / 1000, 0.9) as p90
        from calls where outcome = 'answered' and talk_ms is not null
    """,
    "occupancy": f"""
        select *, handled_ms / logged_in_ms as occupancy from (
            select ext, coalesce(sum({_HANDLED}) filter (outcome = 'answered'), 0)::bigint as handled_ms,
                (select epoch_ms(max(ended_at)) - epoch_ms(min(started_at)) from calls) as logged_in_ms
            from calls where ext <> '' group by ext
        ) order by ext
    """,
    "kaplan_meier": """
        with waits as (
            select wait_ms, count(*) filter (outcome = 'abandoned') as gave_up, count(*) as callers from calls
            where wait_ms is not null and outcome in ('answered', 'abandoned') group by wait_ms
        ),
        risks as (select *, sum(callers) over (order by wait_ms desc)::bigint as at_risk from waits)
        select wait_ms, at_risk, gave_up, case when gave_up = at_risk then 0 else
            exp(sum(case when gave_up < at_risk then ln(1 - gave_up / at_risk) else 0 end) over (order by wait_ms))
        end as survival
        from risks where gave_up > 0 order by wait_ms
    """,
    "holds": """
        select *, held / calls as share, hold_ms / 1000 / held as mean from (
            select count(*) as calls, count(*) filter (hold_ms > 0) as held, sum(hold_ms)::bigint as hold_ms
            from calls where hold_ms is not null
        )
    """,
    "missed": """
        select count(*) as offered, count(*) filter (outcome = 'answered') as answered,
            count(*) filter (outcome = 'answered_elsewhere') as answered_elsewhere,
            count(*) filter (outcome in ('abandoned', 'no_answer', 'missed')) as missed,
            count(*) filter (outcome is null or outcome = 'unknown') as undecided
        from calls where ext <> '' and ext <> from_num and direction <> 'out' and outcome not in ('busy', 'failed')
    """,
    "not_called_back": f"""
        with {_CALLERS},
        reached as (
            select *, max(started_at) filter (outcome = 'answered') over (partition by domain, caller) as spoke
            from callers
        )
        select domain, max(from_num) as number, count(*) as missed, max(started_at) as last_missed from reached
        where outcome in ('abandoned', 'no_answer', 'missed', 'busy', 'failed') and (spoke is null or spoke < started_at)
        group by domain, caller order by domain, number
    """,
    "repeat_callers": f"""
        with {_CALLERS}
        select domain, max(from_num) as number, count(*) as calls,
            count(*) filter (next <= started_at + interval 1 day) as again
        from callers group by domain, caller having again > 0 order by domain, number
    """,
    "first_call_resolution": f"""
        with {_CALLERS},
        fates as (
            select case when next <= ended_at + interval 1 day then 'again'
                when ended_at is null or ended_at + interval 1 day > (select max(ended_at) from calls) then 'undecided'
                else 'resolved' end as fate
            from callers where outcome = 'answered'
        )
        select count(*) as answered, count(*) filter (fate = 'resolved') as resolved,
            count(*) filter (fate = 'again') as again, count(*) filter (fate = 'undecided') as undecided,
            count(*) filter (fate = 'resolved') / count(*) filter (fate <> 'undecided') as resolution
        from fates
    """,
}
"""By name of the measure, with what it takes by default, or `ASKED`."""
_AGENTS = [str(number) for number in range(200, 700)]  # as in `made_calls`
_PRESENCE = {"ext": _AGENTS, "start": [datetime.fromisoformat("2025-01-01")] * 500, "end": [None] * 500}
_DAY = {"within": 86_400}
ASKED: dict[str, dict[str, Any]] = {
    "repeat_callers": _DAY,
    "first_call_resolution": _DAY,
    "occupancy": {"presence": pa.table(_PRESENCE)},
}
"""What a measure has no default for. Every agent is logged in all the time."""

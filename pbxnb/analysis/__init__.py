"""Tables and measures of call activity, written once for every engine of tables; queueing formulas.

A table of calls goes in, a table of the same kind comes out, be it of pandas, polars, pyarrow, DuckDB, Spark or ibis;
the input is never changed. Instead of a table every
measure takes a `pbxnb.Pbx`: the calls of its session, ended and open, as pyarrow; of service levels, abandonment and
patience only those that came from outside or through a queue. The seven rules that keep
engines from disagreeing silently are followed here: durations are integer milliseconds, weekday and hour are stored
columns in the domain's zone, booleans become 0/1 by when/then, divisions happen on float64, sums leave as int64,
timestamps are UTC without zone, and whatever is cut or ordered is ordered by every key.
"""

from .activity import edges, flows, per_extension, per_hour, per_slot
from .calls import call_rows, calls_of
from .concurrency import concurrency, load, peak, peak_calls
from .definitions import definition
from .durations import durations, histogram
from .engines import open_calls
from .planning.agents import agents_for
from .planning.erlang import Delay, erlang_a, erlang_b, erlang_c, lines_for, load_for
from .planning.one_more import one_more_agent
from .planning.periods import compare_periods
from .planning.unusual import unusual_hours
from .questions import (
    abandoned,
    answered,
    busy_hour,
    first_call_resolution,
    handle_time,
    holds,
    missed,
    not_called_back,
    occupancy,
    repeat_callers,
    speed_of_answer,
    transfers,
)
from .records import CallsReport, Field, Source, read_calls, reconcile
from .service import SERVICE_LEVELS, abandonment, service_level
from .survival import kaplan_meier

__all__ = [
    "SERVICE_LEVELS",
    "CallsReport",
    "Delay",
    "Field",
    "Source",
    "abandoned",
    "abandonment",
    "agents_for",
    "answered",
    "busy_hour",
    "call_rows",
    "calls_of",
    "compare_periods",
    "concurrency",
    "definition",
    "durations",
    "edges",
    "erlang_a",
    "erlang_b",
    "erlang_c",
    "first_call_resolution",
    "flows",
    "handle_time",
    "histogram",
    "holds",
    "kaplan_meier",
    "lines_for",
    "load",
    "load_for",
    "missed",
    "not_called_back",
    "occupancy",
    "one_more_agent",
    "open_calls",
    "peak",
    "peak_calls",
    "per_extension",
    "per_hour",
    "per_slot",
    "read_calls",
    "reconcile",
    "repeat_callers",
    "service_level",
    "speed_of_answer",
    "transfers",
    "unusual_hours",
]

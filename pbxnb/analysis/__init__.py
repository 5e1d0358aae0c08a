"""Tables and measures of call activity, written once for pandas, polars, pyarrow and DuckDB; queueing formulas.

A table of calls goes in, a table of the same kind comes out; the input is never changed. The seven rules that keep
engines from disagreeing silently are followed here: durations are integer milliseconds, weekday and hour are stored
columns in the domain's zone, booleans become 0/1 by when/then, divisions happen on float64, sums leave as int64,
timestamps are UTC without zone, and whatever is cut or ordered is ordered by every key.
"""

from .erlang import Delay, erlang_a, erlang_b, erlang_c, lines_for, load_for

__all__ = ["Delay", "erlang_a", "erlang_b", "erlang_c", "lines_for", "load_for"]

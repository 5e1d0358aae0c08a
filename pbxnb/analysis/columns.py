"""How a table of calls is read: the canonical columns, the names they go by elsewhere, and the way in and out.

Everything else in this package sees narwhals frames with canonical names and never asks which engine is behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pbxnb.errors import AnalysisError, MissingColumn, MissingExtra

from .conversations import READ, one_each

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["ALIASES", "one_if", "opened", "whole"]

ALIASES: dict[str, tuple[str, ...]] = {
    "call_id": ("id", "callid", "uniqueid"),
    "started_at": ("start", "start_time", "started", "calldate"),
    "answered_at": ("connect", "connected_at", "answer", "answer_time"),
    "ended_at": ("end", "end_time", "ended", "hangup_time"),
    "dow": ("weekday", "day_of_week"),
    "hour": ("hour_of_day",),
    "day": ("date", "local_date"),
    "direction": (),
    "from_num": ("from", "from_number", "caller", "src"),
    "to_num": ("to", "to_number", "callee", "dst"),
    "ext": ("extension", "agent", "account"),
    "queue": ("acd", "queue_number"),
    "outcome": ("result", "disposition"),
    "wait_ms": ("ring_ms", "q_time_ms"),
    "talk_ms": ("service_ms", "billsec_ms"),
    "hold_ms": (),
    "conversation": ("conversation_id", "linkedid"),
    "domain": ("tenant",),
}
"""Canonical column -> the other names under which it is accepted. What each means: `pbxnb.analysis.calls`."""
_TIMES = ("started_at", "answered_at", "ended_at")


def opened(table: Any, *needed: str, legs: bool = False) -> tuple[nw.LazyFrame[Any], Callable[..., Any]]:
    """See a table of any kind as a lazy narwhals frame with canonical column names.

    Args:
        table: pandas, polars (also lazy), pyarrow or DuckDB; or anything else narwhals takes.
        needed: canonical columns that must be there.
        legs: the rows as they are; False makes one of all rows that have one ``conversation``, where there is such a
            column (`pbxnb.analysis.conversations`).

    Returns:
        The frame with just those columns, and ``back(frame)``, which turns a result into the kind that came in.

    Raises:
        MissingColumn: a needed column stands under none of its names.
        AnalysisError: the object is no table.
        MissingExtra: narwhals is not installed.
    """
    try:
        import narwhals as nw
    except ImportError:
        raise MissingExtra(
            "The analysis functions need the analysis extra.", hint='Install it: pip install "pbxnb[analysis]"'
        ) from None
    try:
        native = nw.from_native(table)
    except TypeError:
        raise AnalysisError(
            f"{type(table).__name__} is not a table pbxnb can analyse.",
            hint="Give a pandas or polars frame, a pyarrow table or a DuckDB relation.",
        ) from None
    schema = native.collect_schema()
    there = schema.names()
    merged = not legs and any(name in there for name in ("conversation", *ALIASES["conversation"]))
    picked = []
    for column in dict.fromkeys([*needed, *(READ if merged else ())]):
        accepted = (column, *ALIASES.get(column, ()))
        name = next((name for name in accepted if name in there), None)
        if name is not None:
            # A column of nothing, as of calls that are all open, has no type of its own in a table made of plain rows.
            untold = column in _TIMES and not schema[name].is_temporal()
            picked.append((nw.col(name).cast(nw.Datetime("us")) if untold else nw.col(name)).alias(column))
        elif column in needed:
            raise MissingColumn(
                f"The table has no column {column!r}.",
                hint=f"Name it {', '.join(map(str, accepted))}; the table has: {', '.join(there)}.",
                column=column,
                accepted=accepted,
                columns=tuple(there),
            )
    eager = isinstance(native, nw.DataFrame)

    def back(frame: nw.LazyFrame[Any]) -> Any:
        return frame.collect().to_native() if eager else frame.to_native()

    frame = native.lazy().select(*picked)
    return (one_each(frame, needed) if merged else frame), back


def one_if(condition: nw.Expr) -> nw.Expr:
    """1 where a condition holds, 0 where it does not or is null; sum it, then `whole` the sum."""
    import narwhals as nw

    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def whole(*columns: str) -> list[nw.Expr]:
    """The columns as int64: some engines widen or float their sums."""
    import narwhals as nw

    return [nw.col(column).cast(nw.Int64) for column in columns]

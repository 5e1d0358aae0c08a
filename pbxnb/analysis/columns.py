"""How a table of calls is read: the canonical columns, the names they go by elsewhere, and the way in and out.

Everything else in this package sees narwhals frames with canonical names and never asks which engine is behind.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pbxnb.errors import AnalysisError, MissingColumn, MissingExtra, PbxError

from .calls import calls_of, is_session
from .conversations import READ, one_each
from .values import read

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["ALIASES", "measure", "one_if", "opened", "seen", "whole"]

P = ParamSpec("P")
R = TypeVar("R")

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
_MS = ("wait_ms", "talk_ms", "hold_ms")


def measure(fn: Callable[P, R]) -> Callable[P, R]:
    """A measure whose every failure over a table is an `AnalysisError` with a sentence, never an engine's own error."""

    @functools.wraps(fn)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        inspect.signature(fn).bind(*args, **kwargs)  # a call that is wrong in itself stays a TypeError
        try:
            return fn(*args, **kwargs)
        except PbxError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise AnalysisError(
                f"{fn.__name__} could not be computed of this table: {type(error).__name__}: {said}",
                hint="Look at the types of its columns; docs/telephony.md 5.1 says what they hold.",
            ) from error

    return wrapper


def opened(
    table: Any,
    *needed: str,
    legs: bool = False,
    times: Iterable[str] = (),
    ms: Iterable[str] = (),
    by: str | None = None,
    offered: bool = False,
) -> tuple[nw.LazyFrame[Any], Callable[..., Any]]:
    """See a table of any kind as a lazy narwhals frame with canonical column names and values.

    Args:
        table: pandas, polars (also lazy), pyarrow or DuckDB; or anything else narwhals takes; or a `pbxnb.Pbx`, or a
            history, whose calls are a pyarrow table (`pbxnb.analysis.calls_of`).
        needed: canonical columns that must be there.
        legs: the rows as they are; False makes one of all rows that have one ``conversation``, where there is such a
            column (`pbxnb.analysis.conversations`).
        times, ms: those of ``needed`` that hold times, or milliseconds, besides the canonical ones.
        by: one more column that must be there, of any type that can be grouped by.
        offered: of a handle, only the calls of callers; a table is taken to hold just them.

    Returns:
        The frame with just those columns, and ``back(frame)``, which turns a result into the kind that came in.

    Raises:
        MissingColumn: a needed column stands under none of its names.
        AnalysisError: the object is no table, or a column holds what cannot be read (`pbxnb.analysis.values`).
        MissingExtra: narwhals is not installed.
    """
    try:
        import narwhals as nw
    except ImportError:
        raise MissingExtra(
            "The analysis functions need the analysis extra.", hint='Install it: pip install "pbxnb[analysis]"'
        ) from None
    if is_session(table):
        table = calls_of(table, legs=legs, offered=offered)
    try:
        native = seen(table)
    except TypeError:
        raise AnalysisError(
            f"{type(table).__name__} is not a table pbxnb can analyse.",
            hint="Give a Pbx, a pandas or polars frame, a pyarrow table or a DuckDB relation.",
        ) from None
    there = native.collect_schema().names()
    merged = not legs and any(name in there for name in ("conversation", *ALIASES["conversation"]))
    wanted = list(dict.fromkeys([*needed, *([] if by is None else [by])]))
    names: dict[str, str] = {}
    for column in dict.fromkeys([*wanted, *(READ if merged else ())]):
        accepted = (column, *ALIASES.get(column, ()))
        name = next((name for name in accepted if name in there), None)
        if name is not None:
            names[column] = name
        elif column in wanted:
            raise MissingColumn(
                f"The table has no column {column!r}.",
                hint=f"Name it {', '.join(map(str, accepted))}; the table has: {', '.join(there)}.",
                column=column,
                accepted=accepted,
                columns=tuple(there),
            )
    kinds = {
        column: "time"
        if column in (*_TIMES, *times)
        else "ms"
        if column in (*_MS, *ms)
        else column
        if column in ("dow", "hour", "outcome")
        else "text"
        if column in ALIASES
        else "any"
        for column in names
    }
    eager = isinstance(native, nw.DataFrame)

    def back(frame: nw.LazyFrame[Any]) -> Any:
        return frame.collect().to_native() if eager else frame.to_native()

    renamed = native.lazy().select(*(nw.col(name).alias(column) for column, name in names.items()))
    frame = read(renamed, kinds, names)
    return (one_each(frame, wanted) if merged else frame), back


def seen(table: Any) -> Any:
    """A table as narwhals sees it, also one that only speaks Arrow, such as `Pbx.history`'s; TypeError for all else."""
    import narwhals as nw

    try:
        return nw.from_native(table)
    except TypeError:
        if not hasattr(table, "__arrow_c_stream__"):
            raise
        return nw.from_arrow(table, backend="pyarrow")


def one_if(condition: nw.Expr) -> nw.Expr:
    """1 where a condition holds, 0 where it does not or is null; sum it, then `whole` the sum."""
    import narwhals as nw

    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def whole(*columns: str) -> list[nw.Expr]:
    """The columns as int64: some engines widen or float their sums."""
    import narwhals as nw

    return [nw.col(column).cast(nw.Int64) for column in columns]

"""How a table of calls is read: the canonical columns, the names they go by elsewhere, and the way in and out.

Everything else in this package sees narwhals frames with canonical names and never asks which engine is behind.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pbxnb.errors import AnalysisError, MissingColumn, MissingExtra, PbxError, install_hint

from .calls import calls_of, is_session
from .conversations import READ, one_each
from .values import read
from .weeks import with_monday
from .window import WINDOW, Window, window_of

if TYPE_CHECKING:
    import narwhals as nw

__all__ = [
    "ALIASES",
    "Back",
    "By",
    "check_keys",
    "keys_of",
    "measure",
    "one_if",
    "opened",
    "ratio",
    "seen",
    "totals",
    "whole",
]

By = str | Sequence[str]
"""A column to group by, or several: ``by="queue"``, ``by=["domain", "week"]``."""
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
    "wrap_ms": ("acw_ms", "wrapup_ms"),
    "conversation": ("conversation_id", "linkedid"),
    "domain": ("tenant",),
}
"""Canonical column -> the other names under which it is accepted. What each means: `pbxnb.analysis.calls`."""
_TIMES = ("started_at", "ended_at", "answered_at")
_MS = ("wait_ms", "talk_ms", "hold_ms", "wrap_ms")


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


def keys_of(by: By) -> tuple[str, ...]:
    """The columns to group by, each once."""
    keys = (by,) if isinstance(by, str) else tuple(by)
    if strange := [key for key in keys if not isinstance(key, str)]:
        raise AnalysisError(
            f"by={strange[0]!r} is no name of a column.", hint='Give names: by="queue" or by=["domain", "week"].'
        )
    return tuple(dict.fromkeys(keys))


def opened(
    table: Any,
    *needed: str,
    also: Iterable[str] = (),
    legs: bool = False,
    times: Iterable[str] = (),
    ms: Iterable[str] = (),
    by: Sequence[str] = (),
    offered: bool = False,
) -> tuple[nw.LazyFrame[Any], Back]:
    """See a table of any kind as a lazy narwhals frame with canonical column names and values.

    Args:
        table: pandas, polars (also lazy), pyarrow or DuckDB; or anything else narwhals takes; or a `pbxnb.Pbx`, or a
            history, whose calls are a pyarrow table (`pbxnb.analysis.calls_of`).
        needed: canonical columns that must be there.
        also: canonical columns of text or milliseconds that are null throughout where the table has none.
        legs: the rows as they are; False makes one of all rows that have one ``conversation``, where there is such a
            column (`pbxnb.analysis.conversations`).
        times, ms: those of ``needed`` that hold times, or milliseconds, besides the canonical ones.
        by: more columns that must be there, of any type that can be grouped by. ``week``, the date of its Monday, is
            made of ``day`` where the table has none.
        offered: of a handle, only the calls of callers; a table is taken to hold just them.

    Returns:
        The frame with just those columns, and the way back for a result.

    Raises:
        MissingColumn: a needed column stands under none of its names.
        AnalysisError: the object is no table, or a column holds what cannot be read (`pbxnb.analysis.values`).
        MissingExtra: narwhals is not installed.
    """
    try:
        import narwhals as nw
    except ImportError:
        raise MissingExtra(
            "The analysis functions need the analysis extra.", hint=install_hint("pbxnb[analysis]")
        ) from None
    check_keys(by, *WINDOW)
    window = None
    if is_session(table):
        window = Window.of_session(table)
        table = calls_of(table, legs=legs, offered=offered)
    try:
        native = seen(table)
    except TypeError:
        raise AnalysisError(
            f"{type(table).__name__} is not a table pbxnb can analyse.",
            hint="Give a Pbx, a pandas or polars frame, a pyarrow table or a DuckDB relation.",
        ) from None
    schema = native.collect_schema()
    there = schema.names()
    merged = not legs and any(name in there for name in ("conversation", *ALIASES["conversation"]))
    required = (*needed, *by)
    wanted = list(dict.fromkeys([*required, *also]))
    names: dict[str, str] = {}
    for column in dict.fromkeys([*wanted, *(READ if merged else ())]):
        name = _name_in(there, column)
        if name is None and column == "week":
            name = _name_in(there, "day")
        if name is not None:
            names[column] = name
        elif column in required:
            accepted = (column, *ALIASES.get(column, ()))
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
        if column in ALIASES or column == "week"
        else "any"
        for column in names
    }
    lazy = native.lazy()
    frame = read(lazy, kinds, names)
    if window is None:
        known = (_name_in(there, column) for column in _TIMES)
        moments = [name for name in known if name and schema[name] in (nw.Datetime, nw.Date)]
        window = window_of(lazy, moments[:2])  # an answer lies between a call's beginning and its end
    if "week" in names and "week" not in there:
        frame = with_monday(frame, "week")
    if absent := [column for column in also if column not in names]:
        nothing = {column: nw.lit(None, nw.Float64 if column.endswith("_ms") else nw.String) for column in absent}
        frame = frame.with_columns(**nothing)
    return (one_each(frame, wanted) if merged else frame), Back(window, eager=isinstance(native, nw.DataFrame))


@dataclass(frozen=True)
class Back:
    """Turns a result into the kind of table that came in, with the window that it was observed in.

    Args:
        window: of the table that came in.
        eager: whether that was one that holds its rows.
    """

    window: Window
    eager: bool

    def __call__(self, frame: nw.LazyFrame[Any]) -> Any:
        """The result as that kind of table."""
        frame = frame.with_columns(**self.window.columns())
        return frame.collect().to_native() if self.eager else frame.to_native()


def _name_in(there: Sequence[str], column: str) -> str | None:
    """What a table calls a column; None where it has no such."""
    return next((name for name in (column, *ALIASES.get(column, ())) if name in there), None)


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


def check_keys(keys: Sequence[str], *columns: str) -> None:
    """Refuse to group by what the result calls one of its own columns.

    Raises:
        AnalysisError: a key is among them.
    """
    if twice := [key for key in keys if key in columns]:
        raise AnalysisError(f"by={twice[0]!r} is the name of a column of the result, too.", hint="Rename the column.")


def group(keys: Sequence[str]) -> nw.Expr:
    """The keys' values as one text, to join by: one that is null is a value, too."""
    import narwhals as nw

    texts = (nw.col(key).cast(nw.String).fill_null("\x1e") for key in keys)
    return nw.concat_str([nw.lit(""), *texts], separator="\x1f")


def totals(frame: nw.LazyFrame[Any], keys: Sequence[str], *columns: str) -> nw.LazyFrame[Any]:
    """The columns' sums as int64: a row a group in order of ``keys``, one row where there are none."""
    import narwhals as nw

    check_keys(keys, *columns)
    sums = [nw.col(column).sum() for column in columns]
    summed = frame.group_by(*keys).agg(*sums).sort(*keys) if keys else frame.select(*sums)
    # of no rows some engines sum none
    return summed.with_columns(*(total.fill_null(0) for total in whole(*columns)))


def ratio(part: nw.Expr, base: nw.Expr) -> nw.Expr:
    """A share on float64, null where nothing counts."""
    import narwhals as nw

    return nw.when(base > 0).then(part.cast(nw.Float64) / base.cast(nw.Float64))

"""Who a caller is, and whether he comes again: a number in the form in which it is compared, and times as numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError
from pbxnb.model.derive import NOBODY_IN_PARTICULAR

from ..columns import one_if

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["CALLER", "LOST", "REACHED", "callers", "from_callers", "later", "microseconds", "window_of", "with_parties"]

CALLER = ("domain", "_number")
"""Columns of `callers` that tell one from another."""

LOST = ("abandoned", "no_answer", "missed", "busy", "failed")
"""Outcomes of a conversation that nobody answered."""
REACHED = ("answered", "answered_elsewhere")
_SEPARATORS = "[ \t\u00a0()./-]"
_NOT_COMPARED = (
    rf"(?i)^{_SEPARATORS}*(?:{'|'.join(sorted(filter(None, NOBODY_IN_PARTICULAR)))}){_SEPARATORS}*$"
    rf"|^{_SEPARATORS}*(?:\+|00)|{_SEPARATORS}"
)
_LONGEST = 2.0**33  # seconds: 272 years, as milliseconds are bounded


def window_of(within: object) -> timedelta:
    """The argument ``within``, given in seconds."""
    check_number("within", within, 0.001, _LONGEST, error=AnalysisError)
    assert isinstance(within, int | float)
    return timedelta(seconds=within)


def later(time: nw.Expr, by: timedelta) -> nw.Expr:
    """A time and a while."""
    import narwhals as nw

    return (time + nw.lit(by)).cast(nw.Datetime("us"))


def microseconds(frame: nw.LazyFrame[Any], column: str) -> nw.Expr:
    """A column of times without null as whole microseconds since 1970, by the clock's fields: no engine rounds them."""
    import narwhals as nw

    clock = nw.col(column).dt
    exact = nw.col(column).cast(nw.Datetime("us", "UTC")).dt if frame.implementation.is_spark_like() else clock
    fields = (clock.year(), clock.ordinal_day(), clock.hour(), clock.minute(), clock.second(), exact.microsecond())
    year, day, hour, minute, second, rest = (field.cast(nw.Int64) for field in fields)
    leap_days = (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
    days = (year - 1970) * 365 + leap_days + day - 1
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + rest


def normal(number: nw.Expr) -> nw.Expr:
    """A number as it is compared: ``+49 (30) 123-4`` and ``004930 1234`` are one; empty for nobody in particular.

    Separators go, and a ``+`` or ``00`` in front. National and international forms of a number stay two.
    """
    return number.fill_null("").str.replace_all(_NOT_COMPARED, "")


def from_callers() -> nw.Expr:
    """Whether a conversation is that of a caller: it came from outside, or through a queue."""
    import narwhals as nw

    return (nw.col("direction") == "in") | (nw.col("queue").fill_null("") != "")


def with_parties(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The conversations that began, with `CALLER`: the number that called us, or that we called; empty where hidden.

    Args:
        frame: ``domain``, ``direction``, ``queue``, ``from_num``, ``to_num`` and ``started_at``.
    """
    import narwhals as nw

    frame = frame.filter(~nw.col("started_at").is_null()).with_columns(_in=one_if(from_callers()))
    other = nw.when(nw.col("_in") == 1).then(nw.col("from_num")).otherwise(nw.col("to_num"))
    return frame.with_columns(nw.col("domain").fill_null(""), _number=normal(other))


def callers(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The conversations of callers, with `CALLER` (``_number`` is empty where it is hidden) and ``_next``.

    Args:
        frame: ``domain``, ``direction``, ``queue``, ``from_num``, ``call_id`` and ``started_at``.

    Returns:
        ``_next``: when the caller's next conversation begins, null after the last; of two that begin at the same moment
        that with the greater ``call_id`` is the later.
    """
    import narwhals as nw

    frame = frame.filter(~nw.col("started_at").is_null() & from_callers())
    frame = frame.with_columns(nw.col("domain").fill_null(""), _number=normal(nw.col("from_num")))
    order, following = ["started_at", "call_id"], nw.col("started_at").shift(-1)
    if not frame.implementation.is_pyarrow():
        return frame.with_columns(_next=following.over(*CALLER, order_by=order))
    # pyarrow knows no order within groups: there it goes through all rows, caller after caller
    order = [*CALLER, *order]
    same = nw.lit(value=True)
    for column in CALLER:
        same = same & (nw.col(column).shift(-1).over(order_by=order) == nw.col(column))
    return frame.with_columns(_next=nw.when(same).then(following.over(order_by=order)))

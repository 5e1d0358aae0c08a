"""Calls that were handed on: from which extensions, and to which."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pbxnb.errors import AnalysisError, MissingColumn

from ..calls import is_session
from ..columns import By, keys_of, measure, one_if, opened, totals
from .callers import later

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["transfers"]

_SAME = timedelta(seconds=1)  # between two ends that are one event
_OPEN = datetime(2200, 1, 1)  # noqa: DTZ001 - the end of a leg that has none: after any that a table holds
_LEGS = "Give a row a phone: `history.legs`, `call_rows(…, legs=True)` or `read_calls(…, legs=True)`."


@measure
def transfers(calls: Any, *, by: By = (), legs: bool = False) -> Any:
    """How often each extension handed a conversation on, and was handed one.

    Args:
        calls: rows a leg with ``conversation``, ``ext``, ``outcome``, ``started_at``, ``answered_at`` and
            ``ended_at``; with ``domain`` an extension of two of them is two.
        by: more columns to group by, those of the leg.
        legs: count every leg of an extension, not every conversation it had a part in once.

    Returns:
        ``by``, ``domain``, ``ext``, ``calls`` (conversations that rang or talked there), ``transferred_in``,
        ``transferred_out`` (of them; int64), in order of all keys; the same kind as ``calls``.

    Definition:
        An extension hands on a conversation in which it talked, when a leg of the conversation begins after its answer
        and ends a second or more after it: a transfer, with a question before or without, or a park and a pick-up. A
        phone that rings for it was handed it, answered or not, unless another takes it.

    Raises:
        AnalysisError: the rows are conversations, which do not say who was in them.
        MissingColumn: a needed column is not there.

    Example:
        >>> from pbxnb.analysis import transfers
        >>> transfers(pbx).column_names[:5]
        ['domain', 'ext', 'calls', 'transferred_in', 'transferred_out']
    """
    keys, needed = keys_of(by), ("conversation", "ext", "outcome", "started_at", "answered_at", "ended_at")
    try:
        frame, back = opened(calls, *needed, also=("domain",), by=keys, legs=True)
    except MissingColumn as missing:
        if missing.data["column"] != "conversation":
            raise
        raise MissingColumn(missing.message, hint=_LEGS, **missing.data) from None
    import narwhals as nw

    linked = (nw.col("conversation").fill_null("") != "") & ~nw.col("started_at").is_null()
    rows = frame.filter(linked).with_columns(nw.col("domain").fill_null(""))
    if not is_session(calls):
        _check_legs(rows)
    groups, counted = keys_of((*keys, "domain", "ext")), ("transferred_in", "transferred_out")
    handed = _handed_on(rows.filter(nw.col("ext").fill_null("") != ""))
    if not legs:
        handed = handed.group_by(*keys_of((*groups, "conversation"))).agg(*(nw.col(name).max() for name in counted))
    return back(totals(handed.with_columns(calls=nw.lit(1).cast(nw.Int64)), groups, "calls", *counted))


def _handed_on(legs: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The legs with 1 or 0 for whether the conversation came to them by a transfer, and whether it left them by one.

    The first to talk tells whether a later leg was handed on to, the last to begin whether an earlier one was handed
    on: pairs of legs would be too many in a conversation that has many.
    """
    import narwhals as nw

    begin, answer, end, outcome = (nw.col(name) for name in ("started_at", "answered_at", "ended_at", "outcome"))
    talk, rang, over, call = nw.col("_talk"), nw.col("_rang"), nw.col("_end"), ("domain", "conversation")
    legs = legs.with_columns(
        _talk=nw.when(outcome == "answered").then(nw.when(answer > begin).then(answer).otherwise(begin)),
        _rang=nw.when(outcome.fill_null("") != "answered_elsewhere").then(begin),
        _end=nw.when(end.is_null()).then(nw.lit(_OPEN)).otherwise(end).cast(nw.Datetime("us")),
    )
    legs = legs.with_columns(
        _first=talk.min().over(*call),
        _last=rang.max().over(*call),
        _one=nw.col("ext").min().over(*call),
        _other=nw.col("ext").max().over(*call),
    )
    legs = legs.with_columns(
        _left=nw.when(talk == nw.col("_first")).then(over), _stayed=nw.when(rang == nw.col("_last")).then(over)
    )
    legs = legs.with_columns(_left=nw.col("_left").min().over(*call), _stayed=nw.col("_stayed").max().over(*call))
    several = nw.col("_one") != nw.col("_other")
    came = (rang > nw.col("_first")) & (over >= later(nw.col("_left"), _SAME))
    went = (talk < nw.col("_last")) & (nw.col("_stayed") >= later(over, _SAME))
    return legs.with_columns(transferred_in=one_if(several & came), transferred_out=one_if(several & went))


def _check_legs(rows: nw.LazyFrame[Any]) -> None:
    """Refuse rows of which no two are one conversation.

    Raises:
        AnalysisError: they are conversations, as it seems.
    """
    import narwhals as nw

    of_each = rows.group_by("domain", "conversation").agg(_rows=nw.len())
    [(most,)] = of_each.select(nw.col("_rows").max()).collect().rows()
    if most == 1:
        raise AnalysisError(
            "No two rows of this table are one conversation, so nobody can be seen to hand one on.", hint=_LEGS
        )

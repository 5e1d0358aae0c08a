"""What the values of a table may be: times, milliseconds, words of other systems; read right or refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NamedTuple

from pbxnb.errors import AnalysisError
from pbxnb.history.legs import OUTCOMES

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["OUTCOME_OF", "WORDS", "read"]

WORDS: dict[str, tuple[str, ...]] = {
    "answered": (
        "answer", "connected", "completed", "completecaller", "completeagent", "transfer", "transferred", "handled",
        "normal_clearing", "success", "talked",
    ),
    "abandoned": (
        "abandon", "cancel", "cancelled", "canceled", "originator_cancel", "exitwithkey", "aborted", "lose_race",
    ),
    "no_answer": (
        "noanswer", "unanswered", "not_answered", "no_user_response", "allotted_timeout", "progress_timeout",
        "recovery_on_timer_expire", "exitwithtimeout", "ringnoanswer", "exitempty", "timeout", "voicemail",
        "subscriber_absent",
    ),
    "busy": ("user_busy", "call_rejected", "rejected"),
    "failed": (
        "congestion", "chanunavail", "error", "unallocated_number", "normal_temporary_failure", "no_route_destination",
        "network_out_of_order", "destination_out_of_order", "normal_circuit_congestion", "user_not_registered",
        "incompatible_destination", "invalid_number_format", "service_unavailable", "normal_unspecified", "invalid",
    ),
    "missed": (),
    "answered_elsewhere": ("answered_elsewhere", "picked_off"),
    "unknown": ("none", ""),
}  # fmt: skip
"""Outcome -> the words for it of Asterisk (CDR, queue_log), FreeSWITCH (hangup causes), 3CX and Cisco (UCCX).

Case, spaces and hyphens do not matter.
"""
OUTCOME_OF = {word: outcome for outcome, words in WORDS.items() for word in (outcome, *words)}
assert set(WORDS) == set(OUTCOMES)

_EARLIEST, _LATEST = datetime(1971, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - UTC without zone, as in every table
_LONGEST = 2**43  # milliseconds: 278 years; a million such calls still add up in 64 bits
_UTC = ("UTC", "Etc/UTC", "Etc/Universal", "Etc/Zulu", "Zulu", "Universal", "GMT", "Etc/GMT")
_RANGES = {"ms": (-_LONGEST, _LONGEST), "dow": (0, 6), "hour": (0, 23)}
_WANTED = {
    "time": ("times", "Convert it to timestamps first, UTC without zone."),
    "ms": ("milliseconds as whole numbers", "Convert seconds or text first."),
    "dow": ("weekdays as numbers, 0 = Monday", "Convert it first."),
    "hour": ("hours, 0 to 23", "Convert it first."),
    "text": ("text", "Convert it to text first."),
    "outcome": ("words", f"Convert it to words such as {', '.join(OUTCOMES)}."),
    "any": ("values to group by", "Convert it to text first."),
}


class _Refused(NamedTuple):
    """What cannot be read of a column: whether it is a row's value, and whether it is any."""

    row: nw.Expr
    any: nw.Expr


def read(frame: nw.LazyFrame[Any], kinds: Mapping[str, str], names: Mapping[str, str]) -> nw.LazyFrame[Any]:
    """The frame with values as every measure expects them.

    Times become UTC without zone; one before 1971 or from 2200 on is a "none" of somebody's and becomes null. Whole
    numbers stay, numbers in a column of text become text, words for outcomes become ours (`WORDS`).

    Args:
        frame: the table as it is.
        kinds: by canonical name what each column should hold: ``time``, ``ms``, ``dow``, ``hour``, ``text``,
            ``outcome`` or ``any``.
        names: what the table itself calls each of them.

    Returns:
        Just these columns, by their canonical names.

    Raises:
        AnalysisError: a column holds something else.
    """
    import narwhals as nw

    schema, engine = frame.collect_schema(), frame.implementation
    wrong: dict[str, _Refused] = {}
    values: list[nw.Expr] = []
    for column, kind in kinds.items():
        name = names[column]
        found, refused = _reading(nw.col(name), schema[name], kind, duckdb=engine.is_duckdb())
        values.append(found.alias(column))
        if refused is not None:
            wrong[column] = refused
    if wrong:
        # polars knows of a file's parts where no row can be refused, DuckDB the lowest and the highest of all
        rows = frame.filter(reduce(or_, (one.row for one in wrong.values()))) if engine.is_polars() else frame
        [told] = rows.select(**{column: one.any for column, one in wrong.items()}).collect().rows(named=True)
        for column, refused_any in told.items():
            if refused_any is not None and bool(refused_any):
                name, (wanted, hint) = names[column], _WANTED[kinds[column]]
                raise AnalysisError(
                    f"The column {name!r}, of type {schema[name]}, holds what cannot be read as {wanted}.",
                    hint=hint,
                    column=name,
                    type=str(schema[name]),
                )
    frame = frame.select(*values)
    return _in_our_words(frame, names["outcome"]) if "outcome" in kinds else frame


def _reading(value: nw.Expr, dtype: Any, kind: str, *, duckdb: bool) -> tuple[nw.Expr, _Refused | None]:
    """A column as a kind, and what it has that is none of that kind (None: nothing)."""
    import narwhals as nw

    there = ~value.is_null()
    if dtype.is_float():
        there = there & ~value.is_nan()
    text = dtype in (nw.String, nw.Categorical, nw.Enum)
    if kind == "time" and dtype.is_temporal() and dtype not in (nw.Duration, nw.Time):
        zone = getattr(dtype, "time_zone", None)
        if zone is not None and zone not in _UTC:
            if duckdb:  # it knows no zone but that of its connection, and would show its wall clock
                return value, _Refused(there, there.any())
            value = value.dt.convert_time_zone("UTC")
        moment = value.dt.replace_time_zone(None) if zone is not None else value
        if getattr(dtype, "time_unit", "us") == "ns" and not duckdb:  # pyarrow casts only what loses nothing
            moment = moment.dt.truncate("1us")
        moment = moment.cast(nw.Datetime("us"))
        return nw.when((moment >= nw.lit(_EARLIEST)) & (moment < nw.lit(_LATEST))).then(moment), None
    if kind in _RANGES and dtype.is_numeric():
        low, high = _RANGES[kind]
        if dtype.is_integer():  # many files know their lowest and highest without being read
            row, every = (value < low) | (value > high), (value.min() < low) | (value.max() > high)
            return value.cast(nw.Int64), _Refused(row, every)
        number = value.cast(nw.Float64) if dtype.is_decimal() else value
        refused = there & ((number < low) | (number > high))
        # floats: pandas knows no whole numbers with null
        return nw.when(there & ~refused).then(number.round(0)), _Refused(refused, refused.any())
    if kind in ("text", "outcome", "any") and text:
        return value.cast(nw.String), None
    if kind == "text" and dtype.is_integer():
        return value.cast(nw.String), None
    if kind == "text" and dtype.is_float():  # whole numbers that became floats beside a null
        refused = there & ((value.round(0) != value) | (value < -(2**53)) | (value > 2**53))
        whole = nw.when(there & ~refused).then(value).otherwise(nw.lit(0.0)).cast(nw.Int64).cast(nw.String)
        return nw.when(there & ~refused).then(whole), _Refused(refused, refused.any())
    if kind in ("text", "any") and (dtype == nw.Date or (dtype == nw.Datetime and dtype.time_zone is None)):
        return value.dt.to_string("%Y-%m-%d" if kind == "text" else "%Y-%m-%d %H:%M:%S"), None
    if kind == "any" and (dtype.is_numeric() or dtype == nw.Boolean):
        return value, None
    # a column of nothing has no type of its own in a table made of plain rows
    none: Any = nw.Datetime("us") if kind == "time" else nw.Float64 if kind in _RANGES else nw.String
    return nw.when(value.is_null()).then(nw.lit(None, none)), _Refused(there, there.any())


def _in_our_words(frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
    import narwhals as nw

    column = nw.col("outcome")
    others = frame.filter(~column.is_in(OUTCOMES)).group_by("outcome").agg(calls=nw.len())
    some = others.head(1000).collect()["outcome"].to_list()
    # sorted here: DuckDB 1.5 finds none where it sorts and cuts
    words = {word: OUTCOME_OF.get(_plain(word)) for word in sorted(one for one in some if isinstance(one, str))}
    if unknown := [word for word, outcome in words.items() if outcome is None]:
        listed = ", ".join(repr(word[:40]) for word in unknown[:10]) + (" …" if len(unknown) > 10 else "")
        raise AnalysisError(
            f"The column {name!r} holds words for outcomes that are not known: {listed}.",
            hint=f"Replace them by {', '.join(OUTCOMES)}.",
            column=name,
            unknown=tuple(unknown),
        )
    ours = column
    for word, outcome in words.items():
        ours = nw.when(column == word).then(nw.lit(outcome)).otherwise(ours)
    return frame.with_columns(outcome=ours) if words else frame


def _plain(word: str) -> str:
    return "_".join(word.strip().lower().replace("-", " ").replace("_", " ").split())

"""The week of a local date, by calendar arithmetic that is the same on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["with_monday"]

_FEBRUARY_2100 = 73_048  # its last day, the 28th, counted from 1 March 1900


def with_monday(frame: nw.LazyFrame[Any], column: str) -> nw.LazyFrame[Any]:
    """The frame with the date of the Monday on or before that of a column, both as text, ``2026-03-02``; 1901 to 2199.

    Step by step: an engine writes an expression out as often as it is named, and DuckDB eight times for a division of
    whole numbers, hence floats. Years begin in March; with a day more after February 2100 every fourth has a 29th.
    """
    import narwhals as nw

    number, in_year, years = nw.col("_number"), nw.col("_in_year"), nw.col("_years")
    day = nw.col(column).str
    year, month, date = (day.slice(start, size).cast(nw.Float64) for start, size in ((0, 4), (5, 2), (8, 2)))
    late = ((14 - month) / 12).floor()  # 1 in January and February, which are of the year before
    frame = frame.with_columns(
        _number=date - 1 + ((153 * (month + 12 * late) - 457) / 5).floor() + (365.25 * (year - late - 1900)).floor()
    )
    added = nw.when(number > _FEBRUARY_2100).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    # day 0, 1 March 1900, was a Thursday
    frame = frame.with_columns(_number=((number - added + 3) / 7).floor() * 7 - 3).with_columns(_number=number + added)
    frame = frame.with_columns(_years=((number + 0.75) / 365.25).floor())
    frame = frame.with_columns(_in_year=number - (365.25 * years).floor())
    months = ((5 * in_year + 2) / 153).floor()
    late = (months / 10).floor()
    date = in_year - ((153 * months + 2) / 5).floor() + 1
    # one number of eight figures, so that each part has its zeros in front
    figures = (1900 + years + late) * 10_000 + (months + 3 - 12 * late) * 100 + date
    frame = frame.with_columns(_figures=figures.cast(nw.Int64).cast(nw.String))
    parts = [nw.col("_figures").str.slice(start, size) for start, size in ((0, 4), (4, 2), (6, 2))]
    frame = frame.with_columns(nw.concat_str(parts, separator="-").alias(column))
    return frame.drop("_number", "_years", "_in_year", "_figures")

"""The week of a local date, by calendar arithmetic that is the same on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["monday"]

_FEBRUARY_2100 = 73_048  # its last day, the 28th, counted from 1 March 1900


def monday(day: nw.Expr) -> nw.Expr:
    """The date of the Monday on or before a date, both as text, ``2026-03-02``; from 1901 to 2199.

    DuckDB writes an expression out as often as it is named, and eight times for a division of whole numbers; hence a
    short one, of floats. Years begin in March; with a day more after February 2100 every fourth ends with a 29th.
    """
    import narwhals as nw

    year, month, date = (day.str.slice(start, size).cast(nw.Float64) for start, size in ((0, 4), (5, 2), (8, 2)))
    late = ((14 - month) / 12).floor()  # 1 in January and February, which are of the year before
    number = date - 1 + ((153 * (month + 12 * late) - 457) / 5).floor() + (365.25 * (year - late - 1900)).floor()
    number = number - nw.when(number > _FEBRUARY_2100).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    number = ((number + 3) / 7).floor() * 7 - 3  # day 0, 1 March 1900, was a Thursday
    number = number + nw.when(number > _FEBRUARY_2100).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    years = ((number + 0.75) / 365.25).floor()
    in_year = number - (365.25 * years).floor()
    months = ((5 * in_year + 2) / 153).floor()
    date = in_year - ((153 * months + 2) / 5).floor() + 1
    late = (months / 10).floor()
    # one number of eight figures, so that each part has its zeros in front
    figures = ((1900 + years + late) * 10_000 + (months + 3 - 12 * late) * 100 + date).cast(nw.Int64).cast(nw.String)
    return nw.concat_str([figures.str.slice(0, 4), figures.str.slice(4, 2), figures.str.slice(6, 2)], separator="-")

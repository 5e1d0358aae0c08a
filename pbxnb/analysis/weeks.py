"""The week of a local date, by calendar arithmetic that is the same on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["monday"]


def monday(day: nw.Expr) -> nw.Expr:
    """The date of the Monday on or before a date, both as text, ``2026-03-02``.

    Source: the Julian day number of a Gregorian date and its inverse, by Fliegel and Van Flandern (CACM 11, 1968);
    Julian day 0 was a Monday.
    """
    import narwhals as nw

    year, month, date = (day.str.slice(start, size).cast(nw.Int64) for start, size in ((0, 4), (5, 2), (8, 2)))
    late = (14 - month) // 12  # the year begins in March: January and February are of the one before
    since = year + 4800 - late
    number = date + (153 * (month + 12 * late - 3) + 2) // 5 + 365 * since + since // 4 - since // 100 + since // 400
    number = number - 32045
    number = number // 7 * 7
    a = number + 32044
    century = (4 * a + 3) // 146097
    b = a - century * 146097 // 4
    of_four = (4 * b + 3) // 1461
    c = b - 1461 * of_four // 4
    in_year = (5 * c + 2) // 153
    date = c - (153 * in_year + 2) // 5 + 1
    month = in_year + 3 - 12 * (in_year // 10)
    year = 100 * century + of_four - 4800 + in_year // 10
    # one number of eight figures, so that each part has its zeros in front
    figures = (year * 10_000 + month * 100 + date).cast(nw.String)
    return nw.concat_str([figures.str.slice(0, 4), figures.str.slice(4, 2), figures.str.slice(6, 2)], separator="-")

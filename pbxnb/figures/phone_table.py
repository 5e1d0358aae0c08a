"""A call of a phone of which its table of seconds is left, such as ``call.quality.df``: as a picture asks for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from pbxnb.analysis.columns import seen
from pbxnb.errors import AnalysisError, MissingColumn

from .phone_call import Moment
from .source import needs, rows

__all__ = ["TableCall", "call_of_table"]

_WANTED = ("at", "received", "lost", "late", "jitter", "round_trip", "level_in", "level_out", "mos", "estimated")


class Second(NamedTuple):
    """As `pbxnb.phone.samples.Sample`, as far as a picture asks."""

    at: datetime
    received: int
    lost: int
    late: int
    jitter: float
    round_trip: float | None
    level_in: float
    level_out: float | None
    mos: float | None
    estimated: bool

    @property
    def loss(self) -> float | None:
        """Share of the packets that nobody heard."""
        expected = self.received + self.lost
        return min(1.0, (self.lost + self.late) / expected) if expected else None


class Turn(NamedTuple):
    """A warning that began, or one that is cleared."""

    name: str
    at: datetime
    cleared: bool


class Side(NamedTuple):
    """The other side, as the table names it."""

    number: str
    name: str = ""


class Seconds(NamedTuple):
    """As `pbxnb.phone.quality.Quality`."""

    samples: tuple[Second, ...]
    notices: tuple[Turn, ...]


class TableCall(NamedTuple):
    """As `pbxnb.phone.call.PhoneCall`; what was said on the line is not known."""

    party: Side
    quality: Seconds
    moments: tuple[Moment, ...] = ()
    call: Any = None


def call_of_table(table: Any) -> TableCall:
    """Read a table of one call's seconds.

    Raises:
        AnalysisError: it holds several calls, or no second.
        MissingColumn: it is another table.
        TypeError: it is none.
    """
    frame = seen(table)
    have = frame.lazy().collect_schema().names()
    if missing := [name for name in _WANTED if name not in have]:
        raise MissingColumn(
            f"This table has no column {missing[0]!r}, which the seconds of a call have.",
            hint="Give call.quality.df, or the rows of one call of phone.quality.df.",
            column=missing[0],
            there=have,
        )
    found = sorted(rows(frame.to_native()), key=lambda row: row["at"])
    needs(found, "seconds of a call")
    if len({row.get("callid") for row in found}) > 1:
        raise AnalysisError("This table has several calls.", hint="Choose one: df[df.callid == df.callid.iloc[0]].")
    samples = tuple(
        Second._make(_moment(row[name]) if name == "at" else row[name] for name in _WANTED) for row in found
    )
    warned = [set() if row.get("warnings") is None else set(row["warnings"]) for row in found]
    notices = tuple(
        Turn(name, second.at, name in before)
        for second, before, now in zip(samples, [set(), *warned], warned, strict=False)
        for name in sorted(before ^ now)
    )
    return TableCall(Side(str(found[0].get("party") or "")), Seconds(samples, notices))


def _moment(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at

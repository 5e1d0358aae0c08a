"""Where a picture's calls come from: a live handle or any table, and the terms its title must state.

Text from the wire goes into plotly labels, which read a little markup of their own: `label` takes that away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from pbxnb.analysis.calls import calls_of, is_session
from pbxnb.analysis.columns import opened, seen
from pbxnb.analysis.values import read
from pbxnb.errors import AnalysisError, ConfigError, MissingColumn
from pbxnb.ui.handle import handle_of
from pbxnb.zones import clock_text, times_in, zone_of

__all__ = ["Calls", "counted", "is_table", "label", "needs", "of", "rows", "table_of", "whose"]


class Calls(msgspec.Struct, frozen=True):
    """A table of calls with the terms a title states.

    Attributes:
        table: the calls, as given or as the session saw them.
        zone: in which times are shown.
        coverage: a phrase: what may be missing; empty for a table, which cannot say.
        tenant: a label: whose calls they are; empty where nothing says it.
    """

    table: Any
    zone: ZoneInfo
    coverage: str = ""
    tenant: str = ""

    def window(self, column: str = "started_at") -> dict[str, Any]:
        """``first`` and ``last`` of a column of times, and ``n``, how many rows there are."""
        [found] = rows(_window(self.table, column))
        return found

    def terms(self, *definitions: str, window: Mapping[str, Any] | None = None) -> str:
        """Tenant, window, number of calls, coverage and definitions, for under the title."""
        found = self.window() if window is None else window
        first, last = (self._minute(found[end]) for end in ("first", "last"))
        said = f"{first} to {last}, {times_in(self.zone)}" if found["n"] else "no calls"
        parts = (self.tenant, said, counted(found["n"] or 0), self.coverage, *definitions)
        return " · ".join(filter(None, parts))

    def _minute(self, moment: Any) -> str:
        return clock_text(moment, self.zone, "minutes", date=True) if isinstance(moment, datetime) else "?"


def of(source: Any, *, tz: str | ZoneInfo | None = None, offered: bool = False, legs: bool = False) -> Calls:
    """The calls of a live handle, ended and open, or of a table as it is.

    Args:
        source: a `pbxnb.Pbx`, its history or a part of it, or a pandas, polars, pyarrow or DuckDB table.
        tz: the zone of weekday, hour and every time shown; None for the handle's own. A table brings its weekdays and
            hours, so the zone is what its column ``tz`` says; only where it says nothing, ``tz``, or UTC.
        offered: of a handle take only calls that came from outside or through a queue; a table is taken to hold them.
        legs: of a handle take a row a phone, not one a conversation.

    Raises:
        MissingExtra: a handle was given and pyarrow is not installed.
        AnalysisError: no known zone has this name.
    """
    if not is_session(source):
        source = seen(source).to_native()
        zone = _zone_of_table(source) or zone_of(tz or "UTC", error=AnalysisError)
        return Calls(source, zone, tenant=whose(source))
    if hasattr(source, "calls_table"):
        table = calls_of(source, tz=tz, offered=offered, legs=legs)
        return Calls(table, _zone_of_table(table) or zone_of(tz or "UTC"), source.coverage_text, whose(table))
    handle = handle_of(source)
    zone = handle.tz if tz is None else zone_of(tz, error=AnalysisError)
    table = calls_of(handle, tz=zone, offered=offered, legs=legs)
    return Calls(table, zone, handle.history.coverage(handle.clock.now()), whose(handle))


def whose(source: Any) -> str:
    """The tenant of a handle, a recording or a table's rows, as a label; empty where nothing says it."""
    if is_session(source):
        return label(getattr(source, "domain", ""))
    import narwhals as nw

    frame = nw.from_native(source).lazy()
    if "domain" not in frame.collect_schema().names():
        return ""
    named = nw.col("domain").cast(nw.String)
    [[first, last]] = frame.select(first=named.min(), last=named.max()).collect().rows()
    return label(first or last or "") if first == last or not first else f"{label(first)} to {label(last)}"


def is_table(source: object) -> bool:
    """Whether it is a table that the analysis extra reads."""
    try:
        seen(source)
    except (TypeError, ImportError):
        return False
    return True


def table_of(source: Any, kinds: Mapping[str, str], hint: str) -> Any:
    """Columns of a table other than that of calls, as a lazy narwhals frame; times are UTC without zone.

    Args:
        source: a table of any engine, or one that speaks Arrow.
        kinds: what each column holds, as `pbxnb.analysis.values` reads it.
        hint: which table has them.

    Raises:
        AnalysisError: a column holds something else.
        MissingColumn: one is not there.
        TypeError: it is no table.
    """
    frame = seen(source).lazy()
    have = frame.collect_schema().names()
    if missing := [name for name in kinds if name not in have]:
        raise MissingColumn(f"This table has no column {missing[0]!r}.", hint=hint, column=missing[0], there=have)
    return read(frame, kinds, {name: name for name in kinds})


def rows(table: Any) -> list[dict[str, Any]]:
    """A small result table as plain rows; for what is drawn, never for what is aggregated."""
    import narwhals as nw

    frame = nw.from_native(table)
    collected = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    return [{name: _plain(value) for name, value in row.items()} for row in collected.rows(named=True)]


def counted(number: int, of_what: str = "call") -> str:
    """So many of something, in words: "1 call", "2,000 calls"."""
    return f"{number:,} {of_what}{'' if number == 1 else 's'}"


def label(text: object, most: int = 48) -> str:
    """Text of a stranger as a plotly label: no markup, no line breaks, no control characters, bounded."""
    kept = "".join(character if character.isprintable() else " " for character in str(text)[: most * 4])
    kept = kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return kept if len(kept) <= most else kept[: most - 1].rsplit("&", 1)[0] + "…"


def _window(table: Any, column: str) -> Any:
    frame, back = opened(table, column, times=(column,))
    import narwhals as nw

    counted = frame.with_columns(one=nw.lit(1))
    return back(counted.select(first=nw.col(column).min(), last=nw.col(column).max(), n=nw.col("one").sum()))


def _zone_of_table(table: Any) -> ZoneInfo | None:
    """The zone in which a table's weekdays and hours are, where it says so; it may say anything."""
    import narwhals as nw

    frame = nw.from_native(table).lazy()
    if "tz" not in frame.collect_schema().names():
        return None
    [*found] = frame.select("tz").drop_nulls().head(1).collect().rows()
    try:
        return zone_of(found[0][0]) if found else None
    except ConfigError:
        return None


def _plain(value: Any) -> Any:
    """Engines hand out their own scalars; a picture wants Python's."""
    if isinstance(value, Mapping | list | str | bytes) or value is None:
        return value
    if value != value:  # NaN and NaT are how some engines spell null
        return None
    if isinstance(value, datetime):
        return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    return value.item() if hasattr(value, "item") else value


def needs(found: Sized, what: str) -> None:
    """Refuse to draw nothing."""
    if not found:
        raise AnalysisError(f"There is nothing to draw: no {what} in this table.", hint="Give a longer window.")

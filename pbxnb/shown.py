"""How a value reads: one sentence in a terminal, a card in a notebook, a row of a table. No age, so no clock is asked.

What strangers wrote is cleaned here, and escaped where it becomes HTML. Of fields that nobody understands only the
number is told: what stands in them may be anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Sized
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from pbxnb import markup
from pbxnb.text import LONGEST, clean
from pbxnb.zones import clock_text

__all__ = ["MOST_ROWS", "Shown", "caption", "counted", "said", "since", "table_of", "told"]

MOST_ROWS = 50
_MOST_VALUES = 10  # of a list


class Shown(msgspec.Struct, frozen=True):
    """A struct that tells itself in one sentence, `_sentence`; IPython and rich print the same."""

    def _sentence(self) -> str:
        """What it is and how it stands, made by `said`."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{self._sentence()}>"

    def __rich_repr__(self) -> None:  # type: ignore[override]
        """None: rich prints the repr, not the fields of a struct."""

    def _repr_html_(self) -> str:
        facts = ((_title(name), told(getattr(self, name))) for name in self.__struct_fields__)
        return markup.card(self._sentence(), [fact for fact in facts if fact[1]])


def said(what: str, *facts: str) -> str:
    """One sentence: what it is, and the facts of it that are not empty.

    Example:
        >>> said("Extension 45 Ann", "busy", "", "1 call")
        'Extension 45 Ann: busy, 1 call'
    """
    rest = ", ".join(clean(fact, 200) for fact in facts if fact)
    return clean(": ".join(filter(None, (clean(what, 200).strip(), rest))), LONGEST)


def counted(things: Sized, name: str) -> str:
    """How many there are; empty where there is none.

    Example:
        >>> counted([7], "call"), counted(range(5000), "call"), counted([], "call")
        ('1 call', '5,000 calls', '')
    """
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}" if len(things) else ""


def since(moment: datetime | None) -> str:
    """The words that follow a state, with their space; empty where it is not known since when."""
    return f" since {told(moment)}" if moment else ""


def told(value: object) -> str:
    """A value of a field as people read it; empty where there is none. Times are UTC, floats are seconds.

    Example:
        >>> from datetime import UTC
        >>> told(True), told(12.5), told(("41", "45")), told(datetime(2026, 1, 1, tzinfo=UTC))
        ('yes', '12.5 s', '41, 45', '2026-01-01 00:00:00 UTC')
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.1f} s"
        case datetime():
            return f"{clock_text(value, ZoneInfo('UTC'), date=True)} UTC"
        case Shown():
            return repr(value)[1:-1]
        case Mapping():
            return f"{len(value):,} in all" if value else ""
        case tuple() | list():
            more = ["…"] if len(value) > _MOST_VALUES else []
            return ", ".join([*map(told, value[:_MOST_VALUES]), *more])
    return clean(value)


def table_of(entities: Collection[object], fields: Sequence[str], name: str) -> str:
    """The first of them as HTML, a row each; a column in which nothing stands is left out.

    Args:
        entities: all of them; only those that are shown are looked at.
        fields: names of their attributes.
        name: what they are, for the caption.
    """
    rows = [[told(getattr(entity, field)) for field in fields] for entity in islice(entities, MOST_ROWS)]
    kept = [n for n in range(len(fields)) if not rows or any(row[n] for row in rows)]
    return markup.table(
        [_title(fields[n]) for n in kept], ([row[n] for n in kept] for row in rows), caption(name, entities)
    )


def caption(name: str, rows: Sized) -> str:
    """What stands above a table: its name, and how many of how many rows it shows.

    Example:
        >>> caption("calls", range(11)), caption("extensions", range(5000))
        ('calls: 11', 'extensions: 50 of 5,000')
    """
    count = len(rows)
    return f"{name}: {f'{MOST_ROWS} of ' if count > MOST_ROWS else ''}{count:,}"


def _title(field: str) -> str:
    return field.strip("_").replace("_", " ")

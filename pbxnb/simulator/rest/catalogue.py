"""What the embedded PBX serves, told from its rows: as JSON, and as a page to read."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from ..server.frames import Dialect
from .table import RESOURCES

__all__ = ["COLUMNS", "catalogue", "page"]

COLUMNS = ("method", "path", "who", "grade", "source", "note", "dialects")


def catalogue(dialect: Dialect | None = None) -> list[dict[str, Any]]:
    """Every resource, or those of one dialect.

    Example:
        >>> catalogue()[0]["method"], catalogue()[0]["path"], catalogue()[0]["grade"]
        ('GET', '/rest/system/session', 'A')
    """
    return [
        {
            "method": row.method,
            "path": row.path,
            "who": row.who.value,
            "grade": row.grade,
            "source": row.source,
            "note": row.note,
            "dialects": [each.value for each in Dialect if each in row.dialects],
        }
        for row in RESOURCES
        if dialect is None or dialect in row.dialects
    ]


def page(rows: Iterable[dict[str, Any]]) -> str:
    """The same as HTML."""
    head = "".join(f"<th>{name}" for name in COLUMNS)
    lines = "".join(f"<tr>{''.join(f'<td>{_cell(row[name])}' for name in COLUMNS)}" for row in rows)
    return (
        '<!doctype html><meta charset="utf-8"><title>What this PBX serves</title>'
        "<style>body{font:14px sans-serif}td,th{text-align:left;padding:2px 8px}</style>"
        f"<h1>What this PBX serves</h1><table><tr>{head}{lines}</table>"
    )


def _cell(value: str | list[str]) -> str:
    return escape(value if isinstance(value, str) else ", ".join(value))

"""Static, safe HTML of a panel for a saved notebook: escaped text, no script, no outside resource."""

from __future__ import annotations

import html
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from pbxnb.zones import clock_text, times_in

__all__ = ["Static", "document", "table"]

_STYLE = (
    "border-collapse:collapse;font:13px system-ui,sans-serif;color:inherit",
    "padding:3px 10px;border-bottom:1px solid #8884;text-align:left",
)


class Static(str):
    """HTML that shows itself as the last expression of a cell."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return an HTML table; every cell is escaped and set in its own direction."""
    cells = "".join(f'<th scope="col" style="{_STYLE[1]}">{html.escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f'<td dir="auto" style="{_STYLE[1]}">{html.escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f'<table style="{_STYLE[0]}"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>'


def document(kind: str, name: str, body: str, at: float, zone: ZoneInfo) -> Static:
    """Return ``body`` (already escaped) under a line that says what it is, when it was true, and whose times it has."""
    line = html.escape(f"{kind} of {name} at {clock_text(at, zone, date=True)}, {times_in(zone)}")
    # Hosts typeset what looks like mathematics in the HTML they show: a caller called $…$ is none.
    return Static(f'<div class="pbxnb-static mathjax_ignore tex2jax_ignore"><p><small>{line}</small></p>{body}</div>')

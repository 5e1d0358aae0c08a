"""Tables, cards and JSON as static HTML: every text escaped, no script, no outside resource, the host's own colours."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

__all__ = ["card", "json", "table"]

_TABLE = "border-collapse:collapse;font:13px system-ui,sans-serif;color:inherit"
_CELL = "padding:3px 10px;border-bottom:1px solid #8884;text-align:left"
_CARD = (
    "display:inline-block;padding:4px 10px;border:1px solid var(--jp-border-color1,#8886);border-radius:4px;"
    "color:var(--jp-ui-font-color1,inherit);font:13px/1.5 system-ui,sans-serif"
)
_COLOURS = (
    "<style>.pbxnb-json .key{font-weight:600;color:var(--jp-mirror-editor-keyword-color,inherit)}"
    ".pbxnb-json .text{color:var(--jp-mirror-editor-string-color,inherit)}"
    ".pbxnb-json .value{color:var(--jp-mirror-editor-number-color,inherit)}</style>"
)
_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?P<text>"(?:[^"\\]|\\.)*")|(?P<value>-?\d[\d.eE+-]*|true|false|null)'
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """An HTML table; every cell is escaped and set in its own direction."""
    above = f'<caption style="text-align:left">{html.escape(caption)}</caption>' if caption else ""
    cells = "".join(f'<th scope="col" style="{_CELL}">{html.escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f'<td dir="auto" style="{_CELL}">{html.escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return _as_it_is(f'<table style="{_TABLE}">{above}<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>')


def card(title: str, facts: Iterable[tuple[str, str]] = ()) -> str:
    """A title, and under it a line a fact: its name, what it is."""
    head = f'<th scope="row" style="{_CELL};font-weight:400">'
    rows = "".join(
        f'<tr>{head}{html.escape(name)}</th><td dir="auto" style="{_CELL}">{html.escape(told)}</td></tr>'
        for name, told in facts
    )
    under = f'<table style="{_TABLE}"><tbody>{rows}</tbody></table>' if rows else ""
    return _as_it_is(f'<div style="{_CARD}"><div dir="auto"><b>{html.escape(title)}</b></div>{under}</div>')


def json(text: str) -> str:
    """JSON text with its keys, texts and values told apart."""
    parts, end = [], 0
    for found in _TOKEN.finditer(text):
        parts.append(html.escape(text[end : found.start()]))
        parts.append(f'<span class="{found.lastgroup}">{html.escape(found[0])}</span>')
        end = found.end()
    parts.append(html.escape(text[end:]))
    return _as_it_is(f'{_COLOURS}<pre class="pbxnb-json">{"".join(parts)}</pre>')


def _as_it_is(body: str) -> str:
    """Hosts typeset what looks like mathematics in the HTML they show: a caller called $…$ is none."""
    return f'<div class="mathjax_ignore tex2jax_ignore">{body}</div>'

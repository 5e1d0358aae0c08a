"""A report: pictures with their text twins, tables and definitions in one page that needs no kernel and no network."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from pbxnb.analysis import calls
from pbxnb.analysis.service import SERVICE_LEVELS
from pbxnb.errors import AnalysisError
from pbxnb.progress import shown

from .pictures.callers import patience, queue_funnel
from .pictures.durations import durations
from .pictures.extensions import extensions
from .pictures.flow import flow
from .pictures.hours import week
from .pictures.load import concurrency
from .pictures.states import state_shares
from .source import of
from .style import describe

__all__ = ["report"]

_PICTURES: tuple[Callable[..., go.Figure], ...] = (
    concurrency, week, durations, extensions, state_shares, flow, queue_funnel, patience,
)  # fmt: skip
_TABLES = ("calls", "gaps")
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = """
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; color: #1f2933; background: #fff; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1, h2 { line-height: 1.2; }
figure { margin: 0 0 2.5rem; break-inside: avoid; }
figcaption, .terms, dd { color: #52606d; }
dt { font-weight: 600; margin-top: 1rem; }
dd { margin: 0; }
.table { overflow: auto; max-height: 32rem; margin-bottom: 2rem; border: 1px solid #d5dae0; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0.5rem; font-weight: 600; white-space: nowrap; }
th, td { padding: 0.2rem 0.6rem; text-align: left; white-space: nowrap; border-top: 1px solid #e4e7eb; }
td { unicode-bidi: isolate; }
th { position: sticky; top: 0; background: #f5f7fa; }
"""
_LISTED = re.compile(r"(Args|Returns|Raises|Example):")


def report(history: Any, *, title: str, origin: str) -> str:
    """A page of HTML.

    Args:
        history: of a handle or of a recording, or a window of it.
        title: of the page.
        origin: a sentence: what it was made of, and with what.

    Raises:
        MissingExtra: pyarrow or pandas is not installed.
    """
    drawn: list[tuple[str, go.Figure]] = []
    lacking = []
    for make in shown(_PICTURES, len(_PICTURES), "Drawing the pictures"):
        try:
            drawn.append((make.__name__, make(history, theme="print")))
        except AnalysisError as error:
            lacking.append(f"{make.__name__}: {error.message}")
    code = get_plotlyjs()
    body = "".join((
        f"<h1>{html.escape(title)}</h1><p class='terms'>{of(history).terms()}</p><p>{html.escape(origin)}</p>",
        "<h2>Pictures</h2>",
        *(_figure(name, figure) for name, figure in drawn),
        f"<p>Not drawn: {html.escape(' '.join(lacking))}</p>" if lacking else "",
        "<h2>Tables</h2><p>Times in tables are UTC.</p>",
        *(_table(name, getattr(history, name)._repr_html_()) for name in _TABLES),
        "<h2>What is counted</h2><dl>",
        *(_definition(make.__name__.replace("_", " "), make) for make in _PICTURES),
        _definition("table of calls", calls),
        f"<dt>service level</dt><dd>{SERVICE_LEVELS[4]}; short: the caller waited no longer than the limit</dd></dl>",
    ))  # fmt: skip
    size = (len(code) + len(body)) / 1e6
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style><script>{code}</script></head>"
        f"<body><main>{body}<p class='terms'>This page has {size:.1f} MB, {len(code) / 1e6:.1f} of them the code that "
        "draws its pictures. It asks nobody for anything.</p></main></body></html>"
    )


def _figure(name: str, figure: go.Figure) -> str:
    told = figure.to_plotly_json()
    for trace in told["data"]:
        if trace["type"] == "scattergl":
            trace["type"] = "scatter"  # which prints, and needs no graphics card
    config = {"displaylogo": False, "responsive": True}
    drawn = to_html(told, config=config, include_plotlyjs=False, full_html=False, div_id=name, validate=False)
    return f"<figure>{drawn}<figcaption>{html.escape(describe(figure))}</figcaption></figure>"


def _table(name: str, rows: str) -> str:
    return f"<div class='table' role='region' tabindex='0' aria-label='{name}'>{rows}</div>"


def _definition(name: str, documented: object) -> str:
    """What is counted, as the documentation says it."""
    paragraphs = (inspect.getdoc(documented) or "").split("\n\n")
    prose = (html.escape(one).replace("`", "") for one in paragraphs if not _LISTED.match(one))
    return f"<dt>{name}</dt>{''.join(f'<dd>{one}</dd>' for one in prose)}"

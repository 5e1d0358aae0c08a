"""Static, safe HTML of a panel for a saved notebook: escaped text, no script, no outside resource.

A program that runs a notebook (nbclient, papermill, ``nbconvert --execute``) saves the panels' state, and an export to
HTML then shows nothing but what their scripts draw, if it can load them. So such a notebook also gets a `twin` of each
panel, an output of its own, which a page that draws the panel hides.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from pbxnb.markup import table
from pbxnb.zones import clock_text, times_in

__all__ = ["Static", "document", "show_twin", "table"]

_LONGEST_TWIN = 200_000


class Static(str):
    """HTML that shows itself as the last expression of a cell."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def document(kind: str, name: str, body: str, at: float, zone: ZoneInfo) -> Static:
    """Return ``body`` (already escaped) under a line that says what it is, when it was true, and whose times it has."""
    line = html.escape(f"{kind} of {name} at {clock_text(at, zone, date=True)}, {times_in(zone)}")
    # Hosts typeset what looks like mathematics in the HTML they show: a caller called $…$ is none.
    return Static(f'<div class="pbxnb-static mathjax_ignore tex2jax_ignore"><p><small>{line}</small></p>{body}</div>')


def show_twin(lines: str, body: Callable[[], str], uid: str) -> None:
    """Add the twin of a panel to the outputs of the cell, where a program runs that: it could answer no ``input()``.

    Args:
        lines: what is said of it, as text.
        body: gives the panel as HTML; left out where that is very long.
        uid: of the part whose views hide the twin.
    """
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    request = shell.get_parent() if hasattr(shell, "get_parent") else None
    if not request or request.get("content", {}).get("allow_stdin") is not False:
        return
    said = "".join(f'<p dir="auto" style="margin:2px 0">{html.escape(line)}</p>' for line in lines.splitlines())
    still = body()
    twin = f'<div class="pbxnb-twin pbxnb-twin-{uid} mathjax_ignore tex2jax_ignore">{said}'
    twin += f"{still if len(still) <= _LONGEST_TWIN else ''}</div>"
    shell.display_pub.publish({"text/html": twin}, {"pbxnb": "twin"})

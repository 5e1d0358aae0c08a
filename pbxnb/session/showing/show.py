"""How a handle looks where nothing can move: one line, and a little static HTML. No I/O, no secret."""

from __future__ import annotations

import html
import sys
from collections.abc import Sized
from typing import Any, Protocol

from pbxnb.model.entities import LineState, Status

__all__ = ["in_kernel", "one_line", "small_html"]

SHAPES = {LineState.LIVE: "●", LineState.STALE: "◐", LineState.REFUSED: "✕", LineState.CLOSED: "○"}
"""A sign beside the word, so that the state is never colour alone; on the way, ``◌``."""

WIDTH = 110
STYLE = (
    "display:inline-block;padding:4px 10px;border:1px solid var(--jp-border-color1,#bbb);border-radius:4px;"
    "color:var(--jp-ui-font-color1,#222);background:var(--jp-layout-color1,#fff);font:13px/1.5 sans-serif"
)


class Shown(Protocol):
    """What is shown of a handle."""

    user: str
    domain: str
    control: bool
    simulated: bool

    @property
    def status(self) -> Status:
        """The line, now."""

    @property
    def accounts(self) -> Sized:
        """Counted."""

    @property
    def calls(self) -> Sized:
        """Counted."""


def _counts(pbx: Shown) -> str:
    return f"{len(pbx.accounts)} accounts, {len(pbx.calls)} calls"


def in_kernel() -> bool:
    """Whether a kernel shows what a cell gives, and so perhaps a page; a terminal does not."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "get_parent")


def one_line(pbx: Shown, host: str) -> str:
    """Class, account, host, state, counts; at most 110 characters."""
    kind = "simulated" if pbx.simulated else host
    line = f"<Pbx {pbx.user}@{pbx.domain} on {kind}: {pbx.status.state}, {_counts(pbx)}>"
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 2]}…>"


def small_html(pbx: Shown, host: str) -> str:
    """The same, and why where there is a reason; every word escaped."""
    status = pbx.status
    where = "simulated" if pbx.simulated else host
    head = f"{SHAPES.get(status.state, '◌')} <b>{html.escape(status.state)}</b>"
    what = html.escape(f"{pbx.user}@{pbx.domain} on {where}")
    lines = [f"{head} · {what} · {_counts(pbx)} · control {'on' if pbx.control else 'off'}"]
    if status.pbx_version:
        lines[0] += f" · PBX {html.escape(status.pbx_version[:40])}"
    if status.why:
        lines.append(html.escape(status.why[:300]))
    return f'<div style="{STYLE}">{"<br>".join(lines)}</div>'

"""One look for every picture: the palette, the three templates, the title that states its terms, the text twin."""

from __future__ import annotations

from html import unescape
from typing import Any, Literal

import plotly.graph_objects as go

from pbxnb.errors import ConfigError
from pbxnb.history import AT_LEAST

__all__ = ["STATES", "THEMES", "Theme", "describe", "picture", "styled"]

Theme = Literal["light", "dark", "print"]

STATES: dict[str, str] = {
    "ringing": "#c9a227",
    "connected": "#2f78bd",
    "talking": "#2f78bd",
    "menu": "#3f9a94",
    "held": "#9a5796",
    "parked": "#6a5acd",
    "queued": "#d97f2b",
    "wrap-up": "#5b8c5a",
    "other": "#8a8f98",
    "idle": "#cfd6dd",
    "offline": "#6f7782",
    "gap": "#b0b0b0",
}
"""A colour per phase, told apart by the colour-blind too; every mark also carries its word."""

THEMES: dict[str, dict[str, str]] = {
    "light": {
        "text": "#1f2933",
        "soft": "#52606d",
        "grid": "#e4e7eb",
        "paper": "rgba(0,0,0,0)",
        "veil": "rgba(255,255,255,0.8)",
        "main": "#2f78bd",
    },
    "dark": {
        "text": "#e6e9ee",
        "soft": "#a9b4c0",
        "grid": "#3a424c",
        "paper": "rgba(0,0,0,0)",
        "veil": "rgba(17,17,17,0.8)",
        "main": "#6cb2f0",
    },
    "print": {
        "text": "#000000",
        "soft": "#333333",
        "grid": "#cccccc",
        "paper": "#ffffff",
        "veil": "rgba(255,255,255,0.8)",
        "main": "#1f4e79",
    },
}
ACCENT = "#c0392b"
NO_UPLOAD = {"remove": ["sendChartToCloud"]}
"""plotly 7 puts a "Share chart..." button on every picture, which uploads it: names and numbers stay here."""


def picture(title: str, terms: str, text: str, *, theme: Theme = "light", height: int = 380) -> go.Figure:
    """An empty figure in our look.

    Args:
        title: what is shown.
        terms: window, coverage and definition, under the title.
        text: the text twin: the picture's numbers in sentences; what ``terms`` say is missing comes after them.
        theme: ``light``, ``dark`` or ``print``.
        height: pixels.

    Raises:
        ConfigError: an unknown theme.
    """
    if theme not in THEMES:
        raise ConfigError(f"There is no theme {theme!r}.", hint=f"Choose of {', '.join(THEMES)}.")
    look = THEMES[theme]
    axis = {"gridcolor": look["grid"], "zerolinecolor": look["grid"], "linecolor": look["grid"], "automargin": True}
    lacking = [f"{part[0].upper()}{unescape(part[1:])}." for part in terms.split(" · ") if part.endswith(AT_LEAST)]
    figure = go.Figure()
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 64, "r": 24, "t": 72, "b": 48},
        paper_bgcolor=look["paper"],
        plot_bgcolor=look["paper"],
        font={"color": look["text"], "size": 13},
        title={"text": f"{title}<br><sub>{terms}</sub>", "x": 0.0, "xanchor": "left", "xref": "paper"},
        hoverlabel={"font": {"size": 12}},
        modebar=NO_UPLOAD,
        legend={"orientation": "h", "x": 0, "y": 0, "yanchor": "bottom", "yref": "container"},
        xaxis=axis,
        yaxis=axis,
        meta={"text": " ".join([text, *lacking]), "theme": theme},
    )
    return figure


def styled(figure: go.Figure) -> dict[str, str]:
    """The colours of a figure's theme."""
    return THEMES[figure.layout.meta["theme"]]


def describe(figure: Any) -> str:
    """The text twin of a picture: the same numbers, in sentences.

    Args:
        figure: a figure made by `pbxnb.figures`.

    Raises:
        ConfigError: the figure is not one of ours.

    Example:
        >>> from pbxnb import figures
        >>> figures.describe(figures.week(pbx)).startswith("The busiest hour of the week is ")
        True
    """
    meta = figure.layout.meta
    if not isinstance(meta, dict) or "text" not in meta:
        raise ConfigError("This figure carries no text twin.", hint="describe() reads pictures of pbxnb.figures.")
    return str(meta["text"])

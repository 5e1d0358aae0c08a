"""A figure in a box that gives it its size, and the style by which it follows the page's theme. Knows no picture.

plotly cannot be told a height and left to find its width: changing ``layout.height`` fixes the width as well, to the
700 pixels a figure has before it is in the page. So our live figures have neither; they fill a box of our height, and
`widget` tells them when it changes.
"""

from __future__ import annotations

from typing import Any

import ipywidgets

__all__ = ["CLASSES", "Frame", "style_sheet"]

CLASSES = ("pbxnb", "pbxnb-figure")
"""Of every panel around a live figure."""

# The panels' own sheet gives `.pbxnb` a surface and fields for a theme these plain widgets do not carry: here the
# page's hold. A figure's texts outside the marks follow the page as well, unless it brings its own paper.
_CSS = """<style>
.pbxnb.pbxnb-figure { background: transparent; color: var(--jp-ui-font-color1, inherit); color-scheme: inherit }
.pbxnb.pbxnb-figure .jupyter-widgets :is(select, input) {
  color: var(--jp-widgets-input-color, inherit); background: var(--jp-widgets-input-background-color, transparent);
  border: 1px solid var(--jp-widgets-input-border-color, #8888); border-radius: 3px; padding: 0 6px; min-height: 0 }
.pbxnb.pbxnb-figure .jupyter-widgets select { appearance: auto }
.pbxnb-frame > .js-plotly-plot { width: 100%; height: 100% }
.pbxnb-frame:not(.pbxnb-paper) :is(.xtick text, .ytick text, .gtitle, .xtitle, .ytitle, .legendtext, .annotation-text) {
  fill: var(--jp-ui-font-color1, currentColor) !important }
.pbxnb-frame:not(.pbxnb-paper) :is(.gridlayer, .zerolinelayer) path { stroke: rgba(128,128,128,0.3) !important }
.pbxnb-note { white-space: normal; height: auto; min-height: 22px; line-height: 1.5; margin: 0 8px }
.pbxnb-legend { display: flex; flex-wrap: wrap; gap: 2px 12px; font-size: 12px; line-height: 1.6;
  color: var(--jp-ui-font-color1, inherit) }
.pbxnb-legend i { display: inline-block; width: 14px; margin-inline-end: 5px; vertical-align: middle;
  border-radius: 2px }
</style>"""


def style_sheet() -> str:
    """The style of live figures, as HTML for a widget beside them."""
    return _CSS


class Frame(ipywidgets.Box):  # type: ignore[misc]  # ipywidgets publishes no types
    """The box around a figure.

    Args:
        figure: a plotly ``FigureWidget`` with ``autosize`` and neither width nor height.
        height: pixels.
    """

    def __init__(self, figure: Any, height: int) -> None:
        super().__init__([figure], layout={"height": f"{height}px", "width": "100%", "overflow": "hidden"})
        self.add_class("pbxnb-frame")

    def tall(self, height: int) -> None:
        """Change the height, pixels."""
        wanted = f"{height}px"
        if self.layout.height != wanted:
            self.layout.height = wanted

    def close(self) -> None:
        """Close the box, not the figure."""
        self.children = ()
        self.layout.close()
        super().close()

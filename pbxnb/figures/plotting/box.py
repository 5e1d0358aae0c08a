"""A figure in a box that gives it its size, and the style by which it follows the page's theme. Knows no picture.

plotly cannot be told a height and left to find its width: changing ``layout.height`` fixes the width as well, to the
700 pixels a figure has before it is in the page. So our live figures have neither; they fill a box of our height, and
`widget` tells them when it changes.
"""

from __future__ import annotations

from typing import Any

import ipywidgets

__all__ = ["CLASSES", "SHEET", "FigureBox"]

CLASSES = ("pbxnb", "pbxnb-figure")
"""Of every panel around a live figure."""
SHEET = "figures/plotting/figure.css"
"""Their style sheet, a path below the package."""


class FigureBox(ipywidgets.Box):  # type: ignore[misc]  # ipywidgets publishes no types
    """The box around a figure.

    Args:
        figure: a plotly ``FigureWidget`` with ``autosize`` and neither width nor height.
        height: pixels.
    """

    def __init__(self, figure: Any, height: int) -> None:
        super().__init__([figure], layout={"height": f"{height}px", "width": "100%", "overflow": "hidden"})
        self.add_class("pbxnb-frame")

    def set_height(self, height: int) -> None:
        """Change the height, pixels."""
        wanted = f"{height}px"
        if self.layout.height != wanted:
            self.layout.height = wanted

    def close(self) -> None:
        """Close the box, not the figure."""
        self.children = ()
        super().close()

"""plotly's figure widget, made to leave the page and to fill its box. Knows nothing of what is drawn.

plotly's own (7.1) goes on listening to its model after it was taken off the page, and then fails on everything sent: an
error in the console for each view there ever was, each kept for ever. And it takes its width when it is drawn, which is
before it is in the page: 700 pixels, whatever room there is.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go

__all__ = ["figure_widget"]

_DEFAULT = re.compile(r",\s*(\w+) as default\s*\};")
"""How plotly's bundle ends the list of what it exports."""
_WRAPPED = """};
export default () => {
  const figure = %s();
  let model, heard;
  return {
    initialize(props) {
      model = props.model;
      const ears = {
        get: name => model.get(name),
        set: (name, value) => model.set(name, value),
        save_changes: () => model.save_changes(),
        on(name, heed) { heard?.push([name, heed]); model.on(name, heed); },
      };
      figure.initialize({...props, model: ears});
    },
    render(props) {
      const {el} = props, mine = heard = [], leave = figure.render(props);
      heard = undefined;
      const room = new ResizeObserver(() => el._responsiveChartHandler?.());
      room.observe(el);
      return () => {
        room.disconnect();
        for (const [name, heed] of mine) model.off(name, heed);
        leave();
      };
    },
  };
};"""


def figure_widget(first: go.Figure) -> Any:
    """A ``FigureWidget`` that shows a figure; without a width, and ``responsive`` by its config, it fills its box."""
    return _kind()(first)


@functools.cache
def _kind() -> type[Any]:
    bundle = (Path(plotly.__file__).parent / "package_data" / "widgetbundle.js").read_text(encoding="utf-8")
    # A text of ours instead of plotly's path: with a path anywidget would keep every closed figure for ever.
    return type("FigureWidget", (go.FigureWidget,), {"_esm": wrapped(bundle), "__module__": __name__})


def wrapped(bundle: str) -> str:
    """The bundle of plotly with our life cycle around its own; as it is where it does not end as we know it."""
    return _DEFAULT.sub(lambda found: _WRAPPED % found[1], bundle, count=1)

"""plotly's figure widget, made to leave the page and to fill its box; a few are kept for use again. Knows no picture.

plotly's own (7.1) goes on listening to its model after it was taken off the page, and then fails on everything sent: an
error in the console for each view there ever was, each kept for ever. It takes its width when it is drawn, which is
before it is in the page: 700 pixels, whatever room there is. And each one brings 5 MB of code of its own to the page,
which never forgets them, and into a notebook that is saved with its widgets. Ours share one copy.
"""

from __future__ import annotations

import functools
import hashlib
import re
import threading
from pathlib import Path
from typing import Any, ClassVar, Final

import ipywidgets
import plotly
import plotly.graph_objects as go
import traitlets

from pbxnb.forks import free_in_child

__all__ = ["SpareFigures", "figure_widget"]

_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    # A double click asks for everything, which a live picture can answer; "reset" would mean its first window.
    "doubleClick": "autosize",
    "modeBarButtonsToRemove": ["resetScale2d", "select2d", "lasso2d"],
}


class SpareFigures:
    """Figure widgets that nobody uses.

    Example:
        >>> figure = SpareFigures.take(go.Figure())
        >>> SpareFigures.put_back(figure)
    """

    MOST = 4
    _kept: ClassVar[list[Any]] = []
    _lock: ClassVar[threading.Lock] = free_in_child(threading.Lock())

    @classmethod
    def take(cls, first: go.Figure) -> Any:
        """A ``FigureWidget`` that shows a figure: one that was put back, or a new one.

        Args:
            first: what it shows at first. A new widget must be born with its traces: what is sent to it before the page
                has loaded plotly, 0.2 s or more, is lost, and the page then reports its own defaults back (plotly 7.1).
        """
        with cls._lock:
            # Others may have closed one, as ipywidgets.Widget.close_all() does.
            cls._kept[:] = [figure for figure in cls._kept if figure.comm is not None]
            kept = cls._kept.pop() if cls._kept else None
        if kept is None:
            kept = figure_widget(first)
            kept._config = dict(_CONFIG)  # noqa: SLF001 - plotly's only way to set it
        else:
            kept.add_traces(first.data)
            kept.layout = first.layout
        return kept

    @classmethod
    def put_back(cls, figure: Any) -> None:
        """Empty a figure and keep it, or close it when enough are kept."""
        figure.layout._change_callbacks.clear()  # noqa: SLF001 - plotly offers no way to take all handlers off
        figure.data = ()
        figure.layout = {}
        # What a new page would be given: plotly keeps its own copies of what was sent.
        figure._widget_data, figure._widget_layout = [], {}  # noqa: SLF001
        with cls._lock:
            if len(cls._kept) < cls.MOST:
                cls._kept.append(figure)
                return
        figure.close()


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


_LOADER = """\
const KEY = "%s";
async function code(model) {
  for (let tries = 0; tries < 100; tries++) { // where a page restores its models the other may come later
    const shared = await (async () => model.widget_manager.get_model(model.get("_shared")))().catch(() => null);
    if (shared) return shared.get("code");
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error("The code of plotly is not in this page: run the cell again.");
}
async function load(model) {
  const url = URL.createObjectURL(new Blob([await code(model)], {type: "text/javascript"}));
  return import(url).then(module => module.default).finally(() => URL.revokeObjectURL(url));
}
export default () => {
  let figure;
  return {
    async initialize(context) {
      const shared = (globalThis.pbxnbModules ??= new Map());
      if (!shared.has(KEY)) shared.set(KEY, load(context.model));
      const made = await shared.get(KEY).catch(error => { shared.delete(KEY); throw error; });
      figure = typeof made == "function" ? await made() : made;
      return figure.initialize?.(context);
    },
    render: context => figure.render(context),
  };
};
"""


class PlotlyCode(ipywidgets.Widget):  # type: ignore[misc]  # ipywidgets publishes no types
    """The code of plotly in the page, for all figures of a kernel: a model without a view, which stays open."""

    code: Final = traitlets.Unicode().tag(sync=True)

    _lock: ClassVar[threading.Lock] = free_in_child(threading.Lock())
    _open: ClassVar[PlotlyCode | None] = None

    @classmethod
    def model(cls) -> str:
        """The id of the open one, made where there is none."""
        with cls._lock:
            if cls._open is None or cls._open.comm is None:  # others may have closed it, with all widgets
                cls._open = cls(code=_code())
            return str(cls._open.model_id)

    def __repr__(self) -> str:
        return "<PlotlyCode>"


def figure_widget(first: go.Figure) -> Any:
    """A ``FigureWidget`` that shows a figure; without a width, and ``responsive`` by its config, it fills its box."""
    return _kind()(first)


@functools.cache
def _code() -> str:
    path = Path(plotly.__file__).parent / "package_data" / "widgetbundle.js"
    return wrapped(path.read_text(encoding="utf-8"))


@functools.cache
def _kind() -> type[Any]:
    fields = {
        "_esm": _LOADER % hashlib.sha256(_code().encode()).hexdigest()[:16],
        "_shared": traitlets.Unicode().tag(sync=True),
        "_default_shared": traitlets.default("_shared")(lambda _figure: PlotlyCode.model()),
        "__module__": __name__,
    }
    return type("FigureWidget", (go.FigureWidget,), fields)


def wrapped(bundle: str) -> str:
    """The bundle of plotly with our life cycle around its own; as it is where it does not end as we know it."""
    return _DEFAULT.sub(lambda found: _WRAPPED % found[1], bundle, count=1)

"""The notebooks as pages: run once for each state of the code, with pictures and panels as static HTML."""

import hashlib
import logging
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from plotly.offline import get_plotlyjs
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
AT_ONCE = 2
FIRST = """
import ipywidgets
import plotly.io


def _picture(figure):
    return plotly.io.to_html(figure, include_plotlyjs=False, full_html=False, default_height=420)


class _Static(plotly.io.base_renderers.MimetypeRenderer):
    def to_mimebundle(self, figure):
        return {"text/html": _picture(figure)}


def _panel(widget):
    if hasattr(widget, "snapshot"):
        shown = widget.snapshot()
        return shown if isinstance(shown, str) else _picture(shown)
    return "".join(_panel(child) for child in getattr(widget, "children", ())) or None


plotly.io.renderers["static"] = _Static()
plotly.io.renderers.default = "static"
get_ipython().display_formatter.formatters["text/html"].for_type(ipywidgets.Widget, _panel)
"""
"""Run before the notebook's own cells: a page has no kernel, so panels and figures show themselves without one."""


def code_state() -> bytes:
    """A digest of everything a notebook's outputs depend on."""
    digest = hashlib.sha256(FIRST.encode())
    for path in sorted((ROOT / "pbxnb").rglob("*")):
        if path.suffix in {".py", ".js", ".css", ".json"}:
            digest.update(path.read_bytes())
    return digest.digest()


def run(source: Path, target: Path, state: bytes) -> None:
    """Write the executed notebook, unless it is there for this state of the code."""
    text = source.read_text(encoding="utf-8")
    key = hashlib.sha256(state + text.encode()).hexdigest()
    if target.exists() and nbformat.read(target, as_version=4).metadata.get("pbxnb") == key:
        return
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FIRST))
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    del notebook.cells[0]
    for cell in notebook.cells:
        if cell.cell_type == "code":  # here a panel is its picture, and needs no twin beside it
            cell.outputs = [one for one in cell.outputs if one.get("metadata", {}).get("pbxnb") != "twin"]
    notebook.metadata["pbxnb"] = key
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, target)


def run_all(app: Sphinx) -> None:
    """Run what is not there yet."""
    folder = Path(app.srcdir) / "notebooks"
    sources = sorted((ROOT / "notebooks").glob("*.ipynb"))
    state = code_state()
    logging.getLogger("traitlets").setLevel(logging.WARNING)  # it says which notebook it runs
    with warnings.catch_warnings(), ThreadPoolExecutor(AT_ONCE) as pool:
        warnings.simplefilter("ignore")  # of the notebook runner, not ours
        list(pool.map(lambda source: run(source, folder / source.name, state), sources))


def add_plotly(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Plotly's script, once for the site, on the pages with pictures."""
    if page.startswith("notebooks/") and app.builder.format == "html":
        script = Path(app.outdir) / "_static" / "plotly.min.js"
        if not script.exists():
            script.parent.mkdir(exist_ok=True)
            script.write_text(get_plotlyjs(), encoding="utf-8")
        above = "../" * page.count("/")
        context["metatags"] += f'<script src="{above}_static/plotly.min.js"></script>'  # before the pictures' own


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", run_all)
    app.connect("html-page-context", add_plotly)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

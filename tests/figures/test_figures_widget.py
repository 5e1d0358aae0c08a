"""plotly's figure widget with our life cycle around its own; what it does on a page is shown in tests/browser."""

import gc
import re
import weakref
from pathlib import Path

import ipywidgets
import plotly
import plotly.graph_objects as go

from pbxnb.figures.plotting.widget import PlotlyCode, figure_widget, wrapped

BUNDLE = (Path(plotly.__file__).parent / "package_data" / "widgetbundle.js").read_text(encoding="utf-8")


def test_the_bundle_of_the_installed_plotly_ends_as_we_know_it() -> None:
    ours = wrapped(BUNDLE)
    (plotlys,) = re.findall(r"const figure = (\w+)\(\);", ours)
    assert f" {plotlys}=()=>" in ours
    assert "as default" not in ours[ours.rindex("as FigureView") :]


def test_a_bundle_we_do_not_know_stays_as_it_is() -> None:
    assert wrapped("export default {};") == "export default {};"


def test_a_closed_figure_is_freed() -> None:
    figure = figure_widget(go.Figure(go.Bar(x=[1, 2])))
    assert isinstance(figure, go.FigureWidget)
    gone = weakref.ref(figure)
    figure.close()
    del figure
    gc.collect()
    assert gone() is None


def test_all_figures_refer_to_one_copy_of_plotly() -> None:
    figures = [figure_widget(go.Figure()) for _ in range(3)]
    states = [figure.get_state() for figure in figures]
    assert {state["_shared"] for state in states} == {PlotlyCode.model()}
    assert all(len(state["_esm"]) < 2_000 for state in states)


def test_where_others_closed_the_copy_the_next_figure_brings_another() -> None:
    figure_widget(go.Figure())
    ipywidgets.Widget.close_all()
    closed = PlotlyCode._open
    figure_widget(go.Figure())
    assert PlotlyCode._open is not closed
    assert PlotlyCode._open is not None
    assert PlotlyCode._open.code == wrapped(BUNDLE)

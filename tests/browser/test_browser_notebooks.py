"""Notebooks opened in a real JupyterLab: they run, show their widgets, say nothing wrong and ask nobody outside."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SHOWS = {
    "00_quickstart": [".pbxnb [data-number]"],
    "01_live_board": [".pbxnb [data-number]", ".pbxnb [data-connection]", ".pbxnb [role=grid]"],
    "04_pictures": [".js-plotly-plot"],
    "09_record_replay_scrub": [".pbx-scrubber [data-mark=gap]", ".pbx-pause:not([hidden])"],
    "06_wallboard": [".pbxnb [data-number]"],
}


@pytest.mark.browser
@pytest.mark.parametrize("name", SHOWS)
def test_a_notebook_runs_in_a_real_browser(browser: Any, name: str, artefact: Callable[[str], str]) -> None:
    opened = browser.open(NOTEBOOKS / f"{name}.ipynb", height=3000)
    try:
        assert opened.run_all() == []
        for selector in SHOWS[name]:
            opened.page.wait_for_selector(selector, state="attached", timeout=20_000)
        opened.page.screenshot(path=artefact(name))
        assert opened.errors == []
        assert opened.offsite == []
    finally:
        opened.close()


@pytest.mark.browser
def test_what_a_program_ran_shows_its_panels_without_their_kernel(
    browser: Any, tmp_path: Path, artefact: Callable[[str], str]
) -> None:
    """From the state in the notebook alone: two timelines of one copy of plotly; the text beside the panels goes."""
    nbformat = pytest.importorskip("nbformat")
    start = "import pbxnb\npbx = await pbxnb.simulate('empty', extensions=5)\npbx.simulator.place_call('41', '42')"
    seen = "await pbx.until(lambda pbx: pbx.calls, timeout=20);"
    cells = [nbformat.v4.new_code_cell(source) for source in (start, seen, "pbx.dashboard()", "pbx.timeline()")]
    notebook = nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("await pbx.aclose()")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook runner and its kernel manager, not ours
        pytest.importorskip("nbclient").NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    nbformat.write(notebook, tmp_path / "ran.ipynb")
    opened = browser.open(tmp_path / "ran.ipynb", height=3000)
    try:
        assert opened.page.locator(".pbxnb-twin").count() == 2  # nothing else before the user trusts the notebook
        opened.page.evaluate(
            "() => { for (const cell of jupyterapp.shell.currentWidget.content.model.cells) cell.trusted = true; }"
        )
        opened.page.wait_for_function(
            "() => [...document.querySelectorAll('.js-plotly-plot')].filter(p => p.querySelector('.point')).length == 2"
            " && document.querySelector('.pbxnb [data-number]')",
            timeout=60_000,
        )
        assert not any(twin.is_visible() for twin in opened.page.locator(".pbxnb-twin").all())
        opened.page.screenshot(path=artefact("saved"))
        assert opened.errors == []
        assert opened.offsite == []
    finally:
        opened.close()

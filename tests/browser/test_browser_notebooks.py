"""Notebooks opened in a real JupyterLab: they run, show their widgets, say nothing wrong and ask nobody outside."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SHOWS = {
    "00_quickstart": [".pbxnb [data-number]"],
    "01_live_board": [".pbxnb [data-number]", ".pbxnb [data-connection]", ".pbxnb [role=grid]"],
    "04_pictures": [".js-plotly-plot"],
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

"""The board in the hosts that are not JupyterLab: Notebook 7, Voilà and marimo, each as its own users start it.

In each a live tile is waited for, a click goes through the kernel to the PBX and comes back as a change of that tile,
and the console stays quiet. The pictures are kept in ``artefacts/``. marimo is installed by hand; its test
skips without.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.long]
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PATIENCE = 90_000
THEIRS = ("reading 'schema'", "The getter for the shared module", "fortawesome/fontawesome-free")
"""What Notebook 7.6 and Voilà 0.5 say, and Voilà asks outside, while they start: with an empty notebook too."""

SETUP = """
import pbxnb
pbx = await pbxnb.simulate("empty", extensions=12, seed=1)
pbx.simulator.place_call("41", "42")
await pbx.until(lambda pbx: pbx.calls, timeout=20)
"""
MARIMO = """
import marimo
app = marimo.App(width="full")
@app.cell
async def _():
    import pbxnb
    pbx = await pbxnb.simulate("empty", extensions=12, seed=1)
    pbx.simulator.place_call("41", "42")
    await pbx.until(lambda pbx: pbx.calls, timeout=20)
    return (pbx,)
@app.cell
def _(pbx):
    pbx.dashboard()
    return
"""


@pytest.fixture
def page() -> Iterator[Callable[..., Any]]:
    """Opens an address in Chromium; what comes back notes errors and requests that leave the machine."""
    pytest.importorskip("playwright", reason='The browser tests need Playwright: pip install "pbxnb[dev]".')
    from playwright.sync_api import sync_playwright

    from tests.browser.jupyter_page import CHROMIUM, FLAGS, JupyterPage

    if not CHROMIUM:
        pytest.skip("The browser tests need Chromium: apt-get install chromium, or set PBXNB_CHROMIUM.")
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))

        def open_(url: str, path: str = "") -> Any:
            opened = JupyterPage(chromium.new_page(viewport={"width": 1400, "height": 1500}), url)
            opened.page.goto(url + path)
            return opened

        yield open_
        chromium.close()


@contextmanager
def served(folder: Path, module: str, *options: str) -> Iterator[str]:
    """The address at which ``python -m module`` serves, until the block ends.

    Args:
        folder: where it runs, and all it may write.
        options: its arguments; ``{port}`` is replaced.
    """
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"This host is not installed: pip install {module}.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    command = [sys.executable, "-m", module, *(option.format(port=port) for option in options)]
    log = folder / "host.log"
    with log.open("wb") as out:
        host = subprocess.Popen(
            command, cwd=folder, env=os.environ | places | {"HOME": str(folder)}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).close()
                break
            except (urllib.error.URLError, OSError):
                if host.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"{module} did not start:\n{log.read_text(errors='replace')[-4000:]}")
                time.sleep(0.1)  # another process' start: there is no event to wait for
        yield f"http://127.0.0.1:{port}/"
    finally:
        host.terminate()
        host.wait(20)


def notebook(folder: Path, *cells: str) -> str:
    made = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for n, source in enumerate(cells)
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": made, "metadata": {"kernelspec": spec}})
    (folder / "board.ipynb").write_text(text, encoding="utf-8")
    return "board.ipynb"


def hang_up(opened: Any, picture: str) -> None:
    """Through the board alone: select the call that rings, hang it up, say yes, and see its tile go idle."""
    page = opened.page
    page.wait_for_selector('[data-number="42"][data-state="ringing"]', timeout=PATIENCE)
    page.locator(".pbx-call[data-call]").first.click()
    page.wait_for_selector("[data-command=hangup][aria-disabled=false]", timeout=PATIENCE)
    page.screenshot(path=picture)
    page.locator("[data-command=hangup]").click()
    page.locator("[data-command=confirm]").click()
    page.wait_for_selector('[data-number="42"][data-state="idle"]', timeout=PATIENCE)
    page.wait_for_selector(".pbx-outcomes li[data-mark='✓']", timeout=PATIENCE)
    quiet(opened)


def quiet(opened: Any) -> None:
    assert [told for told in opened.errors + opened.offsite if not any(known in told for known in THEIRS)] == []


def test_notebook_7(page: Callable[..., Any], tmp_path: Path, artefact: Callable[[str], str]) -> None:
    name = notebook(tmp_path, SETUP, "pbx.dashboard()")
    options = ("--no-browser", "--allow-root", "--port={port}", "--IdentityProvider.token=")
    with served(tmp_path, "notebook", *options, "--JupyterNotebookApp.expose_app_in_browser=True") as url:
        opened = page(url, f"notebooks/{name}")
        from tests.browser.jupyter_page import EXECUTE, READY

        opened.page.wait_for_function(READY, timeout=PATIENCE)
        assert opened.run_all() == []
        opened.page.evaluate(EXECUTE, "import time; time.sleep(30)")  # and all of it while a cell blocks
        hang_up(opened, artefact("board"))
        assert not opened.page.evaluate("() => __run.done")
        opened.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_voila(page: Callable[..., Any], tmp_path: Path, artefact: Callable[[str], str]) -> None:
    name = notebook(tmp_path, SETUP, "pbx.dashboard()")
    with served(tmp_path, "voila", name, "--no-browser", "--port={port}") as url:
        hang_up(page(url), artefact("board"))


def test_a_wallboard_under_voila_stays_live(
    page: Callable[..., Any], tmp_path: Path, artefact: Callable[[str], str]
) -> None:
    with served(tmp_path, "voila", str(NOTEBOOKS / "06_wallboard.ipynb"), "--no-browser", "--port={port}") as url:
        opened = page(url)
        opened.page.wait_for_selector("[data-number][data-state=busy]", timeout=PATIENCE)
        opened.page.evaluate(
            """() => { window.__changes = 0; new MutationObserver(() => __changes++).observe(
                document.querySelector('.pbx-dashboard'), {attributeFilter: ['data-state'], subtree: true}); }"""
        )
        opened.page.wait_for_function("() => __changes > 5", timeout=PATIENCE)
        opened.page.screenshot(path=artefact("06"))
        quiet(opened)


def test_the_board_in_marimo(page: Callable[..., Any], tmp_path: Path, artefact: Callable[[str], str]) -> None:
    (tmp_path / "app.py").write_text(MARIMO, encoding="utf-8")
    with served(tmp_path, "marimo", "run", "app.py", "--headless", "--no-token", "--port", "{port}") as url:
        opened = page(url)
        opened.page.wait_for_selector(".js-plotly-plot .bars path", timeout=PATIENCE)
        hang_up(opened, artefact("board"))
        opened.page.get_by_text("Console", exact=True).click()
        opened.page.locator('[data-number="42"]').click()
        opened.page.keyboard.press("w")  # asks the kernel why it looks so
        opened.page.wait_for_selector(".pbx-console h4", timeout=PATIENCE)
        quiet(opened)

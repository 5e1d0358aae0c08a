"""Calls from Notebook 7 and Voilà: the softphone beside the board, whose bar dials and answers through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import require_browser
from tests.browser.test_browser_hosts import PATIENCE, notebook, quiet, served

pytestmark = pytest.mark.browser
pytest.importorskip("aiortc", reason="needs the phone extra")
CELLS = (
    "import pbxnb\npbx = await pbxnb.simulate('empty', extensions=8, seed=1, media=True)",
    "pbx.softphone('40')",
    "pbx.softphone('41')",
    "pbx.dashboard(timeline=None)",
)
PHONE = '[data-phone="{}"][data-account="{}"]'
BEYOND_PATIENCE = 2 * 50 * 7  # packets of two sides in 7 s: after 5 s without a beat the kernel would have hung up
HEARD = (
    "async (packets) => { while (await pbxWatch.frames() < packets) await new Promise((on) => setTimeout(on, 200)); }"
)
FRAME = """(src) => {
    document.body.append(Object.assign(document.createElement("iframe"), {src, width: 1300, height: 900})); }"""
SILENCE = "() => [...globalThis[Symbol.for('pbxnb.softphone')].phones.values()].map((phone) => phone.silence)"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens an address in a Chromium whose microphone whistles; notes errors and requests that leave the machine."""
    require_browser()
    from playwright.sync_api import sync_playwright

    from tests.browser.jupyter_page import JupyterPage
    from tests.browser.phone_page import SoundBrowser, sound_flags, voice, write

    flags = sound_flags(write(tmp_path / "voice.wav", voice(8)))
    with sync_playwright() as playwright, SoundBrowser(playwright, tmp_path / "profile", flags) as browser:

        def open_(url: str, path: str = "") -> Any:
            page = browser.context.new_page()
            page.set_viewport_size({"width": 1400, "height": 1500})
            made = JupyterPage(page, url)
            page.goto(url + path)
            return made

        yield open_


def shows(page: Any, account: str, state: str) -> None:
    page.locator(PHONE.format(state, account)).wait_for(timeout=PATIENCE)


def calls(opened: Any, picture: str) -> None:
    """By the panel, and by the bar of the board: each call is heard, goes on, and leaves nothing when it ends."""
    page = opened.page
    mine, other = (page.locator(f'[data-account="{account}"]') for account in ("40", "41"))
    other.locator("[data-command=dial]").wait_for(timeout=PATIENCE)
    mine.locator("input[data-phone-to]").fill("41")
    mine.locator("[data-command=dial][aria-disabled=false]").click(timeout=PATIENCE)
    other.locator("[data-command=answer][aria-disabled=false]:visible").first.click(timeout=PATIENCE)
    for account in ("40", "41"):
        shows(page, account, "talking")
    page.evaluate(HEARD, BEYOND_PATIENCE)
    for account in ("40", "41"):
        shows(page, account, "talking")
    assert page.evaluate(SILENCE) == [0, 0]
    page.screenshot(path=picture)
    mine.locator("[data-command=hangup]").click()
    for account in ("40", "41"):
        shows(page, account, "idle")

    bar = page.locator(".pbx-command-bar")
    page.locator('.pbx-tile[data-number="40"]').click()
    bar.locator(".pbx-field-to").fill("*tone")
    bar.locator("[data-command=dial]:not([aria-disabled=true])").click()
    shows(page, "40", "talking")
    bar.locator("[data-command=hangup]:not([aria-disabled=true])").click()
    bar.locator("[data-command=confirm]").click()
    shows(page, "40", "idle")
    other.locator("input[data-phone-to]").fill("40")
    other.locator("[data-command=dial][aria-disabled=false]").click()
    bar.locator("[data-command=answer]:not([aria-disabled=true])").click()
    shows(page, "40", "talking")
    other.locator("[data-command=hangup]").click()
    shows(page, "40", "idle")
    page.wait_for_function("() => Object.values(pbxWatch.left()).every((count) => count === 0)", timeout=PATIENCE)
    quiet(opened)


def test_calls_in_notebook_7(opened: Callable[..., Any], tmp_path: Path, artefact: Callable[[str], str]) -> None:
    name = notebook(tmp_path, *CELLS)
    options = ("--no-browser", "--allow-root", "--port={port}", "--IdentityProvider.token=")
    with served(tmp_path, "notebook", *options, "--JupyterNotebookApp.expose_app_in_browser=True") as url:
        from tests.browser.jupyter_page import READY

        one = opened(url, f"notebooks/{name}")
        one.page.wait_for_function(READY, timeout=PATIENCE)
        assert one.run_all() == []
        calls(one, artefact("calls"))
        one.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_calls_in_voila(opened: Callable[..., Any], tmp_path: Path, artefact: Callable[[str], str]) -> None:
    name = notebook(tmp_path, *CELLS)
    with served(tmp_path, "voila", name, "--no-browser", "--port={port}") as url:
        calls(opened(url), artefact("calls"))


def test_a_frame_that_a_foreign_page_gives_no_microphone_says_so_and_can_listen(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    from tests.browser.phone_page import modules

    name = notebook(tmp_path, *CELLS[:2])
    framed = "--Voila.tornado_settings={{'headers': {{'Content-Security-Policy': 'frame-ancestors *'}}}}"
    with served(tmp_path, "voila", name, "--no-browser", "--port={port}", framed) as url, modules() as port:
        around = opened(f"http://localhost:{port}/").page
        around.evaluate(FRAME, url)
        frame = around.frames[1]
        phone = frame.locator('[data-account="40"]')
        told = phone.locator('[data-microphone="blocked by host"]')
        told.wait_for(timeout=PATIENCE)
        said = told.inner_text()
        assert "browser tab of its own" in said
        assert "pbx.phone" in said
        phone.locator("input[data-phone-to]").fill("*tone")
        phone.locator("[data-command=dial][aria-disabled=false]").click(timeout=PATIENCE)
        frame.locator(PHONE.format("talking", "40")).wait_for(timeout=PATIENCE)
        frame.evaluate(HEARD, 50)
        assert frame.evaluate("() => pbxWatch.left().tracks") == 0
        assert told.inner_text() == said
        phone.locator("[data-command=hangup]").click()
        frame.locator(PHONE.format("idle", "40")).wait_for(timeout=PATIENCE)

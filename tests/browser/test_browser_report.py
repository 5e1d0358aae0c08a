"""A report in a browser without a network: every picture drawn, nobody asked, nothing run, accessible and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="the browser tests need Playwright")
pytest.importorskip("pyarrow", reason="the analysis extra is not installed")

import pbxnb
from pbxnb.journal.sharing import import_lines
from tests.browser.board_page import axe
from tests.browser.conftest import require_browser
from tests.journal.sharing.test_journal_sharing_frames import HOSTILE
from tests.session.recordings.test_session_recordings_sharing import lines

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    (folder / "names.jsonl").write_text(lines([*HOSTILE, "<script>window.ran = true</script>"]))
    with pbxnb.open(import_lines(folder / "names.jsonl", folder / "monday.pbx", domain="<b>acme</b>")) as recording:
        return recording.report(folder / "report.html")


@pytest.fixture
def page(report: Path) -> Iterator[Any]:
    require_browser()
    from playwright.sync_api import sync_playwright

    from tests.browser.jupyter_page import CHROMIUM, FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        opened = browser.new_context(offline=True).new_page()
        opened.asked, opened.errors = [], []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.on("console", lambda told: opened.errors.append(told.text) if told.type == "error" else None)
        opened.goto(report.as_uri())
        yield opened
        browser.close()


@pytest.mark.parametrize("width", [320, 1100])
def test_a_report_opens_alone_and_every_picture_is_drawn(page: Any, report: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_function("() => [...document.querySelectorAll('figure')].every(f => f.querySelector('.main-svg'))")
    assert page.locator("figure").count() >= 5
    assert page.locator("figcaption").all_inner_texts().count("") == 0
    assert page.evaluate("window.ran") is None
    assert page.locator("h1").inner_text() == "Calls of <b>acme</b>"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.asked == [report.as_uri()]
    assert page.errors == []
    if (script := axe()) is not None:
        page.add_script_tag(content=script.read_text(encoding="utf-8"))
        found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []

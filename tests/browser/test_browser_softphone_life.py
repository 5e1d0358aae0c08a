"""What a notebook does to a call in JupyterLab: cells that block or run again, views, tabs, a reload, a restart."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.board_page import axe
from tests.browser.conftest import require_browser
from tests.browser.test_browser_softphone import LONG, voice_heard

pytestmark = pytest.mark.browser
SETUP = """
import pathlib, pbxnb, time
pbx = await pbxnb.simulate("empty", extensions=8, seed=1, media=True)
"""
PHONE = """
phone = pbx.softphone("40")
phones = [phone]
phone
"""
KEPT = "() => { pbxWatch.peers.at(-1).kept = true; }"
GOES_ON = (
    "() => pbxWatch.left().peers === 1 && pbxWatch.peers.find((peer) => peer.kept).connectionState === 'connected'"
)
VIEWS = "() => document.querySelectorAll('[data-phone=\"{}\"]').length === {}"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """JupyterLab in a Chromium whose microphone whistles."""
    require_browser()
    from tests.browser.jupyter_page import Browser, Server
    from tests.browser.phone_page import sound_flags, voice, write

    folder = tmp_path_factory.mktemp("phone")
    flags = sound_flags(write(folder / "voice.wav", voice(LONG)))
    with Server(folder / "jupyter") as server, Browser(server, folder / "profile", flags) as browser:
        yield browser


@pytest.fixture(scope="module")
def calls(chromium: Any) -> Iterator[Any]:
    from tests.browser.phone_page import WATCH, CallPage

    page = CallPage(chromium.open([SETUP, PHONE], script=WATCH))
    page.page.on("dialog", lambda dialog: dialog.accept())
    yield page
    assert page.opened.errors == []
    page.opened.close()


def run_cell(page: Any, index: int) -> None:
    page.evaluate(
        """async (index) => { jupyterapp.shell.currentWidget.content.activeCellIndex = index;
        await jupyterapp.commands.execute("notebook:run-cell"); }""",
        index,
    )


def test_a_call_is_made_and_ended_while_a_cell_blocks(calls: Any, tmp_path: Path) -> None:
    from tests.browser.jupyter_page import EXECUTE

    until = tmp_path / "until"
    calls.page.evaluate(EXECUTE, f"while not pathlib.Path({str(until)!r}).exists(): time.sleep(0.05)")
    calls.talk("40", "*echo")
    calls.press("40", "hangup")
    calls.shows("40", "idle")
    calls.nothing_left()
    assert not calls.page.evaluate("() => __run.done")
    until.touch()
    calls.page.wait_for_function("() => __run.done")


def test_a_call_goes_on_while_its_cell_runs_again_and_in_a_second_view(calls: Any) -> None:
    calls.talk("40", "*echo")
    calls.page.evaluate(KEPT)
    run_cell(calls.page, 1)
    calls.page.wait_for_function(VIEWS.format("talking", 1))
    assert calls.page.evaluate(GOES_ON)
    calls.page.evaluate("() => jupyterapp.commands.execute('notebook:insert-cell-below')")
    calls.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource('phone')")
    run_cell(calls.page, 2)
    calls.page.wait_for_function(VIEWS.format("talking", 2))
    assert calls.page.evaluate(GOES_ON)
    calls.hears({"40": voice_heard})
    calls.panel("40").locator("[data-command=hangup]").click()
    calls.page.wait_for_function(VIEWS.format("idle", 2))
    calls.nothing_left()


def test_a_notebook_that_is_saved_in_a_call_holds_nothing_of_how_it_sounds(calls: Any) -> None:
    calls.talk("40", "*echo")
    saved = calls.page.evaluate(
        """async () => { const commands = jupyterapp.commands;
        await commands.execute("@jupyter-widgets/jupyterlab-manager:saveWidgetState");
        await commands.execute("docmanager:save");
        return JSON.stringify(jupyterapp.shell.currentWidget.content.model.toJSON()); }"""
    )
    assert "Softphone" in saved  # the state of its widgets is there
    # SDP as it is written, and a WAV in base64; the panel's own script may name such fields
    assert re.findall(r"(?:ice-ufrag|ice-pwd|fingerprint):\w|candidate:\w+ \d|m=audio \d|UklGR", saved) == []
    calls.page.evaluate(
        '() => jupyterapp.commands.execute("@jupyter-widgets/jupyterlab-manager:saveWidgetState")'
    )  # off again
    calls.press("40", "hangup")
    calls.shows("40", "idle")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_audit_finds_nothing_serious_with_and_without_a_call(
    calls: Any, artefact: Callable[[str], str], dark: bool
) -> None:
    script = axe()
    if script is None:
        sentence = 'The audit needs axe-core: pip install "pbxnb[dev]".'
        if os.environ.get("PBXNB_REQUIRE_BROWSER"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    calls.opened.dark(dark)
    calls.page.wait_for_timeout(600)  # colours fade into the new theme
    calls.page.add_script_tag(path=str(script))

    def audit(state: str) -> list[str]:
        calls.shows("40", state)
        calls.page.screenshot(path=artefact(f"{'dark' if dark else 'light'}-{state}"))
        found = calls.page.evaluate(
            "async () => (await axe.run('.pbx-softphone', {resultTypes: ['violations']})).violations"
        )
        return [
            f"{v['id']}: {node['html'][:160]} {node['failureSummary']}"
            for v in found
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"][:3]
        ]

    assert audit("idle") == []
    calls.talk("40", "*tone")
    assert audit("talking") == []
    calls.press("40", "hangup")
    calls.shows("40", "idle")
    calls.opened.dark(False)


def test_a_tab_has_the_phone_until_another_takes_it_over(calls: Any) -> None:
    from tests.browser.jupyter_page import READY
    from tests.browser.phone_page import WATCH

    calls.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    calls.talk("40", "*echo")
    other = calls.page.context.new_page()
    other.add_init_script(WATCH)
    other.goto(calls.page.url.replace("/workspaces/", "/workspaces/other-"))
    other.wait_for_function(READY, timeout=90_000)
    take = other.locator("[data-command=takeover]:visible").first
    take.wait_for()
    assert calls.page.evaluate("() => pbxWatch.left().peers") == 1  # looking takes nothing away
    take.click()
    calls.nothing_left()
    calls.shows("40", "idle")
    assert calls.panel("40").locator("[data-command=takeover]").is_visible()
    other.close()
    calls.talk("40", "*echo")  # nobody has it now, so it is this page's again
    calls.press("40", "hangup")
    calls.nothing_left()


def test_a_reload_asks_ends_the_call_and_the_next_one_works(calls: Any) -> None:
    from tests.browser.jupyter_page import READY

    calls.talk("40", "*echo")
    calls.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    with calls.page.expect_event("dialog") as asked:
        calls.page.reload()
    assert asked.value.type == "beforeunload"
    calls.page.wait_for_function(READY, timeout=90_000)
    calls.opened.execute("await pbx.until(lambda p: not p.calls, timeout=20)")
    calls.talk("40", "*echo")
    calls.press("40", "hangup")
    calls.shows("40", "idle")
    calls.nothing_left()


def test_nothing_sounds_after_the_kernel_restarted(calls: Any) -> None:
    calls.talk("40", "*echo")
    calls.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    calls.nothing_left()
    calls.panel("40").locator('[data-command="dial"]').dispatch_event("click")
    calls.panel("40").locator("xpath=../..").get_by_text("The kernel of this panel is gone.").wait_for()
    assert calls.opened.run_all() == []
    calls.talk("40", "*echo")
    calls.press("40", "hangup")
    calls.nothing_left()

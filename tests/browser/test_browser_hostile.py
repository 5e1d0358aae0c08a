"""Callers are strangers: a wide set of hostile names in every panel of a real page. None runs, none becomes markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.board_page import HOSTILE, INTRUDERS, OVERFLOW, TILE, quiet

pytestmark = pytest.mark.browser

SETUP = f"""
import pbxnb, asyncio
from pbxnb.widgets import Alerts, Rule
NAMES = {HOSTILE!r}
sim = pbxnb.simulator.start("empty", extensions=len(NAMES) * 2, seed=1)
tenant = sim.pbx
people = [extension.number for extension in tenant.extensions]
def rename():
    for n, account in enumerate(tenant.accounts.values()):
        account.name = NAMES[n % len(NAMES)]
    for n, extension in enumerate(tenant.extensions):
        extension.department = NAMES[-1 - n % len(NAMES)]
        extension.dnd_reason = NAMES[n % len(NAMES)]
sim.run(rename)
pbx = await pbxnb.connect(sim.url, domain=sim.domain, user=people[0], login=pbxnb.Password(sim.password), control=True)
calls = [sim.place_call(f"+1555{{n:04d}}", people[n + 1], name=name) for n, name in enumerate(NAMES)]
for call in calls[::2]: sim.answer(call)
for n in range(0, len(NAMES), 3): sim.set_dnd(people[n])
await pbx.until(lambda p: len(p.calls) >= len(calls), timeout=60)
"""
BOARD = """
def fails(name):
    def measure(pbx): raise ValueError(name)
    return measure
rules = [Rule(name, lambda pbx: 1) for name in NAMES[:12]]
rules += [Rule(f"error {n}", fails(name)) for n, name in enumerate(NAMES[12:])]
board = pbx.dashboard(alerts=rules, show_console=True)
board.grid.group_by = "department"
board.grid.text = lambda account: account.name
board
"""
SNAPSHOTS = """
from IPython.display import display
for panel in (board, board.grid, board.calls, board.badge, board.alerts, board.console, board.bar):
    display(panel.snapshot())
"""


def test_no_hostile_name_runs_or_becomes_markup_in_any_panel(browser: Any, artefact: Callable[[str], str]) -> None:
    opened = browser.open([SETUP, BOARD, SNAPSHOTS], width=1600, height=2400)
    page = opened.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    try:
        assert opened.run_all() == []
        page.wait_for_selector(TILE, timeout=60_000)
        page.wait_for_function("() => document.querySelectorAll('.pbx-call[data-call]').length >= 20", timeout=60_000)
        for row in range(0, 12, 3):  # select, expand, hover: everything that shows a name again
            page.locator(".pbx-call[data-call]").nth(row).click(force=True)
            page.locator(".pbx-call[data-call] .pbx-expand").nth(row).click(force=True)
            page.locator(TILE).nth(row + 1).hover(force=True)
        for number in range(len(HOSTILE)):
            opened.execute(f"board.why(people[{number}])")
            opened.execute(f"board.grid.selected = [people[{number}]]; board.bar.request('hangup', calls[{number}])")
        opened.execute(
            "board.console.show(pbx.frames()[-1].seq); board.bar.report(NAMES[0]); board.grid.report(NAMES[2])"
        )
        opened.execute("board.console.filter = NAMES[1]; board.grid.filter = NAMES[3]; board.calls.filter = NAMES[4]")
        page.wait_for_timeout(1000)
        opened.execute("board.console.filter = board.grid.filter = board.calls.filter = ''")
        formula = next(n for n, name in enumerate(HOSTILE) if name.startswith("$"))
        opened.execute(f"board.calls.selected = [pbx.calls[calls[{formula}]].conversation]")
        page.locator(
            f".pbx-tile[data-number='{opened.execute('print(people[0])').strip()}']"
        ).scroll_into_view_if_needed()
        page.wait_for_timeout(2500)
        assert page.evaluate(INTRUDERS) == []
        assert page.evaluate(OVERFLOW) == []
        assert page.evaluate("() => window.__hit ?? 0") == 0
        assert dialogs == []
        shown = page.evaluate("() => [...document.querySelectorAll('.pbxnb .pbx-name')].map(e => e.textContent)")
        assert any(text.startswith("<script>") for text in shown)  # shown as the text it is
        assert not [text for text in shown if set(text) & set("\u202e\u202c\u2066\u2067")]
        assert max(map(len, shown)) <= 80
        page.locator(".pbx-dashboard").screenshot(path=artefact("board"))
        page.locator(".pbxnb-static").first.scroll_into_view_if_needed()
        page.screenshot(path=artefact("snapshot"))
        assert "<script>" in page.locator(".pbxnb-static").first.text_content()
        quiet(opened)
    finally:
        opened.close()

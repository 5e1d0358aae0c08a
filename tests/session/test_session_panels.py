"""The panels of a handle: made by one call, the timeline only once, closed when their cell runs again."""

from __future__ import annotations

from contextlib import closing

import pytest

import pbxnb
from pbxnb.session.registry import REGISTRY


@pytest.fixture
def pbx(server):
    with pbxnb.connect(**server.arguments) as pbx:
        yield pbx


@pytest.mark.parametrize(
    "name", ["grid", "call_list", "command_bar", "console", "status_badge", "timeline", "dashboard"]
)
def test_each_panel_is_made_by_one_call_and_closes(pbx, name):
    panel = getattr(pbx, name)()
    assert panel.comm is not None
    panel.close()
    assert panel.comm is None


def test_the_timeline_comes_back_until_it_is_closed_or_a_new_one_is_asked_for(pbx):
    first = pbx.timeline()
    assert pbx.timeline() is first
    second = pbx.timeline(new=True)
    assert second is not first
    assert pbx.timeline() is second
    second.close()
    third = pbx.timeline()
    assert third is not second
    for panel in (first, third):
        panel.close()


def test_a_panel_closes_when_its_cell_runs_again(pbx, monkeypatch):
    monkeypatch.setattr(REGISTRY.cells, "_current", lambda: "cell 1")
    badge = pbx.status_badge()
    REGISTRY.cells.rerun("another")
    assert badge.comm is not None
    REGISTRY.cells.rerun("cell 1")
    assert badge.comm is None


def test_the_command_bar_takes_the_options_of_its_class(pbx):
    with closing(pbx.command_bar(theme="dark", armed=False)) as bar:
        assert (bar.theme, bar.armed) == ("dark", False)


def test_an_option_that_a_panel_does_not_have_is_refused(pbx):
    with pytest.raises(TypeError, match=r"ExtensionGrid\(\) takes no keyword 'densty'; did you mean 'density'\?"):
        pbx.grid(densty="compact")

"""What re-running a cell does: lines replaced by newer ones, handlers and panels dropped."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field

import pytest

import pbxnb.session.registry
from pbxnb.session.registry import AT_EXIT, REPLACED, Cells, Registry


@dataclass(eq=False)
class FakeLine:
    key: str = "a"
    domain: str = "acme.example"
    why: list[str] = field(default_factory=list)

    def begin_close(self, why):
        self.why.append(why)

    def join(self, timeout):
        return True


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr("atexit.register", lambda fn: None)
    return Registry()


def test_the_older_closes_when_the_newer_is_live_and_not_before(registry):
    old, new = FakeLine(), FakeLine()
    for line in (old, new):
        registry.enter(line)
    registry.went_live(old)
    assert old.why == []
    registry.went_live(new)
    assert old.why == [REPLACED]
    assert new.why == []


def test_the_older_stays_when_the_newer_fails(registry):
    old, new = FakeLine(), FakeLine()
    registry.enter(old)
    registry.went_live(old)
    registry.enter(new)
    registry.leave(new)
    assert old.why == []
    assert registry.lines() == (old,)


def test_a_slow_older_one_gives_way_when_it_is_live_at_last(registry):
    old, new = FakeLine(), FakeLine()
    for line in (old, new):
        registry.enter(line)
    registry.went_live(new)
    assert old.why == [REPLACED]
    registry.went_live(old)
    assert new.why == []


def test_other_keys_are_left_alone(registry):
    lines = [FakeLine("a"), FakeLine("b")]
    for line in lines:
        registry.enter(line)
        registry.went_live(line)
    assert [line.why for line in lines] == [[], []]


def test_twenty_runs_leave_one(registry):
    lines = [FakeLine() for _ in range(20)]
    for line in lines:
        registry.enter(line)
        registry.went_live(line)
        for old in [one for one in lines if one.why]:
            registry.leave(old)
    assert registry.lines() == (lines[-1],)


def test_at_exit_everything_is_closed(registry):
    line = FakeLine()
    registry.enter(line)
    registry.close_all()
    assert line.why == [AT_EXIT]


def test_a_reloaded_module_still_knows_what_is_open():
    before = pbxnb.session.registry.REGISTRY
    assert importlib.reload(pbxnb.session.registry).REGISTRY is before


# ---- cells ----


@pytest.fixture
def shell():
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def test_what_a_cell_made_is_undone_when_it_runs_again(shell):
    cells, undone = Cells(), []
    shell.push({"cells": cells, "undone": undone})
    shell.run_cell("cells.remember(lambda: None)", cell_id="first")  # from here on, cells are watched
    shell.run_cell("cells.remember(lambda: undone.append('a'))", cell_id="a")
    shell.run_cell("cells.remember(lambda: undone.append('b'))", cell_id="b")
    assert undone == []
    shell.run_cell("pass", cell_id="a")
    assert undone == ["a"]
    shell.run_cell("pass", cell_id="a")
    assert undone == ["a"]


def test_what_was_undone_by_hand_is_forgotten(shell):
    cells, undone = Cells(), []
    shell.push({"cells": cells, "undone": undone})
    shell.run_cell("cells.remember(lambda: None)", cell_id="first")
    shell.run_cell("forget = cells.remember(lambda: undone.append('a')); forget()", cell_id="a")
    shell.run_cell("pass", cell_id="a")
    assert undone == []


def test_without_a_kernel_a_text_that_is_typed_again_is_no_cell_that_runs_again(shell):
    cells, undone = Cells(), []
    shell.push({"cells": cells, "undone": undone})
    for _ in range(3):
        shell.run_cell("cells.remember(lambda: undone.append('a'))")
    assert undone == []


def test_outside_ipython_nothing_is_remembered(monkeypatch):
    monkeypatch.delitem(__import__("sys").modules, "IPython", raising=False)
    cells = Cells()
    cells.remember(lambda: 1 / 0)()
    assert cells._made == {}

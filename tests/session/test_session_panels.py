"""The panels of a handle: made by one call, the timeline only once, closed when their cell runs again."""

from __future__ import annotations

import importlib
import inspect
import threading
from contextlib import closing

import pytest

import pbxnb
from pbxnb.errors import ConfigError
from pbxnb.session.registry import REGISTRY
from pbxnb.session.showing import panels


@pytest.fixture
def pbx(server):
    with pbxnb.connect(**server.arguments) as pbx:
        yield pbx


@pytest.mark.parametrize(
    "name", ["grid", "call_list", "command_bar", "console", "softphone", "status_badge", "timeline", "dashboard"]
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


def test_a_softphone_asked_for_again_is_the_same_phone_unless_it_has_a_name_of_its_own(pbx):
    with closing(pbx.softphone()) as first, closing(pbx.softphone()) as second, closing(pbx.softphone("41")) as other:
        named = pbx.softphone(name="headset")
        assert (first.phone, first.account) == (second.phone, pbx.user)
        assert len({first.phone, other.phone, named.phone}) == 3
        assert other.account == "41"
        named.close()


def test_a_softphone_registers_only_when_a_page_shows_it_and_ends_with_the_handle():
    with pbxnb.simulate("empty", extensions=3) as pbx, closing(pbx.softphone()) as phone:
        registered = threading.Event()
        calls = phone._page_calls
        assert calls.phone.line.registrar.state == "unregistered"
        calls.phone.line.registrar.changed.add(lambda state: state == "registered" and registered.set())
        calls._ticket.call(lambda: calls.heard({"owner": "page", "claim": True}))
        assert registered.wait(20)
        assert pbx._handle.page_phone(pbx.user) is phone
        pbx.close()
        assert calls.phone.line.registrar.state == "closed"


@pytest.mark.parametrize("wrong", [{"account": 41}, {"name": 1}])
def test_a_softphone_is_named_by_text(pbx, wrong):
    with pytest.raises(ConfigError):
        pbx.softphone(**wrong)


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


def types_in(annotation):
    """The types of a union, however it is written; None, which leaves an option to the panel, is not among them."""
    named = {name: str(getattr(panels, name)).replace("typing.", "") for name in ("Theme", "Density")}
    return set(named.get(annotation, annotation).replace('"', "'").split(" | ")) - {"None"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("grid", "pbxnb.widgets.grid.ExtensionGrid"),
        ("call_list", "pbxnb.widgets.call_list.CallList"),
        ("command_bar", "pbxnb.widgets.command_bar.CommandBar"),
        ("timeline", "pbxnb.figures.timeline.Timeline"),
        ("console", "pbxnb.widgets.console.Console"),
        ("status_badge", "pbxnb.widgets.badge.StatusBadge"),
        ("dashboard", "pbxnb.widgets.dashboard.Dashboard"),
    ],
)
def test_shift_tab_shows_the_options_of_the_panel_with_its_defaults(pbx, name, kind):
    module, _, cls = kind.rpartition(".")
    shown = inspect.signature(getattr(pbx, name)).parameters
    made = getattr(importlib.import_module(module), cls)
    panel, traits = inspect.signature(made).parameters, made.class_traits()
    more = {"layout"} | ({"new"} if name == "timeline" else set())
    assert shown.keys() - more == panel.keys() - {"handle"}
    for option in shown.keys() - more:
        if shown[option].default is not None:  # None leaves it to the panel
            own = {("dashboard", "timeline"): "own"}.get((name, option), panel[option].default)
            assert shown[option].default == (tuple(own) if isinstance(own, list) else own), option
        if option in traits and panel[option].annotation != "Any":  # a trait that takes anything says nothing
            assert types_in(shown[option].annotation) >= types_in(panel[option].annotation), option


def test_simulate_takes_what_the_simulator_takes_each_by_name_with_its_default():
    shown = inspect.signature(pbxnb.simulate).parameters
    start = inspect.signature(pbxnb.simulator.start).parameters
    ours = {"name", "record", "memory"}  # of the handle, not of the embedded PBX
    assert shown.keys() - ours == start.keys()
    assert {n: p.default for n, p in shown.items() if n not in ours} == {n: p.default for n, p in start.items()} | {
        "extensions": 50
    }
    with pytest.raises(TypeError, match=r"simulate\(\) takes no keyword 'sped'; did you mean 'speed'\?"):
        pbxnb.simulate(sped=2)


def test_a_panel_that_closes_ends_the_reads_that_were_kept_up_for_it(pbx):
    def kept():
        return pbx._line.on_loop(lambda: dict(pbx._line.feed._reader._watchers))

    calls = pbx.call_list()
    assert kept() == {"queues": 1, "orbits": 1}
    calls.close()
    assert kept() == {"queues": 0, "orbits": 0}


def test_an_option_that_a_panel_does_not_have_is_refused(pbx):
    with pytest.raises(TypeError, match=r"grid\(\) takes no keyword 'densty'; did you mean 'density'\?"):
        pbx.grid(densty="compact")

"""The base of the panels: what is sent when, what a stalled page costs, and that closing leaves nothing."""

from __future__ import annotations

import gc
import inspect
import threading
import weakref
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import ipywidgets
import pytest
import traitlets
from ipywidgets.widgets import widget as ipywidget

from pbxnb.errors import BadCommand
from pbxnb.model.changes import Changes
from pbxnb.model.entities import AccountState, LineState
from pbxnb.model.status import Gap
from pbxnb.ui.live_panel import LivePanel
from pbxnb.zones import clock_text
from tests.widgets.fakes import HOSTILE, FakeHandle, RecordingComm, Wire, account, until

AHEAD = LivePanel.timing.ahead


class Names(LivePanel):
    """The smallest panel: number -> state."""

    def __init__(self, handle: FakeHandle, **traits: Any) -> None:
        self.broken = False
        self.heard: list[dict[str, Any]] = []
        super().__init__(handle, **traits)

    def _mark(self, changes: Changes) -> Iterable[str]:
        return changes.accounts

    def _state(self) -> dict[str, Any]:
        return {number: str(a.state) for number, a in self._handle.accounts.items()}

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        if self.broken:
            raise RuntimeError("a bug of ours")
        return {number: str(self._handle.accounts[number].state) for number in keys}

    def _receive(self, message: dict[str, Any]) -> None:
        if message.get("fail"):
            raise BadCommand("That cannot be.")
        self.heard.append(message)


@pytest.fixture
def handle() -> FakeHandle:
    return FakeHandle(account(str(number)) for number in range(100, 110))


def test_the_state_travels_with_the_model_and_nothing_after_it_until_somebody_looks(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    assert wire.opened()["full"]["105"] == "idle"
    for _ in range(50):
        handle.put(account("105", AccountState.BUSY))
    wire.settle()
    assert wire.batches() == []


def test_it_names_its_tenant_where_several_are_open_and_costs_nothing_where_not(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    assert "w" not in wire.opened()
    wire.hello()
    for tenant in ("<b>.example", ""):
        handle.tenant = tenant
        before = len(wire.batches())
        handle.put(account("105", AccountState.BUSY if tenant else AccountState.IDLE))
        assert wire.wait(before + 1)[-1]["w"] == tenant
    handle.tenant = "acme.example"
    assert repr(panel).startswith("<Names of fake (acme.example)")
    assert "Names of fake (acme.example) at" in panel.snapshot()


def test_the_first_hello_brings_what_changed_since_and_not_everything_again(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    handle.put(account("105", AccountState.BUSY))
    wire.hello(1)
    (batch,) = wire.wait(1)
    assert (batch["n"], batch["since"], batch["part"]) == (2, 1, {"105": "busy"})


def test_a_page_that_holds_an_old_number_gets_everything(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1, "one")
    handle.put(account("105", AccountState.BUSY))
    wire.wait(1)
    wire.say(ack=2)
    wire.hello(1, "two")
    batch = wire.wait(2)[-1]
    assert batch["since"] == 0
    assert batch["full"]["105"] == "busy"


def test_a_displayed_panel_paints_before_its_hello_which_a_blocking_cell_holds_back(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    bundle = panel._repr_mimebundle_()
    assert "Names of fake" in bundle[0]["text/plain"]
    handle.put(account("101", AccountState.RINGING))
    assert wire.wait(1)[0]["part"] == {"101": "ringing"}


def test_a_host_that_drops_what_is_sent_before_the_page_is_there_is_right_in_the_end(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    panel.expect_view()
    handle.put(account("101", AccountState.RINGING))
    wire.wait(1)
    wire.hello(1)  # it never got the batch
    again = wire.wait(2)[-1]
    assert again["part"] == {"101": "ringing"}
    assert again["since"] > 1
    wire.hello(1)  # so it asks
    assert wire.wait(3)[-1]["full"]["101"] == "ringing"


def test_the_last_value_wins_within_one_beat(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    with panel._lock:  # the lane waits here, as it would behind a beat
        wire.hello(1)
        for state in (AccountState.RINGING, AccountState.BUSY, AccountState.IDLE, AccountState.HELD):
            handle.put(account("101", state))
    (batch,) = wire.wait(1)
    assert batch["part"] == {"101": "held"}


def test_a_stalled_page_is_not_buried_and_the_newest_batch_alone_makes_it_right(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1)
    for number in range(AHEAD):
        handle.put(account("100", AccountState.BUSY))
        wire.wait(number + 1)
    for number in ("101", "102"):
        handle.put(account(number, AccountState.BUSY))
    late = wire.wait(AHEAD + 1)[-1]  # half a second later
    assert late["since"] == 1
    assert late["part"] == {"100": "busy", "101": "busy", "102": "busy"}
    wire.say(ack=late["n"])
    handle.put(account("105", AccountState.BUSY))
    last = wire.wait(AHEAD + 2)[-1]
    assert (last["since"], last["part"]) == (late["n"], {"105": "busy"})


def test_two_views_of_one_panel_and_the_end_of_both(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1, "one")
    wire.hello(1, "two")
    wire.say(bye="one")
    wire.settle()
    assert panel.viewed
    wire.say(bye="two")
    until(lambda: not panel.viewed)
    handle.put(account("105", AccountState.BUSY))
    wire.settle()
    assert wire.batches() == []


def test_pages_that_never_said_bye_are_forgotten(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    for reload in range(100):
        wire.hello(1, f"page {reload}")
    until(lambda: "page 99" in panel._pages)
    assert len(panel._pages) <= 16


def test_errors_are_shown_in_the_panels_own_strip_once_and_can_be_dismissed(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1)
    wire.say(fail=True)
    assert wire.wait(1)[0]["e"] == ["That cannot be."]
    wire.say(fail=True)
    wire.say(dismiss=True)
    assert wire.wait(2)[1]["e"] == []


def test_an_error_reaches_the_other_pages_when_one_of_them_reloads_meanwhile(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1, "one")
    wire.hello(1, "two")
    wire.settle()
    with panel._lock:  # the lane waits here
        panel.report("That cannot be.")
        wire.comm.handle_msg({"content": {"data": {"method": "request_state"}}})
    assert wire.wait(1)[0]["e"] == ["That cannot be."]


def test_the_signature_of_a_panel_names_what_may_be_set() -> None:
    class Lamp(Names):
        colour = traitlets.Unicode("red")
        lit = traitlets.Bool(False, read_only=True)
        word = traitlets.Unicode("").tag(derived=True)

        def __init__(self, handle: FakeHandle, extra: int = 1, **traits: Any) -> None:
            super().__init__(handle, **traits)

    assert list(inspect.signature(Lamp).parameters) == ["handle", "extra", "colour", "density", "theme", "wallboard"]
    assert inspect.signature(Lamp).parameters["colour"].default == "red"
    with pytest.raises(TypeError, match=r"Lamp\(\) takes no keyword 'color'; did you mean 'colour'\?"):
        Lamp(FakeHandle(), color="blue")


def test_a_fault_of_ours_is_shown_and_painting_goes_on(handle: FakeHandle, caplog: pytest.LogCaptureFixture) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1)
    panel.broken = True
    handle.put(account("101", AccountState.BUSY))
    assert "a bug of ours" in wire.wait(1)[0]["e"][0]
    panel.broken = False
    handle.put(account("102", AccountState.BUSY))
    assert wire.wait(2)[1]["part"] == {"102": "busy"}
    assert "could not be painted" in caplog.text


@pytest.mark.parametrize(
    ("state", "why", "failed"),
    [(LineState.CLOSED, "Closed.", False), (LineState.REFUSED, "The PBX said no to the password. Check it.", True)],
)
def test_a_line_that_has_ended_says_why_until_when_its_picture_is_true_and_whether_that_is_a_fault(
    handle: FakeHandle, state: LineState, why: str, failed: bool
) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1)
    handle.become(state, why=why, failed=failed)
    batch = wire.wait(1)[0]
    until = clock_text(handle.clock.at(handle.status.since), handle.tz, date=True)
    assert batch["note"] == f"{why} What you see was true until {until} {handle.tz.key}."
    assert batch["failed"] is failed
    down = handle.status.since - timedelta(minutes=5)
    handle.become(state, why=why, gaps=(Gap(down),))
    until = clock_text(handle.clock.at(down), handle.tz, date=True)
    assert f"true until {until} " in panel._ending()


def test_a_line_that_starts_again_after_a_refusal_takes_the_sentence_back(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1)
    handle.become(LineState.REFUSED)
    assert wire.wait(1)[0]["note"]
    for state in (LineState.CONNECTING, LineState.SYNCING, LineState.LIVE):
        handle.become(state)
    assert wire.wait(2)[1]["note"] == ""
    wire.settle()
    assert len(wire.batches()) == 2


def test_messages_of_a_page_are_not_trusted(handle: FakeHandle) -> None:
    panel = Names(handle)
    wire = Wire(panel)
    wire.hello(1)
    wire.say(ack=10**9)
    wire.say(ack="x")
    wire.say(hello=["?"], n=0)
    wire.say(hello="x", n="y")
    wire.comm.handle_msg({"content": {"data": {"method": "custom", "content": "text"}}, "buffers": []})
    for _ in range(5000):
        wire.say(noise=1)
    wire.settle()
    handle.put(account("101", AccountState.BUSY))
    assert wire.wait(1)[0]["part"] == {"101": "busy"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_short_text_in_the_strip_and_in_the_plain_form(name: str) -> None:
    handle = FakeHandle(name=name)
    panel = Names(handle)
    panel.report(name)
    assert all(len(text) <= 400 for text in panel._errors)
    assert len(repr(panel)) < 200
    assert "\n" not in repr(panel)


def test_close_leaves_nothing(handle: FakeHandle) -> None:
    before = set(ipywidget._instances)
    panels = [Names(handle) for _ in range(30)]
    gone = [weakref.ref(panel) for panel in panels]
    for panel in panels:
        Wire(panel).hello(1)
        panel.close()
        panel.close()
    assert set(ipywidget._instances) == before
    assert handle.listeners() == 0
    del panel, panels
    RecordingComm.sent = []
    until(lambda: all(thread.name != "pbxnb-ui" for thread in threading.enumerate()))
    gc.collect()
    assert [ref for ref in gone if ref() is not None] == []


def test_a_panel_that_could_not_be_made_leaves_nothing(handle: FakeHandle) -> None:
    with pytest.raises(Exception, match="theme"):
        Names(handle, theme="neon")
    assert handle.listeners() == 0


def test_a_panel_composes_like_any_widget(handle: FakeHandle) -> None:
    panel = Names(handle)
    box = ipywidgets.VBox([panel])
    assert box.children == (panel,)

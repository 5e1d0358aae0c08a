"""`Pbx.reconnect`: at once while the line waits, again after a refusal, never after a close."""

from __future__ import annotations

import threading

import comm
import pytest

import pbxnb
from pbxnb.client import supervisor
from pbxnb.errors import HandleClosed, Refused, UpgradeRefused, WaitTimeout
from tests.helpers.fault_server import accept_then_close, call, healthy
from tests.widgets.fakes import RecordingComm, Wire


@pytest.fixture
def patient(monkeypatch):
    """No second attempt within the time of a test."""
    monkeypatch.setattr(supervisor.Supervisor, "wait", lambda *_, **__: 3600.0)


def test_a_line_that_waits_for_its_next_attempt_tries_at_once(server, patient):
    with pbxnb.connect(**server.arguments) as pbx:
        server.refuse_upgrade = 503
        server.drop()
        pbx.until(lambda p: p.status.state == "reconnecting").result(10)
        tried = server.upgrades
        with pytest.raises(WaitTimeout):
            pbx.reconnect().result(0.01)
        server.wait(lambda s: s.upgrades == tried + 1)
        pbx.until(lambda p: "503" in p.status.why).result(10)
        server.refuse_upgrade = None
        assert pbx.reconnect().result(10) is pbx
        assert pbx.status.state == "live"
        assert pbx.status.reconnects == 1


async def test_a_line_that_is_live_is_left_alone(server):
    async with pbxnb.connect(**server.arguments) as pbx:
        assert await pbx.reconnect() is pbx
        assert server.upgrades == 1


def test_after_a_refusal_the_lanes_start_again_and_handlers_go_on(server):
    heard, told = [], threading.Event()
    server.refuse_upgrade = 404
    pbx = pbxnb.connect(**server.arguments)
    pbx.on("call.new", lambda event: (heard.append(event.call.id), told.set()))
    with pytest.raises(UpgradeRefused):
        pbx.result(10)
    for _ in range(2):
        with pytest.raises(UpgradeRefused):
            pbx.reconnect().result(10)
        assert pbx.status.state == "refused"
    server.refuse_upgrade = None
    assert pbx.reconnect().result(10) is pbx
    server.say_calls(call("7711"))
    assert told.wait(10)
    assert pbx.until(lambda p: "7711" in p.calls, timeout=10).result()
    assert heard == ["7711"]
    pbx.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("pbxnb-")]


def test_a_once_live_line_that_was_refused_comes_back_with_its_gap(server):
    pbx = pbxnb.connect(**server.arguments).result(10)
    server.scripts = (accept_then_close(4403),)
    server.drop()
    with pytest.raises(HandleClosed):
        pbx.until(lambda p: False, timeout=10).result()
    assert pbx.status.state == "refused"
    server.scripts = (healthy,)
    pbx.reconnect().result(10)
    assert pbx.status.reconnects == len(pbx.status.gaps) == 1
    pbx.close()


@pytest.mark.parametrize("refused", [True, False])
def test_after_close_it_is_closed(server, refused):
    server.refuse_upgrade = 404 if refused else None
    pbx = pbxnb.connect(**server.arguments)
    if refused:
        with pytest.raises(Refused):
            pbx.result(10)
    pbx.close()
    with pytest.raises(HandleClosed):
        pbx.reconnect()


def test_panels_made_before_a_refusal_or_during_it_are_live_again_afterwards(server, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    pbx = pbxnb.connect(**server.arguments, control=True).result(10)
    before = panels(pbx)
    server.scripts = (accept_then_close(4403),)
    server.drop()
    with pytest.raises(HandleClosed):
        pbx.until(lambda p: False, timeout=10).result()
    during = panels(pbx)
    for wire in (before["grid"], before["bar"]):
        wait(wire, lambda batch: batch.get("note"))
    server.scripts = (healthy,)
    pbx.reconnect().result(10)
    for made in (before, during):
        made["bar"].panel.armed = True
        for name in ("grid", "bar", "calls"):
            wait(made[name], lambda batch: batch.get("note") == "")
        wait(made["badge"], lambda batch: batch.get("part", {}).get("state") == "live")
    server.say_calls(call("7711", from_="45", to="46"))
    for made in (before, during):
        wait(made["grid"], lambda batch: batch.get("part", {}).get("s") == "bb")
        wait(made["calls"], lambda batch: "7711" in str(batch.get("part") or batch.get("full")))
        made["bar"].panel.frame = '{"action": "pressed"}'
        made["bar"].say(press="send")
        made["bar"].say(answer=True)
    server.wait(lambda s: [frame["action"] for frame in s.received].count("pressed") == 2)
    pbx.close()
    for wire in (*before.values(), *during.values()):
        wire.panel.close()


def panels(pbx):
    """The page's end of each panel."""
    kinds = {"grid": pbx.grid, "bar": pbx.command_bar, "calls": pbx.call_list, "badge": pbx.status_badge}
    wires = {name: Wire(make()) for name, make in kinds.items()}
    for wire in wires.values():
        wire.hello()
    return wires


def wait(wire, told):
    with RecordingComm.arrived:
        assert RecordingComm.arrived.wait_for(lambda: any(map(told, wire.batches())), 10), wire.batches()


def test_what_is_kept_read_while_the_line_is_refused_is_read_when_it_starts_again(server):
    server.refuse_upgrade = 404
    pbx = pbxnb.connect(**server.arguments)
    with pytest.raises(UpgradeRefused):
        pbx.result(10)
    shown = pbx._line.feed._reader._watchers
    stop = pbx._line.keep_read(True, False)
    assert pbx._line.join(10)
    kept = pbx._line.keep_read(True, True)
    assert shown == {"queues": 2, "orbits": 1}
    stop()
    assert shown == {"queues": 1, "orbits": 1}
    server.refuse_upgrade = None
    pbx.reconnect().result(10)
    kept()
    pbx.coverage()  # asked on the lane, after it
    assert shown == {"queues": 0, "orbits": 0}
    pbx.close()

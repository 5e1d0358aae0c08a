"""`simulate`: the same handle on an embedded PBX, over a real loopback socket."""

from __future__ import annotations

import threading

import pytest

import pbxnb
from pbxnb.simulator import Simulator


def test_a_simulated_pbx_is_live_has_control_and_goes_with_its_handle():
    with pbxnb.simulate("quiet", extensions=5) as pbx:
        assert pbx.status.state == "live"
        assert len(pbx.extensions) == 5
        assert pbx.control
        assert pbx.simulated
        assert isinstance(pbx.simulator, Simulator)
        assert "simulated" in repr(pbx)
        assert any(t.name == "pbxnb-simulator" for t in threading.enumerate())
    assert not [t.name for t in threading.enumerate() if t.name.startswith("pbxnb-")]


async def test_of_many_domains_the_handle_is_of_the_first_and_connect_takes_what_leads_to_another():
    names = ("a.example", "b.example")
    async with pbxnb.simulate("empty", extensions=5, domains=iter(names)) as pbx:
        assert (pbx.domain, pbx.simulator.domains) == (names[0], names)
        for user, admin in (("", False), ("42", True)):
            async with pbxnb.connect(**pbx.simulator.connection(names[1], user, admin=admin)) as other:
                assert (other.domain, other.user) == (names[1], user or pbx.user)
                assert len(other.extensions) == 5
                outcome = await other.dial("44")
                assert outcome.status == "confirmed"
                assert not pbx.calls
                await other.hangup(*other.calls.values())


def test_domains_that_are_no_list_are_told():
    with pytest.raises(pbxnb.errors.SimulatorError, match="is a list of names"):
        pbxnb.simulate("empty", domains="a.example")


async def test_it_can_be_awaited():
    pbx = await pbxnb.simulate("quiet", extensions=5)
    assert pbx.status.state == "live"
    await pbx.aclose()


def test_a_call_placed_inside_shows_in_the_model_and_can_be_ended():
    with pbxnb.simulate("quiet", extensions=5) as pbx:
        one, two = list(pbx.extensions)[:2]
        ringing = pbx.wait_for("call.new", timeout=10)
        pbx.simulator.place_call(one, two)
        call = ringing.result().call
        assert (call.from_.number, call.to.number) == (one, two)
        outcome = pbx.hangup(call, account=one).result(10)
        assert outcome.status == "confirmed", outcome
        assert call.id not in pbx.calls


def test_calls_are_forwarded_and_no_longer():
    with pbxnb.simulate("quiet", extensions=5) as pbx:
        one, two, three = list(pbx.extensions)[:3]
        outcome = pbx.forward(three, account=two).result(10)
        assert (outcome.status, outcome.latency > 0) == ("confirmed", True)
        assert pbx.forward(three, account=two).result(10).sent == ()
        ringing = pbx.wait_for("call.new", timeout=10, to=three)
        pbx.simulator.place_call(one, two)
        assert ringing.result().call.from_.number == one
        assert pbx.forward(None, account=two).result(10).status == "confirmed"
        assert pbx.forward(three, when="no_answer").result(10).status == "confirmed"
        assert pbx.preview("forward", None, when="busy").python == "await pbx.forward(None, when='busy')"


def test_the_clock_runs_at_the_speed_and_stands_while_paused():
    with pbxnb.simulate("quiet", extensions=5, speed=20.0) as pbx:
        pbx.until(lambda p: p.clock.rate == 20, timeout=5).result()
        pbx.simulator.pause()
        assert pbx.clock.rate == 0
        assert pbx.clock.now() == pbx.clock.now()


def test_the_same_call_again_replaces_the_first_and_another_stays():
    with (
        pbxnb.simulate("quiet", extensions=5) as other,
        pbxnb.simulate("quiet", extensions=6) as first,
        pbxnb.simulate("quiet", extensions=6) as second,
    ):
        assert first._line.join(5)
        assert first.status.state == "closed"
        assert second.status.state == "live"
        assert other.status.state == "live"


def test_the_same_call_again_may_name_a_port():
    with pbxnb.simulate("empty", extensions=5) as free:
        port = free.simulator.port
    with pbxnb.simulate("empty", port=port) as first, pbxnb.simulate("empty", port=port) as second:
        assert first.status.state == "closed"
        assert second.status.state == "live"
        assert second.simulator.port == port


def test_a_mistyped_option_is_answered_with_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'extensions'"):
        pbxnb.simulate("quiet", extension=5)


def test_with_tls_the_certificate_of_the_embedded_pbx_is_trusted():
    pytest.importorskip("cryptography", reason="certificates are made with the package cryptography")
    with pbxnb.simulate("quiet", extensions=5, tls=True) as pbx:
        assert pbx.status.state == "live"


def test_a_call_in_time_that_is_skipped_lasts_as_long_as_it_did() -> None:
    talk = [{"call": "a", "from": "ext2", "to": "ext3"}, {"after": 5, "answer": "a"}, {"after": 60, "hangup": "a"}]
    with pbxnb.simulate("empty", extensions=4) as pbx:
        pbx.simulator.pause()
        pbx.simulator.scenario(talk)
        pbx.simulator.clock.advance(100)
        pbx.until(lambda pbx: pbx.closed_calls()).result(5)
        (record,) = pbx.closed_calls()
        assert (record.ring, record.talk) == (pytest.approx(5, abs=0.01), pytest.approx(60, abs=0.01))

"""Sockets: who is told what and when, in both vocabularies, and that clients do not get in each other's way."""

import json

import aiohttp
import pytest

from pbxnb.simulator import serve
from pbxnb.simulator.engine.clock import Timing
from pbxnb.simulator.server.sockets import FREE_LIST
from tests.helpers.sim_client import client

OUTSIDE = "+12025550101"


async def test_subscribing_gives_the_list_and_then_every_change() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await line.send("domain-calls", subscribe=True)
        assert (await line.next("call-state"))["calls"] == []
        call = sim.place_call("41", "42")
        told = await line.next("user-state", "call-state")
        assert (told["account"], told["code"], told["calls"][0]["id"]) == ("41", call, call)
        assert (await line.next("call-state"))["calls"][0]["state"] == "alerting"
        sim.answer(call)
        entry = (await line.next("call-state"))["calls"][0]
        assert (entry["state"], entry["extension"], entry["connect"] != "") == ("connected", ["41", "42"], True)
        sim.hold(call, "42")
        assert (await line.next("call-state"))["calls"][0]["state"] == "onhold"
        sim.hangup(call)
        assert (await line.next("call-state"))["calls"] == []
        await line.send("domain-calls", subscribe=False)
        await line.answered()
        sim.place_call("41", "42")
        assert "call-state" not in {f["action"] for f in await line.answered()}


async def test_own_calls_are_only_ours_and_show_our_side() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line("41") as line:
        await line.send("own-calls", subscribe=True)
        await line.next("call-state")
        sim.place_call("43", "44")
        call = sim.place_call("41", "42")
        assert [c["id"] for c in (await line.next("call-state"))["calls"]] == [call]
        sim.answer(call)
        sim.hold(call, "41")
        await line.next("call-state")
        assert (await line.next("call-state"))["calls"][0]["state"] == "holding"
        sim.transfer(call, "43", "41")
        assert (await line.next("call-state"))["calls"] == [], "the call has left us"


async def test_domain_calls_need_the_right() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line("41") as line:
        sim.run(lambda: setattr(sim.pbx.extension("41"), "sees_domain", False))
        await line.send("domain-calls", subscribe=True)
        sim.place_call("42", "43")
        frames = await line.answered()
        assert "call-state" not in {f["action"] for f in frames}
        assert frames[-1]["calls"] == []
        assert await line.calls() == []


async def test_the_snapshot_has_every_account() -> None:
    async with serve("empty", extensions=12) as sim, client(sim) as http, http.line() as line:
        snapshot = (await line.answered())[-1]
        first = snapshot["accounts"][0]
        assert len(snapshot["accounts"]) == len(sim.pbx.accounts)
        assert (first["account"], first["type"], first["registered"], first["dnd"]) == ("40", "extensions", True, False)
        assert first["calls"] is None
        sim.set_dnd("40")
        assert (await line.next("user-state"))["dnd"] is True
        sim.unregister("40")
        assert (await line.next("user-state"))["registered"] is False
        sim.set_chat_status("40", "offline")
        assert (await line.next("user-state"))["chatstatus"] == "offline"


async def test_a_queue_announces_itself() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        sim.place_call(OUTSIDE, "600")
        while (told := await line.next("user-state"))["type"] != "acds":
            pass
        assert told["account"] == "600"
        sim.queue_login("600", "40")
        assert [f["account"] for f in await line.answered() if f["action"] == "user-state"][-1] == "600"


async def test_orbits_lamps_ringtones_and_recording() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await line.send("orbit-calls", subscribe=True)
        assert len((await line.next("orbit-calls"))["orbits"]) == 5
        await line.send("blf", add=["41", "999"])
        assert (await line.next("blf"))["list"] == [{"account": "41", "state": "idle"}]
        await line.send("ringtones")
        assert (await line.next("ringtones"))["ringtones"]
        call = sim.place_call(OUTSIDE, "41")
        assert (await line.next("blf"))["list"] == [{"account": "41", "state": "ringing"}]
        sim.answer(call)
        sim.park(call, "700", "41")
        assert (await line.next("orbit-calls"))["orbits"][0]["calls"][0]["by"] == "41"
        sim.retrieve("700", "40")
        sim.record(call)
        assert (await line.next("rec-start"))["id"] == call
        assert (await line.calls())[0]["rec"] == "adhoc"
        sim.record(call, False)
        assert (await line.next("rec-stop"))["id"] == call


@pytest.mark.parametrize("dialect", ["modern", "2016"])
async def test_a_supervisor_moves_calls_of_others_by_socket(dialect: str) -> None:
    transfer = "blind-transfer2" if dialect == "modern" else "blind-transfer"
    async with serve("empty", dialect=dialect) as sim, client(sim) as http:
        call = sim.place_call(OUTSIDE, "41")
        sim.answer(call)
        async with http.line("42") as other, http.line() as ours:
            for line, recorded, to in ((other, False, "41"), (ours, True, "43")):
                await line.send("rec-call", id=call, startstop="on")
                await line.answered()
                assert sim.pbx.calls[call].recording is recorded
                await line.send(transfer, id=call, from_=OUTSIDE, to="43")
                await line.answered()
                assert sim.pbx.calls[call].called.number == to


async def test_a_supervisor_of_2016_answers_holds_joins_and_ends_calls_of_others() -> None:
    async with serve("empty", dialect="2016") as sim, client(sim) as http, http.line() as line:
        one, two = sim.place_call(OUTSIDE, "41"), sim.place_call("41", "42")
        phases = []
        for action, id_ in (("accept-call", one), ("hold-call", one), ("hold-call", one), ("accept-call", two)):
            await line.send(action, id=id_)
            await line.answered()
            phases.append(sim.pbx.calls[id_].phase)
        assert phases == ["connected", "held", "connected", "connected"]
        await line.send("att-transfer", id=one, from_=OUTSIDE, id2=two, to="42")
        await line.answered()
        assert [c.called.number for c in sim.pbx.calls.values()] == ["42"]
        await line.send("clear-call", id=one)
        await line.answered()
        assert not sim.pbx.calls


async def test_a_missed_call_is_counted() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await line.answered()
        sim.hangup(sim.place_call(OUTSIDE, "40"))
        assert (await line.next("missed-calls"))["count"] == 1
        await http.mine("POST", "dnd", json={"state": True})
        assert (await line.next("user-change"))["account"] == "40"


async def test_2016_is_silent_until_asked_and_is_commanded_by_its_own_words() -> None:
    async with serve("empty", dialect="2016") as sim, client(sim) as http, http.line(path="/") as line:
        sim.hangup(sim.place_call("43", "44"))
        await line.send("domain-calls", subscribe=True)
        await line.send("get-users")
        assert (await line.next())["action"] == "domain-state"
        await line.send("get-calls")
        assert (await line.next("call-state"))["calls"] == []
        await line.send("make-call", to="41")
        call = (await line.next("call-state"))["calls"][0]
        assert (call["callstate"], "state" in call, "from-number" in call) == ("alerting", False, False)
        sim.answer(call["id"])
        await line.send("hold-call", id=call["id"])
        await line.send("hold-call", id=call["id"])
        states = [(await line.next("call-state"))["calls"][0]["callstate"] for _ in range(3)]
        assert states == ["connected", "onhold", "connected"]
        await line.send("rec-call", id=call["id"], startstop="on")
        assert (await line.next("call-state"))["calls"][0]["rec"] == "adhoc"
        other = sim.place_call(OUTSIDE, "40")
        await line.next("call-state")
        await line.send("accept-call", id=other)
        await line.send("att-transfer", id=call["id"], from_="41", id2=other, to=OUTSIDE)
        while len(calls := (await line.next("call-state"))["calls"]) != 1:
            pass
        assert calls[0]["id"] == call["id"]
        third = sim.place_call(OUTSIDE, "40")
        await line.send("clear-call", id=third, connected="false")
        assert third not in {c["id"] for c in await line.calls() if c["callstate"] == "alerting"}
        await line.send("chat", src="40", dest="41", message="hi")
        await line.send("make-call", to="42")
        made = next(iter((await line.calls())[-1:]))
        sim.answer(made["id"])
        await line.send("blind-transfer", id=made["id"], from_="42", to="43@acme.example")
        assert {c["id"]: c for c in await line.calls()}[made["id"]]["to"].endswith("<sip:43@acme.example>")


async def test_the_modern_vocabulary_does_not_know_the_old_commands() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        call = sim.place_call("40", "41")
        await line.send("clear-call", id=call, connected="false")
        await line.send("make-call", to="42")
        assert [c["id"] for c in await line.calls()] == [call]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with http.line(path="/"):
                pass


async def test_a_pushed_frame_is_made_once_for_all() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line("41") as one, http.line("42") as two:
        for line in (one, two):
            await line.send("domain-calls", subscribe=True)
            await line.text()
        sim.place_call("43", "44")
        assert [await one.text() for _ in range(3)] == [await two.text() for _ in range(3)]


async def test_long_lists_are_repeated_less_often_and_end_right() -> None:
    async with serve("empty", extensions=300, held=False) as sim, client(sim) as http, http.line() as line:
        await line.send("domain-calls", subscribe=True)
        await line.text()
        sim.pause()
        many = 3 * FREE_LIST
        numbers = [e.number for e in sim.pbx.extensions if e.registered]
        for n in range(many - 20):
            sim.run(lambda n=n: sim.pbx.dial(numbers[n], numbers[-1 - n % 50]))  # type: ignore[misc]
        frames = await line.answered()
        lists = [f for f in frames if f["action"] == "call-state"]
        assert FREE_LIST <= len(lists) < many - 20
        sim.advance(1)
        sizes = [len(f["calls"]) for f in await line.answered() if f["action"] == "call-state"]
        assert sizes[-1] == len(sim.pbx.calls)


async def test_a_client_that_does_not_read_is_dropped_and_nobody_else_waits() -> None:
    async with serve("empty", extensions=300) as sim, client(sim) as http:
        sim.server.timing = Timing(outbox_bytes=2**20)
        async with http.line("200") as deaf, http.line("201") as other:
            for socket in sim.server.sockets_of("200"):
                socket.freeze()
            for _ in range(60):
                await deaf.send("get-users")
            for socket in sim.server.sockets_of("200"):
                for _ in range(60):
                    socket.send("x" * 20_000)
            assert (await other.answered())[-1]["action"] == "domain-state"
            for socket in sim.server.sockets_of("200"):
                socket.thaw()
            while (message := await deaf.ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert deaf.ws.close_code in (1013, 1006), message


async def test_the_clock_is_told_in_the_date_header() -> None:
    async with serve("empty", start="2026-03-02T09:30") as sim, client(sim) as http:  # noqa: SIM117
        async with http.session.get(http.base + "/") as answer:
            assert answer.headers["Date"] == "Mon, 02 Mar 2026 09:30:00 GMT"
            assert answer.headers["Server"] == "PBX/70.1"


async def test_seams_for_faults() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        (socket,) = sim.server.sockets
        socket.filters.append(lambda _, text: None if '"41"' in text else text.replace("user-state", "changed"))
        sim.set_dnd("41")
        sim.set_dnd("42")
        assert json.loads(await line.text())["action"] == "changed"
        sim.server.gates.append(lambda request: aiohttp.web.Response(status=503))
        assert (await http.session.get(http.base + "/")).status == 503
        socket.abort()
        assert (await line.ws.receive()).type in (
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.ERROR,
        )

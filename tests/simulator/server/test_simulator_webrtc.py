"""A browser phone: the WebRTC signalling of protocol.md 8.2 and 8.3 as far as it needs no media."""

from typing import Any

import pytest

from pbxnb.simulator import serve
from tests.helpers.sim_client import Line, client

OUTSIDE = "+12025550101"


async def register(line: Line) -> None:
    await line.send("sip-register", useragent="test")
    answer = await line.next("sip-register")
    assert (answer["add"], answer["expires"]) == ("sip:40@acme.example", 3600)


async def test_an_inbound_call_is_offered_answered_and_ended() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await register(line)
        call = sim.place_call(OUTSIDE, "40", name="Jo")
        offer = await line.next("invitesdp")
        assert offer["from"] == f'"Jo" <sip:{OUTSIDE}@acme.example;user=phone>'
        assert (offer["from-user"], offer["from-display"]) == (OUTSIDE, "Jo")
        assert "a=setup:actpass" in offer["invitesdp"]
        assert (await line.next("candidate"))["callid"] == offer["callid"]
        assert (await line.next("callerid"))["number"] == OUTSIDE
        leg = {"callid": offer["callid"], "cseq": offer["cseq"]}
        await line.send("sip-ringing", **leg)
        await line.send("sdp-200ok", sdp={"type": "answer", "sdp": "v=0"}, **leg)
        assert (await line.calls())[0]["state"] == "connected"
        await line.send("wrtc-hold", callid=offer["callid"], holdcmd="sendonly")
        assert (await line.calls())[0]["state"] == "onhold"
        await line.send("wrtc-hold", callid=offer["callid"], holdcmd="sendrecv")
        await line.send("mute", callid=offer["callid"], muted=True)
        await line.send("rec-call", id=offer["callid"], startstop="on")
        assert (await line.next("rec-start"))["id"] == call
        sim.hangup(call)
        bye = await line.next("bye")
        assert (bye["bye"], bye["callid"], "code" in bye) == ("true", offer["callid"], False)
        await line.send("bye-response", callid=offer["callid"])


async def test_a_call_is_refused() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await register(line)
        sim.place_call(OUTSIDE, "40")
        offer = await line.next("invitesdp")
        await line.send("sip-busy", callid=offer["callid"], cseq=offer["cseq"], code=603)
        assert (await line.calls())[0]["to-number"] == "840", "voicemail has it"


@pytest.mark.parametrize(("dialect", "key"), [("modern", "bye"), ("2016", "cancel")])
async def test_a_caller_gives_up(dialect: str, key: str) -> None:
    async with serve("empty", dialect=dialect) as sim, client(sim) as http, http.line() as line:
        await line.send("sip-register")
        await line.answered()
        call = sim.place_call(OUTSIDE, "40")
        offer = await line.next("invitesdp")
        assert ("callid" in offer) == (dialect == "modern")
        sim.hangup(call)
        assert (await line.next("bye", "cancel"))[key] == "true"


async def test_another_phone_of_the_extension_takes_it() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await register(line)
        call = sim.place_call(OUTSIDE, "40")
        await line.next("invitesdp")
        sim.answer(call)
        assert (await line.next("bye"))["bye"] == "true"
        assert call in sim.pbx.calls


async def dial(line: Line, to: str = "41") -> dict[str, Any]:
    await line.send("sdp-packet", to=to, callid="abc", sdp="v=0")
    await line.send("ice-candidate", callid="abc", candidate={"candidate": "x"})
    return await line.next("sdp")


@pytest.mark.parametrize(("version", "setup"), [("70.1", "actpass"), ("67.0", "passive")])
async def test_an_outbound_call_by_version(version: str, setup: str) -> None:
    async with serve("empty", version=version) as sim, client(sim) as http, http.line() as line:
        await register(line)
        progress = await dial(line)
        assert (progress["code"], progress["callid"]) == (183, "abc")
        assert f"a=setup:{setup}" in progress["sdp"]
        if version == "70.1":
            await line.send("sdp-200ok", callid="abc", cseq=progress["cseq"], sdp={"type": "answer", "sdp": "v=0"})
        (call,) = await line.calls()
        sim.answer(call["id"])
        assert (await line.calls())[0]["state"] == "connected"
        await line.send("sip-ack", callid="abc")
        await line.send("sip-bye", callid="abc", caller="true")
        assert (await line.next("bye-response"))["callid"] == "abc"
        assert await line.calls() == []


async def test_an_offer_never_answered_ends_with_415() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await register(line)
        await dial(line)
        sim.answer((await line.calls())[0]["id"])
        sim.advance(3)
        assert (await line.next("bye"))["code"] == 415


@pytest.mark.parametrize(("to", "code"), [("999", 404), ("41", 486), ("", None)])
async def test_a_call_that_fails_has_a_code(to: str, code: int | None) -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        sim.run(lambda: setattr(sim.pbx.extension("41"), "mailbox", False))
        sim.set_dnd("41")
        await register(line)
        await line.send("sdp-packet", to=to, callid="abc", sdp="v=0")
        frames = [f for f in await line.answered() if "bye" in f]
        assert [f.get("code") for f in frames] == ([code] if code else [])


async def test_2016_has_one_leg_and_no_callid() -> None:
    async with serve("empty", dialect="2016") as sim, client(sim) as http, http.line() as line:
        await line.send("sip-register")
        await line.answered()
        await line.send("sdp-packet", to="41", sdp={"type": "offer", "sdp": "v=0"})
        assert "callid" not in await line.next("sdp")
        sim.answer((await line.calls())[0]["id"])
        await line.send("get-users")
        assert (await line.next("sdp"))["code"] == 200, "the second one means connected"
        await line.send("sip-bye", caller="true")
        await line.send("sdp-packet", to="42", sdp="v=0")
        await line.send("sip-bye", caller="true")
        assert (await line.next("cancelresponse"))["cancelresponse"] == "true"
        sim.place_call(OUTSIDE, "40")
        assert (await line.next("crmcontact"))["direction"] == "Inbound"
        await line.send("cancel-response")


async def test_a_socket_that_closes_takes_its_phone_and_its_calls_along() -> None:
    async with serve("empty") as sim, client(sim) as http:
        sim.unregister("40")
        async with http.line() as line, http.line("41") as watcher:
            await register(line)
            assert (await watcher.next("user-state"))["registered"] is True
            await dial(line, OUTSIDE)
            assert len(await watcher.calls()) == 1
            await line.ws.close()
            while (await watcher.next("user-state"))["registered"]:
                pass
            assert await watcher.calls() == []


async def test_a_star_code_takes_over_a_call() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await register(line)
        call = sim.place_call(OUTSIDE, "41")
        progress = await dial(line, "*8741")
        await line.send("sdp-200ok", callid="abc", cseq=progress["cseq"], sdp={"type": "answer", "sdp": "v=0"})
        await line.answered()
        sim.advance(3)
        assert [(c["id"], c["to-number"]) for c in await line.calls()] == [(call, "40")]


async def test_hands_off_other_peoples_calls_with_the_callid_form() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        await register(line)
        progress = await dial(line)
        await line.send("sdp-200ok", callid="abc", cseq=progress["cseq"], sdp={"type": "answer", "sdp": "v=0"})
        own = (await line.calls())[0]["id"]
        sim.answer(own)
        await line.send("blind-transfer2", id="abc", from_="40", to="42")
        assert [(c["from-number"], c["to-number"]) for c in await line.calls()] == [("41", "42")]

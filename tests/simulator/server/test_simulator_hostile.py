"""Whatever a client sends, the PBX stays consistent and the other clients are undisturbed."""

import asyncio
import contextlib
import io
import json
from random import Random

import aiohttp
import pytest

from pbxnb.protocol.requests import REQUESTS
from pbxnb.simulator import Simulator, serve
from tests.helpers.sim_client import Line, client, contradictions

OUTSIDE = "+12025550101"
FIELDS = (
    "id",
    "id2",
    "from",
    "to",
    "callid",
    "cseq",
    "subscribe",
    "add",
    "sdp",
    "candidate",
    "code",
    "holdcmd",
    "muted",
)
FIELDS += ("startstop", "connected", "src", "dest", "message")


async def undisturbed(sim: Simulator, other: Line) -> None:
    """The other client still hears of a change, and the PBX does not contradict itself."""
    call = sim.place_call(OUTSIDE, "44")
    while call not in [c["id"] for c in (await other.next("call-state"))["calls"]]:
        pass
    sim.hangup(call)
    while call in [c["id"] for c in (await other.next("call-state"))["calls"]]:
        pass
    assert not list(contradictions(sim.pbx))


BAD = {
    "unknown action": '{"action":"no-such-thing","id":1}',
    "no action": '{"id":"7001"}',
    "action of a wrong type": '{"action":["own-calls"]}',
    "broken JSON": '{"action":"own-calls"',
    "not JSON": "hello",
    "empty": "",
    "a list": "[1,2,3]",
    "null": "null",
    "a number": "1e999",
    "deep": '{"action":' + "[" * 100_000,
    "deep and closed": '{"action":"blf","add":' + "[" * 5_000 + "]" * 5_000 + "}",
    "wrong types": '{"action":"own-calls","subscribe":{"a":1}}',
    "a wrong boolean": '{"action":"domain-calls","subscribe":"perhaps"}',
    "lamps that are no texts": '{"action":"blf","add":[1,null,{}]}',
    "a huge number": '{"action":"blind-transfer2","id":' + "9" * 5_000 + ',"from":"","to":""}',
    "an unknown id": '{"action":"rec-call","id":"nothing","startstop":"on"}',
    "a control character": '{"action":"sdp-packet","to":"\\u0000\\u202e","callid":"\\n","sdp":null}',
    "1 MB of text": json.dumps({"action": "sdp-packet", "to": "4" * 2**20, "callid": "x", "sdp": "y"}),
    "1 MB of name": json.dumps({"action": "z" * 2**20}),
    "lone surrogate": '{"action":"chat","src":"40","dest":"41","message":"\\ud800"}',
}


@pytest.mark.parametrize("dialect", ["modern", "2016"])
@pytest.mark.parametrize("what", BAD)
async def test_a_bad_frame_has_no_effect(what: str, dialect: str) -> None:
    async with (
        serve("empty", dialect=dialect) as sim,
        client(sim) as http,
        http.line() as bad,
        http.line("41") as other,
    ):
        for action in ("domain-calls", "get-calls"):
            await other.send(action, subscribe=True)
        await bad.ws.send_str(BAD[what])
        await bad.ws.send_bytes(BAD[what].encode())
        assert (await bad.answered())[-1]["action"] == "domain-state", "even the one who sent it is served"
        await undisturbed(sim, other)


async def test_other_peoples_calls_are_out_of_reach() -> None:
    async with serve("empty", dialect="2016") as sim, client(sim) as http, http.line("45") as bad:
        theirs, more = sim.place_call("41", "42"), sim.place_call("43", "44")
        sim.answer(theirs)
        before = json.dumps(await bad.calls())
        for request in ("clear-call", "hold-call", "accept-call"):
            for call in (theirs, more):
                await bad.send(request, id=call, connected="true")
        await bad.send("blind-transfer", id=theirs, from_="41", to="40")
        await bad.send("att-transfer", id=theirs, from_="41", id2=more, to="44")
        await bad.send("rec-call", id=theirs, startstop="on")
        assert json.dumps(await bad.calls()) == before


async def test_ten_thousand_frames_at_once() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as bad, http.line("41") as other:
        await other.send("domain-calls", subscribe=True)
        for n in range(10_000):
            await bad.send(
                "sdp-packet" if n % 2 else "own-calls", to="42", callid=str(n), sdp="", subscribe=bool(n % 3)
            )
        await asyncio.wait_for(undisturbed(sim, other), 30)
        assert len(sim.pbx.calls) <= sim.pbx.extensions[0].lines


async def test_a_frame_above_the_limit_ends_only_its_sender() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as bad, http.line("41") as other:
        await other.send("domain-calls", subscribe=True)
        with contextlib.suppress(ConnectionError):  # it may be cut off while it still sends
            await bad.ws.send_str("x" * (5 * 2**20))
        while (message := await bad.ws.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        await undisturbed(sim, other)


@pytest.mark.parametrize("seed", range(6))
async def test_random_messages_with_random_fields(seed: int) -> None:
    rng = Random(seed)
    dialect = rng.choice(["modern", "2016"])
    quirks = rng.choice(["", "all"])
    async with serve("empty", dialect=dialect, quirks=quirks, seed=seed) as sim, client(sim) as http:  # noqa: SIM117
        async with http.line() as bad, http.line("41") as other:
            for action in ("domain-calls", "get-calls"):
                await other.send(action, subscribe=True)
            await bad.send("sip-register")
            for n in range(400):
                calls = [*sim.pbx.calls, "none"]
                values = [
                    None,
                    "",
                    0,
                    -1,
                    True,
                    1.5,
                    "40",
                    "41",
                    "700",
                    "600",
                    "*86700",
                    "on",
                    "sendonly",
                    [],
                    {},
                    "é\u202e",
                ]
                values += [rng.choice(calls), rng.choice(calls), f"{n}@kit"]
                await bad.ws.send_json({"action": rng.choice([*REQUESTS])} | {f: rng.choice(values) for f in FIELDS})
                if n % 20 == 0:
                    sim.place_call(f"+1202555{n:04}", rng.choice(["40", "42", "100", "500", "600"]))
                    sim.advance(rng.random() * 5)
                    await bad.answered()
                    assert not list(contradictions(sim.pbx))
            await other.send("get-users")
            await other.next("domain-state")


async def test_rest_bodies_of_every_kind() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line("41") as other:
        await other.send("domain-calls", subscribe=True)
        for path in ("calls", "dnd", "chat?number=41"):
            for data in (
                b"",
                b"null",
                b"[1]",
                b"{",
                b"\xff\xfe",
                b"[" * 100_000,
                b'{"hangup":{}}',
                b'{"state":"x","text":[]}',
            ):
                answer = await http.mine("POST", path, data=data)
                assert answer in (True, False)
        assert await http.mine("POST", "calls", data=io.BytesIO(b"x" * (3 * 2**20))) == 413
        await undisturbed(sim, other)


async def test_names_of_strangers_arrive_as_they_were() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        for name in ('<script>alert("x")</script>', 'a"b\\c', "\u202eevil", "x" * 500, "𝔘nicode 🐍"):
            call = sim.place_call(OUTSIDE, "41", name=name)
            assert next(c for c in await line.calls() if c["id"] == call)["from-name"] == name
            sim.hangup(call)


async def test_a_client_that_goes_in_the_middle_of_its_request_is_no_error() -> None:
    async with serve("empty") as sim, client(sim) as http:
        _, writer = await asyncio.open_connection(sim.host, sim.port)
        writer.write(b"POST /rest/system/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        assert await http.mine("GET", "accounts")  # the request above is being read
        writer.transport.abort()
        assert await http.mine("GET", "accounts")  # an error would stand in the log, where no test may have one

"""The conformance table: every message of the register, in each vocabulary, with its certainty.

Accepted (c2s): what the message does, shown on the PBX inside. Sent (s2c): seen on the socket during a tour that makes
the PBX say everything it can say, with no field that the register or the table of inventions does not know. What the
other vocabulary has is silent here; nothing is missing without a line that says so.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from pbxnb.protocol.registry import REGISTRY, Row
from pbxnb.simulator import Simulator, serve
from pbxnb.simulator.server.frames import INVENTED, Dialect
from pbxnb.simulator.server.requests import HANDLERS
from tests.helpers.sim_client import Line, client

OUTSIDE = "+12025550101"
BEYOND_ERA = {
    ("c2s", "get-users", "modern"): "domain-state.modern",
    ("c2s", "get-calls", "modern"): "domain-state.modern",
    ("c2s", "avoid-disconnect", "2016"): "of no consequence anywhere",
    ("s2c", "chat", "modern"): "chat.modern",
}
"""Messages that also the other vocabulary has here, and the invention that says why."""

NO_EFFECT = {"avoid-disconnect", "ice-candidate", "sip-ringing", "sip-ack", "bye-response", "cancel-response", "mute"}


def table(direction: str) -> list[Any]:
    rows = [r for r in REGISTRY if r.dir == direction]
    return [pytest.param(r, d, id=f"{d}-{r.name}-{r.grade}") for d in Dialect for r in rows]


def spoken(row: Row, dialect: Dialect) -> bool:
    return row.era in ("both", dialect) or (row.dir, row.name, dialect.value) in BEYOND_ERA


class Scene:
    """A client with a browser phone, and what it needs to show the effect of one message."""

    def __init__(self, sim: Simulator, line: Line, other: Line) -> None:
        self.sim, self.line, self.other, self.pbx = sim, line, other, sim.pbx

    async def send(self, action: str, **fields: Any) -> list[dict[str, Any]]:
        await self.line.send(action, **fields)
        return await self.line.answered()

    def talking(self) -> str:
        call = self.sim.place_call(OUTSIDE, "40")
        self.sim.answer(call)
        return call

    async def offered(self) -> tuple[str, dict[str, Any]]:
        """A call that rings at the browser phone, and the fields that name its leg."""
        await self.send("sip-register")
        call = self.sim.place_call(OUTSIDE, "40")
        offer = await self.line.next("invitesdp")
        return call, {k: offer[k] for k in ("callid", "cseq") if k in offer}

    def phase(self, call: str) -> str:
        found = self.pbx.calls.get(call)
        return found.phase.value if found else "gone"


async def subscription(scene: Scene, action: str) -> bool:
    frames = await scene.send(action, subscribe=True)
    return any(f["action"] in ("call-state", "orbit-calls") for f in frames)


async def leg(scene: Scene, action: str, **fields: Any) -> str:
    call, names = await scene.offered()
    await scene.send(action, **names, **fields)
    return scene.phase(call)


async def held_leg(scene: Scene) -> str:
    call, names = await scene.offered()
    await scene.send("sdp-200ok", **names, sdp={"type": "answer", "sdp": "v=0"})
    await scene.send("wrtc-hold", **names, holdcmd="sendonly")
    return scene.phase(call)


async def on_call(scene: Scene, action: str, **fields: Any) -> Any:
    call = scene.talking()
    await scene.send(action, id=call, **fields)
    return scene.pbx.calls.get(call)


async def joined(scene: Scene) -> bool:
    first, second = scene.talking(), scene.sim.place_call("40", "41")
    scene.sim.answer(second)
    await scene.send("att-transfer", id=first, from_=OUTSIDE, id2=second, to="41")
    return list(scene.pbx.calls) == [first]


async def accepted(scene: Scene) -> str:
    call = scene.sim.place_call(OUTSIDE, "40")
    await scene.send("accept-call", id=call)
    return scene.phase(call)


async def chatted(scene: Scene) -> bool:
    await scene.send("chat", src="40", dest="41", message="hi")
    return bool((await scene.other.next("chat"))["message"] == "hi")


async def registered(scene: Scene) -> bool:
    await scene.send("sip-register", useragent="kit")
    return len(scene.pbx.extensions[0].phones) == 2


async def has(scene: Scene, action: str, key: str, **fields: Any) -> bool:
    return any(key in f or f.get("action") == key for f in await scene.send(action, **fields))


def moved(call: Any) -> bool:
    return bool(call.called.number == "42" and call.phase == "ringing")


EFFECT: dict[str, Callable[[Scene], Awaitable[object]]] = {
    "own-calls": lambda s: subscription(s, "own-calls"),
    "orbit-calls": lambda s: subscription(s, "orbit-calls"),
    "domain-calls": lambda s: subscription(s, "domain-calls"),
    "ringtones": lambda s: has(s, "ringtones", "ringtones"),
    "blf": lambda s: has(s, "blf", "blf", add=["41"]),
    "sip-register": registered,
    "get-users": lambda s: has(s, "get-users", "domain-state"),
    "get-calls": lambda s: has(s, "get-calls", "call-state"),
    "sdp-packet": lambda s: has(s, "sdp-packet", "sdp", to="41", callid="x", sdp="v=0"),
    "sdp-200ok": lambda s: leg(s, "sdp-200ok", sdp={"type": "answer", "sdp": "v=0"}),
    "sip-busy": lambda s: leg(s, "sip-busy", code=603),
    "sip-bye": lambda s: leg(s, "sip-bye", caller="false"),
    "wrtc-hold": held_leg,
    "rec-call": lambda s: on_call(s, "rec-call", startstop="on"),
    "blind-transfer2": lambda s: on_call(s, "blind-transfer2", from_="40", to="42"),
    "blind-transfer": lambda s: on_call(s, "blind-transfer", from_=OUTSIDE, to="42"),
    "att-transfer": joined,
    "make-call": lambda s: has(s, "make-call", "user-state", to="41"),
    "accept-call": accepted,
    "hold-call": lambda s: on_call(s, "hold-call"),
    "clear-call": lambda s: on_call(s, "clear-call", connected="false"),
    "chat": chatted,
    "add-to-crm": lambda s: on_call(s, "add-to-crm", sub="Subject", des="Text"),
}
SHOWN: dict[str, Callable[[Any], bool]] = {
    "sdp-200ok": lambda phase: phase == "connected",
    "sip-busy": lambda phase: phase == "voicemail",
    "sip-bye": lambda phase: phase == "voicemail",
    "wrtc-hold": lambda phase: phase == "held",
    "accept-call": lambda phase: phase == "connected",
    "rec-call": lambda call: call.recording,
    "blind-transfer": moved,
    "blind-transfer2": moved,
    "hold-call": lambda call: call.phase == "held",
    "clear-call": lambda call: call is None,
    "add-to-crm": lambda call: call.comment == "Subject: Text",
}


@contextlib.asynccontextmanager
async def scene(dialect: Dialect, **options: Any) -> AsyncIterator[Scene]:
    async with (
        serve("empty", dialect=dialect.value, **options) as sim,
        client(sim) as http,
        http.line() as line,
        http.line("41") as other,
    ):
        await line.answered()
        await other.answered()
        yield Scene(sim, line, other)


@pytest.mark.parametrize(("row", "dialect"), table("c2s"))
async def test_accepted(row: Row, dialect: Dialect) -> None:
    understood, _ = HANDLERS[row.name]
    assert (dialect in understood) == spoken(row, dialect)
    async with scene(dialect) as here:
        if row.name in NO_EFFECT or not spoken(row, dialect):
            call = here.talking()
            before = json.dumps(await here.line.calls())
            values = {
                "subscribe": True,
                "muted": True,
                "add": ["41"],
                "id": call,
                "callid": "",
                "to": "42",
                "from": OUTSIDE,
            }
            values |= {"id2": call, "startstop": "on", "connected": "true", "holdcmd": "sendonly", "dest": "41"}
            frames = await here.send(row.name, **{k: values.get(k, "x") for k in (f.rstrip("?") for f in row.fields)})
            assert [f["action"] for f in frames] == ["domain-state"], "no answer"
            assert json.dumps(await here.line.calls()) == before, "no effect"
        else:
            assert SHOWN.get(row.name, bool)(await EFFECT[row.name](here))


async def tour(here: Scene) -> dict[str, list[dict[str, Any]]]:
    """Make the PBX say everything it can say; the frames by name."""
    sim, heard = here.sim, list[dict[str, Any]]()

    async def send(action: str, **fields: Any) -> None:
        heard.extend(await here.send(action, **fields))

    for action in ("own-calls", "domain-calls", "orbit-calls", "get-calls", "ringtones", "sip-register"):
        await send(action, subscribe=True)
    await send("blf", add=["41"])
    for number in ("41", "40"):
        sim.set_chat_status(number, "away")
    missed = sim.place_call(OUTSIDE, "40", name="Jo")
    await send("get-calls")
    sim.hangup(missed)
    sim.place_call(OUTSIDE, "40")
    await send("get-calls")
    offer = next(f for f in reversed(heard) if "invitesdp" in f)
    names = {k: offer[k] for k in ("callid", "cseq") if k in offer}
    await send("sdp-200ok", **names, sdp="v=0")
    call = next(iter(sim.pbx.calls))
    await send("wrtc-hold", **names, holdcmd="sendonly")
    await send("mute", **names, muted=True)
    await send("wrtc-hold", **names, holdcmd="sendrecv")
    for on in (True, False):
        sim.record(call, on)
    sim.hangup(call)
    for last in ("x", "y"):
        await send("sdp-packet", to="41" if last == "x" else OUTSIDE, callid=last, sdp="v=0")
        await send("sip-bye", callid=last, caller="true")
    sim.place_call("42", "600")
    sim.chat("41", "40", "hello")
    sim.run(lambda: sim.server.tenants[sim.domain].subscriptions.setting_changed("40"))
    await send("get-calls")
    by_name: dict[str, list[dict[str, Any]]] = {}
    flat = {r.name for r in REGISTRY if r.kind == "flat"}
    for frame in heard:
        by_name.setdefault(next((k for k in frame if k in flat), frame.get("action", "")), []).append(frame)
    return by_name


Heard = dict[Dialect, dict[str, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def heard() -> Heard:
    async def listen() -> Heard:
        found: Heard = {dialect: {} for dialect in Dialect}
        for dialect in Dialect:
            for quirks in ((), ("reserved-keys", "cancel-swapped"), ("split-parties", "other-state-field")):
                async with scene(dialect, quirks=quirks) as here:
                    for name, frames in (await tour(here)).items():
                        found[dialect].setdefault(name, []).extend(frames)
        return found

    return asyncio.run(listen())


@pytest.mark.parametrize(("row", "dialect"), table("s2c"))
def test_sent(row: Row, dialect: Dialect, heard: Heard) -> None:
    frames = heard[dialect].get(row.name, [])
    assert bool(frames) == spoken(row, dialect)
    if row.invented:
        assert row.name in INVENTED
        return
    known = {f.rstrip("?") for f in row.fields} | {"action"}
    invented = {name.partition(".")[2] for name in INVENTED if name.partition(".")[0] == row.name}
    for frame in frames:
        assert frame.keys() <= known | invented


def test_nothing_is_sent_that_no_table_knows(heard: Heard) -> None:
    known = {r.name for r in REGISTRY if r.dir == "s2c"} | INVENTED.keys()
    assert set().union(*heard.values()) <= known


CALL_FIELDS = {"id", "from", "to", "state", "callstate", "from-number", "from-name", "to-number", "to-name"} | {
    "extension",
    "start",
    "connect",
    "cmc",
    "rec",
}


def test_a_call_has_only_known_or_invented_fields(heard: Heard) -> None:
    invented = {name.partition(".")[2] for name in INVENTED if name.startswith("call-state.")}
    for dialect in Dialect:
        for frame in heard[dialect]["call-state"]:
            for call in frame["calls"]:
                assert call.keys() <= CALL_FIELDS | invented


def test_the_table_has_every_message_once() -> None:
    assert set(EFFECT) | NO_EFFECT == {r.name for r in REGISTRY if r.dir == "c2s"} == set(HANDLERS)
    assert all(why in INVENTED or why.startswith("of no") for why in BEYOND_ERA.values())

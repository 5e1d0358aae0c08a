"""Every command of the client has its effect here, said as `pbxnb.protocol.commands` says it, in both vocabularies."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pbxnb.protocol.commands import COMMAND_NAMES, CallRef, Context, plan
from pbxnb.protocol.parties import Party
from pbxnb.simulator import Simulator, serve
from tests.helpers.sim_client import Http, Line, client

OUTSIDE = "+12025550101"


class Giver:
    """Gives commands as extension 40 and sees what became of them."""

    def __init__(self, sim: Simulator, http: Http, line: Line) -> None:
        self.sim, self.http, self.line, self.pbx = sim, http, line, sim.pbx

    def ref(self, call_id: str) -> CallRef:
        call = self.pbx.calls[call_id]
        ends = (Party(number=e.number) for e in (call.caller, call.called))
        return CallRef(id=call_id, from_=next(ends), to=next(ends), extensions=call.extensions, state=call.phase.value)

    async def give(self, name: str, *args: Any, **kw: Any) -> None:
        context = Context(domain=self.sim.domain, user="40", dialect=self.sim.server.dialect.value)
        made = plan(name, *args, context=context, **kw)
        for frame in made.frames:
            await self.line.ws.send_json(frame)
        await self.line.answered()
        for request in made.rest:
            assert await self.http.ask(request.method, request.path, json=request.body) not in (False, 403, 404)

    def ringing(self, to: str = "40", caller: str = OUTSIDE) -> str:
        return self.sim.place_call(caller, to)

    def talking(self, caller: str = OUTSIDE) -> str:
        call = self.ringing(caller=caller)
        self.sim.answer(call)
        return call

    def phase(self, call: str) -> str:
        found = self.pbx.calls.get(call)
        return f"{found.phase.value} {found.caller.number} {found.called.number}" if found else "gone"


async def dial(g: Giver) -> object:
    await g.give("dial", "41")
    return g.phase(next(iter(g.pbx.calls))) == "ringing 40 41"


async def answer(g: Giver) -> object:
    call = g.ringing()
    await g.give("answer", g.ref(call))
    return g.phase(call) == f"connected {OUTSIDE} 40"


async def reject(g: Giver) -> object:
    call = g.ringing()
    await g.give("reject", g.ref(call))
    return "40" not in g.pbx.calls[call].extensions


async def hangup(g: Giver) -> object:
    call = g.talking()
    await g.give("hangup", g.ref(call))
    return g.phase(call) == "gone"


async def hold(g: Giver) -> object:
    call = g.talking()
    await g.give("hold", g.ref(call))
    return g.phase(call).startswith("held")


async def resume(g: Giver) -> object:
    call = g.talking()
    g.sim.hold(call, "40")
    await g.give("resume", g.ref(call))
    return g.phase(call).startswith("connected")


async def transfer(g: Giver) -> object:
    call = g.talking()
    await g.give("transfer", g.ref(call), "42")
    return g.phase(call) == f"ringing {OUTSIDE} 42"


async def attended(g: Giver) -> object:
    first, second = g.talking(), g.sim.place_call("40", "42")
    g.sim.answer(second)
    await g.give("transfer", g.ref(first), g.ref(second))
    return [g.phase(c) for c in g.pbx.calls] in ([f"connected {OUTSIDE} 42"], [f"connected 42 {OUTSIDE}"])


async def park(g: Giver) -> object:
    call = g.talking()
    await g.give("park", g.ref(call), "700")
    return g.pbx.directory.orbits[0].call == call


async def retrieve(g: Giver) -> object:
    call = g.talking(caller="41")
    g.sim.park(call, "700", "40")
    await g.give("retrieve", "700")
    return g.phase(call) == "connected 41 40"


async def pickup(g: Giver) -> object:
    call = g.ringing("41")
    await g.give("pickup", g.ref(call))
    return g.phase(call) == f"connected {OUTSIDE} 40"


async def record(g: Giver) -> object:
    call = g.talking()
    await g.give("record", g.ref(call), True)
    return g.pbx.calls[call].recording


async def dnd(g: Giver) -> object:
    await g.give("dnd", True)
    return g.pbx.extensions[0].dnd


async def chat(g: Giver) -> object:
    async with g.http.line("41") as peer:
        await peer.answered()
        await g.give("chat", "41", "hello")
        return (await peer.next("chat"))["message"] == "hello"


async def forward(g: Giver) -> object:
    await g.give("forward", "42", when="busy")
    return g.pbx.extensions[0].forwards["busy"] == "42"


async def queue_login(g: Giver) -> object:
    await g.give("queue_login", "600", True)
    return g.pbx.queues[0].agents["40"].logged_in


async def send(g: Giver) -> object:
    await g.give("send", {"action": "avoid-disconnect"})
    return True


COMMANDS: list[Callable[[Giver], Awaitable[object]]] = [
    *(dial, answer, reject, hangup, hold, resume, transfer, attended, park, retrieve, pickup),
    *(record, dnd, forward, chat, queue_login, send),
]


def test_every_command_of_the_table_is_tried() -> None:
    assert {command.__name__ for command in COMMANDS} == {*COMMAND_NAMES, "attended"}


@pytest.mark.parametrize("dialect", ["modern", "2016"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__)
async def test_a_command_has_its_effect(command: Callable[[Giver], Awaitable[object]], dialect: str) -> None:
    async with serve("empty", dialect=dialect) as sim, client(sim) as http, http.line() as line:
        assert await command(Giver(sim, http, line))

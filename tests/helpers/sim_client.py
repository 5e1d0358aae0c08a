"""A client for the simulator's tests: as little of one as can log in, send and read frames."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp

from pbxnb.simulator import Simulator


class Line:
    """One open socket and what came over it."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def send(self, action: str, **fields: Any) -> None:
        await self.ws.send_json({"action": action} | {k.rstrip("_").replace("_", "-"): v for k, v in fields.items()})

    async def text(self, timeout: float = 30.0) -> str:
        message = await asyncio.wait_for(self.ws.receive(), timeout)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return str(message.data)

    async def next(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these kinds (an action or a flat key); others are passed over."""
        while True:
            frame: dict[str, Any] = json.loads(await self.text())
            if not kinds or frame.get("action") in kinds or any(k in frame for k in kinds):
                return frame

    async def answered(self) -> list[dict[str, Any]]:
        """Everything up to the answer to a question that always has one: proof that all before it was read."""
        await self.send("get-users")
        frames = []
        while (frame := await self.next()).get("action") != "domain-state":
            frames.append(frame)
        return [*frames, frame]

    async def calls(self) -> list[dict[str, Any]]:
        """The list as it is now."""
        await self.send("get-calls")
        lists: list[list[dict[str, Any]]] = [
            f["calls"] for f in await self.answered() if f.get("action") == "call-state"
        ]
        return lists[-1]


class Http:
    """REST as one extension, or as the administrator."""

    def __init__(self, session: aiohttp.ClientSession, sim: Simulator) -> None:
        self.session = session
        self.sim = sim
        self.base = sim.url.replace("ws", "http", 1)

    def basic(self, name: str = "") -> dict[str, str]:
        login = name or f"{self.sim.user}@{self.sim.domain}"
        secret = self.sim.admin_password if login.startswith("admin") else self.sim.password
        return {"Authorization": "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()}

    async def ask(self, method: str, path: str, *, name: str = "", **options: Any) -> Any:
        async with self.session.request(method, self.base + path, headers=self.basic(name), **options) as response:
            if response.status != 200:
                return response.status
            if response.content_type == "application/json":
                return await response.json()
            return await (response.text() if response.content_type.startswith("text/") else response.read())

    async def mine(self, method: str, path: str, **options: Any) -> Any:
        return await self.ask(method, f"/rest/user/{self.sim.user}@{self.sim.domain}/{path}", **options)

    @contextlib.asynccontextmanager
    async def line(self, user: str = "", *, login: bool = True, path: str = "") -> AsyncIterator[Line]:
        user = user or self.sim.user
        headers = self.basic(f"{user}@{self.sim.domain}") if login else {}
        url = f"{self.sim.url}{path or f'/websocket?domain={self.sim.domain}&user={user}'}"
        async with self.session.ws_connect(url, headers=headers, max_msg_size=0) as ws:
            yield Line(ws)


@contextlib.asynccontextmanager
async def client(sim: Simulator) -> AsyncIterator[Http]:
    async with aiohttp.ClientSession() as session:
        yield Http(session, sim)


def contradictions(pbx: Any) -> Iterator[str]:
    """What no truthful PBX can show; each as a sentence."""
    used = 0
    for call in pbx.calls.values():
        used += call.channels
        ends = [call.caller, call.called]
        if call.channels != sum(e.external for e in ends):
            yield f"{call.id} has {call.channels} channels for {ends}"
        if call.phase.value not in ("ringing", "connected", "held", "parked", "queued", "menu", "voicemail"):
            yield f"{call.id} is in the list and {call.phase}"
        if (call.phase == "held") != bool(call.held_by):
            yield f"{call.id} is {call.phase}, held by {set(call.held_by)}"
        if call.held_by - {e.number for e in ends}:
            yield f"{call.id} is held by a stranger"
        if call.ringing and call.phase != "ringing":
            yield f"{call.id} rings {call.ringing} and is {call.phase}"
        if (call.phase in ("connected", "held", "parked", "menu", "voicemail")) != (call.connected is not None):
            yield f"{call.id} is {call.phase} since {call.connected}"
        if (call.phase == "parked") != bool(call.orbit) or (call.orbit and pbx.accounts[call.orbit].call != call.id):
            yield f"{call.id} is {call.phase} in orbit {call.orbit!r}"
        for number in call.accounts:
            if call not in pbx.calls_of(number):
                yield f"{number} does not show {call.id}"
        if set(call.extensions) - set(call.accounts):
            yield f"{call.id}: an extension does not show it"
    if used != pbx.switch.channels_used or not 0 <= used <= pbx.switch.channels:
        yield f"{pbx.switch.channels_used} channels are booked and {used} used of {pbx.switch.channels}"
    for account in pbx.accounts.values():
        for call in pbx.calls_of(account.number):
            if pbx.calls.get(call.id) is not call or account.number not in call.accounts:
                yield f"{account.number} shows {call.id}, which is not its call"
        talking = [c for c in pbx.calls_of(account.number) if c.phase == "connected" and account.number in c.extensions]
        if account.type == "extensions" and len([c for c in talking if account.number not in c.ringing]) > 1:
            yield f"{account.number} talks to {len(talking)} parties at once"
        if account.type == "orbits" and account.call and pbx.calls[account.call].orbit != account.number:
            yield f"orbit {account.number} holds {account.call}"
    for queue in pbx.queues:
        for call_id in queue.waiting:
            call = pbx.calls.get(call_id)
            if call is None or call.group != queue.number or call.phase not in ("queued", "ringing"):
                yield f"queue {queue.number} has {call_id} waiting, which is {call and call.phase}"
        inside = {c.id for c in pbx.calls.values() if c.group == queue.number}
        if inside != set(queue.inside):
            yield f"queue {queue.number} counts {set(queue.inside)} inside, and {inside} are"
        figures = queue.days.figures(0, 2**40)
        if figures.count != figures.completed + len(inside):
            yield f"queue {queue.number} was entered {figures.count} times, left {figures.completed}"
        waiting = {c.id for c in pbx.calls.values() if c.phase == "queued"}
        now, free = pbx.clock.now, pbx.switch.free_for_queue
        agents = [a for a in queue.agents.values() if a.state(now, bool(pbx.calls_of(a.number))) == "idle"]
        idle = [agent for agent in agents if free(agent.number)]
        if idle and waiting & set(queue.waiting):
            yield f"queue {queue.number}: somebody waits while {idle[0].number} is free"

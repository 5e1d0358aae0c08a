"""Nothing of one tenant ever reaches another: no name, no call, no event, and no command has an effect across."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.protocol.registry import REGISTRY
from pbxnb.simulator import Simulator, serve
from pbxnb.simulator.rest.resource import Resource, Who
from pbxnb.simulator.rest.table import RESOURCES
from pbxnb.simulator.server.frames import Dialect
from tests.helpers.sim_client import Http, client
from tests.simulator.engine.test_simulator_invariants import act

A, B = "a.example", "b.example"
OTHER = {A: B, B: A}
OUTSIDE = {A: "+13035550111", B: "+14045550122"}
TOKEN = {A: "Quxalpha", B: "Zotbeta"}
"""Begins every name and every text of a tenant."""
ID = re.compile(r"(?<![\d.])7\d{3}(?![\d.])")


def marks(sim: Simulator, domain: str, text: str) -> Iterator[str]:
    """What of a tenant stands in a text that its clients did not write themselves."""
    pbx = sim.tenants[domain].pbx
    words = (TOKEN[domain], OUTSIDE[domain], f'"domain":"{domain}"', f"@{domain}>", f"@{domain};")
    yield from (word for word in words if word in text)
    yield from set(ID.findall(text)) & {*pbx.calls, *(record.id for record in pbx.history)}


def state(sim: Simulator, domain: str) -> tuple[Any, ...]:
    """Everything that a command could have changed."""
    pbx, frames = sim.tenants[domain].pbx, sim.server.tenants[domain].frames
    accounts = [repr(account) for account in pbx.accounts.values()]
    calls = [(call.comment, call.version) for call in pbx.calls.values()]
    return frames.domain_state("40", sees_domain=True), accounts, calls, len(pbx.history), pbx.chats.count


class Ear:
    """A socket, and all that it was ever sent."""

    def __init__(self, domain: str, user: str, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.domain, self.user, self.ws = domain, user, ws
        self.heard: list[str] = []

    async def send(self, **frame: Any) -> None:
        await self.ws.send_json(frame)

    async def settle(self) -> None:
        """Everything sent so far has been done, and everything told been heard."""
        await self.send(action="get-users")
        while not self.heard or '"action":"domain-state"' not in self.heard[-1]:
            self.heard.append(await self.ws.receive_str(timeout=30))
        self.heard.append("")


@contextlib.asynccontextmanager
async def tenants(dialect: str = "modern", **options: Any) -> AsyncIterator[tuple[Simulator, Http]]:
    """Two tenants whose every name and caller is marked, with calls going on; time stands still."""
    settings = {"extensions": 8, "start": "2026-03-02T09:30", "dialect": dialect, "domains": (A, B)} | options
    async with serve("classroom", **settings) as sim, client(sim) as http:
        sim.pause()
        for domain in (A, B):
            for account in sim.tenants[domain].pbx.accounts.values():
                account.name = f"{TOKEN[domain]} {account.number}"
            sim.place_call(OUTSIDE[domain], "41", name=f"{TOKEN[domain]} caller", domain=domain)
            sim.chat("40", "41", f"{TOKEN[domain]} says", domain=domain)
        yield sim, http


@contextlib.asynccontextmanager
async def ears(sim: Simulator, http: Http) -> AsyncIterator[list[Ear]]:
    """For each tenant a supervisor who subscribes to everything, and an extension with a browser phone."""
    opened = []
    for domain in (A, B):
        for user in ("40", "41"):
            url = f"{sim.url}/websocket?domain={domain}&user={user}"
            ws = await http.session.ws_connect(url, headers=http.basic(f"{user}@{domain}"), max_msg_size=0)
            ear = Ear(domain, user, ws)
            opened.append(ear)
            for action in ("domain-calls", "orbit-calls") if user == "40" else ("own-calls",):
                await ear.send(action=action, subscribe=True)
            await ear.send(action="blf", add=["40", "41", "42", "700"])
            if user == "41":
                await ear.send(action="sip-register")
            await ear.settle()
    yield opened
    for ear in opened:
        await ear.ws.close()


NUMBERS = ("40", "41", "42", "500", "600", "700", "701", "100", "*85700", "*86700", "*8741", "+15055550199")
SENT = [row for row in REGISTRY if row.dir == "c2s" and row.name != "get-users"]  # which ends what is heard
WRITES = [row for row in RESOURCES if row.method != "GET" and "{" in row.path]
KEYS = ("hangup", "reject", "transfer", "remote-answer", "remote-hold", "remote-resume", "id")


def frame(rng: Random, sim: Simulator, domain: str) -> dict[str, Any]:
    """A message of a client of a tenant; ids and numbers are those of the other one as often as not."""
    row = rng.choice(SENT)
    numbers = [rng.choice(NUMBERS), f"{rng.choice(NUMBERS)}@{OTHER[domain]}"]
    ids = [*sim.tenants[OTHER[domain]].pbx.calls] * 2 + [*sim.tenants[domain].pbx.calls] + ["none"]
    fields: dict[str, Any] = {}
    for name in row.fields:
        match name.rstrip("?"):
            case "id" | "id2":
                fields[name] = rng.choice(ids)
            case "to" | "from" | "src" | "dest":
                fields[name] = rng.choice(numbers)
            case "callid":
                fields["callid"] = rng.choice(["one@phone", "two@phone"])
            case "message" | "sub" | "des":
                fields[name] = f"{TOKEN[domain]} writes"
            case "add":
                fields["add"] = list(NUMBERS)
            case other:
                fields[other] = rng.choice([True, "true", "on", "sendonly"])
    return {"action": row.name, **{name.rstrip("?"): value for name, value in fields.items()}}


def path(row: Resource, domain: str, number: str) -> str:
    """Of a resource, asked about an account of a tenant."""
    queue = "600" if "{account}" in row.path else f"600@{domain}"
    fill = {"account": f"{number}@{domain}", "domain": domain, "number": number, "queue": queue}
    return re.sub(r"\{(\w+)\}", lambda field: fill.get(field[1], "extensions"), row.path)


class Seen:
    """REST as anybody, with every byte of the answers."""

    def __init__(self, sim: Simulator, http: Http) -> None:
        self.sim, self.http = sim, http
        self.heard: dict[str, list[str]] = {A: [], B: []}

    async def ask(self, method: str, where: str, name: str, **options: Any) -> tuple[int, str]:
        url, headers = self.http.base + where, self.http.basic(name)
        async with self.http.session.request(method, url, headers=headers, **options) as response:
            said = f"{sorted(response.headers.items())} {(await response.read()).decode('utf-8', 'replace')}"
            if (domain := name.partition("@")[2]) in self.heard:
                self.heard[domain].append(said)
            return response.status, said


async def anything(rng: Random, sim: Simulator, seen: Seen, sockets: list[Ear]) -> None:
    """One thing that somebody does: inside a tenant, by a frame, or by REST; sensible, impossible or an attack."""
    domain = rng.choice([A, B])
    match rng.randrange(8):
        case 0 | 1 | 2:
            sim.run(lambda: act(sim.tenants[domain].pbx, rng))
        case 3:
            with contextlib.suppress(Exception):  # when it cannot be placed
                sim.place_call(
                    OUTSIDE[domain], rng.choice(NUMBERS), name=f"{TOKEN[domain]} guest", people=True, domain=domain
                )
        case 4 | 5:
            ear = rng.choice(sockets)
            before = state(sim, OTHER[ear.domain])
            for _ in range(4):
                await ear.send(**frame(rng, sim, ear.domain))
            await ear.settle()
            assert state(sim, OTHER[ear.domain]) == before
        case 6:
            user = rng.choice(["40", "41", "admin"])
            row = rng.choice(RESOURCES)
            if row.who is not Who.ANYBODY:
                number = "45" if row.method == "DELETE" else rng.choice(["40", "41"])  # else who listens goes with it
                await seen.ask(row.method, path(row, domain, number), f"{user}@{domain}")
        case 7:
            before = state(sim, OTHER[domain])
            ids = [*sim.tenants[OTHER[domain]].pbx.calls, "none"]
            body = {rng.choice(KEYS): rng.choice(ids), "number": "42", "id": rng.choice(ids)}
            body |= {"remote-dial": f"41@{OTHER[domain]}"} if rng.random() < 0.3 else {}
            who = f"{rng.choice(['40', 'admin'])}@{domain}"
            await seen.ask("POST", f"/rest/user/40@{domain}/calls", who, json=body)
            about = path(rng.choice(WRITES), OTHER[domain], "41")
            assert (await seen.ask("POST", about, who, json=body))[0] in (403, 404, 405)
            assert state(sim, OTHER[domain]) == before


@pytest.mark.parametrize("dialect", list(Dialect))
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 40))
def test_whatever_happens_in_two_tenants_neither_hears_of_the_other(dialect: Dialect, seed: int, steps: int) -> None:
    async def run() -> None:
        rng = Random(seed)
        async with tenants(dialect, seed=seed % 1000) as (sim, http), ears(sim, http) as sockets:
            seen = Seen(sim, http)
            for _ in range(steps):
                await anything(rng, sim, seen, sockets)
            sim.advance(30)
            for row in RESOURCES:
                if row.method == "GET" and row.who is not Who.ANYBODY:
                    for domain in (A, B):
                        for user in ("40", "41", "admin"):
                            await seen.ask("GET", path(row, domain, "40"), f"{user}@{domain}")
            for ear in sockets:
                await ear.settle()
                seen.heard[ear.domain] += ear.heard
            for domain, heard in seen.heard.items():
                told = "\n".join(heard)
                assert not [*marks(sim, OTHER[domain], told)], "a tenant heard of another"
                assert {TOKEN[domain], f"@{domain}>"} <= {*marks(sim, domain, told)}, "and of itself"

    asyncio.run(run())


# -- attacks -----------------------------------------------------------------------------------------------------------

SCOPED = [row for row in RESOURCES if "{" in row.path and row.who is not Who.ANYBODY]


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_what_is_not_yours_and_what_is_not_there_are_refused_alike(dialect: Dialect) -> None:
    """Else whoever may ask learns which tenants and numbers there are (rest.md 2.0)."""
    async with tenants(dialect) as (sim, http):
        seen = Seen(sim, http)
        before = state(sim, B)
        for row in SCOPED:
            if dialect not in row.dialects:
                continue
            for who in ("40", "41", "admin"):
                answers = [
                    await seen.ask(row.method, path(row, domain, number), f"{who}@{A}", json={"state": True})
                    for domain, number in ((B, "41"), (B, "999"), ("c.example", "41"))
                ]
                kinds = {(status, said.rpartition(" ")[2]) for status, said in answers}
                assert kinds == {(403, "false")}, row.name
                nobody = await http.session.request(row.method, http.base + path(row, B, "41"))
                assert nobody.status == 401, row.name
        assert state(sim, B) == before


@pytest.mark.parametrize("who", [f"40@{A}", f"41@{A}", f"admin@{A}"])
async def test_a_socket_of_another_tenant_is_refused_there_or_not(who: str) -> None:
    async with tenants() as (sim, http):
        for domain, user in ((B, "40"), (B, "41"), (B, "999"), ("c.example", "40"), (B, "admin")):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.session.ws_connect(
                    f"{sim.url}/websocket?domain={domain}&user={user}", headers=http.basic(who)
                )
            assert refused.value.status == 403
        assert not sim.server.sockets


async def test_a_cookie_opens_its_own_tenant_only() -> None:
    async with tenants() as (sim, http):
        for name in (f"40@{B}", f"admin@{B}"):
            whose = sim.login.identity(name)
            assert whose is not None
            headers = {"Cookie": f"session={sim.login.session(whose)}"}
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.session.ws_connect(f"{sim.url}/websocket?domain={A}&user=40", headers=headers)
            assert refused.value.status == 403
            async with http.session.ws_connect(f"{sim.url}/websocket?domain={B}&user=40", headers=headers) as ws:
                await ws.send_json({"action": "get-users"})
                assert not [*marks(sim, A, await ws.receive_str(timeout=10))]


async def test_only_the_system_makes_tokens_and_one_is_good_where_it_is_for() -> None:
    async with tenants() as (_, http):
        wanted = {"name": "3rd", "username": "40", "domain": B}
        for who in (f"admin@{A}", f"40@{A}", f"admin@{B}"):
            assert await http.ask("POST", "/rest/system/session", name=who, json=wanted) is False
        token = await http.ask("POST", "/rest/system/session", name="admin", json=wanted)
        url = f"{http.base}/rest/system/session"
        async with http.session.post(url, json={"name": "session", "value": token}) as opened:
            cookie = opened.headers["Set-Cookie"].partition(";")[0]
        for domain, expected in ((A, 403), (B, 200)):
            where = f"{http.base}/rest/user/40@{domain}/calls"
            async with http.session.get(where, headers={"Cookie": cookie}) as answer:
                assert answer.status == expected
        for user, domain in (("40", "c.example"), ("999", B)):
            missing = wanted | {"username": user, "domain": domain}
            assert await http.ask("POST", "/rest/system/session", name="admin", json=missing) == 404


async def test_the_system_reads_each_tenant_by_itself_and_a_bare_number_is_the_senders() -> None:
    async with tenants() as (sim, http):
        seen = Seen(sim, http)
        for domain in (A, B):
            status, said = await seen.ask("GET", f"/rest/domain/{domain}/users", "admin")
            assert (status, [*marks(sim, OTHER[domain], said)]) == (200, [])
            assert TOKEN[domain] in said
            status, said = await seen.ask("GET", "/rest/user/40/accounts", f"40@{domain}")
            assert (status, TOKEN[domain] in said, TOKEN[OTHER[domain]] in said) == (200, True, False)
            for path_ in ("/rest/system/domains", "/rest/system/status"):
                assert (await seen.ask("GET", path_, f"admin@{domain}"))[0] == 403
        rows = json.dumps(await http.ask("GET", "/rest/system/domains", name="admin"))
        assert A in rows
        assert B in rows


async def test_chats_between_the_same_two_numbers_are_two_conversations() -> None:
    async with tenants() as (sim, http):
        seen = Seen(sim, http)
        for domain in (A, B):
            where = f"/rest/user/40@{domain}/chat?number=41"
            await seen.ask("POST", where, f"40@{domain}", json={"type": "text", "text": f"{TOKEN[domain]} again"})
            _, said = await seen.ask("GET", where, f"40@{domain}")
            assert f"{TOKEN[domain]} again" in said
            assert TOKEN[OTHER[domain]] not in said

"""The client reads every shape that the embedded PBX serves, of either age: logins, directories, orbits, settings."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

import pbxnb
from pbxnb.client import AdminToken, Endpoint, Password, Session
from pbxnb.client.rest import Rest
from pbxnb.client.rest_state import read_accounts
from pbxnb.client.secrets import Secret
from pbxnb.client.tls import Trust
from pbxnb.model.answers import accounts_in, orbits_in, queue_in
from pbxnb.protocol import rest as paths
from pbxnb.simulator import Simulator, serve
from pbxnb.simulator.server.answers import answer

ME = {"account": "40@acme.example", "domain": "acme.example"}
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LISTS = [
    (paths.ACCOUNTS, {}, ""),
    (paths.ACCOUNTS, {"type": "extensions"}, "extensions"),
    (paths.USERS, {}, ""),
    (paths.EXTENSIONS, {}, "extensions"),
    *[(paths.USERLIST, {"type": kind}, kind) for kind in ("extensions", "acds", "hunts", "attendants", "conferences")],
    (paths.HUNTS, {}, "hunts"),
    (paths.ATTENDANTS, {}, "attendants"),
    (paths.CONFERENCES, {}, "conferences"),
    (paths.DOMAIN_FLAGS, {}, "srvflags"),
    (paths.FLAGS, {}, "srvflags"),
    (paths.QUEUES, {}, "acds"),
    (paths.WALLBOARDS, {}, "acds"),
    (paths.ORBITS, {}, "orbits"),
    (paths.DOMAIN_ORBITS, {}, "orbits"),
]


@pytest.fixture(params=["modern", "2016"])
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    async with serve("empty", extensions=6, dialect=request.param) as sim:
        sim.pbx.extension("40").supervises = True
        yield sim


@contextlib.asynccontextmanager
async def logged_in(sim: Simulator, login: Any = None) -> AsyncIterator[Rest]:
    endpoint = Endpoint.parse(sim.url, sim.domain, "40")
    rest = Rest(endpoint, Trust(None, endpoint))
    try:
        rest.session = await (login or Password(sim.password)).cookie(rest)
        yield rest
    finally:
        await rest.aclose()


@pytest.mark.parametrize(("path", "query", "kind"), LISTS)
async def test_every_list_is_read_as_the_accounts_it_holds(
    sim: Simulator, path: str, query: dict[str, str], kind: str
) -> None:
    async with logged_in(sim) as rest:
        fields = {key: value for key, value in ME.items() if f"{{{key}}}" in path}
        found = accounts_in(await rest.get(paths.url(path, **fields, **query)), kind)
    expected = {a.number: (a.name, a.type) for a in sim.pbx.accounts.values() if kind in ("", a.type)}
    assert {entry.account: (entry.name, entry.type) for entry in found} == expected


@pytest.mark.parametrize("refused", range(4))
async def test_the_accounts_are_the_same_from_whatever_resource_is_left(sim: Simulator, refused: int) -> None:
    ways = [f"{ME['account']}/accounts", "type=extensions", "/users", "/userlist"][:refused]

    def gate(request: Any) -> Any:
        return answer(False, status=404) if any(way in str(request.rel_url) for way in ways) else None

    sim.server.gates.append(gate)
    async with logged_in(sim) as rest:
        found = await read_accounts(rest, rest.endpoint)
    assert {e.account: (e.name, e.type) for e in found if e.type == "extensions"} == {
        e.number: (e.name, "extensions") for e in sim.pbx.extensions
    }


async def test_the_tenants_are_read_by_their_names(sim: Simulator) -> None:
    async with logged_in(sim) as rest:
        found = await rest.request("GET", paths.DOMAINS, anonymous=True, basic=("admin", Secret(sim.admin_password)))
    assert [entry.account for entry in accounts_in(found.value)] == ["acme.example"]


async def test_a_parked_call_and_a_queue_with_a_caller_are_read(sim: Simulator) -> None:
    call = sim.place_call("+12025550101", "40", name="Jo")
    sim.answer(call)
    sim.park(call, "700")
    waiting = [sim.place_call(f"+1202555011{n}", "600") for n in range(4)]
    async with logged_in(sim) as rest:
        for path in (paths.ORBITS, paths.DOMAIN_ORBITS):
            fields = {key: value for key, value in ME.items() if f"{{{key}}}" in path}
            orbits = {orbit.number: orbit for orbit in orbits_in(await rest.get(paths.url(path, **fields)), NOW)}
            (parked,) = orbits["700"].parked
            assert parked.call == call
        board = await rest.get(paths.url(paths.WALLBOARD, account=ME["account"], queue="600"))
    queue = queue_in("600", "", board, NOW)
    assert {agent.number for agent in queue.agents} == set(sim.pbx.queues[0].agents)
    assert queue.waiting == len([c for c in waiting if sim.pbx.calls[c].phase == "queued"]) > 0


async def test_every_login_opens_a_session_of_the_extension(sim: Simulator) -> None:
    for login in (Password(sim.password), AdminToken("admin", sim.admin_password)):
        async with logged_in(sim, login) as rest:
            assert rest.session is not None
            found = await rest.get(paths.SESSION)
            assert (found["cuser"], found["cdomain"]) == ("40", "acme.example")
            kept = Session(rest.session.reveal())
        async with logged_in(sim, kept) as rest:
            assert (await rest.get(paths.SESSION))["cuser"] == "40"


async def test_commands_by_rest_are_confirmed_on_either_age(sim: Simulator) -> None:
    login = pbxnb.Password(sim.password)
    async with pbxnb.connect(sim.url, domain=sim.domain, user="40", login=login, control=True) as pbx:
        assert (await pbx.forward("41", when="busy")).status == "confirmed"
        assert sim.pbx.extension("40").forwards == {"busy": "41"}
        assert (await pbx.queue_login("600", True)).status == "confirmed"
        assert "40" in sim.pbx.queues[0].agents

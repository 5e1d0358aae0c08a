"""The directory over REST: rights, and what is changed there reaches the PBX inside, its calls and the sockets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from pbxnb.simulator import serve
from tests.helpers.sim_client import Http, client, contradictions

DOMAIN = "/rest/domain/acme.example"
TENANT = "admin@acme.example"
OUTSIDE = "+12025550101"


@pytest.fixture(params=["modern", "2016"])
async def http(request: pytest.FixtureRequest) -> AsyncIterator[Http]:
    async with serve("empty", extensions=6, dialect=request.param) as sim, client(sim) as http:
        yield http


async def settings(http: Http, number: str, **body: Any) -> Any:
    return await http.ask("POST", f"{DOMAIN}/user_settings/{number}", name=TENANT, json=body)


@pytest.mark.parametrize(
    ("path", "extension", "tenant", "system"),
    [
        ("/rest/system/domains", 403, 403, 200),
        ("/rest/system/status", 403, 403, 200),
        (f"{DOMAIN}/domain_trunks", 403, 200, 200),
        (f"{DOMAIN}/dialplans", 403, 200, 200),
        (f"{DOMAIN}/status/extensions", 403, 200, 200),
        (f"{DOMAIN}/extensions", 200, 200, 200),
        (f"{DOMAIN}/userlist/nonsense", 404, 404, 404),
        (f"{DOMAIN}/extensions?account=99", 404, 404, 404),
        ("/rest/domain/other.example/extensions", 403, 403, 404),
        ("/rest/user/41@acme.example/groups", 403, 200, 200),
    ],
)
async def test_who_may_read_what(http: Http, path: str, extension: int, tenant: int, system: int) -> None:
    for name, status in ((f"40@{http.sim.domain}", extension), (TENANT, tenant), ("admin", system)):
        given = await http.ask("GET", path, name=name)
        assert given == status if status != 200 else not isinstance(given, int), name
    async with http.session.get(http.base + path) as response:
        assert (response.status, await response.text()) == (401, "false")


async def test_who_sees_nothing_of_the_tenant_reads_none_of_its_lists(http: Http) -> None:
    http.sim.pbx.extension("41").sees_domain = False
    for path in ("extensions", "userlist/extensions", "hunts", "srvflags", "users", "user_settings/40"):
        assert await http.ask("GET", f"{DOMAIN}/{path}", name="41@acme.example") == 403


async def test_only_an_administrator_creates_and_deletes(http: Http) -> None:
    body = {"type": "hunts", "account": "501"}
    assert await http.ask("POST", f"{DOMAIN}/addacc", json=body) == 403
    assert await http.ask("DELETE", f"{DOMAIN}/addacc/41") == 403
    assert "501" not in http.sim.pbx.accounts
    assert "41" in http.sim.pbx.accounts


async def test_an_extension_is_renamed_and_its_new_name_is_seen_everywhere(http: Http) -> None:
    async with http.line() as line:
        await line.answered()
        given = await settings(http, "41", first_name="Mary Ann", display_name="van Dyk", email_address="m@x.example")
        assert (given["first_name"], given["display_name"]) == ("Mary Ann", "van Dyk")
        assert (await line.next("user-state"))["account"] == "41"
        accounts = {a["account"]: a for a in (await line.answered())[-1]["accounts"]}
        assert accounts["41"]["name"] == "Mary Ann van Dyk"
    listed = {row["name"]: row for row in await http.ask("GET", f"{DOMAIN}/extensions")}
    assert (listed["41"]["first_name"], listed["41"]["email_address"]) == ("Mary Ann", "m@x.example")
    call = http.sim.pbx.calls[http.sim.place_call("40", "41")]
    assert call.called.name == "Mary Ann van Dyk"


async def test_settings_that_act_act(http: Http) -> None:
    pbx = http.sim.pbx
    await settings(http, "41", dnd="true", cfb="42", cfa=43)
    assert (pbx.extension("41").dnd, pbx.extension("41").forwards) == (True, {"busy": "42", "all": "43"})
    await settings(http, "41", mb_enable="false")
    assert not pbx.extension("41").mailbox
    await settings(http, "500", st1_ext="44 45 99", st1_dur="20", display="Desk")
    group = pbx.accounts["500"]
    assert (group.members, group.ring_for, group.name) == (("44", "45"), 20.0, "Desk")
    assert await http.mine("POST", "srvflags?name=900", json={"state": "true"}) is True
    assert [flag["state"] for flag in await http.mine("GET", "srvflags")] == [True]
    assert await http.mine("POST", "srvflags?name=600", json={"state": "true"}) == 404


async def test_writing_all_agents_changes_who_is_rung(http: Http) -> None:
    pbx = http.sim.pbx
    given = await settings(http, "600", all_agents="41 42")
    assert given["all_agents"] == "41 42"
    assert list(pbx.queues[0].agents) == ["41", "42"]
    call = http.sim.place_call(OUTSIDE, "600")
    assert set(pbx.calls[call].ringing) <= {"41", "42"}
    await settings(http, "600", all_agents="")
    assert not pbx.queues[0].agents
    assert not list(contradictions(pbx))


async def test_secrets_and_nonsense_are_not_kept(http: Http) -> None:
    before = await settings(http, "41")
    after = await settings(http, "41", password="secret", mb_pin="1234", **{"<b>": "x", "k" * 65: "x"}, deep={"a": 1})
    assert {key: value for key, value in after.items() if before.get(key) != value} == {"deep": ""}
    for n in range(400):
        await settings(http, "41", **{f"own{n}": "x"})
    assert len(http.sim.pbx.accounts["41"].settings) == 300


async def test_an_account_is_created_appears_and_can_be_called(http: Http) -> None:
    async with http.line() as line:
        await line.answered()
        body = {"type": "extensions", "account_ext": "77/78/41/x/"}
        assert await http.ask("POST", f"{DOMAIN}/addacc", name=TENANT, json=body) == {}
        assert [(await line.next("user-state"))["account"] for _ in range(2)] == ["77", "78"]
        accounts = {a["account"] for a in (await line.answered())[-1]["accounts"]}
        assert {"77", "78"} <= accounts
        assert not {"x", ""} & accounts
    assert http.sim.pbx.extension("77").phones == []
    assert await http.ask("PUT", f"{DOMAIN}/addacc/", name=TENANT, json={"type": "nothing", "account": "79"}) == {}
    assert "79" not in http.sim.pbx.accounts


async def test_a_deleted_account_leaves_calls_queues_groups_and_sockets(http: Http) -> None:
    sim, pbx = http.sim, http.sim.pbx
    call = sim.place_call("45", "41")
    sim.answer(call, "41")
    waiting = sim.place_call(OUTSIDE, "600")
    async with http.line() as line, http.line("45") as theirs:
        await line.answered()
        await theirs.answered()
        assert await http.ask("DELETE", f"{DOMAIN}/addacc/45", name=TENANT) == {}
        snapshot = await line.next("domain-state")
        assert "45" not in {a["account"] for a in snapshot["accounts"]}
        while not theirs.ws.closed:
            await theirs.ws.receive()
    assert call not in pbx.calls
    assert waiting in pbx.calls
    assert "45" not in pbx.queues[0].agents
    assert await http.ask("DELETE", f"{DOMAIN}/addacc/45", name=TENANT) == 404
    assert not list(contradictions(pbx))
    sim.advance(60)
    assert not list(contradictions(pbx))


async def test_a_queue_and_an_orbit_in_use_can_be_deleted(http: Http) -> None:
    sim, pbx = http.sim, http.sim.pbx
    sim.place_call(OUTSIDE, "600")
    parked = sim.place_call(OUTSIDE, "40")
    sim.answer(parked)
    sim.park(parked, "700")
    for number in ("600", "700"):
        assert await http.ask("DELETE", f"{DOMAIN}/addacc/{number}", name=TENANT) == {}
    assert pbx.calls == {}
    sim.advance(300)
    assert not list(contradictions(pbx))

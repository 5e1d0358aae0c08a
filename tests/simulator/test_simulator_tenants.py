"""Many tenants on one embedded PBX: one port and one clock, and everything else apart."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from pbxnb import AdminToken, Password
from pbxnb.errors import ScenarioError, SimulatorError
from pbxnb.simulator import Simulator, serve, start
from pbxnb.simulator.server.sockets import Subscriptions
from pbxnb.simulator.start import Settings, build
from tests.helpers.sim_client import client

A, B = "a.example", "b.example"


def names(sim: Simulator, domain: str) -> list[str]:
    return [extension.name for extension in sim.tenants[domain].pbx.extensions]


def numbers(sim: Simulator, domain: str) -> list[str]:
    return [call.called.number for call in sim.tenants[domain].pbx.calls.values()]


def test_each_has_users_of_its_own_under_the_same_numbers() -> None:
    sim = build(Settings(preset="office", extensions=30, domains=(A, B), seed=5))
    one, two = (build(Settings(preset="office", extensions=30, domain=A, seed=seed)) for seed in (5, 6))
    assert sim.domains == (A, B)
    assert (sim.domain, sim.pbx, sim.traffic) == (A, *sim.tenants[A])
    assert [*sim.tenants[A].pbx.accounts] == [*sim.tenants[B].pbx.accounts]
    assert (names(sim, A), names(sim, B)) == (names(one, A), names(two, A)), "the next one has the next seed"
    assert names(sim, A) != names(sim, B)
    assert numbers(sim, A) == numbers(one, A), "what one tenant does changes nothing for another"
    assert [e.supervises for e in sim.tenants[B].pbx.extensions].count(True) == 1
    assert all(tenant.pbx.clock is sim.pbx.clock for tenant in sim.tenants.values())
    assert repr(sim).endswith(f"40@{A} domains=2 extensions=60>")


def test_the_same_seed_makes_the_same_tenants_again() -> None:
    def once() -> list[Any]:
        settings = Settings(preset="classroom", domains=(A, B, "c.example"), start="2026-03-02T09:30", seed=3)
        sim = build(settings)
        sim.pbx.clock.advance(900)
        return [(name, list(each.pbx.history), list(each.pbx.calls)) for name, each in sim.tenants.items()]

    assert once() == once()


def test_an_id_of_a_call_is_one_call_of_the_whole_pbx() -> None:
    sim = build(Settings(preset="classroom", domains=(A, B), seed=3))
    sim.pbx.clock.advance(1800)
    ids = [record.id for each in sim.tenants.values() for record in each.pbx.history]
    assert len(ids) == len(set(ids)) > 50


@pytest.mark.parametrize(
    ("domains", "said"),
    [
        ([""], "'' is no name of a domain"),
        ([A, ""], "'' is no name of a domain"),
        ([A, A], f"{A!r} is there twice"),
        ([A, A.upper()], "'A.EXAMPLE' is there twice"),
        (["a b"], "'a b' is no name"),
        (["a..example"], "'a..example' is no name"),
        (["-a.example"], "'-a.example' is no name"),
        (["a.example."], "'a.example.' is no name"),
        (["bücher.example"], "'bücher.example' is no name"),
        (["a@b.example"], "'a@b.example' is no name"),
        (["<b>.example"], "is no name"),
        (["a" * 64], "is no name"),
        ([".".join(["a" * 60] * 5)], "is no name"),
        ([7], "'7' is no name"),
        (A, "is a list of names"),
        ([f"d{n}.example" for n in range(501)], "501 domains are too many"),
        ([f"d{n}.example" for n in range(500)], "more than 7,500 together. Give extensions=15 or fewer"),
    ],
)
def test_a_name_that_is_none_is_said(domains: Any, said: str) -> None:
    with pytest.raises(SimulatorError) as error:
        build(Settings(preset="empty", domains=domains))
    assert said in str(error.value)


def test_the_name_of_the_only_tenant_is_checked_too() -> None:
    with pytest.raises(SimulatorError, match="no name of a domain"):
        build(Settings(preset="empty", domain="a/b"))
    assert build(Settings(preset="empty", domain="localhost")).domains == ("localhost",)


async def test_steering_means_the_first_unless_it_is_told() -> None:
    async with serve("empty", extensions=8, domains=(A, B)) as sim:
        first, second = (sim.tenants[name].pbx for name in (A, B))
        here, there = sim.place_call("40", "41"), sim.place_call("40", "41", domain=B)
        assert [*first.calls, *second.calls] == [here, there]
        sim.answer(there)  # the id of a call says whose it is
        assert (first.calls[here].phase.value, second.calls[there].phase.value) == ("ringing", "connected")
        sim.park(there, "700")
        assert sim.queue_login("600", "40", domain=B)
        with pytest.raises(SimulatorError, match="cannot be retrieved"):
            sim.retrieve("700", "42")
        sim.retrieve("700", "42", domain=B)
        assert not first.accounts["700"].call  # type: ignore[attr-defined]
        sim.pickup("41", "43")
        assert first.calls[here].called.number == "43"
        assert (sim.set_dnd("44", domain=B), sim.set_chat_status("44", "away", domain=B)) == (True, True)
        assert (first.extension("44").dnd, second.extension("44").dnd) == (False, True)  # type: ignore[union-attr]
        sim.unregister("45", domain=B)
        assert [bool(pbx.extension("45").phones) for pbx in (first, second)] == [True, False]  # type: ignore[union-attr]
        assert sim.register("45", domain=B)
        assert sim.chat("40", "41", "hello", domain=B)
        with pytest.raises(SimulatorError, match=r"no domain 'b.exmple'.*b.example"):
            sim.place_call("40", "41", domain="b.exmple")


def test_each_has_traffic_of_its_own_to_steer() -> None:
    sim = build(Settings(preset="classroom", domains=(A, B)))
    sim.tenants[B].traffic.share = 0.0
    sim.pbx.clock.advance(3600)
    before = sum(sim.tenants[B].traffic.offered.values())
    sim.pbx.clock.advance(3600)
    assert sum(sim.tenants[B].traffic.offered.values()) == before
    assert sum(sim.traffic.offered.values()) > before


# -- logins ------------------------------------------------------------------------------------------------------------


def test_a_connection_is_what_connect_takes_and_shows_no_secret() -> None:
    with start("empty", extensions=5, domains=(A, B), tls=True) as sim:
        given = sim.connection(B, "42")
        assert given | {"login": None} == {
            "url": sim.url, "domain": B, "user": "42", "login": None, "tls": sim.tls_certificate, "control": True,
            "tz": sim.tz,
        }  # fmt: skip
        assert isinstance(given["login"], Password)
        assert isinstance(sim.connection(A, admin=True)["login"], AdminToken)
        assert sim.connection(B)["user"] == sim.user
        shown = repr(given) + repr(sim.connection(B, admin=True))
        assert sim.password not in shown
        assert sim.admin_password not in shown
        with pytest.raises(SimulatorError, match=r"no domain 'c.example'"):
            sim.connection("c.example")
        with pytest.raises(SimulatorError, match="no extension '99'"):
            sim.connection(B, "99")


async def test_a_login_names_its_tenant_where_there_are_several() -> None:
    async with serve("empty", extensions=5, domains=(A, B)) as sim, client(sim) as http:
        calls = "/rest/user/40@{}/calls"
        for domain, other in ((A, B), (B, A)):
            assert await http.ask("GET", calls.format(domain), name=f"40@{domain}") == []
            assert await http.ask("GET", calls.format(other), name=f"40@{domain}") == 403
            assert await http.ask("GET", calls.format(domain), name=f"admin@{domain}") == []
            assert await http.ask("GET", calls.format(other), name=f"admin@{domain}") == 403
            assert await http.ask("GET", calls.format(domain), name="admin") == []
            assert await http.ask("GET", calls.format(domain), name="40") == 401, "whose 40?"
    async with serve("empty", extensions=5) as sim, client(sim) as http:
        assert await http.ask("GET", calls.format(sim.domain), name="40") == []


# -- scenarios and faults ----------------------------------------------------------------------------------------------


async def test_a_scenario_plays_in_one_tenant_or_in_several() -> None:
    async with serve("empty", extensions=8, domains=(A, B)) as sim:
        steps = [
            {"call": "one", "from": "ext1", "to": "ext2"},
            {"call": "two", "from": "me", "to": "ext3", "domain": A},
            {"after": 1, "answer": "two"},  # where its call is
            {"dnd": "ext4", "domain": A},
            {"expect": "two", "is": "connected"},
        ]
        run = sim.scenario(steps, domain=B)
        sim.advance(5)
        assert (run.done, run.error) == (True, None)
        assert list(sim.tenants[B].pbx.calls) == [run.calls["one"]]
        assert list(sim.pbx.calls) == [run.calls["two"]]
        assert "domain a.example" in run.log[1][1]
        assert sim.pbx.extension("43").dnd  # type: ignore[union-attr]
        assert not sim.tenants[B].pbx.extension("43").dnd  # type: ignore[union-attr]
        assert sim.tenants[B].traffic.users.acts("41") is False, "its numbers belong to it"
        sim.hangup(run.calls["one"])
        sim.hangup(run.calls["two"])
        assert sim.tenants[B].traffic.users.acts("41")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"dnd": "ext1", "domain": "c.example"}], "names the domain 'c.example', which this PBX has not"),
        ([{"dnd": "ext1", "domain": 7}], "where the name of a domain belongs"),
        ([{"call": "x", "from": "ext1", "to": "ext2"}, {"answer": "x", "domain": B}], f"in {B}, and its call in {A}"),
        (
            [
                {"call": "x", "from": "ext1", "to": "ext2"},
                {"call": "y", "from": "ext1", "to": "ext2", "domain": B},
                {"transfer": "x", "to": "y"},
            ],
            f"is in {A}, and the call 'y' in {B}",
        ),
    ],
)
async def test_a_scenario_that_mixes_tenants_is_refused(steps: list[dict[str, Any]], said: str) -> None:
    async with serve("empty", extensions=8, domains=(A, B)) as sim:
        with pytest.raises(ScenarioError) as error:
            sim.scenario(steps)
        assert said in str(error.value)
        with pytest.raises(SimulatorError, match="no domain"):
            sim.scenario("transfer", domain="c.example")


async def test_steering_over_http_names_the_tenant() -> None:
    async with serve("empty", extensions=8, domains=(A, B)) as sim, client(sim) as http:
        step = [{"call": "x", "from": "ext1", "to": "ext2"}]
        played = await http.ask("POST", f"/simulator/scenarios?domain={B}", name="admin", json=step)
        assert played["done"] is False
        sim.advance(1)
        assert (await http.ask("GET", "/simulator", name="admin"))["domains"] == {A: 0, B: 1}
        flap = {"extension": "41", "domain": B, "count": 1}
        assert (await http.ask("POST", "/simulator/faults/flap", name="admin", json=flap))["fault"] == "flap"
        assert not sim.tenants[B].pbx.extension("41").registered  # type: ignore[union-attr]
        assert await http.ask("POST", "/simulator/faults/drop", name="admin", json={"domain": "c"}) == 400
        for tenant in (A, B):
            assert await http.ask("GET", "/simulator", name=f"admin@{tenant}") == 401


async def test_a_fault_of_one_tenant_leaves_the_others_alone() -> None:
    async with serve("empty", extensions=8, domains=(A, B)) as sim, client(sim) as http:
        url = "{}/websocket?domain={}&user=40"
        lines = [await http.session.ws_connect(url.format(sim.url, d), headers=http.basic(f"40@{d}")) for d in (A, B)]

        async def alive() -> list[bool]:
            await asyncio.sleep(0.05)
            return [domain in {socket.domain for socket in sim.server.sockets} for domain in (A, B)]

        sim.faults.stall(domain=B, seconds=0.1)
        sim.faults.slow(user="40", domain=B, seconds=0.1)
        sim.faults.drop(user="41", domain=B)
        assert await alive() == [True, True]
        sim.faults.drop(domain=B)
        assert await alive() == [True, False]
        sim.faults.drop(user="40")  # of the first
        assert await alive() == [False, False]
        for line in lines:
            await line.close()


async def test_the_ghost_of_a_call_stays_in_its_own_tenant() -> None:
    async with serve("empty", extensions=8, domains=(A, B)) as sim, client(sim) as http:
        sim.faults.ghost(count=2)
        ghosts = {domain: sim.place_call("40", "41", domain=domain) for domain in (A, B)}
        for call in ghosts.values():
            sim.hangup(call)
        for domain, call in ghosts.items():
            url = f"{sim.url}/websocket?domain={domain}&user=40"
            async with http.session.ws_connect(url, headers=http.basic(f"40@{domain}")) as ws:
                await ws.send_json({"action": "domain-calls", "subscribe": True})
                assert [each["id"] for each in (await ws.receive_json(timeout=10))["calls"]] == [call]


# -- many --------------------------------------------------------------------------------------------------------------


async def test_a_quiet_tenant_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    flush = Subscriptions.flush

    def counted(self: Subscriptions) -> None:
        asked[self._pbx.domain] += 1
        flush(self)

    monkeypatch.setattr(Subscriptions, "flush", counted)
    domains = [f"d{n}.example" for n in range(100)]
    async with serve("empty", extensions=10, domains=domains) as sim:
        for _ in range(50):
            sim.run(lambda: None)
        assert not asked
        sim.hangup(sim.place_call("40", "41", domain=domains[70]))
        assert asked == {domains[70]: 2}


async def test_mixed_quirks_of_one_tenant_do_not_depend_on_who_listens_to_another() -> None:
    async def heard(listeners: int) -> list[str]:
        async with serve("empty", extensions=8, domains=(A, B), quirks="all", seed=4, start="2026-03-02T09:30") as sim:
            frames = sim.server.tenants[B].frames
            for _ in range(listeners):
                sim.server.tenants[A].frames.call_state()
            return [frames.domain_state("40", sees_domain=True) for _ in range(20)]

    assert await heard(0) == await heard(7)

"""Queues and orbits by REST: when they are read, how the answers are understood, and what "not allowed" looks like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web

from pbxnb.client.timing import Turns
from pbxnb.model.answers import orbits_in, queue_in
from pbxnb.protocol.bounds import CUT, size_of
from tests.client.client_kit import QUICK, watching
from tests.helpers.fault_server import FaultServer, account, call, healthy, subscribing_only

NOW = datetime(2026, 9, 21, 14, 13, 40, tzinfo=UTC)  # 1790000020
BOARD = "/rest/user/45@acme.example/wallboard"
ORBITS = "/rest/user/45@acme.example/orbits"

WALLBOARD: dict[str, Any] = {
    "acds": {"73": {"calls": {"count": 12, "completed": 9}}},
    "agents": [
        {"account": "204", "name": "Jo", "login": True, "dnd": "false"},
        {"account": "207", "name": "Al", "login": "false", "dnd": True},
    ],
    "current": [
        {"start": 1790000000, "from": "<sip:+15550100@acme.example>", "acd": "73", "agent": ""},
        {"start": "1790000010", "from": "x", "acd": "73"},
        {"start": 1789999000, "from": "y", "acd": "73", "agent": "204"},
    ],
}


def test_a_wallboard_is_a_queue():
    queue = queue_in("73", "Sales", WALLBOARD, NOW)
    assert (queue.number, queue.name, queue.source) == ("73", "Sales", "rest")
    assert [(agent.number, agent.logged_in, agent.paused) for agent in queue.agents] == [
        ("204", True, False),
        ("207", False, True),
    ]
    assert queue.waiting == 2
    assert [(caller.position, caller.party.number, caller.call) for caller in queue.callers] == [
        (1, "+15550100", ""),
        (2, "x", ""),
    ]
    assert queue.longest_wait == 20
    assert queue.stats["calls"]["count"] == 12


@pytest.mark.parametrize(
    ("fields", "paused", "since"),
    [
        ({}, None, None),
        ({"dnd": True}, True, None),
        ({"work": {"begin": 1, "end": 86401, "segments": []}}, False, None),
        ({"work": {"segments": [{"begin": 1789990000, "end": 1789990600}]}, "dnd": "false"}, False, None),
        ({"work": {"since": 1790000000, "segments": [{"begin": 1, "end": 2}]}, "dnd": False}, True, 1790000000),
        ({"work": {"since": "1790000000.500"}}, True, 1790000000.5),
        ({"work": {"since": 0, "segments": [{"begin": 1790000000}]}}, True, 1790000000),
        ({"work": {"since": None}, "dnd": True}, True, None),
        ({"work": {"segments": [[1789990000.5, 1789990600]]}, "dnd": False}, False, None),
        ({"work": {"segments": [[1789990000, 1789990600], [1790000000]]}}, True, 1790000000),
        ({"work": {"segments": [[1790000000, 0]]}}, True, 1790000000),
        ({"work": {"segments": [[], "x", None, 5]}}, False, None),
        ({"work": {"since": [], "segments": 5}}, False, None),
        ({"work": "x"}, None, None),
    ],
)
def test_an_agent_on_a_break_is_paused_since_then(fields, paused, since):
    (agent,) = queue_in("73", "", {"agents": [{"account": "204", **fields}]}, NOW).agents
    assert agent.paused is paused
    assert (agent.since.timestamp() if agent.since else None) == since


def test_agents_by_number():
    (agent,) = queue_in("73", "", {"agents": {"204": {"name": "Jo"}}}, NOW).agents
    assert (agent.number, agent.name) == ("204", "Jo")


async def test_accounts_without_a_type_are_extensions_where_the_list_of_extensions_has_them():
    async with FaultServer(subscribing_only) as server:

        def answer(request: web.Request) -> web.Response:
            listed = [{"name": "45"}, {"name": "204"}]
            return web.json_response(listed if "type" in request.query else [*listed, {"name": "73"}])

        server.answers["/rest/user/45@acme.example/accounts"] = answer
        async with watching(server) as watched:
            await watched.until(lambda: len(watched.client.store.accounts) == 3)
            types = {number: account.type for number, account in watched.client.store.accounts.items()}
            assert types == {"45": "extensions", "204": "extensions", "73": ""}


async def test_a_phone_that_is_busy_by_rests_word_is_asked_for_again():
    answers = [
        [{"account": "207", "type": "extensions", "connected": True}],
        [{"account": "207", "type": "extensions"}],
    ]
    async with FaultServer(subscribing_only) as server:
        server.answers["/rest/user/45@acme.example/accounts"] = lambda _: web.json_response(
            answers.pop(0) if len(answers) > 1 else answers[0]
        )
        async with watching(server) as watched:
            await watched.until(
                lambda: (
                    [str(event.account.state) for event in watched.events if event.account is not None][-1:] == ["idle"]
                )
            )


@pytest.mark.parametrize("answer", [{}, [], None, "x", {"agents": 5, "current": {}, "acds": []}, {"agents": [None, 3]}])
def test_a_wallboard_that_says_nothing(answer):
    queue = queue_in("73", "", answer, NOW)
    assert queue.agents == ()
    assert queue.longest_wait is None


@pytest.mark.parametrize(
    "answer",
    [
        [{"number": "700", "name": "Park", "calls": [{"id": 9, "from": "<sip:204@a>", "since": "1790000000"}]}],
        {"700": {"display": "Park", "parked": [{"callid": "9", "from": "<sip:204@a>", "start": 1790000000}]}},
    ],
)
def test_orbits_in_both_shapes(answer):
    (orbit,) = orbits_in(answer, NOW)
    assert (orbit.number, orbit.name) == ("700", "Park")
    (parked,) = orbit.parked
    assert (parked.call, parked.party.number) == ("9", "204")
    assert parked.since is not None


@pytest.mark.parametrize("answer", [None, 1, "x", [5], [{}], {"a": 5}])
def test_no_orbits(answer):
    assert orbits_in(answer, NOW) == ()


async def test_queues_and_orbits_are_read_at_the_start():
    async with FaultServer(healthy) as server:
        server.answers[BOARD] = lambda _: web.json_response([{"name": "73", "display": "Sales"}])
        server.answers[f"{BOARD}/73"] = lambda _: web.json_response(WALLBOARD)
        server.answers[ORBITS] = lambda _: web.json_response([{"number": "700"}])
        async with watching(server) as watched:
            store = watched.client.store
            await watched.until(lambda: store.queues and store.orbits)
            assert store.queues["73"].name == "Sales"


async def test_a_user_state_of_a_queue_is_the_signal_to_read_it():
    async with FaultServer(healthy) as server:
        reads: list[int] = []

        def board(_request: web.Request) -> web.Response:
            reads.append(1)
            return web.json_response({"current": [{}] * len(reads)})

        server.answers[f"{BOARD}/73"] = board
        server.accounts.append(account("73", type="acds"))
        async with watching(server) as watched:
            store = watched.client.store
            await watched.until(lambda: store.queues)
            await server.peers[0].send({"action": "user-state", "type": "acds", "account": "73"})
            await watched.until(lambda: store.queues["73"].waiting == 2)


async def test_orbits_are_read_when_anybody_parks_or_fetches_a_call():
    async with FaultServer(healthy) as server:
        server.answers[ORBITS] = lambda _: web.json_response([{"number": "700", "calls": lying}])
        server.accounts.append(account("700", type="orbits"))
        lying: list[dict[str, Any]] = []
        async with watching(server) as watched:
            store = watched.client.store
            await watched.until(lambda: store.orbits)
            lying = [{"id": "9"}]
            await server.peers[0].send({"action": "call-state", "calls": [call("9", to="<sip:700@a>")]})
            await watched.until(lambda: store.orbits["700"].parked)
            lying = []
            await server.peers[0].send({"action": "call-state", "calls": []})
            await watched.until(lambda: not store.orbits["700"].parked)


async def test_read_again_only_while_somebody_looks():
    async with FaultServer(healthy) as server:
        reads: list[int] = []

        def orbits(_request: web.Request) -> web.Response:
            reads.append(1)
            return web.json_response([{"number": "700", "calls": [{"id": str(len(reads))}]}])

        server.answers[ORBITS] = orbits
        async with watching(server) as watched:
            client = watched.client
            stop = client.keep_read(False, True)
            await watched.until(lambda: len(reads) >= 4)
            stop()
            stop()
            again = client.keep_read(False, True)
            seen = len(reads)
            await watched.until(lambda: len(reads) > seen)
            again()


def counted(server: FaultServer) -> Counter[str]:
    """How often each queue and the orbits were read, of a PBX that has two of each."""
    reads: Counter[str] = Counter()

    def answer(request: web.Request) -> web.Response:
        reads[request.path.rpartition("/")[2]] += 1
        return web.json_response([{"number": "700"}] if request.path == ORBITS else WALLBOARD)

    server.answers |= {ORBITS: answer, f"{BOARD}/73": answer, f"{BOARD}/74": answer}
    server.accounts.append(account("73", type="acds"))
    return reads


async def test_nothing_is_read_again_once_nobody_looks():
    async with FaultServer(healthy) as server:
        reads = counted(server)
        async with watching(server) as watched:
            one, two = watched.client.keep_read(False, True), watched.client.keep_read(False, True)
            watched.client.keep_read(True, False)
            one()
            one()  # once more is nothing: the other still looks
            before = reads["orbits"]
            await watched.until(lambda: reads["orbits"] > before + 2)
            two()
            after, others = reads["orbits"], reads["73"]
            await watched.until(lambda: reads["73"] > others + 5)
            assert reads["orbits"] <= after + 1  # the one that was due already


async def test_none_is_read_twice_within_the_gap_whatever_asks():
    async with FaultServer(healthy) as server:
        reads = counted(server)
        async with watching(server, timing=msgspec.structs.replace(QUICK, read_gap=3600.0)) as watched:
            await watched.until(lambda: reads["73"] and reads["orbits"])
            for look in (True, False):
                watched.client.keep_read(look, not look)
            for number in ("73", "73", "74"):
                await server.peers[0].send({"action": "user-state", "type": "acds", "account": number})
            await watched.until(lambda: reads["74"])  # by now all that was asked for before has had its turn
            assert reads == {"73": 1, "74": 1, "orbits": 1}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/rest/user/45@acme.example/acdinfo", WALLBOARD),
        ("/rest/acd/73@acme.example/stat", {"agents": [{"agent": "204", "calls": 3}], "hangup_waiting": 2}),
    ],
)
async def test_a_queue_without_a_wallboard_is_read_where_else_it_is_told(path: str, answer: dict[str, Any]):
    async with FaultServer(healthy) as server:
        server.accounts.append(account("73", type="acds"))
        asked: list[str] = []

        def told(request: web.Request) -> web.Response:
            asked.append(request.query_string)
            return web.json_response(answer)

        server.answers[path] = told
        async with watching(server) as watched:
            store = watched.client.store
            await watched.until(lambda: store.queues and asked)
            assert asked[0] in ("group=73&info=wallboard", "")
            assert store.queues["73"].source == "rest"
            assert store.queues["73"].agents[0].number == "204"


async def test_a_queue_that_may_not_be_read_is_asked_for_once():
    async with FaultServer(healthy) as server:
        server.accounts.append(account("73", type="acds"))
        asked: list[str] = []

        def refused(request: web.Request) -> web.Response:
            asked.append(request.path)
            return web.json_response(False, status=403)

        for path in (f"{BOARD}/73", "/rest/user/45@acme.example/acdinfo", "/rest/acd/73@acme.example/stat"):
            server.answers[path] = refused
        async with watching(server) as watched:
            await watched.until(lambda: watched.client.store.queues)
            assert set(asked) == {f"{BOARD}/73"}
            assert "wallboard" in watched.client.store.queues["73"].why


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_may_not_be_read_is_unavailable(status):
    async with FaultServer(healthy) as server:
        server.accounts += [account("73", type="acds"), account("700", type="orbits")]
        for path in (BOARD, f"{BOARD}/73", ORBITS, "/rest/domain/acme.example/orbits"):
            server.answers[path] = lambda _: web.json_response({}, status=status)
        async with watching(server) as watched:
            store = watched.client.store
            await watched.until(lambda: store.queues and store.orbits)
            for value in (store.queues["73"], store.orbits["700"]):
                assert value.source == "unavailable"
                assert value.why


def turns_in_tenths() -> Turns:
    """One a tenth of a second, each once a second, what is shown half a minute ahead; times are tenths of a second."""
    return Turns(gap=10, apart=1, ahead=300)


def served(turns: Turns, until: int, shown: Callable[[str], bool] = lambda _key: False) -> list[tuple[int, str]]:
    """Who has a turn when."""
    return [(now, key) for now in range(until + 1) if (key := turns.take(now, shown)) is not None]


def test_5000_queues_have_their_turns_one_after_the_other_at_one_rate():
    turns = turns_in_tenths()
    for number in range(5000):
        turns.want(str(number), 0)
    assert (turns.take(0), turns.take(0), turns.wait(0)) == ("0", None, 1)
    assert served(turns, 90) == [(n, str(n)) for n in range(1, 91)]


def test_one_queue_has_its_turn_once_a_second():
    turns, found = turns_in_tenths(), []
    for now in range(50):
        turns.want("600", now)
        found += [now] if turns.take(now) else []
    assert found == [0, 10, 20, 30, 40]


def test_what_is_shown_goes_first_and_nobody_starves():
    turns = turns_in_tenths()
    for number in ("a", "b", "", "c"):
        turns.want(number, 0)
    assert [key for _, key in served(turns, 3, lambda key: not key)] == ["", "a", "b", "c"]
    turns = turns_in_tenths()
    turns.want("waits", 0)
    for now in range(1000):
        for number in range(50):  # more than can be read, again and again
            turns.want(str(number), now)
        if turns.take(now, lambda key: key != "waits") == "waits":
            break
    assert 300 <= now < 360


def test_whom_a_command_waits_for_goes_before_all_others_but_keeps_the_gap():
    turns = turns_in_tenths()
    for number in ("600", *map(str, range(100))):
        turns.want(number, 0)
    assert turns.take(0) == "600"
    turns.want("600", 1, urgent=True)
    assert served(turns, 12)[-4:] == [(9, "8"), (10, "600"), (11, "9"), (12, "10")]


def test_numbers_without_end_do_not_fill_the_memory():
    turns = Turns(gap=1.0, apart=0.0, ahead=30.0)
    for number in range(12_000):
        turns.want(str(number), 0.0)
    assert len(turns._due) == 10_000
    turns = Turns(gap=1.0, apart=0.0, ahead=30.0)
    for number in range(12_000):
        turns.want(str(number), float(number))
        assert turns.take(float(number)) == str(number)
    assert len(turns._last) <= 10_000


async def test_a_user_state_of_a_queue_that_nobody_knows_is_not_read():
    async with FaultServer(healthy) as server:
        reads = counted(server)
        async with watching(server) as watched:
            await watched.until(lambda: reads["73"] and reads["orbits"])
            for frame in ({"account": "", "type": "acds"}, {"account": "73", "type": "acds"}):
                await server.peers[0].send({"action": "user-state", **frame})
            await watched.until(lambda: reads["73"] == 2)
            assert reads == {"73": 2, "orbits": 1}


def test_what_rest_says_of_a_queue_and_an_orbit_is_bounded():
    long = "x" * 100_000
    board = {
        "agents": [{"account": str(n), "name": long} for n in range(10_000)],
        "logged_agents": [[[long]]],
        "current": [{}] * 5000,
        "acds": {"73": {"a": {"b": long}, "c": 1}},
    }
    queue = queue_in("73", "", board, NOW)
    assert size_of(queue) < 700_000
    assert queue.waiting == 5000
    assert (queue.stats["c"], queue.stats[CUT]) == (1, ["agents", "callers", "a"])
    many = queue_in("73", "", {"agents": [{"account": str(n), "name": "Jo Field"} for n in range(500)]}, NOW)
    assert (len(many.agents), many.stats) == (500, {})
    parked = [{"number": "700", "name": long, "calls": [{"id": str(n), "from": long} for n in range(1000)]}]
    (orbit,) = orbits_in(parked, NOW)
    assert size_of(orbit) < 200_000
    assert len(orbit.parked) > 3

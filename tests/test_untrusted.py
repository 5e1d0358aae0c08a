"""Whatever stands in an HTTP answer, a recording, a scenario or a REST body: a sentence of ours, or tolerated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from pbxnb.client import logins
from pbxnb.client.endpoint import Endpoint
from pbxnb.client.rest import Rest, _reply
from pbxnb.client.tls import Trust
from pbxnb.errors import NotARecording, PbxError, ScenarioError
from pbxnb.model.answers import accounts_in, orbits_in, queue_in
from pbxnb.simulator import Simulator, read_recording, serve, serve_recording
from pbxnb.simulator.faults import FAULTS
from pbxnb.simulator.scenarios import VERBS, scenario
from pbxnb.text import LONGEST
from tests.helpers.sim_client import Http, client

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HUGE = 10**30
DEEP = "[" * 100_000
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([1e30, -1e30, HUGE, 1e308, "1e30", "9999-12-31T23:59:59Z", "0001-01-01T00:00", "\ud800", "{n}"])
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects in which some of these fields stand, with anything in them."""
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=6), values, max_size=6)


def assert_sentence(error: PbxError) -> None:
    assert 0 < len(str(error)) <= 2 * LONGEST + 1


# -- recordings --------------------------------------------------------------------------------------------------------

lines = objects("at", "received", "recv_us", "text", "payload", "frame", "direction") | values


@settings(max_examples=150, deadline=None)
@given(st.lists(lines.map(json.dumps) | st.text(max_size=30), max_size=4))
@example(['{"at": 1e30, "text": "{}"}'])
@example(['{"at": 0, "text": "{}"}', '{"at": 1e30, "text": "{}"}'])
@example(['{"received": "0001-01-01", "text": "{}"}'])
@example(['{"recv_us": 1%s, "text": "{}"}' % ("0" * 400)])
@example([DEEP])
@example(["\ud800"])
@example([json.dumps({"at": 1, "frame": {"a": HUGE}})])
def test_a_recording_is_read_or_refused_in_a_sentence(given_lines: list[str]) -> None:
    try:
        session = read_recording(given_lines)
    except NotARecording as error:
        assert_sentence(error)
    else:
        assert session.seconds >= 0
        assert session.begin is None or session.begin.year < 9999


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"\x00" * 99, DEEP.encode(), b'{"at":1e30,"text":"x"}'], ids=repr
)
def test_a_file_that_is_no_recording_or_scenario(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd.json"
    file.write_bytes(content)
    with pytest.raises(NotARecording):
        read_recording(file)
    for path in (file, tmp_path, tmp_path / "no\x00file.json", str(tmp_path / "none.json")):
        with pytest.raises(ScenarioError):
            scenario(path)
    with pytest.raises(NotARecording):
        read_recording(tmp_path / "no\x00file")


async def test_a_replay_of_the_oddest_recording_plays() -> None:
    odd = ["{", DEEP, "null", '{"action":[]}', '{"action":"user-state","account":{"a":[]}}', "\x00", "€" * 1000]
    texts = [json.dumps({"at": 7e8 + n, "text": text}) for n, text in enumerate(odd)]
    times = ['{"at": 2e11, "text": "the last"}']
    async with serve_recording([*texts, *times], speed=1000) as replay, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{replay.url}/websocket", max_msg_size=0) as ws, asyncio.timeout(5):
            assert [await ws.receive_str() for _ in odd] == odd
        async with http.get(replay.url.replace("ws", "http")) as answer:
            assert answer.headers["Date"]


# -- scenarios ---------------------------------------------------------------------------------------------------------

WORDS = ("a", "b", "ext1", "ext2", "me", "queue1", "orbit1", "group1", "menu1", "700", "+12025550101 Jo", "ext99", "")
words = st.sampled_from(WORDS) | scalars
options = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("from", "to", "by", "orbit", "queue", "digits", "on", "is", "maybe"), words)
    | {
        name: st.sampled_from([0, 1, 2.5, "3", -1, 1e30, HUGE, "x", None, [1]])
        for name in ("at", "after", "repeat", "every")
    },
)
steps = st.builds(lambda verb, word, more: {verb: word, **more}, st.sampled_from(list(VERBS)), words, options)
# Steps that are right as far as they go, so that they are also played.
calls = st.builds(lambda word, a, b: {"call": word, "from": a, "to": b}, *(st.sampled_from(WORDS[:-1]),) * 3)
faults = st.builds(
    lambda name, more: {"fault": name, **more},
    st.sampled_from(list(FAULTS)),
    st.dictionaries(
        st.sampled_from(["seconds", "count", "code", "user", "status", "every", "name"]), scalars, max_size=2
    ),
)
scenarios = st.lists(calls | faults | steps, max_size=5) | objects("name", "text", "steps") | values


@settings(max_examples=200, deadline=None)
@given(scenarios | st.text(max_size=60).map(lambda text: text + "\n"))
@example([{"call": "a", "from": "ext1", "to": "ext2", "at": HUGE**20}])
@example([{"note": "x", "repeat": 10**400}])
@example("\n" + DEEP)
@example(DEEP)
@example("- " * 5000 + "x\n")
@example("name: &a [*a]\nsteps: *a\n")
def test_a_scenario_is_read_or_refused_in_a_sentence(what: Any) -> None:
    try:
        read = scenario(what, files=False)
    except PbxError as error:
        assert_sentence(error)
    else:
        assert read.seconds < 1e7


def test_a_scenario_too_long_for_yaml_is_refused_and_read_as_json() -> None:
    steps = [{"note": "x", "at": n} for n in range(800)]
    lines = [f"- note: x\n  at: {n}" for n in range(800)]
    assert scenario("\n".join(lines)).seconds == scenario(json.dumps(steps)).seconds == 799
    with pytest.raises(ScenarioError, match="too long for YAML"):
        scenario("\n".join(["x:"] * 20_000))


def test_a_bundle_of_references_is_refused_quickly() -> None:
    names = "abcdefghijkl"
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in pairwise(names)]
    for end in ("steps: [*l]", "steps: [{note: *l}]", "name: *l\nsteps: []", "steps: [{note: x, at: *l}]"):
        with pytest.raises(ScenarioError):
            scenario("\n".join([*lines, end]))


@settings(max_examples=60, deadline=None)
@given(st.lists(calls | faults | steps, min_size=1, max_size=5))
@example([{"call": "ext1", "from": "ext1", "to": "ext2"}])
@example([{"call": "700", "from": "ext1", "to": "ext2"}, {"answer": "700"}, {"park": "700", "orbit": "700"}])
def test_a_scenario_that_can_be_read_is_played_or_ends_in_a_sentence(what: list[dict[str, Any]]) -> None:
    async def play() -> None:
        async with serve("empty", extensions=6) as sim:
            try:
                run = sim.scenario(what)
                sim.advance(30)
            except PbxError as error:
                assert_sentence(error)
                return
            assert run.error is None or isinstance(run.error, ScenarioError)

    asyncio.run(play())


# -- REST, ours: answers of the other side -----------------------------------------------------------------------------

answers = (
    objects("accounts", "users", "data", "agents", "logged_agents", "current", "acds", "calls", "session", "2fa")
    | st.lists(objects("name", "account", "number", "displayname", "type", "usertype", "start", "agent", "calls",
                       "parked", "from", "since", "id", "alias"), max_size=3)
    | values
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(answers)
@example(msgspec.json.decode("[" * 64 + "]" * 64))
@example({"logged_agents": [msgspec.json.decode("[" * 60 + "]" * 60)], "current": [{"start": 1e30}, {"start": HUGE}]})
@example([{"name": {"a": {"b": []}}, "displayname": []}])
def test_any_json_is_accounts_queues_and_orbits_or_none(answer: Any) -> None:
    accounts_in(answer)
    orbits_in(answer, NOW)
    queue_in("600", "Support", answer, NOW)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(100, 599),
    st.binary(max_size=60) | answers.map(json.dumps).map(str.encode),
    st.dictionaries(
        st.sampled_from(["Set-Cookie", "Location", "Content-Type", "Server", "Date"]), st.text(max_size=40)
    ),
)
@example(200, DEEP.encode(), {})
@example(200, b"[" * 900 + b"]" * 900, {})
@example(200, b"1" + b"0" * 5000, {})
@example(200, b'["\\ud800"]', {"Server": "PBX/", "Date": "Mon, 02 Mar 99999999999999999999 09:30:00 GMT"})
def test_any_http_answer_is_read_and_a_login_says_what_it_means(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    endpoint = Endpoint.parse("ws://127.0.0.1", "acme.example", "40")
    rest = Rest(endpoint, Trust(None, endpoint))
    given_headers = CIMultiDict(headers)
    reply = _reply(status, given_headers, body)
    rest._note(given_headers, NOW)
    accounts_in(reply.value)
    logins._session(reply)
    try:
        rest._data("GET", "/rest/user/40", reply)
        logins._raise_unless_no(reply, rest)
        assert_sentence(logins._refusal([("POST as 40", reply)], rest))
    except PbxError as error:
        assert_sentence(error)


def test_one_broken_letter_hides_no_list() -> None:
    for body in (b'[{"name":"40","displayname":"Zo\xeb"}]', b'[{"name":"40","displayname":"Zo\\ud800"}]'):
        (found,) = accounts_in(_reply(200, CIMultiDict(), body).value)
        assert (found.account, found.name) == ("40", "Zo\ufffd")


# -- REST, the embedded PBX's: bodies and queries ----------------------------------------------------------------------


@pytest.fixture(name="sim")
async def make_sim() -> AsyncIterator[Simulator]:
    async with serve("empty", extensions=6) as sim:
        yield sim


@pytest.fixture(name="http")
async def make_http(sim: Simulator) -> AsyncIterator[Http]:
    async with client(sim) as http:
        yield http


async def test_no_body_or_query_breaks_the_embedded_pbx(http: Http, caplog: pytest.LogCaptureFixture) -> None:
    found: list[Any] = []

    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @given(scenarios | objects("hold", "to", "from", "name", "value", "number", "dnd", "cfa", "message", "seconds"))
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    user = f"/rest/user/{http.sim.user}@{http.sim.domain}"
    places = [("POST", "/rest/system/session"), ("POST", f"{user}/calls"), ("POST", f"{user}/settings"),
              ("PUT", f"{user}/settings"), ("POST", f"{user}/chat"), ("POST", "/simulator/scenarios"),
              ("POST", "/simulator/faults/slow"), ("GET", f"{user}/calls?page=999999999999999999&size=-1")]  # fmt: skip
    bodies = [json.dumps(value).encode() for value in found] + [DEEP.encode(), b"\xff", b"[" * 900 + b"]" * 900]
    for number, body in enumerate(bodies):
        method, path = places[number % len(places)]
        async with http.session.request(method, http.base + path, data=body, headers=http.basic("admin")) as answer:
            assert answer.status < 500, (path, body[:200])
        http.sim.faults.stop()
    for body in (DEEP.encode(), b"[" * 900 + b"]" * 900):
        for method, path in places:
            async with http.session.request(method, http.base + path, data=body, headers=http.basic("admin")) as answer:
                assert answer.status < 500, path
    assert "Traceback" not in caplog.text

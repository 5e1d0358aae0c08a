"""REST as a notebook uses it (rest.md 2): what one reads, and what each command does to the PBX inside."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from pbxnb.simulator import serve
from tests.helpers.sim_client import Http, client

OUTSIDE = "+12025550101"


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with serve("empty", extensions=6, start="2026-03-02T09:30", held=False) as sim, client(sim) as http:
        yield http


async def post(http: Http, **body: Any) -> Any:
    return await http.mine("POST", "calls", json={k.replace("_", "-"): v for k, v in body.items()})


def state(http: Http, call: str) -> tuple[str, str, str]:
    found = http.sim.pbx.calls[call]
    return found.phase.value, found.caller.number, found.called.number


async def test_the_directory(http: Http) -> None:
    accounts = await http.mine("GET", "accounts?type=extensions")
    assert [a["name"] for a in accounts] == ["40", "41", "42", "43", "44", "45"]
    assert {"displayname", "registered", "dnd", "chatstatus", "department", "connected"} <= accounts[0].keys()
    everything = await http.ask("GET", "/rest/domain/acme.example/users")
    assert {a["type"] for a in everything} >= {"extensions", "acds", "hunts", "attendants", "orbits", "conferences"}


async def test_every_call_command_has_its_effect(http: Http) -> None:
    sim = http.sim
    assert await http.mine("GET", "calls") == []
    assert await post(http, remote_dial="41", name="x") is True
    (dialled,) = await http.mine("GET", "calls")
    assert (dialled["direction"], dialled["remote"], dialled["state"]) == ("outbound", "41", "alerting")
    sim.answer(dialled["id"])
    assert await post(http, remote_hold=dialled["id"]) is True
    assert (await http.mine("GET", "calls"))[0]["held"] is True
    inbound = sim.place_call(OUTSIDE, "40", name="Jo")
    assert await post(http, remote_answer=inbound) is True
    assert state(http, inbound) == ("connected", OUTSIDE, "40")
    assert await post(http, transfer=inbound, id=dialled["id"]) is True
    assert state(http, inbound) == ("connected", OUTSIDE, "41")
    sim.hangup(inbound)
    second = sim.place_call(OUTSIDE, "40")
    assert await post(http, reject=second) is True
    assert state(http, second)[0] == "voicemail"
    third = sim.place_call(OUTSIDE, "40")
    sim.answer(third)
    assert await post(http, remote_hold=third) is True
    assert await post(http, remote_resume=third) is True
    assert await post(http, id=third, comment="angry") is True
    assert await post(http, transfer=third, number="700") is True
    (orbit, *_) = await http.mine("GET", "orbits")
    assert (orbit["number"], orbit["calls"][0]["id"], orbit["calls"][0]["by"]) == ("700", third, "40")
    assert await post(http, remote_dial="*86700") is True
    assert await post(http, transfer=third, number="42@acme.example") is True
    assert state(http, third) == ("ringing", OUTSIDE, "42")
    fourth = sim.place_call("40", "43")
    assert await post(http, hangup=fourth) is True
    assert fourth not in sim.pbx.calls


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hangup": "nothing"},
        {"hangup": None},
        {"transfer": "1"},
        {"remote-dial": ""},
        {"remote-dial": [1]},
        {"x": 1},
    ],
)
async def test_an_impossible_command_is_false_and_changes_nothing(http: Http, body: dict[str, Any]) -> None:
    call = http.sim.place_call("41", "42")
    assert await http.mine("POST", "calls", json=body) is False
    assert await http.mine("POST", "calls", json={"hangup": call}) is False, "somebody else's call"
    assert state(http, call) == ("ringing", "41", "42")


async def test_rights(http: Http) -> None:
    assert await http.ask("GET", "/rest/user/40@acme.example/calls", name="41@acme.example") == 403
    assert await http.ask("GET", "/rest/user/99@acme.example/calls", name="admin") == 404
    assert await http.ask("GET", "/rest/domain/other/acds", name="admin") == 404
    assert await http.ask("GET", "/rest/user/41@acme.example/calls", name="admin") == []
    assert await http.ask("GET", "/rest/system/status") == 403
    assert (await http.ask("GET", "/rest/system/status", name="admin"))["version"] == "70.1"
    assert await http.ask("GET", "/rest/user/40@acme.example/calls", name="nobody") == 401
    http.sim.pbx.extensions[0].sees_domain = False
    assert await http.ask("GET", "/rest/domain/acme.example/cdrs") == 403
    http.sim.login.api_access = False
    assert await http.ask("GET", "/rest/domain/acme.example/cdrs", name="admin") == 403


async def test_a_supervisor_commands_for_others_and_nobody_else_does(http: Http) -> None:
    sim = http.sim
    call = sim.place_call(OUTSIDE, "41")
    calls, dnd, texts = (f"/rest/user/41@acme.example/{what}" for what in ("calls", "dnd", "chat?number=42"))
    queue = "/rest/domain/acme.example/account/41/acd_login?group=600"
    for path, body in ((calls, {"remote-answer": call}), (dnd, {"state": True}), (queue, {"login": True})):
        assert await http.ask("POST", path, name="42@acme.example", json=body) == 403
        assert await http.ask("POST", path, json=body) is True, "the client's extension supervises"
    assert state(http, call) == ("connected", OUTSIDE, "41")
    assert sim.pbx.extension("41").dnd
    assert sim.pbx.queues[0].agents["41"].logged_in
    assert await http.ask("GET", texts) == 403, "what people write to each other is nobody's business"
    assert await http.ask("POST", texts, json={"text": "as 41"}) == 403
    sim.pbx.extension("40").supervises = False
    assert await http.ask("POST", calls, json={"hangup": call}) == 403


async def test_do_not_disturb(http: Http) -> None:
    assert (await http.mine("GET", "dnd"))["state"] is False
    assert await http.mine("POST", "dnd", json={"state": True, "reason": "lunch", "expires": "60"}) is True
    now = await http.mine("GET", "dnd")
    assert (now["state"], now["reason"], now["expires"]) == (True, "lunch", "60")
    http.sim.advance(61)
    assert (await http.mine("GET", "dnd"))["state"] is False


async def test_the_last_word_on_do_not_disturb_is_the_one_that_holds(http: Http) -> None:
    async def say(state: bool, expires: str = "") -> None:
        assert await http.mine("POST", "dnd", json={"state": state, "expires": expires}) is True

    await say(True, "60")
    await say(False)
    await say(True)
    http.sim.advance(61)
    assert (await http.mine("GET", "dnd"))["state"] is True, "what was switched off ends nothing later"
    await say(True, "10")
    await say(True, "100")
    http.sim.advance(50)
    assert (await http.mine("GET", "dnd"))["expires"] == "50"
    http.sim.advance(51)
    assert (await http.mine("GET", "dnd"))["state"] is False


async def test_history_and_records_come_in_pages(http: Http) -> None:
    sim = http.sim
    for n in range(5):
        call = sim.place_call(f"+1202555010{n}", "40", name="Jo")
        sim.advance(3)
        if n % 2:
            sim.answer(call)
            sim.advance(10)
        sim.hangup(call)
    history = await http.mine("GET", "history?page=2&size=2")
    assert (history["total"], history["missed"]) == (5, 3)
    assert [r["from"] for r in history["data"]] == ["+12025550102", "+12025550101"]
    assert (history["data"][0]["connect"], history["data"][1]["connect"] != "") == ("", True)
    records = await http.ask("GET", "/rest/domain/acme.example/cdrs?size=3")
    assert len(records) == 3
    assert records[0]["from"] == '"Jo" <sip:+12025550104@acme.example;user=phone>'
    assert records[0]["abandoned"] is True
    assert await http.ask("GET", "/rest/domain/acme.example/cdrs?page=9") == []
    for odd in ("page=-1", "size=0", "page=x", "size=99999999999999999999", f"page={'9' * 5000}"):
        assert len(await http.ask("GET", f"/rest/domain/acme.example/cdrs?{odd}")) <= 5


async def test_the_wallboard_shows_the_queue_as_it_is(http: Http) -> None:
    sim = http.sim
    first, second = sim.place_call(OUTSIDE, "600"), sim.place_call("+12025550102", "600")
    sim.answer(first)
    sim.advance(30)
    assert await http.mine("GET", "wallboard") == [{"name": "600", "display": "Support line"}]
    board = await http.mine("GET", "wallboard/600")
    assert [c["id"] for c in board["current"]] == [second, first]
    agent = board["current"][1]["agent"]
    assert next(a for a in board["agents"] if a["account"] == agent)["state"] == "busy"
    sim.hangup(first)
    sim.hangup(second)
    counters = (await http.mine("GET", "wallboard/600"))["acds"]["600"]
    assert counters["calls"] == {"count": 2, "completed": 2}
    assert counters["hangup"] == {"waiting": 0, "ringing": 1}
    assert (counters["duration"]["sum"]["talk"], counters["managers"]) == (30, ["40"])
    assert await http.mine("GET", "wallboard/999") == 404
    assert (await http.ask("GET", "/rest/domain/acme.example/acds"))[0]["calls"] == 0


async def test_agents_log_in_and_out(http: Http) -> None:
    path = "/rest/domain/acme.example/account/40/acd_login?group=600"
    assert await http.ask("GET", path) == {"login": False}
    assert await http.ask("POST", path, json={"login": True}) is True
    assert await http.ask("GET", path) == {"login": True}
    assert await http.ask("POST", path, name="41@acme.example", json={"login": False}) == 403
    assert await http.ask("POST", path.replace("600", "500"), json={"login": True}) == 404


async def test_chat_is_kept_and_announced(http: Http) -> None:
    async with http.line("41") as line:
        await line.answered()
        assert await http.mine("POST", "chat?number=41", json={"type": "text", "text": "<b>hello</b>"}) == 1
        assert await line.next("chat") == {"action": "chat", "dest": "40", "message": "<b>hello</b>"}
    talk = await http.mine("GET", "chat?number=41")
    assert talk["total"] == 1
    assert '"text":"<b>hello</b>"' in talk["content"][0]["meta"]
    assert await http.mine("POST", "chat?number=99", json={"text": "x"}) is False


async def test_phones_and_activity(http: Http) -> None:
    assert await http.mine("GET", "registration") == [{"account": "40", "id": 0, "ua": "desk phone"}]
    http.sim.unregister("40")
    assert await http.mine("GET", "registration") == []
    http.sim.place_call(OUTSIDE, "40")
    http.sim.advance(100)
    (left,) = await http.mine("GET", "activity")
    assert left["type"] == "voicemail"
    assert await http.mine("POST", "activity", json={"id": left["id"], "read": True}) is True
    assert await http.mine("GET", "activity") == []


async def test_numbers_of_any_length_are_taken(http: Http) -> None:
    assert await http.mine("POST", "dnd", json={"state": True, "expires": "9" * 5000}) is True
    assert (await http.mine("GET", "dnd"))["state"] is True


async def test_an_account_without_a_number_is_none(http: Http) -> None:
    assert await http.ask("GET", "/rest/user/@acme.example/calls") == 404


async def test_without_api_access_the_administrator_may_ask_nothing(http: Http) -> None:
    assert (await http.ask("GET", "/rest/system/status", name="admin"))["version"] == "70.1"
    http.sim.login.api_access = False
    assert await http.ask("GET", "/rest/system/status", name="admin") == 403
    assert await http.ask("GET", "/rest/domain/acme.example/users", name="admin") == 403


async def test_forwarding_is_a_setting_that_is_merged_and_read_back(http: Http) -> None:
    settings = "/rest/domain/acme.example/user_settings/40"
    assert {"cfa", "cfb", "cfn", "cfr"} <= (await http.ask("GET", settings)).keys()
    given = await http.ask("POST", settings, json={"cfa": "41", "mystery": "x"})
    assert (given["cfa"], given["mystery"]) == ("41", "x")
    await http.ask("POST", settings, json={"cfn": "+12025550100"})
    now = await http.ask("GET", settings)
    assert (now["cfa"], now["cfb"], now["cfn"]) == ("41", "", "+12025550100")
    assert http.sim.pbx.calls[http.sim.place_call("42", "40")].called.number == "41"
    assert await http.ask("POST", settings, name="42@acme.example", json={"cfa": ""}) == 403
    assert await http.ask("GET", "/rest/domain/acme.example/user_settings/999") == 404

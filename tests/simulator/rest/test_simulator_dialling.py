"""Click to dial (rest.md 2.7): who may, and that the phone of who asks rings before the other one."""

from collections.abc import AsyncIterator
from hashlib import md5
from typing import Any

import pytest

from pbxnb.simulator import serve
from tests.helpers.sim_client import Http, client, contradictions

ME, OUTSIDE = "40@acme.example", "+12025550101"


@pytest.fixture(params=["modern", "2016"])
async def http(request: pytest.FixtureRequest) -> AsyncIterator[Http]:
    async with serve("empty", extensions=6, dialect=request.param) as sim, client(sim) as http:
        yield http


async def click(http: Http, headers: dict[str, str] | None = None, **query: Any) -> tuple[int, str]:
    url = f"{http.base}/remote_call.htm"
    async with http.session.get(url, params=query, headers=headers) as response:
        assert response.content_type == "text/html"
        assert (response.status == 401) == ("WWW-Authenticate" in response.headers)
        return response.status, await response.text()


def ringing(http: Http) -> list[str]:
    return [number for call in http.sim.pbx.calls.values() for number in call.ringing]


def hashed(http: Http, time: float, duration: str = "3600", dest: str = "41") -> dict[str, str]:
    text = f"{ME}{http.sim.password}{dest}{int(time)}{duration}"
    auth = md5(text.encode(), usedforsecurity=False).hexdigest()
    return {"user": ME, "extension": "true", "dest": dest, "time": str(int(time)), "duration": duration, "auth": auth}


async def test_my_phone_rings_first_and_then_theirs(http: Http) -> None:
    sim = http.sim
    status, page = await click(http, user=ME, dest="41", auth=f"{ME}:{sim.password}", connect="true")
    assert (status, "41" in page) == (200, True)
    (call,) = sim.pbx.calls
    assert ringing(http) == ["40"]
    assert not sim.pbx.calls_of("41")
    sim.answer(call, "40")
    assert ringing(http) == ["41"]
    sim.answer(call, "41")
    now = sim.pbx.calls[call]
    assert (now.caller.number, now.called.number, now.phase) == ("40", "41", "connected")
    assert not list(contradictions(sim.pbx))


async def test_the_phone_in_a_browser_rings_too(http: Http) -> None:
    async with http.line() as line:
        await line.send("sip-register")
        await line.answered()
        await click(http, user=ME, dest=OUTSIDE, auth=f"{ME}:{http.sim.password}")
        offer = await line.next("invitesdp")
        assert OUTSIDE in offer["from"]
        await line.send("sdp-200ok", callid=offer.get("callid", ""), sdp="v=0")
        await line.answered()
    (call,) = http.sim.pbx.history or http.sim.pbx.calls.values()
    assert (call.caller.number, call.called.number) == ("40", OUTSIDE)


async def test_a_session_basic_and_a_hash_in_its_time_let_in(http: Http) -> None:
    asked = {"user": ME, "dest": "41"}
    assert (await click(http, **asked))[0] == 401
    assert (await click(http, http.basic(), **asked))[0] == 200
    http.sim.hangup(next(iter(http.sim.pbx.calls)))
    session = http.sim.login.session(http.sim.login.identity(ME))
    assert (await click(http, {"Cookie": f"session={session}"}, **asked))[0] == 200
    http.sim.hangup(next(iter(http.sim.pbx.calls)))
    now = http.sim.server.pace.moment.timestamp()
    assert (await click(http, **hashed(http, now)))[0] == 200
    assert ringing(http) == ["40"]


async def test_who_is_not_let_in_rings_nobody(http: Http) -> None:
    now = http.sim.server.pace.moment.timestamp()
    for query in (
        {"user": ME, "dest": "41", "auth": f"{ME}:wrong"},
        {"user": ME, "dest": "41", "auth": ME},
        hashed(http, now) | {"dest": "42"},
        hashed(http, now) | {"auth": "0" * 32},
        hashed(http, now - 3700),
        hashed(http, now + 3700),
        hashed(http, now) | {"time": "", "duration": "\udc80x"},
    ):
        given = {key: value.encode("utf-8", "replace").decode() for key, value in query.items()}
        assert (await click(http, **given))[0] == 401
    theirs = f"41@acme.example:{http.sim.password}"
    assert (await click(http, user=ME, dest="42", auth=theirs))[0] == 403
    assert (await click(http, user="40@other.example", dest="42", auth=theirs))[0] == 403
    assert http.sim.pbx.calls == {}


@pytest.mark.parametrize("dest", ["", "40", "99", "<b>", "*8540"])
async def test_what_cannot_be_dialled_is_a_page_all_the_same(http: Http, dest: str) -> None:
    status, page = await click(http, user="40", dest=dest, auth=f"{ME}:{http.sim.password}")
    assert status == 200
    assert "could not be called" in page
    assert "<b>" not in page
    assert http.sim.pbx.calls == {}


@pytest.mark.parametrize("reject", [True, False])
async def test_who_does_not_pick_up_misses_no_call_and_frees_the_line(http: Http, reject: bool) -> None:
    sim = http.sim
    await click(http, user=ME, dest=OUTSIDE, auth=f"{ME}:{sim.password}")
    (call,) = sim.pbx.calls
    assert sim.pbx.switch.channels_used == 1
    if reject:
        sim.reject(call, "40")
    else:
        sim.advance(60)
    assert (sim.pbx.calls, sim.pbx.switch.channels_used) == ({}, 0)
    assert sim.pbx.extension("40").missed == 0
    history = await http.mine("GET", "history")
    assert (history["missed"], history["data"][0]["inbound"], history["data"][0]["to"]) == (0, False, OUTSIDE)
    assert not list(contradictions(sim.pbx))

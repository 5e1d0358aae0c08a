"""Past calls over REST: days, pages, single records, the mailbox, and the series made of them (rest.md 2.3, 2.6)."""

from collections.abc import AsyncIterator

import pytest

from pbxnb.simulator import serve
from tests.helpers.sim_client import Http, client

OUTSIDE = "+12025550101"
RECORDS = "/rest/domain/acme.example/cdrs"
DAY = 86_400


@pytest.fixture(params=["modern", "2016"])
async def http(request: pytest.FixtureRequest) -> AsyncIterator[Http]:
    options = {"start": "2026-03-02T22:00", "held": False, "dialect": request.param, "tz": "UTC"}
    async with serve("empty", extensions=6, **options) as sim, client(sim) as http:
        yield http


def talk(http: Http, seconds: float, to: str = "40") -> str:
    call = http.sim.place_call(OUTSIDE, to)
    http.sim.answer(call)
    http.sim.advance(seconds)
    http.sim.hangup(call)
    return call


async def test_records_are_of_the_days_asked_for(http: Http) -> None:
    first = talk(http, 60)
    http.sim.advance(4 * 3600)
    second = talk(http, 60)
    for query, expected in {
        "?start=20260302&end=20260302": [first],
        "?start=20260303": [second],
        "?end=20260302": [first],
        "?start=20260301&end=20260303": [second, first],
        "?start=20260304&end=20260305": [],
        "?start=2026030&end=99999999": [second, first],
        "?start=20260302&end=20260303&size=1&page=2": [first],
    }.items():
        assert [record["id"] for record in await http.ask("GET", RECORDS + query)] == expected, query


async def test_a_record_is_found_by_its_id_in_its_tenant_and_in_the_system(http: Http) -> None:
    call = talk(http, 60)
    record = await http.ask("GET", f"/rest/domain/acme.example/cdr?id={call}")
    assert record["call_id"] == call
    (row,) = [e for e in await http.ask("GET", "/rest/domain/acme.example/extensions") if e["name"] == "40"]
    assert record["extensions"] == [str(row["id"])]
    trunks = await http.ask("GET", "/rest/domain/acme.example/domain_trunks", name="admin")
    assert record["trunks"] == [trunks[0]["id"]]
    assert await http.ask("GET", f"/rest/system/cdrs?callid={call}", name="admin") == record
    assert await http.ask("GET", "/rest/system/cdrs", name="admin") == 1
    assert await http.ask("GET", "/rest/system/cdrs?callid=99", name="admin") == 404
    assert await http.ask("GET", "/rest/domain/acme.example/cdr") == 404
    assert await http.ask("GET", "/rest/system/cdrs", name="admin@acme.example") == 403


async def test_what_is_said_after_the_tone_lies_in_the_mailbox_until_it_is_read(http: Http) -> None:
    http.sim.place_call(OUTSIDE, "40")
    http.sim.advance(120)
    (message,) = (await http.mine("GET", "messages?api=2&page=1&size=5"))["data"]
    assert (message["read"], message["duration"] > 0) == (False, True)
    assert OUTSIDE in message["from"]
    assert await http.mine("GET", f"messages?api=2&id={message['id']}") == message
    assert await http.mine("GET", "messages?api=2&id=none") == 404
    assert await http.mine("GET", "messages?api=2") == {"total": 1, "unread": 1}
    assert await http.mine("POST", "activity", json={"id": message["id"], "read": True}) is True
    assert await http.mine("GET", "messages?api=2&filter=unread") == {"total": 0, "unread": 0}
    if http.sim.server.dialect == "modern":
        assert await http.mine("GET", "messages") == 0
    else:
        assert len(await http.mine("GET", "messages")) == 1


async def test_phones_that_come_and_go_are_remembered(http: Http) -> None:
    assert await http.mine("GET", "reghist") == []
    http.sim.pbx.register("40", "softphone")
    http.sim.advance(60)
    http.sim.pbx.unregister("40")
    seen = await http.mine("GET", "reghist")
    assert [(e["ua"], e["registered"], e["registrations"]) for e in seen] == [
        ("softphone", True, 2),
        ("desk phone", False, 0),
        ("softphone", False, 0),
    ]
    for _ in range(200):
        http.sim.pbx.register("40")
        http.sim.pbx.unregister("40")
    assert len(await http.mine("GET", "reghist")) == 50


async def test_the_last_four_hours_are_counted_by_the_minute(http: Http) -> None:
    talk(http, 150)  # in the minutes 22:00 to 22:02
    http.sim.advance(3600)
    http.sim.place_call(OUTSIDE, "41")
    series = await http.ask("GET", "/rest/domain/acme.example/stats?type=calls")
    assert len(series) == 240
    assert series[-1] == 1
    assert sum(series) == 4
    assert sum(await http.mine("GET", "stats")) == 3
    assert await http.ask("GET", "/rest/system/stats", name="admin") == series
    http.sim.advance(5 * 3600)
    assert sum(await http.mine("GET", "stats")) == 0
    assert await http.mine("GET", "stats?type=mos") == 404


async def test_talk_is_spread_over_quarters_of_an_hour_and_days(http: Http) -> None:
    http.sim.advance(3600 + 50 * 60)  # to 23:50
    talk(http, 20 * 60)
    days = await http.mine("GET", "availability?activity=talk&days=3")
    assert [(d["year"], d["month"], d["day"], d["max"]) for d in days] == [
        (2026, 3, 1, 96),
        (2026, 3, 2, 96),
        (2026, 3, 3, 1),
    ]
    assert [sum(d["values"]) for d in days] == [0, 10, 10]
    assert days[1]["values"][-1] == 10
    assert len(await http.mine("GET", "availability?days=9999")) == 31
    assert await http.mine("GET", "availability?activity=dnd") == 404

"""Queues over REST (rest.md 2.5): rights, times, breaks, and that all resources tell the same of the same day."""

from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any, NamedTuple

import pytest

from pbxnb.simulator import serve
from pbxnb.simulator.engine.calls import TALKING, SimChange, SimPhase
from pbxnb.simulator.engine.pbx import SimPbx
from tests.helpers.sim_client import Http, client, contradictions

OUTSIDE = "+12025550101"
BEGIN = "2026-03-02T09:00+05:30"
MIDNIGHT = 1772389800.0  # of that day, five and a half hours ahead of UTC
DAY, HOUR = 86_400, 3_600
STAT, CDR = "/rest/acd/600@acme.example/stat", "/rest/acd/600@acme.example/cdr"


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with serve("empty", extensions=6, start=BEGIN) as sim, client(sim) as http:
        sim.pause()
        yield http


def serve_one(http: Http, *, talk: float = 60.0, ring: float = 5.0) -> None:
    sim = http.sim
    call = sim.place_call(OUTSIDE, "600", name="Jo")
    sim.advance(ring)
    sim.answer(call)
    sim.advance(talk)
    sim.hangup(call)


async def agent(http: Http, number: str, queues: str = "600") -> dict[str, Any]:
    agents = (await http.mine("GET", f"wallboard/{queues}"))["agents"]
    (found,) = [each for each in agents if each["account"] == number]
    return found


async def test_managers_supervisors_and_administrators_may_ask_and_nobody_else(http: Http) -> None:
    sim = http.sim
    paths = ["wallboard/600", "acdinfo?group=600", "acdcdr?acd=600", "acdcalls?acd=600"]
    asked = {STAT, CDR}

    async def answers(who: str) -> set[Any]:
        own = [f"/rest/user/{who if who.startswith('4') else '40@acme.example'}/{path}" for path in paths]
        return {type(await http.ask("GET", path, name=who)) for path in [*own, *asked]} - {int}

    for who in ("40@acme.example", "admin", "admin@acme.example"):
        assert await answers(who) == {dict, list}
    assert await answers("41@acme.example") == set(), "403 for who has no part in it"
    sim.run(lambda: setattr(sim.pbx.extension("41"), "sees_domain", True))
    assert await answers("41@acme.example") == set(), "seeing the tenant is not managing its queues"
    sim.run(lambda: setattr(sim.pbx.queues[0], "managers", ("41",)))
    sim.run(lambda: setattr(sim.pbx.extension("41"), "sees_domain", False))
    assert await answers("41@acme.example") == {dict, list}
    login = "/rest/domain/acme.example/account/43/acd_login?group=600"
    assert await http.ask("POST", login, name="41@acme.example", json={"login": False}) is True
    assert await http.ask("POST", login, name="42@acme.example", json={"login": True}) == 403
    assert await http.ask("GET", "/rest/user/44@acme.example/wallboard/600", name="44@acme.example") != 403
    assert await http.ask("GET", "/rest/user/44@acme.example/acdinfo?group=600", name="44@acme.example") == 403
    assert await http.ask("GET", "/rest/user/44@acme.example/acd", name="44@acme.example") == [
        {"name": "600", "display": "Support line", "agent": True, "login": True, "manager": False, "supervisor": False}
    ]
    assert await http.ask("GET", "/rest/user/42@acme.example/acd", name="42@acme.example") == []


@pytest.mark.parametrize("path", ["wallboard/999", "wallboard/600,999", "acdinfo", "acdcdr?acd=40", "acdcalls?acd="])
async def test_what_is_no_queue_is_not_found(http: Http, path: str) -> None:
    assert await http.mine("GET", path) == 404


async def test_an_escaped_address_is_the_same(http: Http) -> None:
    assert await http.ask("GET", "/rest/acd/600%40acme.example/cdr") == []


async def test_a_break_is_a_segment_of_the_day_and_since_while_it_lasts(http: Http) -> None:
    sim = http.sim
    assert sim.queue_pause("600", "43", True, "lunch") is True
    assert sim.queue_pause("600", "43", True, "lunch") is False
    sim.advance(600)
    now = await agent(http, "43")
    assert (now["paused"], now["reason"], now["state"]) == (True, "lunch", "paused")
    assert (now["work"]["segments"], now["work"]["since"]) == ([], MIDNIGHT + 9 * HOUR)
    sim.queue_pause("600", "43", False)
    now = await agent(http, "43")
    assert (now["work"]["begin"], now["work"]["end"]) == (MIDNIGHT, MIDNIGHT + DAY)
    assert now["work"]["segments"] == [[MIDNIGHT + 9 * HOUR, MIDNIGHT + 9 * HOUR + 600]]
    assert "since" not in now["work"]
    sim.advance(DAY)
    assert (await agent(http, "43"))["work"] == {
        "begin": MIDNIGHT + DAY, "end": MIDNIGHT + 2 * DAY, "now": MIDNIGHT + DAY + 9 * HOUR + 600, "segments": [],
    }  # fmt: skip


async def test_times_are_printed_as_in_the_samples(http: Http) -> None:
    http.sim.advance(0.088)
    http.sim.hangup(http.sim.place_call(OUTSIDE, "600"))
    async with http.session.get(f"{http.base}{CDR}", headers=http.basic()) as response:
        assert f'"start":{int(MIDNIGHT + 9 * HOUR)}.88,' in await response.text()


async def test_several_queues_in_one_wallboard(http: Http) -> None:
    sim = http.sim
    sim.run(lambda: sim.pbx.directory.add_queue("601", "Sales", ["41", "43"], now=sim.pbx.clock.now))
    waits = sim.place_call("+12025550109", "601")
    serve_one(http)
    board = await http.mine("GET", "wallboard/600,601,600")
    assert list(board["acds"]) == ["600", "601"]
    assert sorted(each["account"] for each in board["agents"]) == ["41", "43", "44", "45"]
    assert [(each["acd"], each["id"]) for each in board["current"]] == [("601", waits)]
    sim.hangup(waits)
    sim.queue_pause("600", "43", True)
    assert not (await agent(http, "43", "600,601"))["paused"], "the other queue has this agent yet"
    sim.queue_pause("601", "43", True)
    assert (await agent(http, "43", "600,601"))["paused"]


@pytest.mark.parametrize(
    ("date", "calls"),
    [
        ("", 1),
        ("03032026", 1),
        ("2026-03-03", 1),
        ("02032026", 2),
        ("2026-03-02", 2),
        ("032026", 3),
        ("022026", None),
        ("0902032026", 1),
        ("2302032026", 1),
        ("0002032026", None),
        ("28022026", None),
        ("32032026", None),
        ("x", None),
        ("１２３４５６７８", None),
        ("9" * 5000, None),
        ("2026-3-99", None),
        ("129999", None),
        ("000000", None),
        ("010001", None),
    ],
)
async def test_a_day_a_month_and_an_hour_by_the_tenants_clock(http: Http, date: str, calls: int | None) -> None:
    serve_one(http)  # on the 2nd at nine
    http.sim.advance(14.9 * HOUR)  # just before midnight there
    serve_one(http, talk=HOUR)  # booked where it began
    http.sim.advance(HOUR)
    serve_one(http)
    assert (await http.mine("GET", f"acdinfo?group=600&date={date}")).get("calls") == calls


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("", 2),
        ("?date=20260303", 2),
        ("?date=20260302&days=1", 1),
        ("?date=20260302&days=2", 3),
        ("?date=20260228&days=3", 1),
        ("?date=20260304&days=9", 0),
        ("?date=nonsense&days=2", 0),
        ("?date=20260302&days=99999999999", 3),
    ],
)
async def test_several_days_from_a_date_on(http: Http, query: str, calls: int) -> None:
    serve_one(http)
    http.sim.advance(DAY)
    serve_one(http)
    serve_one(http)
    stat = await http.ask("GET", STAT + query)
    assert sum(each["calls"] for each in stat["agents"]) == calls


async def test_records_come_by_page_or_the_last_so_many(http: Http) -> None:
    for n in range(5):
        serve_one(http, talk=n + 1)
    talks = lambda records: [each["duration"]["talk"] for each in records]  # noqa: E731
    assert talks(await http.ask("GET", f"{CDR}?page=2&size=2")) == [3, 2]
    assert talks(await http.ask("GET", f"{CDR}?max=3")) == [5, 4, 3]
    assert await http.ask("GET", f"{CDR}?page=9") == []
    (newest, *_) = await http.mine("GET", "acdcdr?acd=600&page=1&size=1")
    assert (newest["talk"], newest["reason"], newest["ring"]) == (5000, "hc", 5000)


async def test_the_counters_for_prometheus(http: Http) -> None:
    serve_one(http)
    async with http.session.get(
        f"{http.base}/rest/user/40@acme.example/acdinfo?group=600&format=exposition-format", headers=http.basic()
    ) as response:
        lines = (await response.text()).splitlines()
    assert 'acd_durationtalk{acd="600"} 60000' in lines
    assert 'acd_calls{acd="600"} 1' in lines


# -- everything together -----------------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """A call in a queue as an onlooker saw it."""

    day: int
    agent: str
    spent: dict[SimPhase, float]


class Onlooker:
    """Times every call that waits in the queue, from nothing but the changes that are told."""

    def __init__(self, pbx: SimPbx, queue: str) -> None:
        self.pbx, self.queue = pbx, queue
        self.over: list[Seen] = []
        self.entered: Counter[int] = Counter()
        self._inside: dict[str, tuple[float, SimPhase, float, dict[SimPhase, float], str]] = {}
        pbx.changed.add(self.see)

    def see(self, change: SimChange) -> None:
        call, now = change.call, self.pbx.clock.now
        if call is None:
            return
        start, phase, since, spent, agent = self._inside.pop(call.id, (now, call.phase, now, {}, ""))
        new = (now, call.id) if not spent and since == now else None
        spent[phase] = spent.get(phase, 0.0) + now - since
        here = call.open and call.group == self.queue
        if here:
            agent = call.called.number if call.phase in TALKING else agent
            self._inside[call.id] = (start, call.phase, now, spent, agent)
            if new:
                self.entered[self.day(now)] += 1
        elif not new:
            self.over.append(Seen(self.day(start), agent, spent))

    @staticmethod
    def day(at: float) -> int:
        return int((at - MIDNIGHT) // DAY)

    def of(self, day: int) -> list[Seen]:
        return [each for each in self.over if each.day == day]


def anything(pbx: SimPbx, rng: Random) -> None:
    """One thing that happens in a day of a queue."""
    call = rng.choice([*pbx.calls, "none"])
    number = rng.choice(["43", "44", "45", "41"])
    rng.choice(
        [
            lambda: pbx.dial(f"+1202555{rng.randrange(1000, 9999)}", "600"),
            lambda: pbx.dial("41", "600"),
            lambda: pbx.dial("anonymous", "600"),
            lambda: pbx.answer(call),
            lambda: pbx.answer(call),
            lambda: pbx.answer(call),
            lambda: pbx.hangup(call),
            lambda: pbx.reject(call),
            lambda: pbx.hold(call),
            lambda: pbx.resume(call),
            lambda: pbx.transfer(call, rng.choice(["42", "+12025550177"])),
            lambda: pbx.pickup(call, "42"),
            lambda: pbx.press(call, rng.choice(["1", "2"])),
            lambda: pbx.redirect(call, "42", application=rng.random() < 0.5),
            lambda: pbx.queue_login("600", number, rng.random() < 0.8),
            lambda: pbx.queue_pause("600", number, rng.random() < 0.3, rng.choice(["", "lunch"])),
            lambda: pbx.dnd(number, rng.random() < 0.2),
            lambda: pbx.clock.advance(rng.choice([1, 5, 20, 60, 600]) + rng.choice([0, 0.25])),
            lambda: pbx.clock.advance(rng.choice([1, 5, 20, 60, 600]) + rng.choice([0, 0.25])),
        ]
    )()


AT_ONCE = ("ra", "mc")
"""Who leaves so has never waited, so nobody else is told of it."""
REASONS = {
    "rw": "redirect_waiting", "rr": "redirect_ringing", "ra": "redirect_anonymous", "hw": "hangup_waiting",
    "hr": "hangup_ringing", "ui": "user_interaction", "ai": "admin_interaction", "mc": "max_calls", "soap": "soap",
    "other": "other",
}  # fmt: skip
BOARD = {
    "redirect": {"waiting": "rw", "ringing": "rr", "anonymous": "ra"},
    "hangup": {"waiting": "hw", "ringing": "hr"},
    "exit": {"user": "ui", "admin": "ai", "max-calls": "mc", "application": "soap", "other": "other"},
}


@pytest.mark.parametrize("seed", range(4))
async def test_all_resources_tell_the_same_of_the_same_day(http: Http, seed: int) -> None:
    sim, rng = http.sim, Random(seed)
    pbx = sim.pbx
    queue = pbx.queues[0]
    queue.max_wait, queue.then, queue.max_calls = 900, "42", 6
    queue.anonymous, queue.exits["1"] = rng.choice(["", "42"]), "41"
    onlooker = Onlooker(pbx, "600")

    def days() -> None:
        while pbx.clock.now < MIDNIGHT + 2.6 * DAY:
            anything(pbx, rng)
        assert not list(contradictions(pbx))

    sim.run(days)
    await agrees(http, onlooker)


async def agrees(http: Http, onlooker: Onlooker) -> None:
    today = onlooker.day(http.sim.pbx.clock.now)
    assert today == 2
    managers = []
    for page in range(1, 40):
        managers += await http.mine("GET", f"acdcdr?acd=600&page={page}&size=1000")
    records = await http.ask("GET", f"{CDR}?max=100000")
    assert len(records) == len(managers)
    waited = [each for each in managers if each["reason"] not in AT_ONCE]
    assert len(waited) == len(onlooker.over)
    assert sum(1 for each in onlooker.over if each.agent) > 50
    for day in range(3):
        seen = onlooker.of(day)
        date = f"2026030{2 + day}"
        stat = await http.ask("GET", f"{STAT}?date={date}&days=1")
        info = await http.mine("GET", f"acdinfo?group=600&date=0{2 + day}032026")
        mine = [each for each in managers if onlooker.day(each["start"]) == day]
        theirs = [each for each in records if onlooker.day(each["start"]) == day]
        assert info == await http.mine("GET", f"acdinfo?group=600&date=2026-03-0{2 + day}")
        reasons = Counter(each["reason"] for each in mine)
        assert len(mine) == len(theirs) == info["calls"] == len(seen) + sum(reasons[each] for each in AT_ONCE)
        taken = [each for each in seen if each.agent]
        assert (info["incalls"], info["missed"]) == (len(taken), len(mine) - len(taken))
        for short, long in REASONS.items():
            assert reasons[short] == stat[long] == info[short]
        assert reasons["hc"] == info["hc"]
        assert info["hc"] + reasons[""] == len(taken), "who was taken was hung up or sent on"
        for name, phase in (("ivr", "queued"), ("ring", "ringing"), ("talk", "connected"), ("hold", "held")):
            spent = sum(each.spent.get(SimPhase(phase), 0.0) for each in seen)
            assert info[f"duration{name}"] == pytest.approx(spent * 1000, abs=1)
            assert info[f"avgduration{name}"] == pytest.approx(spent * 1000 / len(mine), abs=1)
            assert sum(each["duration"][name] for each in theirs) == pytest.approx(spent, abs=len(seen))
            if name != "hold":
                assert sum(each[name] for each in mine) == pytest.approx(spent * 1000, abs=len(seen))
        for each in stat["agents"]:
            number = each["agent"]
            own = [s for s in taken if s.agent == number]
            told = [m for m in mine if m["extension"] == number]
            alone = await http.mine("GET", f"acdinfo?group=600&agent={number}&date=0{2 + day}032026")
            assert each["calls"] == each["idle"]["calls"] == len(own) == len(told) == alone.get("incalls", 0)
            assert alone.get("missed", 0) == each["missed"]
            assert each["talk"] == int(alone.get("durationtalk", 0) / 1000)
            assert each["idle"]["duration"] == int(alone.get("durationidle", 0) / 1000)
            assert sum(m["talk"] for m in told) == alone.get("durationtalk", 0)
            assert len(alone.get("calllist", ())) == len(own)
        assert {s.agent for s in taken} <= {each["agent"] for each in stat["agents"]}
        hours = [await http.mine("GET", f"acdinfo?group=600&date={h:02}0{2 + day}032026") for h in range(24)]
        assert sum(each.get("calls", 0) for each in hours) == info["calls"]
    month = await http.mine("GET", "acdinfo?group=600&date=032026")
    whole = await http.ask("GET", f"{STAT}?date=20260302&days=3")
    assert month["calls"] == len(managers)
    assert month["incalls"] == sum(each["calls"] for each in whole["agents"])
    board = await http.mine("GET", "wallboard/600")
    line, stat, info = board["acds"]["600"], await http.ask("GET", STAT), await http.mine("GET", "acdinfo?group=600")
    entered = line["calls"]["count"] - sum(info[each] for each in AT_ONCE)
    assert (entered, line["calls"]["completed"]) == (onlooker.entered[today], info["calls"])
    assert {k: {n: info[short] for n, short in names.items()} for k, names in BOARD.items()} == {
        k: line[k] for k in BOARD
    }
    by_agent = {each["agent"]: each for each in stat["agents"]}
    for each in board["agents"]:
        own = by_agent.get(each["account"], {"calls": 0, "missed": 0, "talk": 0, "hold": 0, "idle": {"duration": 0}})
        assert (each["calls"], each["missed"]) == (own["calls"], own["missed"])
        assert each["duration"] == {"talk": own["talk"], "hold": own["hold"], "idle": own["idle"]["duration"]}
        breaks = each["work"]["segments"]
        assert all(MIDNIGHT + 2 * DAY <= begin <= end <= MIDNIGHT + 3 * DAY for begin, end in breaks)
        assert ("since" in each["work"]) == each["paused"]
    for name in ("ivr", "ring", "talk", "hold", "idle"):
        told = sum(each["idle"]["duration"] if name == "idle" else each[name] for each in stat["agents"])
        assert line["duration"]["sum"][name] == pytest.approx(told, abs=len(stat["agents"]))

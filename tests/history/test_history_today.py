"""The figures of today: what they count, and that they are those of the tables of calls, whenever they are read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from pbxnb.analysis import service_level, speed_of_answer
from pbxnb.analysis.calls import COLUMNS, call_rows
from pbxnb.history import Today
from pbxnb.history.today import begin_of
from tests.history.session import KERNEL, Session

AGENTS = ("201", "202", "203")


def opened(offset: float = 0.0) -> Session:
    session = Session(offset)
    known = {"type": "extensions", "registered": True, "dnd": False}
    people = [{"account": number, "name": number, **known} for number in AGENTS]
    session.begin([*people, *({"account": queue, "type": "acds"} for queue in ("600", "700"))], [])
    return session


def a_day(seed: int) -> Iterator[Session]:
    """Callers of two queues and of an extension: some wait long, some give up, some are sent on, by other ids too."""
    session, chance = opened(), random.Random(seed)
    changes: list[tuple[float, str, dict[str, Any] | None]] = []
    for n in range(40):
        key, caller, to = str(n), f"+1202555{n:04}", chance.choice(["600", "600", "700", "201"])
        start, agent = chance.uniform(0, 1500), chance.choice(AGENTS)
        answer = start + chance.uniform(1, 60)
        over = answer + chance.uniform(1, 200)
        changes.append((start, key, session.call(key, caller, to, "alerting", start)))
        if chance.random() < 0.7:
            changes.append((answer, key, session.call(key, caller, agent, "connected", start, answer, agent)))
            if chance.random() < 0.3:
                turn, next_ = (answer + over) / 2, chance.choice(AGENTS)
                changes.append((turn, f"{n}-b", session.call(f"{n}-b", caller, next_, "connected", turn, turn, next_)))
                changes.append((over + 100, f"{n}-b", None))
                over = turn + 0.2
        changes.append((over, key, None))
    listed: dict[str, dict[str, Any]] = {}
    for when, key, entry in sorted(changes, key=lambda one: one[0]):
        listed.pop(key, None)
        if entry is not None:
            listed[key] = entry
        session.list(when, *listed.values())
        yield session


def over(session: Session, *, legs: bool = False) -> pd.DataFrame:
    """The calls of callers that are over, as the tables have them."""
    rows = call_rows(session.closed_calls(), session.calls.values(), legs=legs)
    going = {row["conversation"] for row in rows if row["ended_at"] is None}
    callers = [row for row in rows if row["queue"] or row["direction"] == "in"]
    return pd.DataFrame([row for row in callers if row["conversation"] not in going], columns=COLUMNS)


def agree(session: Session, today: Today) -> None:
    table = over(session)
    for queues in ((), ("600",)):
        its, found = table[table.queue.isin(queues)] if queues else table, today.total(queues)
        (level,) = service_level(its, within=20).to_dict("records")
        (speed,) = speed_of_answer(its).to_dict("records")
        assert (found.answered, found.abandoned) == (level["answered"], level["abandoned"])
        assert (found.in_time, found.short) == (level["answered_in_time"], level["short_abandons"])
        assert found.waits == speed["answered"]
        for mine, theirs in ((found.service_level, level["service_level"]), (found.speed_of_answer, speed["mean"])):
            assert mine == pytest.approx(theirs) if mine is not None else pd.isna(theirs)
        assert found.longest == (its.wait_ms.max() / 1000 if found.offered else None)


@pytest.mark.parametrize("seed", range(2))
def test_the_figures_are_those_of_the_tables_whenever_they_are_read(seed: int) -> None:
    day = a_day(seed)
    session = next(day)
    always, at_last = Today(session.history, session.tz), Today(session.history, session.tz)
    for step, _ in enumerate(day):
        always.update(session.clock.now())
        if step in (40, 80):
            agree(session, always)
    agree(session, always)
    at_last.update(session.clock.now())
    assert at_last.total() == always.total()
    assert always.total().offered > 20
    legs = over(session, legs=True)
    mine = legs[(legs.queue == "600") & (legs.outcome == "answered") & legs.ext.isin(AGENTS)]
    served = at_last.served()["600"]
    assert {number: one.calls for number, one in served.items()} == mine.ext.value_counts().to_dict()
    assert sum(one.talk for one in served.values()) == pytest.approx(mine.talk_ms.sum() / 1000, abs=0.1)
    assert at_last.course((), session.clock.now(), 12, KERNEL)[-1] == at_last.total()


def test_a_call_counts_once_it_is_over_and_on_the_day_it_began() -> None:
    session = opened()
    noon = session.clock.now()
    zone = ZoneInfo("Etc/GMT-12")  # there it is midnight
    today, elsewhere = Today(session.history, zone), Today(session.history, ZoneInfo("UTC"))
    caller = session.call("a", "+12025550100", "201", "alerting", -5)
    session.list(0, caller)
    session.list(8, caller | {"state": "connected", "extension": ["201"], "connect": session.wire(8)})
    for one in (today, elsewhere):
        one.update(session.clock.now())
        assert one.total().offered == 0
    session.list(30)
    for one in (today, elsewhere):
        one.update(session.clock.now())
    assert (today.total().offered, elsewhere.total().answered, elsewhere.total().speed_of_answer) == (0, 1, 13.0)
    elsewhere.update(noon + timedelta(hours=12))
    assert elsewhere.total().offered == 0


def test_it_says_from_when_on_it_counts_and_how_much_the_line_saw() -> None:
    session = opened()
    session.lose(30, 60)
    session.seconds = 120.0
    today = Today(session.history, ZoneInfo("Europe/Berlin"))
    assert today.known("day", session.clock.now()) == (KERNEL, 0.75)
    said = "Today, since 14:00 (times in Europe/Berlin), line up 75 % of it: totals are at least"
    assert today.text("day", session.clock.now()) == said


@pytest.mark.parametrize(
    ("window", "zone", "begin"),
    [
        ("day", "Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC)),  # the day of 25 hours
        ("hour", "Europe/Berlin", datetime(2026, 10, 25, 12, tzinfo=UTC)),
        ("day", "Asia/Kathmandu", datetime(2026, 10, 24, 18, 15, tzinfo=UTC)),
        ("hour", "Asia/Kathmandu", datetime(2026, 10, 25, 12, 15, tzinfo=UTC)),
    ],
)
def test_days_and_hours_are_local(window: Any, zone: str, begin: datetime) -> None:
    assert begin_of(window, datetime(2026, 10, 25, 12, 44, 7, tzinfo=UTC), ZoneInfo(zone)) == begin


def test_after_a_jump_of_a_replay_it_counts_anew() -> None:
    *_, session = a_day(1)
    today = Today(session.history, session.tz)
    today.update(session.clock.now())
    other = opened()
    session.history.restart(other.store, KERNEL.timestamp() + 60)
    today.update(session.clock.now())
    assert today.total().offered == 0
    assert today.known("day", session.clock.now())[0] == session.clock.now()

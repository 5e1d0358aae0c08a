"""The same session is the same picture whatever the PBX's clock says: every moment is put on it in one place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pbxnb import figures
from pbxnb.analysis import call_rows
from pbxnb.figures.timeline.background import condition_marks, gap_marks
from pbxnb.figures.timeline.lanes import chosen_rows
from pbxnb.figures.timeline.marks import marks_of
from pbxnb.history import LaneBy
from pbxnb.model.changes import Changes, Event
from tests.history.session import KERNEL, Session, a_morning

OFFSETS = (0.0, 2.0, -2.0, 300.0, -300.0, -34_000.0)
WAYS: tuple[LaneBy, ...] = ("extension", "call", "queue")


def timeline(session: Session, by: LaneBy) -> Any:
    """What the timeline draws in its last 250 seconds, in seconds before now."""
    history, now = session.history, session.clock.now().timestamp()
    index, running, window = history.lanes(by), history.running(by), (now - 250, now + 5)
    rows, _ = chosen_rows(session, index, running, window)  # type: ignore[arg-type]
    lanes = [row.lane for row in rows]
    marks = marks_of(index, running, *window, now, lanes, zone=session.tz)
    backs = condition_marks(history.conditions, lanes, *window, now)
    backs["gap"] = gap_marks(history.unknown(), len(rows), *window, now)
    drawn = [*marks.ended.values(), *marks.running, *(mark for some in backs.values() for mark in some)]
    spans = sorted(
        (block.lane, block.phase, before(block.span.start, now), before(block.span.end, now) or 0.0, block.call)
        for block in (*index.blocks(*window), *running)
    )
    links = [(before(left, now), row, before(arrived, now), to) for left, row, arrived, to in marks.links]
    return rows, sorted((round(m.start - now, 1), m.length, m.row, m.kind) for m in drawn), spans, links


def before(moment: float | datetime | None, now: float) -> float | None:
    """Seconds before now, to the millisecond."""
    if isinstance(moment, datetime):
        moment = moment.timestamp()
    return None if moment is None else round(now - moment, 3)


def pictures(session: Session) -> dict[str, Any]:
    """Everything that is drawn or counted of a session."""
    history, now = session.history, session.clock.now()
    rows = call_rows(history.closed_calls(), history.open_calls())
    lives = [figures.call_life(session, key) for key in ("a", "q")]
    bars = [bar for life in lives for bar in life.data]
    times = ("started_at", "answered_at", "ended_at")
    return {
        **{by: timeline(session, by) for by in WAYS},
        "sparklines": history.samples(now, 5.0, 40),
        "counts": history.counts(now),
        "shares": {n: {s: round(v, 6) for s, v in shares.items()} for n, shares in history.shares(now).items()},
        "state shares": figures.describe(figures.state_shares(session)),
        "life": [figures.describe(life) for life in lives],
        "bars": [(before(bar.base[0], now.timestamp()), round(bar.x[0]), bar.name) for bar in bars],
        "times": [
            [before(row[key] and row[key].replace(tzinfo=UTC), now.timestamp()) for key in times] for row in rows
        ],
        "rows": [{key: row[key] for key in row if key not in (*times, "day", "dow", "hour")} for row in rows],
    }


@pytest.mark.parametrize("offset", OFFSETS)
def test_the_pbxs_clock_moves_nothing(offset: float) -> None:
    one, other = Session(), Session(offset)
    a_morning(one)
    a_morning(other)
    assert pictures(other) == pictures(one)


def test_the_pictures_are_those_of_what_happened() -> None:
    session = Session(300.0)
    a_morning(session)
    shown = pictures(session)
    _, _, spans, links = shown["extension"]
    assert sorted((lane, 130 - start, 130 - end, phase) for lane, phase, start, end, _ in spans) == [
        ("201", 10, 16, "ringing"),
        ("201", 16, 30, "talking"),
        ("201", 30, 41.5, "held"),
        ("201", 41.5, 56, "talking"),
        ("202", 75, 80, "ringing"),  # the phone of an agent, while the caller waits on
        ("202", 80, 100, "talking"),
        ("203", -100, -90, "ringing"),
        ("203", -90, 41.5, "talking"),
        ("203", 100, 105, "ringing"),
        ("203", 105, 130, "talking"),
        ("600", 56, 75, "queued"),
        ("600", 75, 80, "queued"),
        ("600", 110, 130, "queued"),
    ]
    assert links == [(30.0, 1, 30.0, 2)]
    _, drawn, _, _ = shown["extension"]
    behind = {(130 + start, length, kind) for start, length, _, kind in drawn if kind in ("dnd", "offline", "gap")}
    assert behind == {(20, 15, "dnd"), (35, 95, "offline"), (85, 10, "gap")}
    assert shown["life"][0].endswith("ringing 6 s, talking 14 s, held 12 s, talking 14 s; ended.")
    assert shown["counts"] == {"calls": 2, "rate": 1, "waiting": 1, "registered": 2}


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_timeline_opened_late_shows_what_one_opened_at_the_start_shows(offset: float) -> None:
    early, late = Session(offset), Session(offset)
    take = early.take

    def take_and_look(seconds: float, frame: dict[str, Any]) -> None:
        take(seconds, frame)
        for by in WAYS:
            timeline(early, by)

    early.take = take_and_look  # type: ignore[method-assign]
    a_morning(early)
    a_morning(late)
    assert pictures(early) == pictures(late)


def test_to_lay_it_out_in_other_lanes_and_back_moves_nothing() -> None:
    session = Session(-300.0)
    a_morning(session)
    shown = timeline(session, "extension")
    assert timeline(session, "queue") != shown
    assert timeline(session, "extension") == shown


@pytest.mark.parametrize("offset", OFFSETS)
def test_who_was_answered_waits_no_more(offset: float) -> None:
    session = Session(offset)
    a_morning(session)
    now = session.clock.now()
    waiting = session.history.samples(now, 1.0, 131)["waiting"]
    expected = [int(56 <= second < 80 or second >= 110) for second in range(131)]
    lost = range(85, 95)
    assert waiting == [None if second in lost else n for second, n in enumerate(expected)]


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_conversation_that_was_two_is_one_lane_for_all_who_look(offset: float) -> None:
    seen = []
    for looks in (False, True):
        session = Session(offset)
        session.begin([{"account": number, "type": "extensions"} for number in ("201", "202")], [])
        one = session.call("1", "+12025550101", "201", "connected", 0, 0, "201")
        session.list(1, one)
        two = session.call("2", "201", "202", "connected", 10, 11, "201 202")
        session.list(11, {**one, "state": "onhold"}, two)
        session.list(20, {**one, "state": "onhold"}, {**two, "state": "onhold"})
        if looks:
            timeline(session, "call")
        session.list(30, session.call("1", "+12025550101", "202", "connected", 0, 0, "202"))  # handed over
        session.seconds = 40
        seen.append(timeline(session, "call"))
    assert seen[0] == seen[1]
    assert {row.lane for row in seen[0][0]} == {"1"}


def test_an_event_without_a_time_of_its_own_is_put_on_the_pbxs_clock() -> None:
    session = Session(300.0)
    session.begin([{"account": "201", "type": "extensions", "registered": True}], [])
    away = msgspec.structs.replace(session.accounts["201"], registered=False)
    event = Event(kind="account.changed", account=away, before=session.accounts["201"], received=KERNEL)
    session.history.feed(Changes(events=(event,), accounts=frozenset(["201"])))
    assert session.history.conditions.since["offline"]["201"] == KERNEL.timestamp() + 300

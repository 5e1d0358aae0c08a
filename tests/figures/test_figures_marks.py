"""What is drawn of a window: at most 600 marks whatever the history, exact while they fit, and cheap to send again."""

from __future__ import annotations

import functools
import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.figures.plotting.pace import FigureTiming, Pace
from pbxnb.figures.timeline.background import condition_marks, gap_marks
from pbxnb.figures.timeline.bars import BarTraces, Mark
from pbxnb.figures.timeline.marks import MOST, marks_of, text_limit
from pbxnb.history import Block, Conditions, Index, Span, Story
from pbxnb.model.entities import Account, Gap, Phase

ZONE = ZoneInfo("UTC")
LANES = [str(200 + n) for n in range(24)]
FIRST = datetime(2024, 5, 6, 9, 0, tzinfo=UTC).timestamp()


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(FIRST + seconds, UTC)


def span(call: str, lane: str, start: float, end: float | None, phase: Phase = Phase.TALKING) -> Span:
    return Span(call, phase, start, end, (lane,))


def add(index: Index, one: Span) -> None:
    index.put((one, Story(one.call)))


def running(lane: str, start: float, call: str, title: str = "", phase: Phase = Phase.TALKING) -> Block:
    return Block(lane, phase, span(call, lane, start, None, phase), Story(call, title))


@functools.cache
def filled(calls: int, length: float) -> Index:
    chance, index = random.Random(1), Index()
    for n in range(calls):
        start = chance.uniform(0, length)
        add(index, span(str(n), chance.choice(LANES), start, start + chance.expovariate(1 / 60)))
    return index


@pytest.mark.parametrize("calls", [0, 1, 100, 1000, 100_000])
@pytest.mark.parametrize("window", [60, 900, 3600, 86_400])
def test_a_window_never_has_more_marks_than_it_may(calls: int, window: float) -> None:
    shown = marks_of(filled(calls, 86_400), [], 40_000, 40_000 + window, 90_000, LANES, zone=ZONE)
    assert len(shown) <= MOST
    assert (shown.heat is None) or not shown.ended


def test_single_marks_are_the_blocks_themselves() -> None:
    index = filled(300, 3600)
    shown = marks_of(index, [], 0, 3600, 4000, LANES, zone=ZONE)
    found = index.blocks(0, 3600)
    assert shown.heat is None
    assert sorted((m.start, m.length) for m in shown.ended.values()) == sorted(
        (round(b.span.start, 1), round((b.span.end or 0) - b.span.start, 1)) for b in found
    )
    assert all(LANES[mark.row] == lane for (_, _, lane, _), mark in shown.ended.items())


def test_density_tells_the_busy_share_of_each_lane() -> None:
    index = Index()
    for minute in range(24 * 60):  # half of each minute, all day
        for lane in LANES:
            add(index, span("x", lane, 60.0 * minute, 60.0 * minute + 30))
    heat = marks_of(index, [], 0, 86_399, 90_000, LANES, zone=ZONE).heat
    assert heat is not None
    assert [set(row) for row in heat.rows] == [{50}] * len(LANES)


def test_blocks_that_were_forgotten_are_shown_as_density() -> None:
    index = Index(most=50)
    for n in range(500):
        add(index, span(str(n), "200", 600.0 * n, 600.0 * n + 60))
        index.complete(0)
    assert marks_of(index, [], 0, 6000, 400_000, LANES, zone=ZONE).heat is not None
    assert marks_of(index, [], 299_000, 300_000, 400_000, LANES, zone=ZONE).heat is None


def test_what_goes_on_is_drawn_to_now_on_its_row() -> None:
    going = [running("201", 100, "7", "Jo → 201", Phase.RINGING)]
    (mark,) = marks_of(Index(), going, 0, 200, 150, LANES, zone=ZONE).running
    assert mark == Mark(100, 50, 1, "ringing", "ringing\nJo → 201", "7")


def test_too_many_running_calls_are_one_mark_a_lane() -> None:
    going = [running(LANES[n % 24], n, str(n)) for n in range(1000)]
    shown = marks_of(Index(), going, 0, 2000, 1500, LANES, zone=ZONE)
    assert len(shown.running) == 24
    assert shown.running[0].text == "42 calls going on"


def test_a_link_is_drawn_only_between_lanes_that_are_shown() -> None:
    story, index = Story("1"), Index()
    for one in (span("1", "200", 0, 10), span("1", "203", 10, 20)):
        story.end(one)
        index.put((one, story))
    assert marks_of(index, [], 0, 100, 200, LANES, zone=ZONE).links == [(10, 0, 10, 3)]
    assert marks_of(index, [], 0, 100, 200, LANES[:3], zone=ZONE).links == []
    assert len(marks_of(index, [], 0, 100, 200, LANES, zone=ZONE, selected="1").selected) == 2


def test_the_hover_text_grows_shorter_in_a_crowd_and_does_not_flutter() -> None:
    assert text_limit(10) > text_limit(150) > text_limit(500)
    assert text_limit(85, before=text_limit(10)) == text_limit(10)
    assert text_limit(75, before=text_limit(150)) == text_limit(150)


# The traces of the bars


def marks(numbers: range, length: float = 5.0) -> dict[tuple[str, str, str, float], Mark]:
    return {(str(n), "talking", "200", float(n)): Mark(n, length, 0, "talking", "", str(n)) for n in numbers}


def everything(pages: BarTraces, count: int) -> list[Mark]:
    return [mark for number in range(count) for mark in pages.marks(number)]


def test_one_more_block_sends_one_page() -> None:
    pages = BarTraces(14, 50)
    pages.put(marks(range(500)), (0, 600), ("200",))
    assert len(pages.put(marks(range(501)), (0, 600), ("200",))) == 1
    assert pages.put(marks(range(501)), (0, 600), ("200",)) == set()


def test_blocks_that_slide_out_of_the_window_send_nothing() -> None:
    pages = BarTraces(14, 50)
    pages.put(marks(range(500)), (0, 600), ("200",))
    assert pages.put(marks(range(100, 500)), (106, 706), ("200",)) == set()


def test_other_lanes_sweep_what_lies_behind_the_edge() -> None:
    pages = BarTraces(14, 50)
    pages.put(marks(range(100)), (0, 600), ("200",))
    pages.put(marks(range(50, 100)), (56, 656), ("201", "200"))
    assert len(everything(pages, 14)) == 50


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 600)), max_size=12))
def test_the_pages_always_hold_what_is_wanted_and_nothing_else_in_sight(steps: list[tuple[int, int]]) -> None:
    pages = BarTraces(14, 50)
    for start, count in steps:
        wanted, window = marks(range(start, start + count)), (float(start), start + 600.0)
        pages.put(wanted, window, ("200",))
        held = everything(pages, 14)
        assert len(held) <= 14 * 50
        assert set(wanted.values()) <= set(held)
        in_sight = {mark for mark in held if mark.start < window[1] and mark.start + mark.length > window[0]}
        assert in_sight <= set(wanted.values())


# What lies behind


def test_absence_and_dnd_lie_on_the_account_s_row() -> None:
    conditions = Conditions()

    def say(seconds: float, number: str, **fields: bool) -> None:
        conditions.follow(number, Account(number=number, **fields), FIRST + seconds)

    say(0, "200", registered=False)
    say(60, "200", registered=True)
    say(10, "201", dnd=True, registered=True)
    say(20, "201", dnd=True, registered=False)
    say(30, "201", dnd=False, registered=False)
    seen = condition_marks(conditions, LANES, FIRST, FIRST + 600, FIRST + 100)
    assert [(m.row, m.start - FIRST, m.length) for m in seen["offline"]] == [(0, 0, 60), (1, 20, 80)]
    assert [(m.row, m.start - FIRST, m.length) for m in seen["dnd"]] == [(1, 10, 20)]


def test_an_account_that_goes_is_no_longer_absent() -> None:
    conditions = Conditions()
    conditions.follow("200", Account(number="200", registered=False), FIRST)
    conditions.follow("200", None, FIRST + 50)
    (mark,) = condition_marks(conditions, LANES, FIRST, FIRST + 600, FIRST + 100)["offline"]
    assert mark.length == 50


def test_a_phone_that_flaps_is_a_few_marks() -> None:
    conditions = Conditions()
    for n in range(10_000):
        conditions.follow("200", Account(number="200", registered=bool(n % 2)), FIRST + 5 * n)
    assert len(condition_marks(conditions, LANES, FIRST, FIRST + 50_000, FIRST + 60_000)["offline"]) <= 150


def test_a_gap_lies_over_all_rows_and_one_that_lasts_ends_now() -> None:
    gaps = [Gap(_at(0), _at(30)), Gap(_at(90), None, "sleep")]
    seen = gap_marks(gaps, 24, FIRST, FIRST + 200, FIRST + 100)
    assert [(m.start - FIRST, m.length, m.text) for m in seen] == [
        (0, 30, "line down\n0:30"),
        (90, 10, "computer asleep\n0:10"),
    ]


def test_what_is_no_longer_kept_is_not_shown_as_quiet() -> None:
    (mark,) = gap_marks([], 24, FIRST, FIRST + 200, FIRST + 100, FIRST + 40)
    assert (mark.start - FIRST, mark.length, mark.text) == (0, 40, "no longer kept\n0:40")


# Pace


def test_the_page_gets_twice_the_time_it_needs_and_at_most_four_pictures_a_second() -> None:
    pace = Pace(FigureTiming())
    assert pace.due() == float("-inf")
    pace.sent(10.0)
    pace.answered(10.02)
    assert pace.due() == 10.25
    pace.sent(11.0)
    pace.answered(11.4)
    assert pace.due() == pytest.approx(12.2)


def test_a_page_that_does_not_answer_is_drawn_for_ever_more_slowly() -> None:
    pace = Pace(FigureTiming())
    pace.sent(0.0)
    assert pace.due() == 2.0
    for n in range(40):
        pace.sent(float(n))
    assert pace.due() == 39.0 + FigureTiming().asleep
    pace.answered(39.5)
    assert not pace.waiting

"""What is drawn of a window: at most 600 marks whatever the history, exact while they fit, and cheap to send again."""

from __future__ import annotations

import functools
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.figures.history import Block, History
from pbxnb.figures.plotting.pace import ASLEEP, Pace
from pbxnb.figures.stories import Phase, Story
from pbxnb.figures.timeline.background import Backdrop, gap_marks
from pbxnb.figures.timeline.bars import Mark, Pages
from pbxnb.figures.timeline.marks import MOST, scene, text_limit
from pbxnb.model.changes import Event
from pbxnb.model.entities import Account, Presence
from pbxnb.model.status import Gap

LANES = [str(200 + n) for n in range(24)]
START = datetime(2024, 5, 6, 9, 0, tzinfo=UTC)


@functools.cache
def filled(calls: int, span: float) -> History:
    chance, history = random.Random(1), History()
    for n in range(calls):
        start = chance.uniform(0, span)
        history.add(Block(chance.choice(LANES), "connected", start, start + chance.expovariate(1 / 60), Story(str(n))))
    return history


@pytest.mark.parametrize("calls", [0, 1, 100, 1000, 100_000])
@pytest.mark.parametrize("window", [60, 900, 3600, 86_400])
def test_a_window_never_has_more_marks_than_it_may(calls: int, window: float) -> None:
    shown = scene(filled(calls, 86_400), [], 40_000, 40_000 + window, 90_000, LANES)
    assert shown.marks <= MOST
    assert (shown.heat is None) or not shown.ended


def test_single_marks_are_the_blocks_themselves() -> None:
    history = filled(300, 3600)
    shown = scene(history, [], 0, 3600, 4000, LANES)
    found = history.blocks(0, 3600)
    assert shown.heat is None
    assert sorted((m.start, m.length) for m in shown.ended.values()) == sorted(
        (round(b.start, 1), round((b.end or 0) - b.start, 1)) for b in found
    )
    assert all(LANES[mark.row] == lane for (_, _, lane, _), mark in shown.ended.items())


def test_density_tells_the_busy_share_of_each_lane() -> None:
    history = History()
    for minute in range(24 * 60):  # half of each minute, all day
        for lane in LANES:
            history.add(Block(lane, "connected", 60.0 * minute, 60.0 * minute + 30, Story("x")))
    heat = scene(history, [], 0, 86_399, 90_000, LANES).heat
    assert heat is not None
    assert [set(row) for row in heat.rows] == [{50}] * len(LANES)


def test_blocks_that_were_forgotten_are_shown_as_density() -> None:
    history = History(most=50)
    for n in range(500):
        history.add(Block("200", "connected", 600.0 * n, 600.0 * n + 60, Story(str(n))))
    assert scene(history, [], 0, 6000, 400_000, LANES).heat is not None
    assert scene(history, [], 299_000, 300_000, 400_000, LANES).heat is None


def test_what_goes_on_is_drawn_to_now_on_its_row() -> None:
    running = [Block("201", "ringing", 100, None, Story("7", "Jo → 201"))]
    (mark,) = scene(History(), running, 0, 200, 150, LANES).running
    assert mark == Mark(100, 50, 1, "ringing", "ringing\nJo → 201", "7")


def test_too_many_running_calls_are_one_mark_a_lane() -> None:
    running = [Block(LANES[n % 24], "connected", n, None, Story(str(n))) for n in range(1000)]
    shown = scene(History(), running, 0, 2000, 1500, LANES)
    assert len(shown.running) == 24
    assert shown.running[0].text == "42 calls going on"


def test_a_link_is_drawn_only_between_lanes_that_are_shown() -> None:
    story = Story("1")
    history = History()
    for phase in (Phase("connected", 0, 10, ("200",)), Phase("connected", 10, 20, ("203",))):
        story.end("1", phase)
        history.add(Block(phase.lanes[0], phase.state, phase.start, phase.end, story))
    assert scene(history, [], 0, 100, 200, LANES).links == [(10, 0, 10, 3)]
    assert scene(history, [], 0, 100, 200, LANES[:3]).links == []
    assert len(scene(history, [], 0, 100, 200, LANES, selected="1").selected) == 2


def test_the_hover_text_grows_shorter_in_a_crowd_and_does_not_flutter() -> None:
    assert text_limit(10) > text_limit(150) > text_limit(500)
    assert text_limit(85, before=text_limit(10)) == text_limit(10)
    assert text_limit(75, before=text_limit(150)) == text_limit(150)


# Pages


def marks(numbers: range, length: float = 5.0) -> dict[tuple[str, str, str, float], Mark]:
    return {(str(n), "connected", "200", float(n)): Mark(n, length, 0, "connected", "", str(n)) for n in numbers}


def everything(pages: Pages, count: int) -> list[Mark]:
    return [mark for number in range(count) for mark in pages.page(number)]


def test_one_more_block_sends_one_page() -> None:
    pages = Pages(14, 50)
    pages.put(marks(range(500)), (0, 600), ("200",))
    assert len(pages.put(marks(range(501)), (0, 600), ("200",))) == 1
    assert pages.put(marks(range(501)), (0, 600), ("200",)) == set()


def test_blocks_that_slide_out_of_the_window_send_nothing() -> None:
    pages = Pages(14, 50)
    pages.put(marks(range(500)), (0, 600), ("200",))
    assert pages.put(marks(range(100, 500)), (106, 706), ("200",)) == set()


def test_other_lanes_sweep_what_lies_behind_the_edge() -> None:
    pages = Pages(14, 50)
    pages.put(marks(range(100)), (0, 600), ("200",))
    pages.put(marks(range(50, 100)), (56, 656), ("201", "200"))
    assert len(everything(pages, 14)) == 50


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 600)), max_size=12))
def test_the_pages_always_hold_what_is_wanted_and_nothing_else_in_sight(steps: list[tuple[int, int]]) -> None:
    pages = Pages(14, 50)
    for start, count in steps:
        wanted, window = marks(range(start, start + count)), (float(start), start + 600.0)
        pages.put(wanted, window, ("200",))
        held = everything(pages, 14)
        assert len(held) <= 14 * 50
        assert set(wanted.values()) <= set(held)
        in_sight = {mark for mark in held if mark.start < window[1] and mark.start + mark.length > window[0]}
        assert in_sight <= set(wanted.values())


# Backdrop and gaps


def test_absence_and_dnd_are_followed_by_events() -> None:
    backs = Backdrop()
    backs.begin(
        [Presence(number="200", axis="registered", value="false", start=START, end=START + timedelta(seconds=60))]
    )

    def tell(seconds: float, **fields: bool) -> None:
        one = Account(number="201", since=START, **fields)
        moment = START + timedelta(seconds=seconds)
        backs.feed(Event(kind="account.changed", account=one, received=moment))

    tell(10, dnd=True, registered=True)
    tell(20, dnd=True, registered=False)
    tell(30, dnd=False, registered=False)
    first = START.timestamp()
    seen = backs.marks(LANES, first, first + 600, first + 100)
    assert [(m.row, m.start - first, m.length) for m in seen["offline"]] == [(0, 0, 60), (1, 20, 80)]
    assert [(m.row, m.start - first, m.length) for m in seen["dnd"]] == [(1, 10, 20)]


def test_a_phone_that_flaps_is_a_few_marks() -> None:
    backs = Backdrop()
    first = START.timestamp()
    backs.begin(
        Presence(
            number="200",
            axis="registered",
            value="False",
            start=START + timedelta(seconds=10 * n),
            end=START + timedelta(seconds=10 * n + 5),
        )
        for n in range(5000)
    )
    assert len(backs.marks(LANES, first, first + 50_000, first + 60_000)["offline"]) <= 150


def test_a_gap_lies_over_all_rows_and_one_that_lasts_ends_now() -> None:
    first = START.timestamp()
    gaps = [Gap(START, START + timedelta(seconds=30)), Gap(START + timedelta(seconds=90))]
    seen = gap_marks(gaps, 24, first, first + 200, first + 100)
    assert [(m.start - first, m.length) for m in seen] == [(0, 30), (90, 10)]


# Pace


def test_the_page_gets_twice_the_time_it_needs_and_at_most_four_pictures_a_second() -> None:
    pace = Pace()
    assert pace.due() == float("-inf")
    pace.sent(10.0)
    pace.answered(10.02)
    assert pace.due() == 10.25
    pace.sent(11.0)
    pace.answered(11.4)
    assert pace.due() == pytest.approx(12.2)


def test_a_page_that_does_not_answer_is_drawn_for_ever_more_slowly() -> None:
    pace = Pace()
    pace.sent(0.0)
    assert pace.due() == 2.0
    for n in range(40):
        pace.sent(float(n))
    assert pace.due() == 39.0 + ASLEEP
    pace.answered(39.5)
    assert not pace.waiting

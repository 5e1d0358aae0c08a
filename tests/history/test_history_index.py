"""The index of ended spans against a plain list of them."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.history import WIDTHS, Block, Index, Span, Story
from pbxnb.history.index import SHELVES, Bins, Joined
from pbxnb.model.entities import Phase

spans = st.lists(
    st.builds(
        lambda lane, start, length, call: Span(str(call), Phase.TALKING, start, start + length, (lane,)),
        st.sampled_from(["201", "202", "203"]),
        st.floats(0, 50_000),
        st.floats(0, 9_000),
        st.integers(0, 10**6),
    ),
    max_size=60,
)


def span(call: str, start: float, end: float | None, lane: str = "201") -> Span:
    return Span(call, Phase.TALKING, start, end, (lane,))


def index(*taken: Span, **options: Any) -> Index:
    made = Index(**options)
    for one in taken:
        made.put((one, Story(one.call)))
    return made


def shown(blocks: list[Block]) -> list[Span]:
    return sorted((block.span for block in blocks), key=repr)


@given(spans, st.floats(0, 60_000), st.floats(1, 30_000))
def test_a_window_finds_what_touches_it(taken: list[Span], start: float, length: float) -> None:
    made = index(*taken)
    expected = [one for one in taken if one.start < start + length and one.end is not None and one.end > start]
    found = made.blocks(start, start + length)
    assert shown(found) == sorted(expected, key=repr)
    assert [block.span.start for block in found] == sorted(block.span.start for block in found)
    only = made.blocks(start, start + length, {"201"})
    assert shown(only) == sorted((one for one in expected if one.extensions == ("201",)), key=repr)


@pytest.mark.parametrize("width", SHELVES)
def test_a_span_that_began_in_the_compartment_before_is_found(width: float) -> None:
    long = span("1", 0.9 * width, 1.8 * width)
    assert [block.span for block in index(long).blocks(1.2 * width, 1.3 * width)] == [long]


@given(spans)
def test_density_conserves_busy_time_and_blocks(taken: list[Span]) -> None:
    made = index(*taken)
    lanes = ["201", "202", "203"]
    made.lanes(0, 1)
    lasted = sum((one.end or 0) - one.start for one in taken)
    for level in made._levels:
        busy = sum(cell[0] for cells in level._cells.values() for cell in cells.values())
        busy += sum((last - first + 1) * level.width for runs in level._runs.values() for first, last in runs)
        assert busy == pytest.approx(lasted, abs=1e-6 * level.width)
    bins = made.density(0, 60_000, lanes, most=600)
    assert sum(bin_.blocks for bin_ in bins) == len(taken)
    assert len(bins) <= 600


@given(spans, st.floats(0, 50_000), st.floats(60, 30_000))
def test_the_count_is_exact_up_to_its_bins(taken: list[Span], start: float, length: float) -> None:
    made = index(*taken)
    inside = sum(start <= one.start <= start + length for one in taken)
    width = next(w for w in WIDTHS if length / w <= 60)
    around = sum(start - width <= one.start <= start + length + width for one in taken)
    assert inside <= made.count(start, start + length) <= around


def test_a_bin_says_where_it_begins_and_how_busy_it_was() -> None:
    bins = Bins(60.0)
    bins.add("201", 150.0, 210.0)
    shown = [(one.lane, one.start, one.width, one.share, one.blocks) for one in bins.density(0.0, 600.0, ["201"])]
    assert shown == [("201", 120.0, 60.0, 0.5, 1), ("201", 180.0, 60.0, 0.5, 0)]


def test_old_spans_go_and_their_density_stays() -> None:
    made = Index(most=100)
    for minute in range(200):  # read as they come: what nobody reads is not kept at all
        made.put((span(str(minute), minute * 60.0, minute * 60.0 + 30), Story(str(minute))))
        made.complete(0)
    assert 95 <= made._size <= 100  # they go by the compartment, of five minutes
    assert made.blocks(0, 60 * 60) == []
    assert len(made.blocks(105 * 60, 200 * 60)) == 95
    assert not made.complete(60 * 60)
    assert made.complete(110 * 60)
    assert sum(bin_.blocks for bin_ in made.density(0, 12_000, ["201"])) == 200


def test_what_has_no_length_in_time_is_left_out() -> None:
    made = index(span("1", 10, None), span("2", 10, 9))
    assert made.blocks(0, 100) == []
    assert made._size == 0


@given(spans)
def test_a_long_span_is_found_from_any_moment_it_touches(taken: list[Span]) -> None:
    long = span("long", 1000.0, 49_000.0)
    made = index(*taken, long)
    for moment in (1001.0, 20_000.0, 48_999.0):
        assert long in [block.span for block in made.blocks(moment, moment + 0.5)]


def test_fine_bins_are_bounded_and_coarse_ones_reach_further() -> None:
    bins = Bins(60.0, most=100)
    for minute in range(1000):
        bins.add("201", minute * 60.0, minute * 60.0 + 30)
    assert len(bins._cells) <= 125
    assert not bins.reaches(0)
    assert bins.reaches(950 * 60)
    bins.add("201", 0.0, 30.0)  # what comes late for its bin is not counted there
    assert not bins.density(0, 60, ["201"])


def test_the_newest_lanes_are_found_first() -> None:
    made = index(*(span(str(n), n * 60.0, n * 60.0 + 30) for n in range(1000)), by="call")
    assert made.lanes(0, 60_000, most=10) == {str(n) for n in range(990, 1000)}


@pytest.mark.parametrize("read", [False, True], ids=["opened late", "opened before"])
def test_conversations_that_become_one_share_a_lane_whenever_it_is_read(read: bool) -> None:
    made, one, two = Index(by="call"), Story("1"), Story("2")
    first, second = span("1", 0, 40), span("2", 10, 400)
    made.put((first, one))
    made.put((second, two))
    if read:
        assert made.lanes(0, 100) == {"1", "2"}
    spans = two.spans = (second,)
    one.absorb(two)
    made.put(Joined("2", "1", spans))
    assert made.lanes(0, 500) == {"1"}
    assert [(block.lane, block.span.call) for block in made.blocks(0, 500)] == [("1", "1"), ("1", "2")]
    assert made.count(0, 500) == 2
    assert made._size == 2


def test_what_came_unread_and_is_not_kept_is_not_claimed_to_be_known() -> None:
    made = index(*(span(str(n), n, n + 5.0) for n in range(12)), most=10)
    assert made.lost == 6.0  # the second one's end
    assert not made.complete(5)
    assert made.complete(6)
    assert len(made.blocks(0, 100)) == 10
    made.put((span("more", 50, 60), Story("more")))
    assert made.lost == 6.0


NOW = 1_790_000_000.0


def test_a_call_that_began_in_1970_costs_no_more_than_others() -> None:
    bins = Bins(60.0, most=100)
    bins.add("204", 1.0, NOW)
    assert len(bins._cells) == 2
    assert {one.share for one in bins.density(NOW - 6000, NOW - 120, ["204"])} == {1.0}
    assert bins.lanes(NOW - 6000, NOW - 5900, 10) == {"204"}
    bins.add("204", 1.0, NOW, -1)
    assert bins.density(NOW - 6000, NOW, ["204"]) == []


def test_the_longest_calls_are_bounded_in_number_and_the_oldest_go() -> None:
    bins = Bins(60.0, most=100, most_runs=50)
    for n in range(200):
        bins.add(str(n), n, NOW)
    assert sum(len(runs) for runs in bins._runs.values()) == len(bins._order) == 50
    assert bins.lanes(NOW - 6000, NOW - 5900, 1000) == {str(n) for n in range(150, 200)}


@given(st.lists(st.tuples(st.sampled_from(["201", "202"]), st.floats(0, 20_000), st.floats(0, 20_000)), max_size=8))
def test_a_long_interval_is_as_busy_as_its_minutes_are(taken: list[tuple[str, float, float]]) -> None:
    whole, parts = Bins(60.0, most=10_000), Bins(60.0, most=10_000)
    for lane, start, length in taken:
        whole.add(lane, start, start + length)
        edges = [
            start,
            *(n * 60.0 for n in range(int(start // 60) + 1, int((start + length) // 60) + 1)),
            start + length,
        ]
        for begin, end in pairwise(edges):
            parts.add(lane, begin, end)
    expected = {(one.lane, one.start): one.share for one in parts.density(0, 50_000, ["201", "202"]) if one.share}
    found = {(one.lane, one.start): one.share for one in whole.density(0, 50_000, ["201", "202"]) if one.share}
    assert found == pytest.approx(expected)

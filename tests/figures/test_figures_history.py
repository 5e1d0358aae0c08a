"""The timeline's memory against a plain list of blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.figures.density import Bins
from pbxnb.figures.history import WIDTHS, Block, History
from pbxnb.figures.stories import Story

blocks = st.lists(
    st.builds(
        lambda lane, start, length, call: Block(lane, "connected", start, start + length, Story(str(call))),
        st.sampled_from(["201", "202", "203"]),
        st.floats(0, 50_000),
        st.floats(0, 9_000),
        st.integers(0, 10**6),
    ),
    max_size=60,
)


@given(blocks, st.floats(0, 60_000), st.floats(1, 30_000))
def test_a_window_finds_what_touches_it(remembered: list[Block], start: float, span: float) -> None:
    history = History()
    for block in remembered:
        history.add(block)
    expected = [b for b in remembered if b.start < start + span and b.end is not None and b.end > start]
    found = history.blocks(start, start + span)
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert [b.start for b in found] == sorted(b.start for b in found)
    only = history.blocks(start, start + span, {"201"})
    assert sorted(only, key=repr) == sorted((b for b in expected if b.lane == "201"), key=repr)


@given(blocks)
def test_density_conserves_busy_time_and_blocks(remembered: list[Block]) -> None:
    history = History()
    for block in remembered:
        history.add(block)
    lanes = ["201", "202", "203"]
    lasted = sum(b.end - b.start for b in remembered if b.end is not None)
    for level in history._levels:
        busy = sum(cell[0] for _, cells in level.within(0, 60_000) for cell in cells.values())
        assert busy == pytest.approx(lasted, abs=1e-6 * level.width)
    bins = history.density(0, 60_000, lanes, most=600)
    assert sum(bin_.blocks for bin_ in bins) == len(remembered)
    assert len(bins) <= 600


@given(blocks, st.floats(0, 50_000), st.floats(60, 30_000))
def test_the_count_is_exact_up_to_its_bins(remembered: list[Block], start: float, span: float) -> None:
    history = History()
    for block in remembered:
        history.add(block)
    inside = sum(start <= b.start <= start + span for b in remembered)
    width = next(w for w in WIDTHS if span / w <= 60)
    around = sum(start - width <= b.start <= start + span + width for b in remembered)
    assert inside <= history.count(start, start + span) <= around


def test_old_blocks_go_and_their_density_stays() -> None:
    history = History(most=100)
    for minute in range(200):
        history.add(Block("201", "connected", minute * 60.0, minute * 60.0 + 30, Story(str(minute))))
    assert 95 <= history.size <= 100  # they go by the compartment, of five minutes
    assert history.blocks(0, 60 * 60) == []
    assert len(history.blocks(105 * 60, 200 * 60)) == 95
    assert not history.complete(60 * 60)
    assert history.complete(110 * 60)
    assert sum(bin_.blocks for bin_ in history.density(0, 12_000, ["201"])) == 200


def test_what_has_no_length_in_time_is_left_out() -> None:
    history = History()
    history.add(Block("201", "ringing", 10, None, Story("1")))
    history.add(Block("201", "ringing", 10, 9, Story("2")))
    assert history.size == 0
    assert history.blocks(0, 100) == []


@given(blocks)
def test_a_long_block_is_found_from_any_moment_it_touches(remembered: list[Block]) -> None:
    history = History()
    for block in remembered:
        history.add(block)
    long = Block("201", "held", 1000.0, 49_000.0, Story("long"))
    history.add(long)
    for moment in (1001.0, 20_000.0, 48_999.0):
        assert long in history.blocks(moment, moment + 0.5)


def test_fine_bins_are_bounded_and_coarse_ones_reach_further() -> None:
    bins = Bins(60.0, most=100)
    for minute in range(1000):
        bins.add("201", minute * 60.0, minute * 60.0 + 30)
    assert len(bins._cells) <= 125
    assert not bins.reaches(0)
    assert bins.reaches(950 * 60)
    bins.add("201", 0.0, 30.0)  # what comes late for its bin is not counted there
    assert not list(bins.within(0, 60))


def test_the_newest_lanes_are_found_first() -> None:
    history = History(widths=(60.0, 300.0))
    for n in range(1000):
        history.add(Block(str(n), "connected", n * 60.0, n * 60.0 + 30, Story(str(n))))
    found = history.lanes(0, 60_000, most=10)
    assert found == {str(n) for n in range(990, 1000)}

"""The timeline's memory against a plain list of blocks."""

from hypothesis import given
from hypothesis import strategies as st

from pbxnb.figures.history import WIDTHS, Block, History

blocks = st.lists(
    st.builds(
        lambda lane, start, length, call: Block(lane, "connected", start, start + length, str(call)),
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
    for level, width in enumerate(WIDTHS):
        busy = sum(cell[0] for cell in history._busy[level].values())
        assert (
            abs(busy - sum(b.end - b.start for b in remembered if b.end is not None))
            < 1e-6 * max(1, len(remembered)) * width
        )
    bins = history.density(0, 60_000, lanes, most=600)
    assert sum(bin_.blocks for bin_ in bins) == len(remembered)
    assert len(bins) <= 600


@given(blocks, st.floats(0, 50_000), st.floats(60, 30_000))
def test_the_count_is_exact_up_to_its_bins(remembered: list[Block], start: float, span: float) -> None:
    history = History()
    for block in remembered:
        history.add(block)
    inside = sum(start <= b.start <= start + span for b in remembered)
    width = next(w for w in WIDTHS if span / w <= 400)
    around = sum(start - width <= b.start <= start + span + width for b in remembered)
    assert inside <= history.count(start, start + span) <= around


def test_old_blocks_go_and_their_density_stays() -> None:
    history = History(most=100)
    for minute in range(200):
        history.add(Block("201", "connected", minute * 60.0, minute * 60.0 + 30, str(minute)))
    assert history.size == 100
    assert history.blocks(0, 60 * 60) == []
    assert len(history.blocks(100 * 60, 200 * 60)) == 100
    assert sum(bin_.blocks for bin_ in history.density(0, 12_000, ["201"])) == 200


def test_what_has_no_length_in_time_is_left_out() -> None:
    history = History()
    history.add(Block("201", "ringing", 10, None, "1"))
    history.add(Block("201", "ringing", 10, 9, "2"))
    assert history.size == 0
    assert history.blocks(0, 100) == []

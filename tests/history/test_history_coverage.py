"""What may be missing is said by one function, under every picture and in its text twin."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pbxnb import figures
from pbxnb.history import coverage_text, share_up
from pbxnb.model.past.memory import Dropped
from pbxnb.model.status import Gap
from tests.history.session import Session

OFTEN = "line down 2 s in 2 gaps", "computer asleep 60 s in 1 gap", "left out by the disk 10 s in 1 gap"
OTHERS = (
    "not recorded 1 s in 1 gap",
    "file missing 1 s in 1 gap",
    "no session 1 s in 1 gap",
    "nothing known 2 s in 1 gap",
)


@pytest.mark.parametrize(
    ("gaps", "dropped", "said"),
    [
        ([], Dropped(), "line up throughout"),
        ([(5, 10, "line"), (90, None, "line")], Dropped(), "line down 15 s in 2 gaps: totals are at least"),
        (
            [(0, 1, "line"), (2, 62, "sleep"), (80, 81, "line"), (90, None, "disk")],
            Dropped(),
            f"{', '.join(OFTEN)}: totals are at least",
        ),
        (
            [(0, 1, "off"), (2, 3, "file"), (3, 4, "kernel"), (4, 6, "<b>")],
            Dropped(),
            f"{', '.join(OTHERS)}: totals are at least",
        ),
        ([], Dropped(calls=1), "1 older call let go: totals are at least"),
        ([], Dropped(presence=2_500), "2,500 older states of accounts let go: totals are at least"),
        ([(0, 1, "line")], Dropped(2), "line down 1 s in 1 gap, 2 older calls let go: totals are at least"),
    ],
)
def test_everything_that_is_missing_is_named(gaps, dropped, said):
    told = [Gap(_at(start), end and _at(end), why) for start, end, why in gaps]
    assert coverage_text(told, dropped, _at(100)) == said


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_the_share_of_a_window_counts_the_part_of_each_gap_that_lies_in_it():
    gaps = [(0.0, 20.0), (50.0, 60.0), (95.0, None)]
    assert share_up(gaps, 10.0, 110.0) == pytest.approx(1 - (10 + 10 + 15) / 100)
    assert share_up([], 3.0, 3.0) == 1.0


def test_what_memory_let_go_stands_in_title_and_twin_of_a_picture():
    pytest.importorskip("pyarrow")
    session = Session(memory=8_000)
    session.begin([{"account": "203", "type": "extensions"}], [])
    for n in range(300):
        session.list(2 * n, session.call(str(n), f"+1555{n}", "203", "connected", 2 * n, 2 * n, "203"))
        session.list(2 * n + 1)
    dropped, kept = session.store.dropped.calls, len(session.closed_calls())
    assert dropped > 0
    assert dropped + kept == 300
    said = session.history.coverage(session.clock.now())
    assert f"{dropped:,} older calls let go" in said
    for picture in (figures.week, figures.extensions, figures.state_shares, figures.concurrency):
        figure = picture(session)
        assert said in figure.layout.title.text
        assert said in figures.describe(figure)

"""The quality of a call: the opinion by its formula, seconds from running counts, warnings and their ends."""

from __future__ import annotations

import itertools
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pbxnb.errors import MissingExtra
from pbxnb.media.wire import Quality as Counted
from pbxnb.phone import quality as module
from pbxnb.phone.opinion import opinion
from pbxnb.phone.page_stats import of_page
from pbxnb.phone.quality import Quality

BEGIN = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)


class Call:
    """A call whose counts run on, second by second."""

    def __init__(self, codec: str = "PCMU", *, microphone: bool = False) -> None:
        self.quality = Quality(codec, microphone=microphone)
        self.seconds = 0
        self.totals = dict.fromkeys(("sent", "received", "lost", "late"), 0)

    def second(self, *, lost: int = 0, late: int = 0, muted: bool = False, **other: Any) -> list[tuple[str, bool]]:
        """One second of 50 packets; the warnings that begin (True) and end (False)."""
        self.seconds += 1
        for name, number in {"sent": 50, "received": 50 - lost, "lost": lost, "late": late}.items():
            self.totals[name] += number
        rest = {"jitter": 0.001, "delay": 0.06, "round_trip": 0.05, "level_in": -20.0, "level_out": -20.0} | other
        counted = Counted(**self.totals, **rest)  # type: ignore[arg-type]
        notices = self.quality.add(counted, BEGIN + timedelta(seconds=self.seconds), muted=muted)
        return [(notice.name, not notice.cleared) for notice in notices]


# -- the opinion (telephony.md 6.1) ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("round_trip", "jitter", "lost", "rating", "mos"),
    [
        (1, 0, 0, 92.71, 4.40),
        (50, 5, 0, 91.88, 4.38),
        (150, 20, 1, 86.32, 4.24),
        (400, 30, 3, 65.04, 3.36),
        (600, 60, 10, 26.68, 1.48),
    ],
)
def test_the_opinion_of_g711_is_that_of_the_table(round_trip, jitter, lost, rating, mos):
    said = opinion("PCMU", round_trip=round_trip / 1000, jitter=jitter / 1000, loss=lost / 100)
    assert said.rating == pytest.approx(rating, abs=0.005)
    assert said.mos == pytest.approx(mos, abs=0.005)
    assert not said.estimated


@pytest.mark.parametrize(
    ("codec", "estimated"), [("PCMU", False), ("pcma", False), ("opus", True), ("G722", True), ("", True)]
)
def test_an_opinion_with_values_that_are_not_the_itus_says_so(codec, estimated):
    call = Call(codec)
    call.second()
    assert call.quality.estimated is estimated
    assert ("estimate" in call.quality.mos_text) is estimated
    assert ("estimate" in repr(call.quality)) is estimated


def test_an_opinion_stays_within_its_scale_and_is_never_better_for_a_worse_net():
    worse = [
        opinion("opus", round_trip=0.05 * step, jitter=0.01 * step, loss=min(1.0, 0.05 * step)).mos
        for step in range(40)
    ]  # fmt: skip
    assert worse == sorted(worse, reverse=True)
    assert worse[-1] == 1.0
    assert worse[0] < 4.5


def test_a_round_trip_that_is_not_known_counts_as_none():
    assert opinion("PCMU", round_trip=None, jitter=0, loss=0) == opinion("PCMU", round_trip=0.0, jitter=0, loss=0)


# -- seconds -----------------------------------------------------------------------------------------------------------


def test_counts_since_the_beginning_become_counts_of_the_second():
    call = Call()
    call.second(lost=2)
    call.second(lost=5, late=1)
    call.second()
    quality = call.quality
    assert [each.lost for each in quality.samples] == [2, 5, 0]
    assert [each.received for each in quality.samples] == [48, 45, 50]
    assert [each.loss for each in quality.samples] == [2 / 50, 6 / 50, 0.0]
    assert (quality.lost, quality.late, quality.sent) == (0, 0, 50)


def test_a_lost_packet_that_comes_late_is_never_less_than_none():
    call = Call()
    call.second(lost=2)
    call.second(lost=-1, late=1)
    assert call.quality.lost == 0
    assert call.quality.late == 1


def test_before_the_first_second_nothing_is_known():
    quality = Quality()
    assert quality.newest is quality.mos is quality.lost is None
    assert quality.samples == quality.warnings == ()
    assert repr(quality) == "<Quality: no second yet>"


def test_where_nothing_comes_there_is_no_opinion():
    quality = Quality("PCMU")
    same = Counted(sent=9, received=0, lost=0, late=0, jitter=0, delay=0, round_trip=None, level_in=-100, level_out=-9)
    quality.add(same, BEGIN)
    assert quality.mos is None
    assert quality.newest is not None
    assert quality.newest.loss is None
    assert "nothing came" in quality.mos_text


def test_the_oldest_seconds_go_and_are_counted(monkeypatch):
    monkeypatch.setattr(module, "MOST_SAMPLES", 20)
    call = Call()
    for _ in range(25):
        call.second()
    assert len(call.quality.samples) == 20
    assert call.quality.dropped == 5
    assert call.quality.samples[-1].at == BEGIN + timedelta(seconds=25)


def test_the_table_has_a_row_a_second_and_times_in_utc():
    pytest.importorskip("pandas")
    call = Call(microphone=True)
    for _ in range(12):
        call.second()
    table = call.quality.df
    assert len(table) == 12
    assert str(table["at"].dtype) == "datetime64[us, UTC]"
    assert json.loads(table["warnings"].iloc[-1]) == ["level"]
    assert list(table) == list(call.quality.records()[0])
    assert list(Quality().df) == list(table)


def test_without_pandas_the_table_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "pbxnb.analysis.tables", raising=False)
    with pytest.raises(MissingExtra, match=r'pip install "pbxnb\[analysis\]"'):
        Quality().df  # noqa: B018


# -- warnings (telephony.md 6.2) ---------------------------------------------------------------------------------------

BAD = {
    "round_trip": {"round_trip": 0.401},
    "jitter": {"jitter": 0.031},
    "mos": {"round_trip": 0.39, "jitter": 0.03, "lost": 2},
}


@pytest.mark.parametrize("name", BAD)
def test_three_bad_seconds_of_five_warn_and_five_good_ones_clear(name):
    call = Call()
    bad: dict[str, Any] = BAD[name]
    said = [dict(call.second(**bad)).get(name), dict(call.second(**bad)).get(name), dict(call.second()).get(name)]
    assert said == [None] * 3
    assert dict(call.second(**bad))[name] is True
    assert name in call.quality.warnings
    assert [dict(call.second()).get(name) for _ in range(5)] == [None] * 4 + [False]
    assert name not in call.quality.warnings
    assert [notice.cleared for notice in call.quality.notices if notice.name == name] == [False, True]


@pytest.mark.parametrize("name", BAD)
def test_two_bad_seconds_of_five_never_warn(name):
    call = Call()
    for second in range(50):
        assert name not in dict(call.second(**(BAD[name] if second % 5 < 2 else {})))


@pytest.mark.parametrize("limit", [{"round_trip": 0.4}, {"jitter": 0.03}, {"round_trip": None}])
def test_the_limit_itself_is_no_reason_to_warn(limit):
    call = Call()
    assert [call.second(**limit) for _ in range(20)] == [[]] * 20


def test_loss_is_warned_of_by_the_average_of_seven_seconds_and_cleared_below_one_percent():
    call = Call()
    assert [call.second(lost=2) for _ in range(6)] == [[]] * 6
    assert call.second(lost=2) == [("loss", True)]
    cleared = [call.second() for _ in range(7)]
    assert [("loss", False) in notices for notices in cleared].index(True) == 5  # 2 of 350 are 0.6 %
    assert call.quality.warnings == ()


def test_one_second_of_much_loss_is_an_average_too():
    call = Call()
    for _ in range(6):
        call.second()
    assert ("loss", True) in call.second(lost=11)  # of 350: 3.1 %


def test_a_microphone_that_never_changes_is_warned_of_after_ten_seconds():
    call = Call(microphone=True)
    assert [call.second(level_out=-63.2) for _ in range(9)] == [[]] * 9
    assert call.second(level_out=-63.4) == [("level", True)]
    assert call.second(level_out=-30.0) == [("level", False)]


@pytest.mark.parametrize("muted", [True, False])
def test_a_muted_microphone_and_a_call_without_one_are_not_warned_of(muted):
    call = Call(microphone=muted)
    assert [call.second(level_out=-100.0, muted=muted) for _ in range(30)] == [[]] * 30
    assert (call.quality.level_out is None) is muted


def test_every_warning_is_a_sentence_and_ends_before_it_begins_again():
    call = Call(microphone=True)
    chance = random.Random(4)
    for _ in range(2_000):
        call.second(
            lost=chance.choice((0, 0, 0, 1, 9)), jitter=chance.choice((0.01, 0.04)), muted=chance.random() < 0.2,
            round_trip=chance.choice((None, 0.1, 0.6)), level_out=chance.choice((-60.0, -60.5, -20.0)),
        )  # fmt: skip
    notices = list(call.quality.notices)
    for name in {notice.name for notice in notices}:
        mine = [notice for notice in notices if notice.name == name]
        assert all(before.cleared != after.cleared for before, after in itertools.pairwise(mine))
    assert {"round_trip", "jitter", "mos", "loss"} <= {notice.name for notice in notices}
    assert all(notice.text[0].isupper() and notice.text[-1] in ".?" for notice in notices)


# -- a page ------------------------------------------------------------------------------------------------------------

PAGE: list[dict[str, Any]] = [
    {"type": "inbound-rtp", "packetsReceived": 480, "packetsLost": 12, "packetsDiscarded": 3, "jitter": 0.004,
     "jitterBufferDelay": 24.0, "jitterBufferEmittedCount": 480, "audioLevel": 0.1},
    {"type": "outbound-rtp", "packetsSent": 500},
    {"type": "remote-inbound-rtp", "roundTripTime": 0.031, "fractionLost": 0.02},
    {"type": "media-source", "audioLevel": 0.0},
    {"type": "candidate-pair", "currentRoundTripTime": 0.001},
]  # fmt: skip


def test_a_page_and_the_kernel_count_alike():
    assert of_page(PAGE) == Counted(
        sent=500, received=480, lost=12, late=3, jitter=0.004, delay=0.05, round_trip=0.031,
        level_in=pytest.approx(-20.0), level_out=-100.0, far_lost=0.02,
    )  # fmt: skip


def test_the_delay_of_a_second_is_reckoned_from_the_second_before():
    before = [{"type": "inbound-rtp", "jitterBufferDelay": 20.0, "jitterBufferEmittedCount": 430}]
    assert of_page(PAGE, before).delay == pytest.approx(0.08)


def test_without_reports_of_the_other_side_the_round_trip_is_that_of_the_way():
    read = of_page([each for each in PAGE if each["type"] != "remote-inbound-rtp"])
    assert read.round_trip == 0.001
    assert read.far_lost is None


@pytest.mark.parametrize("value", [None, "9", -3, float("nan"), float("inf"), 10**400, True, [], {"a": 1}])
def test_whatever_a_page_sends_is_a_number_that_can_be(value):
    hostile = [{**each, **{name: value for name in each if name != "type"}} for each in PAGE]
    read = of_page([*hostile, 7, {"type": []}])  # type: ignore[list-item]
    quality = Quality("opus")
    quality.add(read, BEGIN)
    quality.add(read, BEGIN + timedelta(seconds=1))
    assert read.sent >= 0
    assert read.far_lost is None or 0 <= read.far_lost <= 1
    assert -100 <= read.level_in <= 0
    assert "Quality" in repr(quality)

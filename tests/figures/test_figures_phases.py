"""From events to blocks: what a call leaves on which lane, against the call's own times; and the model's situations."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pbxnb.figures.history import Block
from pbxnb.figures.phases import LaneBy, Phases, lanes_of
from pbxnb.model.changes import Event
from pbxnb.model.entities import Call, CallRecord, CallState, Conversation, Party

START = datetime(2024, 5, 6, 9, 0, tzinfo=UTC)
RINGING, CONNECTED, HELD, PARKED = CallState.RINGING, CallState.CONNECTED, CallState.HELD, CallState.PARKED


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def call(state: CallState, *extensions: str, id_: str = "1", **fields: Any) -> Call:
    fields.setdefault("from_", Party(number="+12025550101", name="Jo Field"))
    fields.setdefault("to", Party(number=extensions[0] if extensions else ""))
    fields.setdefault("conversation", id_)
    return Call(id=id_, state=state, extensions=extensions, since=START, **fields)


class Watched:
    """Phases with what came out of them."""

    def __init__(self, by: LaneBy = "extension") -> None:
        self.blocks: list[Block] = []
        self.phases = Phases(by, self.blocks.append)

    def tell(self, seconds: float, kind: str, one: Call) -> None:
        self.phases.feed(Event(kind=f"call.{kind}", call=one, at=at(seconds), received=at(seconds)))

    def seen(self) -> list[tuple[str, str, float, float]]:
        first = START.timestamp()
        return [(b.lane, b.state, b.start - first, (b.end or 0) - first) for b in self.blocks]


def test_a_call_leaves_a_block_per_phase() -> None:
    watched = Watched()
    watched.tell(0, "new", call(RINGING, "40"))
    watched.tell(5, "changed", call(CONNECTED, "40"))
    watched.tell(15, "changed", call(HELD, "40"))
    watched.tell(20, "ended", call(HELD, "40"))
    assert watched.seen() == [("40", "ringing", 0, 5), ("40", "connected", 5, 15), ("40", "held", 15, 20)]
    assert watched.phases.going_on() == []


def test_a_ring_group_rings_on_every_lane_and_ends_on_those_that_did_not_answer() -> None:
    watched = Watched()
    watched.tell(0, "new", call(RINGING, "40", "41"))
    watched.tell(6, "changed", call(CONNECTED, "41"))
    assert watched.seen() == [("40", "ringing", 0, 6), ("41", "ringing", 0, 6)]
    (going,) = watched.phases.going_on()
    assert (going.lane, going.state, going.end) == ("41", "connected", None)


def test_what_is_not_visible_makes_no_block() -> None:
    watched = Watched()
    watched.tell(0, "new", call(CONNECTED, "40"))
    watched.tell(3, "changed", call(CONNECTED, "40", recording=True))
    watched.tell(9, "ended", call(CONNECTED, "40", recording=True))
    assert watched.seen() == [("40", "connected", 0, 9)]
    assert "(recorded)" in watched.blocks[0].story.tell()


def test_a_parked_call_lies_on_its_orbit_and_a_waiting_one_on_its_queue() -> None:
    watched = Watched()
    watched.tell(0, "new", call(RINGING, to=Party(number="600"), queue="600"))
    watched.tell(30, "changed", call(RINGING, "41", queue="600"))
    watched.tell(35, "changed", call(CONNECTED, "41", queue="600"))
    watched.tell(50, "changed", call(PARKED, to=Party(number="700")))
    watched.tell(60, "ended", call(PARKED, to=Party(number="700")))
    assert watched.seen() == [
        ("600", "queued", 0, 30),
        ("41", "ringing", 30, 35),
        ("41", "connected", 35, 50),
        ("700", "parked", 50, 60),
    ]


def test_who_hears_a_queue_s_music_waits() -> None:
    watched = Watched()
    watched.tell(0, "new", call(CONNECTED, to=Party(number="600"), queue="600"))
    assert watched.phases.going_on()[0].state == "queued"
    watched.tell(9, "changed", call(CONNECTED, "41", to=Party(number="600"), queue="600"))
    assert watched.phases.going_on()[0].state == "connected"


def test_a_colleague_who_waits_in_a_queue_is_not_rung() -> None:
    watched = Watched()
    watched.tell(0, "new", call(RINGING, "40", from_=Party(number="40"), to=Party(number="600"), queue="600"))
    assert watched.phases.going_on()[0].state == "queued"


@pytest.mark.parametrize(("by", "lanes"), [("extension", ("40", "41")), ("call", ("conv",)), ("queue", ("600",))])
def test_a_lane_is_what_it_was_asked_to_be(by: LaneBy, lanes: tuple[str, ...]) -> None:
    assert lanes_of(call(CONNECTED, "40", "41", conversation="conv", queue="600"), by) == lanes


def test_a_session_under_way_is_caught_up_with() -> None:
    watched = Watched()
    ended = call(CONNECTED, "40", id_="9")
    record = CallRecord(call=ended, ended_at=at(20), phases=((RINGING, at(0), at(5)), (CONNECTED, at(5), at(20))))
    watched.phases.begin([call(CONNECTED, "41", started_at=at(30), connected_at=at(36))], [record])
    assert watched.seen() == [("40", "ringing", 0, 5), ("40", "connected", 5, 20), ("41", "ringing", 30, 36)]
    (going,) = watched.phases.going_on()
    assert going.start == at(36).timestamp()


def test_calls_that_the_model_links_tell_one_story() -> None:
    watched = Watched()
    watched.tell(0, "new", call(CONNECTED, "40"))
    watched.tell(5, "new", call(CONNECTED, "40", "41", id_="2"))
    watched.tell(9, "ended", call(CONNECTED, "40", "41", id_="2"))
    watched.tell(9, "changed", call(CONNECTED, "41"))
    watched.phases.link(Conversation(id="1", calls=("1", "2"), since=START))
    assert {block.call for block in watched.blocks} == {"1"}
    story = watched.phases.story("1")
    assert story is not None
    assert [(move.lane, move.to) for move in story.moves()] == [("40", "41")]


def test_a_clock_that_goes_back_makes_no_block_of_less_than_nothing() -> None:
    watched = Watched()
    watched.tell(10, "new", call(RINGING, "40"))
    watched.tell(5, "changed", call(CONNECTED, "40"))
    watched.tell(4, "ended", call(CONNECTED, "40"))
    assert all(block.end is not None and block.end >= block.start for block in watched.blocks)


def test_the_stories_of_ended_calls_are_forgotten() -> None:
    watched = Watched()
    for n in range(1000):
        watched.tell(n, "new", call(CONNECTED, "40", id_=str(n)))
        watched.tell(n + 1, "ended", call(CONNECTED, "40", id_=str(n)))
    assert len(watched.phases._stories) < 200
    assert watched.blocks[0].story.tell()  # those who hold one still can read it

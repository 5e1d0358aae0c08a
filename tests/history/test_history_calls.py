"""From events to spans: what a call leaves on which lane, against the call's own times."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pbxnb.history import LaneBy, Span, Story
from pbxnb.history.calls import CallFollower
from pbxnb.model.entities import Call, Conversation, Party, Phase

START = datetime(2024, 5, 6, 9, 0, tzinfo=UTC)
RINGING, QUEUED, TALKING, HELD, PARKED = Phase.RINGING, Phase.QUEUED, Phase.TALKING, Phase.HELD, Phase.PARKED


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def call(phase: Phase, *extensions: str, id_: str = "1", **fields: Any) -> Call:
    fields.setdefault("from_", Party(number="+12025550101", name="Jo Field"))
    fields.setdefault("to", Party(number=extensions[0] if extensions else ""))
    fields.setdefault("conversation", id_)
    fields.setdefault("first_seen", START)
    return Call(id=id_, phase=phase, extensions=extensions, **fields)


class Watched:
    """A follower with what came out of it."""

    def __init__(self) -> None:
        self.spans: list[tuple[Span, Story]] = []
        self.joined: list[tuple[str, str]] = []
        self.follower = CallFollower(
            lambda span, story: self.spans.append((span, story)),
            lambda old, new, _spans: self.joined.append((old, new)),
        )

    def say(self, seconds: float, one: Call, *, ended: bool = False) -> None:
        (self.follower.end if ended else self.follower.follow)(one, at(seconds).timestamp())

    def seen(self) -> list[tuple[str, str, float, float]]:
        first = START.timestamp()
        return [
            (lane, phase, span.start - first, (span.end or 0) - first)
            for span, _ in self.spans
            for lane, phase in span.lanes
        ]

    def running(self) -> tuple[str, str]:
        [(span, _)] = self.follower.running()
        return " ".join(lane for lane, _ in span.lanes), span.phase


def test_a_call_leaves_a_span_per_phase() -> None:
    watched = Watched()
    watched.say(0, call(RINGING, "40"))
    watched.say(5, call(TALKING, "40"))
    watched.say(15, call(HELD, "40"))
    watched.say(20, call(HELD, "40"), ended=True)
    assert watched.seen() == [("40", "ringing", 0, 5), ("40", "talking", 5, 15), ("40", "held", 15, 20)]
    assert watched.follower.running() == []


def test_a_ring_group_rings_on_every_lane_and_ends_on_those_that_did_not_answer() -> None:
    watched = Watched()
    watched.say(0, call(RINGING, "40", "41"))
    watched.say(6, call(TALKING, "41"))
    assert watched.seen() == [("40", "ringing", 0, 6), ("41", "ringing", 0, 6)]
    assert watched.running() == ("41", "talking")


def test_what_is_not_visible_makes_no_span() -> None:
    watched = Watched()
    watched.say(0, call(TALKING, "40"))
    watched.say(3, call(TALKING, "40", recording=True))
    watched.say(9, call(TALKING, "40", recording=True), ended=True)
    assert watched.seen() == [("40", "talking", 0, 9)]
    assert "(recorded)" in watched.spans[0][1].text(ZoneInfo("UTC"))


@pytest.mark.parametrize("change", [{"to": Party("41")}, {"from_": Party("205", "Al")}, {"recording": True}])
def test_the_title_follows_while_the_call_goes_on(change: dict[str, Any]) -> None:
    watched, later = Watched(), Watched()
    watched.say(0, call(TALKING, "40"))
    watched.say(3, call(TALKING, "40", **change))
    later.say(0, call(TALKING, "40", **change))
    one, other = watched.follower.story("1"), later.follower.story("1")
    assert one is not None
    assert other is not None
    assert one.title == other.title != ""


def test_who_is_not_named_stands_as_a_question_mark() -> None:
    watched = Watched()
    watched.say(0, call(TALKING, from_=Party(), to=Party("40", "Al")))
    story = watched.follower.story("1")
    assert story is not None
    assert story.title == "? → 40 Al"


def test_a_parked_call_lies_on_its_orbit_and_a_waiting_one_on_its_queue() -> None:
    watched = Watched()
    watched.say(0, call(QUEUED, to=Party(number="600"), queue="600"))
    watched.say(30, call(RINGING, "41", queue="600"))
    watched.say(35, call(TALKING, "41", queue="600"))
    watched.say(50, call(PARKED, to=Party(number="700")))
    watched.say(60, call(PARKED, to=Party(number="700")), ended=True)
    assert watched.seen() == [
        ("600", "queued", 0, 30),
        ("41", "ringing", 30, 35),
        ("41", "talking", 35, 50),
        ("700", "parked", 50, 60),
    ]


@pytest.mark.parametrize(("by", "lanes"), [("extension", ("40", "41")), ("call", ("conv",)), ("queue", ("600",))])
def test_a_lane_is_what_it_was_asked_to_be(by: LaneBy, lanes: tuple[str, ...]) -> None:
    watched = Watched()
    watched.say(0, call(TALKING, "40", "41", conversation="conv", queue="600"))
    [(span, story)] = watched.follower.running()
    assert tuple(lane for lane, _ in story.lanes(span, by)) == lanes


@pytest.mark.parametrize(
    ("one", "past"),
    [
        (call(TALKING, "41", started_at=at(-30), connected_at=at(-24), since=at(-24)), [("ringing", -30, -24)]),
        (
            call(HELD, "41", started_at=at(-30), connected_at=at(-24)),
            [("ringing", -30, -24), ("talking", -24, 0)],
        ),
        (
            call(TALKING, "41", started_at=at(-30), connected_at=at(-24), since=at(-24), queue="600"),
            [("queued", -30, -24)],
        ),
        (call(RINGING, "41", started_at=at(-30), since=at(-30)), []),
        (call(HELD, "41"), []),
    ],
    ids=["answered", "held", "through a queue", "rings", "nothing known"],
)
def test_of_a_call_met_half_way_the_past_follows_from_its_own_times(one: Call, past: list[Any]) -> None:
    watched = Watched()
    watched.say(0, one)
    assert [seen[1:] for seen in watched.seen()] == past
    [(span, _)] = watched.follower.running()
    assert span.start == at(past[-1][2] if past else -30 if one.since else 0).timestamp()


def test_calls_that_the_model_links_are_one_story() -> None:
    watched = Watched()
    watched.say(0, call(TALKING, "40"))
    watched.say(5, call(TALKING, "40", "41", id_="2", first_seen=at(5)))
    watched.say(9, call(TALKING, "40", "41", id_="2"), ended=True)
    watched.say(9, call(TALKING, "41"))
    watched.follower.settle(Conversation(id="1", calls=("1", "2"), phase=TALKING, first_seen=START))
    assert {story.whole.id for _, story in watched.spans} == {"1"}
    assert watched.joined == [("2", "1")]
    story = watched.follower.story("2")
    assert story is watched.follower.story("1")
    assert story is not None
    assert [(move.lane, move.to) for move in story.moves()] == [("40", "41")]


def test_a_call_that_is_linked_as_it_begins_writes_the_same_story() -> None:
    watched = Watched()
    watched.say(0, call(TALKING, "40"))
    watched.say(5, call(RINGING, "41", id_="2", conversation="1", first_seen=at(5)))
    assert watched.follower.story("2") is watched.follower.story("1")
    assert {story.id for _, story in watched.follower.running()} == {"1"}


def test_a_conversation_waits_for_as_long_as_the_model_says_so() -> None:
    watched = Watched()
    watched.say(0, call(QUEUED, to=Party(number="600"), queue="600"))
    talk = {"id": "1", "calls": ("1",), "first_seen": START}
    watched.follower.settle(Conversation(phase=QUEUED, since=at(-2), **talk))
    watched.follower.settle(Conversation(phase=QUEUED, since=at(-2), **talk))
    watched.follower.settle(Conversation(phase=TALKING, since=at(7), **talk))
    watched.follower.settle(Conversation(phase=HELD, since=at(9), **talk))
    watched.follower.settle(Conversation(phase=QUEUED, **{**talk, "first_seen": at(20)}))
    story = watched.follower.story("1")
    assert story is not None
    assert story.queued == ((at(-2).timestamp(), at(7).timestamp()), (at(20).timestamp(), None))


def test_a_clock_that_goes_back_makes_no_span_of_less_than_nothing() -> None:
    watched = Watched()
    watched.say(10, call(RINGING, "40", first_seen=at(10)))
    watched.say(5, call(TALKING, "40"))
    watched.say(4, call(TALKING, "40"), ended=True)
    assert all(span.end is not None and span.end >= span.start for span, _ in watched.spans)


def test_an_id_used_again_is_another_call() -> None:
    watched = Watched()
    watched.say(0, call(TALKING, "40"))
    watched.say(5, call(TALKING, "40"), ended=True)
    watched.say(6, call(RINGING, "41", conversation="1~2", first_seen=at(6)))
    assert watched.follower.story("1") is watched.spans[0][1]  # a conversation before a call
    assert watched.follower.story("1~2") is not watched.spans[0][1]
    assert watched.follower.running()[0][1] is watched.follower.story("1~2")


def test_the_stories_of_old_calls_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbxnb.history.calls._STORIES", 100)
    watched = Watched()
    for n in range(1000):
        watched.say(n, call(TALKING, "40", id_=str(n), first_seen=at(n)))
        watched.say(n + 1, call(TALKING, "40", id_=str(n)), ended=True)
    assert watched.follower.story("0") is None
    assert watched.follower.story("999") is not None
    assert watched.spans[0][1].text(ZoneInfo("UTC"))  # those who hold one still can read it

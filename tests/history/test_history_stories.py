"""Stories of the model's own situations: what a conversation's text says, and where it moved."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pbxnb.history import Move, Span, Story, span_text
from pbxnb.model.entities import Phase

BERLIN = ZoneInfo("Europe/Berlin")


def story(*phases: tuple[str, float, float | None, str]) -> Story:
    made = Story("1", "Jo → 40")
    for n, (phase, start, end, numbers) in enumerate(phases):
        away = phase in ("parked", "queued")
        span = Span(str(n), Phase(phase), start, end, () if away else tuple(numbers.split()), numbers if away else "")
        if end is None:
            made.begin(span)
        else:
            made.end(span)
    return made


MOVES = {
    "a blind transfer": (
        [("ringing", 0, 5, "40"), ("talking", 5, 15, "40"), ("ringing", 15, 20, "41"), ("talking", 20, 30, "41")],
        [Move(15, "40", 15, "41")],
    ),
    "an attended transfer": (
        [
            ("talking", 0, 10, "41"),
            ("held", 10, 25, "41"),
            ("talking", 12, 25, "41 42"),
            ("talking", 25, None, "42"),
        ],
        [Move(25, "41", 25, "42")],
    ),
    "a park, and the retrieve by another": (
        [("talking", 0, 10, "40"), ("parked", 10, 50, "700"), ("talking", 50, 60, "41")],
        [Move(10, "40", 10, "700"), Move(50, "700", 50, "41")],
    ),
    "a transfer that takes a moment": (
        [("talking", 0, 10, "40"), ("talking", 13, 20, "41")],
        [Move(10, "40", 13, "41")],
    ),
    "a transfer to a ring group goes to who answers": (
        [("talking", 0, 10, "40"), ("ringing", 10, 15, "41 42 43"), ("talking", 15, 20, "42")],
        [Move(10, "40", 10, "42")],
    ),
    "an internal call, passed on by the called": (
        [("talking", 0, 10, "40 41"), ("talking", 10, 20, "40 42")],
        [Move(10, "41", 10, "42")],
    ),
    "an answer on two lanes": ([("ringing", 0, 5, "40 41"), ("talking", 5, 20, "40 41")], []),
    "a ring group": ([("ringing", 0, 5, "40 41 42"), ("talking", 5, 20, "41")], []),
    "a queue hands over to an agent": (
        [("queued", 0, 30, "600"), ("ringing", 30, 35, "41"), ("talking", 35, 60, "41")],
        [],
    ),
    "a question without a transfer": (
        [
            ("talking", 0, 10, "40"),
            ("held", 10, 30, "40"),
            ("talking", 12, 29, "40 41"),
            ("talking", 30, 40, "40"),
        ],
        [],
    ),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_move_is_a_conversation_that_went_on_elsewhere(name: str) -> None:
    phases, moves = MOVES[name]
    assert list(story(*phases).moves()) == moves


def test_there_and_back_is_two_moves() -> None:
    made = story(("talking", 0, 10, "40"), ("talking", 10, 20, "41"), ("talking", 20, 30, "40"))
    assert [(move.lane, move.to) for move in made.moves()] == [("40", "41"), ("41", "40")]


def test_every_phase_is_there_with_its_duration_and_the_running_one_with_its_beginning() -> None:
    start = datetime(2024, 5, 6, 9, 0, tzinfo=BERLIN).timestamp()
    text = story(("ringing", start, start + 8, "40"), ("talking", start + 8, None, "40")).text(BERLIN)
    assert text.split("\n") == ["Jo → 40", "began 09:00:00", "ringing 0:08 on 40", "talking since 09:00:08 on 40"]


def test_of_a_long_story_the_end_is_shown() -> None:
    text = story(*(("held" if n % 2 else "talking", n, n + 1, "40") for n in range(50))).text(BERLIN)
    assert text.split("\n")[2] == "41 earlier phases"
    assert len(text.split("\n")) == 2 + 1 + 9


def test_two_stories_become_one_and_both_names_lead_there() -> None:
    one, two = story(("talking", 0, 10, "40")), story(("talking", 5, 9, "41"))
    one.absorb(two)
    assert two.whole is one.whole is one
    assert [span.extensions for span in one.in_order()] == [("40",), ("41",)]
    assert two.spans == ()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (65, "1:05"), (3599, "59:59"), (3720, "1 h 02 min"), (-3, "0:00")]
)
def test_durations_are_read_as_people_say_them(seconds: float, text: str) -> None:
    assert span_text(seconds) == text

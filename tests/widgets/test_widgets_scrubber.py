"""The scrubber: it steers a player and follows it; of many moments asked for the last one counts, one at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import traitlets

from pbxnb.errors import ConfigError, RecordingError
from pbxnb.ui.panel import Panel
from pbxnb.ui.player import Silence
from pbxnb.ui.timing import Timing
from pbxnb.widgets.alerts import Alerts, Rule
from pbxnb.widgets.alerts.rules import AlertEvent, Level
from pbxnb.widgets.grid import ExtensionGrid
from pbxnb.widgets.scrubber import Scrubber
from pbxnb.widgets.scrubber.marks import Track
from tests.widgets.fake_replay import HOUR, FakeReplay
from tests.widgets.fakes import HOSTILE, START, Wire, account, until


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


def seen(replay: FakeReplay, **traits: Any) -> tuple[Scrubber, Wire]:
    """A scrubber that a page shows."""
    scrubber = Scrubber(replay, **traits)
    wire = Wire(scrubber)
    wire.hello()
    wire.settle()
    return scrubber, wire


def told(wire: Wire) -> dict[str, Any]:
    """What the page knows by now."""
    wire.settle()
    known = wire.opened()["full"]
    for batch in wire.batches():
        known |= batch.get("full", {}) | batch.get("part", {})
    return known


# Its traits.


def test_it_begins_as_the_player_stands() -> None:
    replay = FakeReplay()
    replay.player.position, replay.player.speed = minutes(5), 10.0
    replay.player.told.clear()
    scrubber = Scrubber(replay)
    assert (scrubber.position, scrubber.playing, scrubber.speed, scrubber.kind) == (minutes(5), False, 10.0, "call.new")
    assert replay.player.told == []


def test_a_trait_that_is_set_steers_the_player() -> None:
    replay = FakeReplay()
    scrubber, wire = seen(replay)
    scrubber.speed = 60.0
    scrubber.playing = True
    scrubber.playing = False
    scrubber.position = minutes(30)
    until(lambda: replay.player.position == minutes(30))
    assert replay.player.told == [("speed", 60.0), ("play",), ("pause",), ("seek", minutes(30))]
    wire.settle()
    assert (scrubber.position, scrubber.playing, scrubber.speed) == (minutes(30), False, 60.0)


def test_what_the_player_does_by_itself_shows_in_the_traits_and_asks_nothing_of_it() -> None:
    replay = FakeReplay()
    scrubber, _ = seen(replay)
    changes: list[str] = []
    scrubber.observe(lambda change: changes.append(change.name), ["position", "playing", "speed"])
    replay.player.step(3)
    replay.player.play()
    replay.player.told.clear()
    until(lambda: scrubber.playing and scrubber.position == replay.player.position)
    assert {"position", "playing"} <= set(changes)
    assert replay.player.told == []


@pytest.mark.parametrize("wrong", [{"speed": 0.0}, {"speed": 1001.0}, {"kind": "call"}, {"position": "noon"}])
def test_impossible_values_are_refused(wrong: dict[str, Any]) -> None:
    scrubber = Scrubber(FakeReplay())
    with pytest.raises(traitlets.TraitError):
        scrubber.set_trait(*next(iter(wrong.items())))


def test_a_position_without_a_zone_is_refused() -> None:
    with pytest.raises(ConfigError, match="no zone"):
        Scrubber(FakeReplay()).position = START.replace(tzinfo=None)


def test_a_position_outside_is_the_nearest_end() -> None:
    replay = FakeReplay()
    scrubber, _ = seen(replay)
    scrubber.position = START + 5 * HOUR
    until(lambda: replay.player.position == START + HOUR)
    until(lambda: scrubber.position == START + HOUR)


# Its page.


def test_the_page_steers() -> None:
    replay = FakeReplay()
    scrubber, wire = seen(replay)
    steps = [
        ({"seek": 600.5}, ("seek", START + timedelta(seconds=600.5))),
        ({"by": -60}, ("seek", START + timedelta(seconds=540.5))),
        ({"step": -1}, ("step", -1)),
        ({"speed": 2}, ("speed", 2.0)),
        ({"play": True}, ("play",)),
        ({"play": False}, ("pause",)),
    ]
    for message, expected in steps:
        wire.say(**message)
        until(lambda expected=expected: replay.player.told[-1:] == [expected])
        wire.settle()
    wire.say(kind="gap")
    until(lambda: scrubber.kind == "gap")


@pytest.mark.parametrize(
    "message",
    [{"seek": 1e300}, {"by": -1e18}, {"speed": 0}, {"speed": -1e9}, {"kind": "<script>"}],
)
def test_what_a_page_may_not_ask_is_an_error_in_the_strip(message: dict[str, Any]) -> None:
    replay = FakeReplay()
    _, wire = seen(replay)
    wire.say(**message)
    until(lambda: any(batch.get("e") for batch in wire.batches()))
    assert replay.player.told == []


@pytest.mark.parametrize("message", [{"step": 7}, {"step": "1"}, {"jump": 0}, {"play": 1}, {"seek": "9"}, {"by": None}])
def test_what_no_page_says_is_left_alone(message: dict[str, Any]) -> None:
    replay = FakeReplay()
    _, wire = seen(replay)
    wire.say(**message)
    wire.settle()
    assert replay.player.told == []


def test_it_says_the_time_in_the_zone_of_the_handle_and_in_words() -> None:
    replay = FakeReplay()
    replay.pbx.tz = ZoneInfo("Europe/Berlin")
    _, wire = seen(replay)
    wire.say(seek=90.25)
    until(lambda: told(wire)["at"] == 90.25)
    facts = told(wire)
    assert facts["text"] == "2024-05-06 11:01:30.250"
    assert facts["words"] == "Mon 06 May 11:01:30, paused"
    assert facts["zone"] == "times in Europe/Berlin"
    assert (facts["span"], facts["first"], facts["last"]) == (3600.0, "11:00:00", "12:00:00")


def test_a_speed_of_ones_own_is_among_those_of_the_menu() -> None:
    scrubber, wire = seen(FakeReplay())
    scrubber.speed = 3.5
    until(lambda: told(wire)["speed"] == 3.5)
    assert 3.5 in told(wire)["speeds"]


# Seeks: one at a time, the last one wins.


def test_of_moments_asked_for_while_one_is_being_shown_only_the_last_is_shown() -> None:
    replay = FakeReplay()
    replay.player.held = held = []
    scrubber, wire = seen(replay)
    for second in range(1, 101):
        wire.say(seek=second)
        wire.settle()
    assert replay.player.told == [("seek", START + timedelta(seconds=1))]
    until(lambda: told(wire)["at"] == 100)  # the page is told where it will be
    held.pop().end()
    until(lambda: len(replay.player.told) == 2)
    assert replay.player.told[1] == ("seek", START + timedelta(seconds=100))
    held.pop().end()
    wire.settle()
    assert len(replay.player.told) == 2
    assert scrubber.position == START + timedelta(seconds=100)


def test_a_seek_that_fails_says_so_and_the_next_one_goes() -> None:
    replay = FakeReplay()
    replay.player.fails = RecordingError("monday.pbx: the disk is gone.")
    _, wire = seen(replay)
    wire.say(seek=5)
    until(lambda: any("the disk is gone" in line for batch in wire.batches() for line in batch.get("e", ())))
    replay.player.fails = None
    wire.say(seek=6)
    until(lambda: replay.player.told[-1] == ("seek", START + timedelta(seconds=6)))


# Jumps.


@pytest.mark.parametrize(("n", "minute"), [(1, 40), (-1, 10)])
def test_it_jumps_to_the_next_and_the_previous_event_of_a_kind(n: int, minute: int) -> None:
    replay = FakeReplay(call_ended=[2, 10, 40, 50])
    scrubber, _ = seen(replay, position=minutes(20), kind="call.ended")
    until(lambda: replay.player.position == minutes(20))
    scrubber.jump(n)
    until(lambda: replay.player.position == minutes(minute))


def test_where_there_is_none_it_says_so_and_stays() -> None:
    replay = FakeReplay(call_new=[2])
    _, wire = seen(replay, position=minutes(20))
    until(lambda: replay.player.position == minutes(20))
    wire.say(jump=1)
    until(lambda: told(wire)["says"] == "There is no new call after this moment.")
    assert replay.player.position == minutes(20)
    wire.say(by=-5)
    until(lambda: told(wire)["says"] == "")


def test_a_search_without_an_end_is_left_for_a_seek_and_holds_nothing_up() -> None:
    class Endless(FakeReplay):
        def search(self, kind: str, t: datetime, *, forward: bool) -> Any:
            while True:
                yield None

    replay = Endless()
    _, wire = seen(replay)
    wire.say(jump=1)
    until(lambda: "Looking" in told(wire)["says"])
    wire.say(seek=60)
    until(lambda: replay.player.position == minutes(1))
    assert told(wire)["says"] == ""


def test_it_jumps_to_gaps_and_to_alerts() -> None:
    replay = FakeReplay()
    replay.silences = [Silence(minutes(10), minutes(11), "line"), Silence(minutes(50), None, "off")]
    scrubber, _ = seen(replay, kind="gap")
    for minute in (10, 50):
        scrubber.jump()
        until(lambda minute=minute: replay.player.position == minutes(minute))


def test_alerts_are_marked_as_the_replay_meets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "timing", Timing(recheck=0.05))
    replay = FakeReplay()
    alerts = Alerts(replay.pbx, [Rule("busy", lambda handle: len(handle.accounts), red=1)])
    scrubber, wire = seen(replay, alerts=alerts, kind="alert")
    assert told(wire)["alerts"] == []
    scrubber.position = minutes(15)
    until(lambda: replay.player.position == minutes(15))
    replay.pbx.put(account("200"))
    until(lambda: bool(told(wire)["alerts"]))
    [[first, last, level, words, count]] = told(wire)["alerts"]
    assert (first, last, level, words, count) == (0.25, 0.25, "red", "alert 09:15:00: busy red", 1)
    scrubber.position = minutes(40)
    until(lambda: replay.player.position == minutes(40))
    scrubber.jump(-1)
    until(lambda: replay.player.position == minutes(15))


# Marks.


def track() -> Track:
    return Track(START, START + HOUR, ZoneInfo("UTC"))


def test_a_gap_is_from_where_to_where_with_its_reason() -> None:
    marks = track().gaps([Silence(minutes(15), minutes(30), "line"), Silence(minutes(45), None, "an unknown\nword")])
    assert [(mark.first, mark.last) for mark in marks] == [(0.25, 0.5), (0.75, 1.0)]
    assert marks[0].words == "gap 09:15:00 to 09:30:00: line down"
    assert marks[1].words == "gap 09:45:00 until now: nothing known"


def test_marks_that_would_touch_are_one_and_all_are_counted() -> None:
    gaps = [Silence(START + timedelta(seconds=s), START + timedelta(seconds=s + 0.1), "line") for s in range(3600)]
    marks = track().gaps(gaps)
    assert sum(mark.many for mark in marks) == 3600
    assert len(marks) < 400
    assert marks[0].words.startswith("3600 gaps, first gap 09:00:00")


def test_of_rules_what_the_recording_would_have_raised_is_marked_and_a_failure_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Panel, "timing", Timing(recheck=0.05))
    replay, rule = FakeReplay(), Rule("busy", lambda handle: 1, red=1)
    scrubber, wire = seen(replay, alerts=[rule], kind="alert")
    assert replay.player.judges == [(rule,)]
    rose = AlertEvent(at=minutes(15), rule="busy", level=Level.RED, before=Level.OK, value=1.0)
    replay.player.raised.append(rose)
    until(lambda: len(told(wire)["alerts"]) == 1)
    replay.player.errors["busy"] = "ValueError: 1"
    until(lambda: [*scrubber._errors] == ["Alert rule “busy” failed: ValueError: 1"])
    scrubber.jump()
    until(lambda: replay.player.position == minutes(15))
    scrubber.close()
    assert replay.player.judges == []


def test_of_alerts_that_touch_the_worst_is_shown_and_those_that_fell_are_none() -> None:
    def event(minute: float, before: Level, level: Level) -> AlertEvent:
        return AlertEvent(at=minutes(minute), rule="wait", level=level, before=before, value=1.0)

    rose = [event(10, Level.OK, Level.ORANGE), event(10.01, Level.ORANGE, Level.RED), event(30, Level.RED, Level.OK)]
    [mark] = track().alerts([*rose, event(600, Level.OK, Level.RED)])
    assert (mark.level, mark.many, mark.words) == ("red", 2, "2 alerts, first alert 09:10:00: wait orange")


def test_a_track_over_midnight_says_the_days() -> None:
    longer = Track(START, START + 24 * HOUR, ZoneInfo("UTC"))
    assert longer.text(START) == "2024-05-06 09:00:00"


def test_a_recording_of_one_moment_has_a_track() -> None:
    assert Track(START, START, ZoneInfo("UTC")).place(START) == 0.0


# As any panel.


def test_closing_it_closes_the_replay_once_and_leaves_nobody_listening() -> None:
    replay = FakeReplay()
    scrubber = Scrubber(replay)
    scrubber.close()
    scrubber.close()
    assert replay.closed == 1
    assert replay.pbx.listeners() == 0
    assert len(replay.player.on_change.listeners) == 1  # the fake's own


def test_a_saved_notebook_has_it_as_text() -> None:
    replay = FakeReplay()
    replay.silences = [Silence(minutes(10), minutes(11), HOSTILE[0])]
    scrubber = Scrubber(replay)
    assert repr(scrubber).startswith("<Scrubber of fake: 2024-05-06 09:00:00, of 2024-05-06 09:00:00 to")
    assert "<script" not in str(scrubber.snapshot())
    assert "gap 09:10:00" in str(scrubber.snapshot())


def test_panels_hear_that_the_clock_has_jumped_or_stands_even_where_nothing_else_changed() -> None:
    replay = FakeReplay()
    replay.player.position = minutes(20)
    grid = Wire(ExtensionGrid(replay.pbx))
    grid.hello()
    grid.settle()
    replay.player.seek(minutes(19.5))
    back = grid.wait(1)[0]
    assert back["c"] == minutes(19.5).replace(tzinfo=UTC).timestamp()
    assert (back["t"], "part" in back) == (1, False)
    replay.player.play()
    assert grid.wait(2)[1]["r"] == 1.0
    replay.player.seek(replay.player.position)  # nowhere
    grid.settle()
    assert len(grid.batches()) == 2

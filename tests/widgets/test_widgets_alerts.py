"""Alerts: two levels with hysteresis, the ok event, faults of a rule, what is judged when, what the page is told."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pbxnb.errors import ConfigError
from pbxnb.model.entities import AccountState, Agent, CallState, Conversation, Direction, LineState, Phase, Queue
from pbxnb.ui.panel import Panel
from pbxnb.ui.timing import Timing
from pbxnb.widgets import AlertEvent, Alerts, Level, Rule
from tests.widgets.fakes import HOSTILE, FakeHandle, Wire, account, conversation, until

RINGING, CONNECTED = CallState.RINGING, CallState.CONNECTED


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "timing", Timing(recheck=0.05))  # as often as the lane beats


def levels(rule: Rule, values: Iterable[float]) -> list[str]:
    level, seen = Level.OK, []
    for value in values:
        level = rule.judge(value, level)
        seen.append(str(level))
    return seen


def talk(key: str, state: CallState | None, ago: float = 0.0, **fields: Any) -> Conversation:
    return conversation(key, state, since=datetime.now(UTC) - timedelta(seconds=ago), **fields)


class Gauge:
    """A measure that says what it is told to say."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def __call__(self, _handle: object) -> Any:
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value


def test_a_level_is_raised_at_its_value_and_left_only_well_below_it() -> None:
    rule = Rule("queue", Gauge(), orange=5, red=10, hysteresis=2)
    assert levels(rule, [4, 5, 4, 3, 2, 9, 10, 9, 8, 7, 3, 2.9]) == [
        "ok", "orange", "orange", "orange", "ok", "orange", "red", "red", "red", "orange", "orange", "ok",
    ]  # fmt: skip


def test_by_default_a_level_is_left_a_tenth_below_it() -> None:
    assert levels(Rule("wait", Gauge(), orange=20), [20, 18, 17.9]) == ["orange", "orange", "ok"]


def test_from_red_straight_to_ok_and_up_again() -> None:
    assert levels(Rule("wait", Gauge(), orange=20, red=60), [90, 0, 90]) == ["red", "ok", "red"]


def test_what_cannot_be_told_changes_nothing() -> None:
    assert levels(Rule("wait", Gauge(), red=1), [math.nan, 1, math.nan]) == ["ok", "red", "red"]


def test_a_predicate_counts_as_0_or_1_and_is_an_alarm() -> None:
    rule = Rule("empty", lambda pbx: not pbx.accounts)
    assert rule.judge(rule.read(FakeHandle()), Level.OK) is Level.RED
    assert rule.judge(rule.read(FakeHandle([account("1")])), Level.RED) is Level.OK


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rule("r", 3, red=1),  # type: ignore[arg-type]
        lambda: Rule("r", Gauge(), orange=3, red=2),
        lambda: Rule("r", Gauge(), orange=math.nan),
        lambda: Rule("r", Gauge(), orange="many"),  # type: ignore[arg-type]
        lambda: Rule("r", Gauge(), orange=3, hysteresis=-1),
        lambda: Alerts(FakeHandle(), rules=["busy"]),  # type: ignore[list-item]
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigError):
        make()


def test_a_mistyped_keyword_of_a_rule_is_answered_with_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"Rule\(\) takes no keyword 'oragne'; did you mean 'orange'\?"):
        Rule("r", Gauge(), oragne=1)  # type: ignore[call-arg]


def test_values_are_told_as_people_read_them() -> None:
    assert Rule.waiting(orange=1).told(134.6) == "2:14"
    assert Rule.waiting(orange=1).told(math.inf) == "inf s"
    assert Rule.nobody_registered().told(1.0) == "yes"
    assert [Rule("n", Gauge(), red=1, unit=unit).told(3.0) for unit in ("", "calls")] == ["3", "3 calls"]
    assert Rule.peak(orange=1).told(math.nan) == "–"


def test_the_presets_read_the_model() -> None:
    handle = FakeHandle([account("204", AccountState.BUSY, registered=False), account("205", registered=None)])
    handle.queues["700"] = Queue(number="700", agents=(Agent(number="204"), Agent(number="205", paused=True)))
    ringing = CallState.RINGING
    conversations = (
        talk("1", ringing, 30, direction=Direction.IN),
        talk("2", ringing, 90, direction=Direction.OUT),  # we wait, not a caller
        talk("3", ringing, 5, queue="700", ring=20.0, phase=Phase.QUEUED),
        talk("4", CallState.HELD, 40, hold=100.0),
        talk("5", CallState.PARKED, 50),
        talk("6", None, 999),
    )
    handle.conversations = {c.id: c for c in conversations}
    read = {rule.name: rule.read(handle) for rule in (
        Rule.waiting(red=1), Rule.waiting(red=1, queue="700"), Rule.queued(red=1), Rule.held(red=1), Rule.peak(red=1),
        Rule.nobody_registered(), Rule.all_agents_busy(), Rule.all_agents_busy("701"),
    )}  # fmt: skip
    assert read.pop("longest wait") == pytest.approx(30, abs=2)
    assert read.pop("longest wait, queue 700") == pytest.approx(25, abs=2)
    assert read.pop("longest hold") == pytest.approx(50, abs=2)
    assert math.isnan(read.pop("all agents busy, queue 701"))
    assert read == {"callers waiting": 1, "calls at once": 5, "nobody registered": 1, "all agents busy": 1}


@pytest.mark.parametrize(
    ("state", "fields", "waiting", "queued"),
    [
        (RINGING, {"direction": Direction.IN}, 30, 0),
        (CONNECTED, {"queue": "700", "phase": Phase.QUEUED}, 30, 1),  # with music
        (CONNECTED, {"queue": "700", "answered_by": "204", "direction": Direction.IN}, 0, 0),
        # Transferred on after an agent had it: a phone rings, but the caller was answered.
        (RINGING, {"queue": "700", "answered_by": "204", "direction": Direction.IN}, 0, 0),
        # Sent to a queue after somebody had it: the caller waits there, from then on.
        (RINGING, {"queue": "700", "answered_by": "204", "talk": 99.0, "phase": Phase.QUEUED}, 30, 1),
        (CONNECTED, {"direction": Direction.IN, "phase": Phase.MENU}, 0, 0),
        (None, {"queue": "700", "direction": Direction.IN}, 0, 0),
    ],
)
def test_only_a_caller_nobody_has_answered_waits(
    state: CallState | None, fields: dict[str, Any], waiting: float, queued: int
) -> None:
    handle = FakeHandle()
    handle.conversations = {"1": talk("1", state, 30, **fields)}
    assert Rule.waiting(red=1).read(handle) == pytest.approx(waiting, abs=2)
    assert Rule.queued(red=1).read(handle) == queued


def test_a_wait_of_which_the_begin_is_not_known_counts_from_when_it_was_seen() -> None:
    handle = FakeHandle()
    seen = datetime.now(UTC) - timedelta(seconds=8)
    times: dict[str, Any] = {"since": None, "first_seen": seen}
    handle.conversations = {
        "1": conversation("1", CallState.RINGING, direction=Direction.IN, **times),
        "2": conversation("2", CallState.HELD, **times),
    }
    for rule in (Rule.waiting(red=1), Rule.held(red=1)):
        value = rule.read(handle)
        assert value == pytest.approx(8, abs=2)
        assert rule.told(value).startswith("at least 0:0")
        assert rule.judge(value, Level.OK) is Level.RED


def test_changes_are_logged_and_told_back_to_ok_included_whether_anybody_looks_or_not() -> None:
    gauge, heard = Gauge(), list[AlertEvent]()
    alerts = Alerts(FakeHandle(), rules=[Rule("busy", gauge, orange=5, red=8)])
    stop = alerts.on_alert(heard.append)
    for value, level in ((9, "red"), (6, "orange"), (0, "ok")):
        gauge.value = value
        until(lambda level=level: alerts.level == level)  # type: ignore[misc]
    assert [(str(e.before), str(e.level), e.value) for e in alerts.log] == [
        ("ok", "red", 9.0), ("red", "orange", 6.0), ("orange", "ok", 0.0),
    ]  # fmt: skip
    assert heard == list(alerts.log)
    stop()
    gauge.value = 9
    until(lambda: len(alerts.log) == 4)
    assert len(heard) == 3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError, pytest.fail.Exception])
def test_a_rule_that_fails_is_named_once_and_stops_no_other(error: type[BaseException]) -> None:
    good, bad = Gauge(), Gauge(error("no such queue"))
    alerts = Alerts(FakeHandle(), rules=[Rule("bad", bad), Rule("good", good)])
    wire = Wire(alerts)
    wire.hello()
    good.value = 1
    until(lambda: alerts.standing() == {"bad": Level.OK, "good": Level.RED})
    wire.settle()
    assert list(alerts._errors) == [f"Alert rule “bad” failed: {error.__name__}: no such queue"]
    wire.say(dismiss=True)
    good.value = 0
    until(lambda: alerts.standing()["good"] is Level.OK)
    assert not alerts._errors  # still failing, but that was said
    bad.value = 1
    until(lambda: alerts.standing()["bad"] is Level.RED)


def test_a_handler_that_fails_is_reported_and_the_others_hear() -> None:
    heard: list[AlertEvent] = []
    alerts = Alerts(FakeHandle(), rules=[Rule("r", Gauge(1))])

    def fails(_event: AlertEvent) -> None:
        raise RuntimeError("mine")

    alerts.on_alert(fails)
    alerts.on_alert(heard.append)
    until(lambda: bool(heard))
    until(lambda: "RuntimeError: mine" in alerts._errors)


def test_while_the_line_is_down_nothing_is_judged() -> None:
    handle, gauge = FakeHandle(), Gauge()
    alerts = Alerts(handle, rules=[Rule("r", gauge)])
    wire = Wire(alerts)
    wire.hello()
    handle.become(LineState.RECONNECTING)
    until(lambda: any(batch.get("part", {}).get("knows") is False for batch in wire.batches()))
    gauge.value = 1
    wire.settle()
    assert alerts.level == "ok"
    handle.become(LineState.LIVE)
    until(lambda: alerts.level == "red")


def test_a_page_hears_what_changed_and_beeps_are_numbered() -> None:
    gauge = Gauge(1)
    alerts = Alerts(FakeHandle(), rules=[Rule("busy", gauge, orange=5, red=8)], sound=True)
    wire = Wire(alerts)
    wire.hello()
    until(lambda: alerts._standing[0].value == 1)
    wire.settle()
    count = len(wire.batches())
    gauge.value = 9
    part = next(b["part"] for b in wire.wait(count + 1)[count:] if "beep" in b.get("part", {}))
    assert part["rules"][0][:4] == ["busy", "red", "9", ""]
    assert part["beep"] == [1, 2]
    assert part["log"][0][1:] == ["busy", "red", "ok", "9"]
    gauge.value = 0
    until(lambda: alerts.level == "ok")
    assert alerts._beeps == [1, 2]  # better news is quiet


def test_a_rule_that_is_silenced_is_shown_and_logged_and_not_heard() -> None:
    handle, gauge = FakeHandle(), Gauge()
    alerts = Alerts(handle, rules=[Rule("busy", gauge), Rule("other", Gauge())])
    wire = Wire(alerts)
    wire.hello()
    wire.say(silence="busy", on=True)
    until(lambda: alerts._state()["rules"][0][5] is not None)
    until_ = alerts._state()["rules"][0][5]
    assert until_ - handle.clock.now().timestamp() == pytest.approx(15 * 60, abs=2)
    gauge.value = 1
    until(lambda: alerts.level == "red")
    assert [event.rule for event in alerts.log] == ["busy"]
    assert alerts._beeps == [0, 0]
    gauge.value = 0
    until(lambda: alerts.level == "ok")
    wire.say(silence="busy", on=False)
    until(lambda: alerts._state()["rules"][0][5] != until_)
    gauge.value = 1
    until(lambda: alerts._beeps == [1, 2])


@pytest.mark.parametrize("message", [{"silence": "nobody", "on": True}, {"silence": ["busy"]}, {"silence": 1, "on": 5}])
def test_a_page_cannot_silence_what_there_is_not(message: dict[str, Any]) -> None:
    alerts = Alerts(FakeHandle(), rules=[Rule("busy", Gauge())])
    wire = Wire(alerts)
    wire.hello()
    wire.say(**message)
    wire.settle()
    assert (alerts._state()["rules"][0][5], [*alerts._errors]) == (None, [])


@pytest.mark.parametrize(("rule", "minutes"), [("busi", 15), ("busy", -1), ("busy", math.inf), ("busy", 10**9)])
def test_what_cannot_be_silenced_is_said(rule: str, minutes: float) -> None:
    alerts = Alerts(FakeHandle(), rules=[Rule("busy", Gauge())])
    with pytest.raises(ConfigError):
        alerts.silence(rule, minutes)
    alerts.silence("busy", 0)


def test_the_log_is_bounded() -> None:
    alerts = Alerts(FakeHandle(), rules=[Rule("r", Gauge())])
    for value in range(600):
        event = AlertEvent(at=datetime.now(UTC), rule="r", level=Level.RED, before=Level.OK, value=value)
        alerts._changed_level(event)
    assert (len(alerts.log), alerts.log[-1].value) == (500, 599)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_and_errors_stay_text(name: str) -> None:
    alerts = Alerts(FakeHandle(), rules=[Rule(name, Gauge(ValueError(name)))])
    until(lambda: bool(alerts._standing[0].error))
    told = Wire(alerts).panel._state()["rules"][0]
    assert len(told[0]) <= 60
    assert len(told[3]) <= 200
    html = str(alerts.snapshot())
    assert "<script" not in html
    assert "<img" not in html


def test_closing_leaves_the_handle_alone() -> None:
    handle = FakeHandle()
    alerts = Alerts(handle, rules=[Rule("r", Gauge(1))])
    until(lambda: alerts.level == "red")
    assert repr(alerts) == "<Alerts of fake: r red>"
    alerts.close()
    assert handle.listeners() == handle.kept == 0

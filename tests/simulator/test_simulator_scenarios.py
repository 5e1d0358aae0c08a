"""Scenarios: how they are written, what is said of a wrong one, and that each one that comes with pbxnb plays.

They play on the PBX inside in virtual time, without a socket.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pbxnb.errors import MissingExtra, ScenarioError
from pbxnb.simulator import scenarios
from pbxnb.simulator.engine.accounts import SimAttendant, SimHuntGroup, SimOrbit
from pbxnb.simulator.engine.calls import ChangeKind, SimChange, SimPhase
from pbxnb.simulator.engine.clock import SimClock
from pbxnb.simulator.engine.pbx import SimPbx
from pbxnb.simulator.presets import Habits, Load, Preset, preset
from pbxnb.simulator.scenario_run import ScenarioRun
from pbxnb.simulator.scenario_run import Stage as Place
from pbxnb.simulator.scenarios import VERBS, Scenario, scenario, scenario_names
from pbxnb.simulator.traffic import SimUsers, Traffic

TEN_LINES = """
name: lunch
text: Ann calls Bob, who is at lunch; Carla takes it for him.
steps:
  - {at: 0, dnd: ext3, on: no}
  - {at: 0, call: ann, from: ext1, to: ext2}
  - {after: 8, pickup: ann, by: ext3}
  - {after: 30, record: ann, on: yes}
  - {after: 10, hangup: ann}
  - {after: 0, note: "that is all"}
"""


class Stage:
    """A PBX with twenty extensions, and a log of every call's phases."""

    def __init__(self, *, fresh_ids: bool = False) -> None:
        self.clock = SimClock(0.0)
        self.pbx = SimPbx(clock=self.clock, fresh_ids=fresh_ids)
        for number in range(40, 60):
            self.pbx.directory.add_extension(str(number))
        self.pbx.directory.add_queue("600", "Support", ["41", "42"])
        self.pbx.directory.add(SimHuntGroup("500", "Reception", ("41", "42")))
        self.pbx.directory.add(SimAttendant("100", "Menu", {"1": "600"}))
        self.pbx.directory.add(SimOrbit("700", "Orbit 700"))
        self.faults: list[tuple[float, str, dict[str, object]]] = []
        self.phases: list[tuple[float, str, str]] = []
        self.pbx.changed.add(self._note)

    def _note(self, change: SimChange) -> None:
        if change.call is not None and change.kind is not ChangeKind.RECORDING:
            self.phases.append((self.clock.now, change.call.id, str(change.call.phase)))

    def play(self, what: Any, *, users: SimUsers | None = None, seconds: float | None = None) -> ScenarioRun:
        performance = ScenarioRun(
            scenario(what),
            {self.pbx.domain: Place(self.pbx, users)},
            fault=lambda name, options: self.faults.append((self.clock.now, name, dict(options))),
        )
        self.clock.advance(performance.scenario.seconds if seconds is None else seconds)
        return performance


@pytest.fixture(name="stage")
def make_stage() -> Stage:
    return Stage()


# -- those that come with pbxnb ----------------------------------------------------------------------------------------


def test_the_sequences_of_the_protocol_and_the_usual_troubles_are_there() -> None:
    assert set(scenario_names()) >= {
        "bootstrap", "outbound", "inbound", "hold", "transfer", "park", "recording", "reconnect",
        "blonde-transfer", "forgotten-hold", "forgotten-park", "queue-rush", "registration-storm",
    }  # fmt: skip


@pytest.mark.parametrize("fresh_ids", [False, True], ids=["ids survive", "fresh ids"])
@pytest.mark.parametrize("name", scenario_names())
def test_every_built_in_scenario_plays_to_its_end(name: str, fresh_ids: bool) -> None:
    stage = Stage(fresh_ids=fresh_ids)
    performance = stage.play(name)
    assert performance.done
    assert performance.error is None
    assert len(performance.log) == len(performance.scenario.steps)
    assert performance.scenario.name == name
    assert performance.scenario.text
    stage.clock.advance(3600)
    assert not stage.pbx.calls
    assert stage.pbx.switch.channels_used == 0


@pytest.mark.parametrize("name", scenario_names())
def test_every_built_in_scenario_plays_in_a_busy_office_too(name: str) -> None:
    stage = Stage()
    traffic = Traffic(stage.pbx, preset("classroom"), user="40")
    traffic.start()
    stage.clock.advance(600)
    performance = stage.play(name, users=traffic.users)
    assert performance.error is None
    assert performance.done


def test_steps_happen_at_their_exact_times(stage: Stage) -> None:
    performance = stage.play("hold")
    call = performance.calls["jo"]
    assert stage.phases == [
        (0, call, "ringing"),
        (4, call, "connected"),
        (12, call, "held"),
        (27, call, "connected"),
        (35, call, "held"),
        (38, call, "held"),
        (45, call, "held"),
        (50, call, "connected"),
        (60, call, "ended"),
    ]


def test_a_blonde_transfer_rings_on_with_the_first_caller(stage: Stage) -> None:
    performance = stage.play("blonde-transfer", seconds=26)
    call = stage.pbx.calls[performance.calls["jo"]]
    assert (call.caller.number, call.ringing, call.phase) == ("+12025550101", ("41",), SimPhase.RINGING)
    assert performance.calls["ask"] not in stage.pbx.calls


def test_a_forgotten_parked_call_returns_to_who_parked_it(stage: Stage) -> None:
    performance = stage.play("forgotten-park", seconds=136)
    assert stage.pbx.calls[performance.calls["jo"]].ringing == ("40",)


def test_the_snapshot_of_bootstrap_has_a_call_in_every_state(stage: Stage) -> None:
    stage.play("bootstrap", seconds=10)
    assert {str(c.phase) for c in stage.pbx.calls.values()} == {"connected", "held", "parked", "ringing"}
    assert stage.faults == [(9, "drop", {})]


def test_a_queue_rush_serves_some_and_loses_some(stage: Stage) -> None:
    stage.play("queue-rush")
    figures = stage.pbx.queues[0].days.today(stage.clock.now)
    assert figures.count == 30
    assert figures.taken.calls >= 5
    assert figures.reasons["hw"] + figures.reasons["hr"] >= 10


def test_a_registration_storm_is_forty_registrations_in_seconds(stage: Stage) -> None:
    told: list[float] = []
    stage.pbx.changed.add(lambda change: told.append(stage.clock.now))
    stage.play("registration-storm")
    assert len(told) == 80
    assert all(extension.registered for extension in stage.pbx.extensions)


def test_in_reconnect_the_world_changes_while_nobody_can_look(stage: Stage) -> None:
    performance = stage.play("reconnect", seconds=14)
    assert [name for _, name, _ in stage.faults] == ["refuse", "drop"]
    assert performance.calls["ends"] not in stage.pbx.calls
    assert stage.pbx.calls[performance.calls["answered"]].phase == "connected"
    assert stage.pbx.calls[performance.calls["new"]].phase == "ringing"


# -- writing one's own -------------------------------------------------------------------------------------------------


def test_a_teacher_writes_ten_lines_of_yaml(stage: Stage) -> None:
    performance = stage.play(TEN_LINES)
    assert performance.error is None
    assert performance.scenario.name == "lunch"
    assert performance.log[-1] == (48.0, "note that is all")
    assert stage.pbx.history[-1].talked == ("40", "42")


def test_yaml_does_not_take_the_plus_from_a_number_nor_read_on_as_a_boolean() -> None:
    steps = scenario("steps:\n  - {call: a, from: +12025550101, to: 0045}\n  - {record: a, on: off}\n").steps
    assert steps[0].options == {"from": "+12025550101", "to": "0045"}
    assert steps[1].options == {"on": "off"}


def test_json_yaml_python_and_files_say_the_same(tmp_path: Path) -> None:
    data = [{"call": "a", "from": "ext1", "to": "ext2"}, {"after": 2.5, "answer": "a"}]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    text = "- {call: a, from: ext1, to: ext2}\n- {after: 2.5, answer: a}"
    expected = scenario(data).steps
    assert scenario(path).steps == scenario(json.dumps(data)).steps == scenario(text).steps == expected
    assert scenario(path).name == scenario(str(path)).name == "mine"
    assert scenario({"name": "x", "steps": data}).name == "x"
    assert scenario(Scenario("x", expected)).steps is expected


def test_built_in_scenarios_need_no_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(scenarios, "import_module", missing)
    assert scenario("hold").steps
    with pytest.raises(MissingExtra, match=r'need PyYAML.*pip install "pyyaml"'):
        scenario(TEN_LINES)


def test_repeat_counts_and_spaces() -> None:
    steps = scenario(
        [{"at": 1, "repeat": 3, "every": 2, "call": "c{n}", "from": "+1202555010{n}", "to": "queue1"}]
    ).steps
    assert [(s.at, s.word, s.text("from")) for s in steps] == [
        (1, "c1", "+12025550101"),
        (3, "c2", "+12025550102"),
        (5, "c3", "+12025550103"),
    ]


def test_steps_out_of_order_are_sorted_by_time() -> None:
    steps = scenario([{"at": 9, "hangup": "a"}, {"at": 0, "call": "a", "from": "ext1", "to": "ext2"}]).steps
    assert [step.verb for step in steps] == ["call", "hangup"]


def test_every_verb_is_explained_and_can_be_played(stage: Stage) -> None:
    everything = [
        {"call": "a", "from": "ext1", "to": "ext2"},
        {"after": 1, "answer": "a", "by": "ext2"},
        {"after": 1, "record": "a"},
        {"after": 1, "hold": "a"},
        {"after": 1, "resume": "a"},
        {"after": 1, "park": "a", "orbit": "orbit1"},
        {"after": 1, "retrieve": "orbit1", "by": "ext3"},
        {"after": 1, "transfer": "a", "to": "ext4"},
        {"after": 1, "pickup": "a", "by": "ext5"},
        {"after": 1, "expect": "a", "is": "connected"},
        {"after": 1, "hangup": "a"},
        {"after": 1, "call": "b", "from": "+12025550101 Jo", "to": "ext6"},
        {"after": 1, "reject": "b"},
        {"after": 1, "call": "c", "from": "+12025550102", "to": "menu1"},
        {"after": 1, "press": "c", "digits": "1"},
        {"after": 1, "login": "ext7", "queue": "queue1"},
        {"after": 1, "pause": "ext7", "queue": "queue1", "reason": "lunch"},
        {"after": 1, "unpause": "ext7", "queue": "queue1"},
        {"after": 1, "logout": "ext7", "queue": "queue1"},
        {"after": 1, "dnd": "ext8"},
        {"after": 1, "status": "ext8", "to": "away"},
        {"after": 1, "unregister": "ext9"},
        {"after": 1, "register": "ext9"},
        {"after": 1, "chat": "hello", "from": "ext1", "to": "me"},
        {"after": 1, "fault": "drop", "user": "40"},
        {"after": 1, "note": "done"},
    ]
    performance = stage.play(everything)
    assert performance.error is None
    assert {step.verb for step in performance.scenario.steps} == set(VERBS)
    assert all(verb.text.endswith(".") for verb in VERBS.values())


# -- what is wrong is said in a sentence that names the step -----------------------------------------------------------

CALL = {"call": "a", "from": "ext1", "to": "ext2"}


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([{"at": 1}], r"step 1 \(\{'at': 1\}\) does nothing"),
        ([CALL, {"anser": "a"}], r"step 2 .*does nothing; did you mean 'answer'"),
        ([{"call": "a", "from": "ext1"}], r"step 1 .*lacks 'to'"),
        ([{**CALL, "answer": "a"}], r"does 2 things at once: call, answer"),
        ([{**CALL, "colour": "red"}], r"has an option 'colour' that 'call' does not know.*It knows from, to"),
        ([{**CALL, "at": -1}], r"has 'at' -1, which is not a number"),
        ([{**CALL, "at": "soon"}], r"has 'at' 'soon'"),
        ([{**CALL, "at": 1, "after": 1}], r"has both 'at' and 'after'"),
        ([{**CALL, "repeat": 2.5}], r"repeats 2.5 times"),
        ([{**CALL, "repeat": 2}], r"calls a second call 'a'.*label of its own"),
        ([{**CALL, "repeat": 9999, "call": "{n}"}, {**CALL, "repeat": 9999}], r"step 2 .*more than 10000 steps"),
        ([{**CALL, "to": None}], r"has None where a word or a number belongs"),
        ([{**CALL, "to": ["ext2"]}], r"has \['ext2'\] where a word or a number belongs"),
        ([CALL, {"at": 3, "answer": "b"}], r"step 2 \(answer 'b' at 3 s\) is about a call 'b' that no earlier step"),
        ([{"at": 3, **CALL}, {"at": 1, "hangup": "a"}], r"step 2 .*no earlier step has placed"),
        (["answer a"], r"is not a mapping of words.*\{at: 3, answer: jo\}"),
        ("hold it", r"There is no scenario 'hold it'; did you mean 'hold'"),
        ({"title": "x"}, r"A scenario has name, text and steps, not 'title'"),
        ({"steps": "answer"}, r"steps of scenario 'scenario' are not a list"),
        ("[{", r"is no valid JSON"),
        ("a: [\n", r"is no valid YAML"),
        ("just\nwords", r"neither a list of steps nor a mapping"),
        ("\n" * (2**20 + 1), r"longer than"),
        (Path("no-such-file.yaml"), r"'no-such-file.yaml' cannot be read"),
    ],
)
def test_a_wrong_scenario_is_refused_before_anything_happens(steps: Any, sentence: str) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        scenario(steps)


def test_a_pbx_that_lacks_something_refuses_before_anything_happens(stage: Stage) -> None:
    with pytest.raises(ScenarioError, match=r"step 2 .*needs 99 of 'ext', and this PBX has 20"):
        stage.play([CALL, {"after": 1, "transfer": "a", "to": "ext99"}])
    assert not stage.pbx.calls


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ({"dnd": "99"}, "'99', which is no extension"),
        ({"unregister": "queue1"}, "'queue1', which is no extension"),
        ({"login": "ext1", "queue": "ext2"}, "'ext2', which is no queue"),
        ({"park": "a", "orbit": "99"}, "'99', which is no orbit"),
        ({"retrieve": "99", "by": "ext1"}, "'99', which is no orbit"),
    ],
)
def test_what_a_step_names_has_to_be_of_the_right_kind(stage: Stage, step: dict[str, str], sentence: str) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        stage.play([CALL, step])
    assert not stage.pbx.calls


def test_faults_cannot_be_played_where_nothing_can_break(stage: Stage) -> None:
    with pytest.raises(ScenarioError, match="cannot be played here"):
        ScenarioRun(scenario([{"fault": "drop"}]), {stage.pbx.domain: Place(stage.pbx)})


def test_a_step_the_pbx_does_not_carry_out_ends_the_scenario_and_says_why(stage: Stage) -> None:
    performance = stage.play([CALL, {"at": 2, "hold": "a"}, {"at": 4, "answer": "a"}])
    assert performance.done
    assert str(performance.error).startswith(
        "In scenario 'scenario', step 2 (hold 'a' at 2 s) was not carried out: the call is ringing."
    )
    assert performance.error is not None
    assert performance.error.data["step"] == 2
    assert [line for _, line in performance.log] == ["call a, from ext1, to ext2"]


def test_a_step_that_may_fail_does_not(stage: Stage) -> None:
    performance = stage.play([CALL, {"at": 2, "hold": "a", "maybe": True}, {"at": 4, "answer": "a"}])
    assert performance.error is None
    assert performance.done


def test_an_expectation_that_does_not_hold_is_an_error(stage: Stage) -> None:
    performance = stage.play([CALL, {"at": 1, "expect": "a", "is": "connected"}])
    assert "does not hold: the call is ringing, not connected" in str(performance.error)


# -- and the users -----------------------------------------------------------------------------------------------------


def test_its_numbers_are_left_alone_until_its_calls_are_over(stage: Stage) -> None:
    busy = Preset(name="t", text="", load=Load(), habits=Habits(unanswered=0))
    users = Traffic(stage.pbx, busy).users
    performance = stage.play([CALL, {"at": 500, "hangup": "a", "maybe": True}], users=users, seconds=15)
    assert stage.pbx.calls[performance.calls["a"]].phase == "ringing"
    assert not users.acts("41")
    stage.clock.advance(600)
    assert performance.done
    assert users.acts("41")


def test_it_begins_with_phones_down_and_people_there(stage: Stage) -> None:
    call = stage.pbx.dial("55", "40")
    stage.pbx.answer(call)
    stage.pbx.dnd("41", True)
    stage.pbx.unregister("41")
    performance = stage.play([CALL], seconds=0)
    assert call not in stage.pbx.calls
    assert stage.pbx.calls[performance.calls["a"]].ringing == ("41",)


def test_it_can_be_stopped_and_tells_when_it_is_done(stage: Stage) -> None:
    told: list[str] = []
    performance = stage.play([CALL, {"at": 9, "hangup": "a"}], seconds=3)
    performance.when_done(lambda each: told.append("stopped" if len(each.log) == 1 else "played"))
    assert repr(performance) == "<ScenarioRun of 'scenario': 1 of 2 steps, playing>"
    performance.stop()
    stage.clock.advance(10)
    assert told == ["stopped"]
    assert performance.calls["a"] in stage.pbx.calls
    performance.when_done(lambda each: told.append("at once"))
    assert told[-1] == "at once"


def test_an_empty_scenario_is_done_at_once(stage: Stage) -> None:
    assert stage.play([]).done

"""Pictures of a session: a stand-in handle with a few calls whose times are known."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

import pbxnb
from pbxnb import figures
from pbxnb.errors import AnalysisError, MissingColumn
from pbxnb.figures.pictures.ladder import steps
from pbxnb.history import History
from pbxnb.model.changes import Changes, Event, Frame
from pbxnb.model.entities import (
    Account,
    Call,
    CallRecord,
    CallState,
    Conversation,
    Gap,
    LineState,
    Party,
    Phase,
    Presence,
    Status,
)
from pbxnb.model.past.memory import Dropped
from pbxnb.protocol.decode import decode

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Clock:
    """A PBX clock an hour ahead of the kernel's."""

    offset, rate = 3600.0, 1.0

    def now(self) -> datetime:
        return self.at(after(100))

    def at(self, moment: datetime) -> datetime:
        return moment + timedelta(hours=1)


def there(seconds: float) -> datetime:
    """A moment on the PBX's clock."""
    return Clock().at(after(seconds))


class Session:
    """What a picture asks of a handle."""

    domain = "acme.example"
    clock = Clock()
    tz = ZoneInfo("UTC")

    def __init__(self) -> None:
        talked = Call(
            id="1",
            from_=Party("+15550100", "Jo <b>Field</b>"),
            to=Party("204"),
            state=CallState.CONNECTED,
            phase=Phase.TALKING,
            started_at=there(0),
            connected_at=there(10),
            since=there(10),
            extensions=("204",),
            conversation="1",
        )
        rang = msgspec.structs.replace(
            talked, state=CallState.RINGING, phase=Phase.RINGING, connected_at=None, since=there(0)
        )
        self.records = (CallRecord(call=talked, ended_at=there(70), ring=10.0, talk=60.0, hold=0.0, ended_by="caller"),)
        moved = Call(
            id="2",
            from_=Party("204"),
            to=Party("208"),
            state=CallState.RINGING,
            phase=Phase.RINGING,
            since=there(70),
            conversation="1",
        )
        self.accounts: dict[str, Account] = {}
        self.calls = {"2": moved}
        self.conversations = {"1": Conversation(id="1", calls=("1", "2"), phase=Phase.RINGING, since=there(70))}
        self.status = Status(state=LineState.LIVE, since=START, gaps=(Gap(after(20), after(40)),))
        self.intervals = (
            Presence(number="204", axis="state", value="idle", start=there(0), end=there(10)),
            Presence(number="204", axis="state", value="busy", start=there(10), end=there(70)),
            Presence(number="204", axis="state", value="idle", start=there(70)),
            Presence(number="204", axis="dnd", value="true", start=there(0)),
        )
        self.dropped = Dropped()
        self.history = History(self, lambda: self.status.gaps)  # type: ignore[arg-type]
        said = (("new", 0, rang), ("changed", 10, talked), ("ended", 70, talked), ("new", 70, moved))
        events = [Event(kind=f"call.{kind}", call=one, at=there(when), received=START) for kind, when, one in said]
        self.history.feed(Changes(events=tuple(events), calls=frozenset("12"), conversations=frozenset("1")))

    def closed_calls(self) -> tuple[CallRecord, ...]:
        return self.records

    def presence(self, number: str | None = None) -> tuple[Presence, ...]:
        return self.intervals

    def frames(self) -> tuple[Frame, ...]:
        texts = (
            ("out", '{"action":"hold-call","id":"1"}'),
            (
                "in",
                '{"action":"call-state","calls":[{"id":"1","from":"<sip:1@a>","to":"<sip:204@a>","state":"onhold"}]}',
            ),
            ("in", '{"action":"user-state","account":"204","code":"c1"}'),
        )
        return tuple(
            Frame(n, direction, after(n), 100.0 + n, 1, text, decode(text) if direction == "in" else None)  # type: ignore[arg-type]
            for n, (direction, text) in enumerate(texts)
        )


@pytest.fixture
def session() -> Any:
    return Session()


def test_state_shares_draw_what_their_twin_says(session: Any) -> None:
    figure = figures.state_shares(session)
    assert figures.describe(figure) == (
        "204: busy 40.0%, idle 40.0%, gap 20.0%. Line down 20 s in 1 gap: totals are at least."
    )
    assert {trace.name: trace.x[0] for trace in figure.data} == {"busy": 0.4, "idle": 0.4, "gap": 0.2}
    assert "2026-03-02 10:30 to 2026-03-02 10:31, times in UTC" in figure.layout.title.text  # on the PBX's clock


def test_state_shares_of_a_history_a_recording_and_a_table_are_those_of_the_handle(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with pbxnb.simulate("office", extensions=8, seed=2, speed=60) as pbx:
        pbx.record_to(tmp_path / "day.pbx").result(20)
        pbx.until(lambda pbx: len(pbx.closed_calls()) > 5, timeout=60).result()
        pbx.simulator.clock.pause()
        pbx.stop_recording().result(20)
        said = {str(trace.name): dict(zip(trace.y, trace.x, strict=True)) for trace in figures.state_shares(pbx).data}
        whole, last = pbx.history, pbx.history.end
        table = figures.state_shares(whole.presence.to_arrow())
        part = figures.describe(figures.state_shares(whole.between(last - timedelta(seconds=30), last)))
        history = figures.state_shares(whole)
        call = pbx.closed_calls()[-1].call
        lives = [figures.describe(figures.call_life(told, call)) for told in (whole, whole.call_states)]
        assert all(f"{call.id}: {call.from_.number} → {call.to.number}: " in life for life in lives)
    with pbxnb.open(tmp_path / "day.pbx") as day:
        recorded = figures.state_shares(day)
        assert "acme.example" in recorded.layout.title.text
        assert "PBX -> notebook: user-state" in figures.describe(figures.ladder(day))
        assert figures.describe(figures.ladder(day.frames.df)) == figures.describe(figures.ladder(day.frames))
    for figure in (history, table, recorded):
        drawn = {str(trace.name): dict(zip(trace.y, trace.x, strict=True)) for trace in figure.data}
        assert drawn.keys() == said.keys()
        for state, shares in said.items():
            assert drawn[state] == pytest.approx(shares, abs=0.05)
    assert part != figures.describe(history)
    with pytest.raises(MissingColumn, match="no column 'account'"):
        figures.state_shares(whole.gaps.to_arrow())


def test_nothing_observed_is_refused(session: Any) -> None:
    session.intervals = ()
    with pytest.raises(AnalysisError, match="no observed states"):
        figures.state_shares(session)


def test_the_life_of_a_call_shows_its_whole_conversation(session: Any) -> None:
    figure = figures.call_life(session, "1")
    text = figures.describe(figure)
    assert "ringing 10 s, talking 60 s; ended, caller left first." in text
    assert "ringing 30 s; goes on." in text
    assert [trace.x[0] for trace in figure.data] == [10_000, 60_000, 30_000]
    assert all(trace.base[0] >= Clock().at(START).replace(tzinfo=None) for trace in figure.data)


def test_an_unknown_call_is_refused_in_a_sentence(session: Any) -> None:
    with pytest.raises(AnalysisError, match="no call '99'"):
        figures.call_life(session, "99")


def test_the_ladder_says_who_said_what_and_when(session: Any) -> None:
    drawn = steps(session.frames())
    assert [(step.at, step.source) for step in drawn] == [(0.0, "notebook"), (1.0, "PBX"), (2.0, "PBX")]
    text = figures.describe(figures.ladder(session))
    begin, first, *_ = text.splitlines()
    assert begin == "passed here from 2026-03-02 09:30:00.000, times in UTC"
    assert first.endswith("notebook -> PBX: hold-call id 1")
    assert "call-state 1 onhold 1→204" in text
    assert "user-state 204 in a call" in text


def test_the_ladder_of_one_call_leaves_the_rest_out(session: Any) -> None:
    assert len(steps(session.frames(), call="1")) == 2
    with pytest.raises(AnalysisError, match="name call 77"):
        figures.ladder(session, call="77")


def test_a_session_is_a_table_of_calls_too(session: Any) -> None:
    figure = figures.concurrency(session, start="started_at")
    assert "line down 20 s in 1 gap: totals are at least" in figure.layout.title.text
    assert figures.describe(figure).startswith("At most 1 call at once, first at 2026-03-02 10:30:00")


def test_a_callers_name_is_never_markup(session: Any) -> None:
    figure = figures.call_life(session, "1")
    assert "<b>" not in str(figure.data[0].y)


def test_only_callers_count_for_service_levels_and_patience() -> None:
    session = Session()
    calls = [("3", "+15550101", "204"), ("4", "204", "+15550102"), ("5", "204", "208")]
    session.records += tuple(
        CallRecord(
            call=Call(
                id=id_,
                from_=Party(from_),
                to=Party(to),
                state=CallState.RINGING,
                since=START,
                extensions=tuple(number for number in (from_, to) if len(number) == 3),
            ),
            ended_at=after(30),
            ring=30.0,
            talk=0.0,
            hold=0.0,
        )
        for id_, from_, to in calls
    )
    session.calls = {}
    assert "2 offered, 1 answered" in figures.describe(figures.queue_funnel(session))
    assert "half have given up after 30 s" in figures.describe(figures.patience(session))
    assert figures.describe(figures.flow(session)).startswith("4 calls: 2 no answer, 1 abandoned, 1 answered.")

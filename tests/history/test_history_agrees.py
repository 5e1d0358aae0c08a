"""Who waits is one rule: list, alerts, sparklines, timeline and tables say the same of any session."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbxnb.analysis import call_rows
from pbxnb.model.entities import Phase
from pbxnb.widgets.alerts import Rule
from pbxnb.widgets.call_list.rows import row
from tests.history.session import Session

STATES = ("alerting", "connected", "onhold", "parked", "")
calls = st.builds(
    lambda key, to, state, answered, ext: (key, to, state, answered, ext),
    st.sampled_from("abc"),
    st.sampled_from(["201", "600", "700", "800"]),
    st.sampled_from(STATES),
    st.booleans(),
    st.sampled_from(["", "201", "202", "201 202"]),
)
KINDS = {"201": "extensions", "202": "extensions", "600": "acds", "700": "orbits", "800": "attendants"}


def session(lists: list[list[Any]], offset: float) -> Session:
    made = Session(offset)
    made.begin([{"account": number, "type": kind, "name": number} for number, kind in KINDS.items()], [])
    for n, listed in enumerate(lists):
        entries = {
            key: made.call(key, "+12025550101", to, state, 0, 0 if answered else None, ext)
            for key, to, state, answered, ext in listed
        }
        made.list(10.0 * (n + 1), *entries.values())
    return made


@settings(deadline=None, derandomize=True)
@example([[("a", "201", "alerting", False, "")], [], [("a", "600", "alerting", False, "")]], 0.0)  # an id used again
@example([[("a", "201", "connected", False, ""), ("b", "600", "alerting", False, "")]], 0.0)  # an agent's own call
@given(st.lists(st.lists(calls, max_size=3), min_size=1, max_size=5), st.sampled_from([0.0, 300.0, -34_000.0]))
def test_they_agree_on_any_session(lists: list[list[Any]], offset: float) -> None:
    made = session(lists, offset)
    store, history = made.store, made.history
    waiting = {key for key, talk in store.conversations.items() if talk.phase is Phase.QUEUED}
    listed = {
        key
        for key, talk in store.conversations.items()
        if row(talk, calls=store.calls, accounts=store.accounts, queues={}, orbits={}, lit=False)[3] == "queued"
    }
    stories = {key: history.story(key) for key in store.conversations}
    assert listed == waiting
    assert Rule.queued(orange=1).read(made) == len(waiting)  # type: ignore[arg-type]
    assert history.counts(made.clock.now())["waiting"] == len(waiting)
    assert {key for key, story in stories.items() if story and story.queued and story.queued[-1][1] is None} == waiting
    assert {block.span.call: block.span.phase for block in history.running("call")} == {
        key: call.phase for key, call in store.calls.items()
    }
    for row_ in call_rows((), store.calls.values(), legs=False):
        group = [call for call in store.calls.values() if call.conversation == row_["conversation"]]
        answered = any(call.phase in (Phase.TALKING, Phase.HELD, Phase.PARKED) for call in group)
        assert (row_["outcome"] == "answered") == answered
        assert answered or row_["answered_at"] is None


def test_a_caller_who_leaves_the_music_was_not_answered() -> None:
    made = session([[("a", "600", "connected", True, "")], [("a", "600", "alerting", True, "201")], []], 300.0)
    [found] = call_rows(made.history.closed_calls(), legs=False)
    assert (found["outcome"], found["answered_at"], found["wait_ms"]) == ("abandoned", None, 30_000)

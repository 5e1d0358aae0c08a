"""Wherever a player is sent, and however it gets there, it shows what the recording says of that place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pbxnb
from pbxnb.journal import Journal, recorder
from pbxnb.model.clock import Clock
from tests.journal.journal_kit import recorded
from tests.model.inputs_kit import of_steps
from tests.model.model_kit import at
from tests.model.test_model_reference import OFFSETS, histories

SECONDS = st.floats(-2, 40, allow_nan=False).map(lambda seconds: round(seconds, 2))
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), SECONDS),
        st.tuples(st.just("step"), st.integers(-4, 4)),
        st.tuples(st.just("play"), st.sampled_from([0.1, 10.0, 1000.0])),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(autouse=True)
def checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_CHECKPOINT", 4)
    monkeypatch.setattr(recorder, "_AN_ENTITY", 0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories.filter(len), st.sampled_from(OFFSETS), MOVES)
def test_a_walk_is_at_each_place_what_the_journal_says(
    tmp_path_factory: pytest.TempPathFactory, history: Any, offset: float | None, moves: list[tuple[str, Any]]
):
    path = tmp_path_factory.mktemp("walk") / "one.pbx"
    inputs = of_steps(history)
    recorded(path, inputs, clock=Clock(offset))
    with Journal(path) as journal, pbxnb.replay(path) as pbx:
        player = pbx.player
        player.pause().result(20)
        for move, how in moves:
            if move == "seek":
                player.seek(at(how) + timedelta(seconds=offset or 0)).result(20)
            elif move == "step":
                player.step(how).result(20)
            else:
                player.speed = how
                player.play().result(20)
                player.pause().result(20)
            seq = pbx._line.on_loop(lambda: pbx._line.feed._seq)
            shown = pbx.snapshot()
            assert shown == journal.store(seq).snapshot(pbx._line.feed.now())
            assert player.start <= player.position <= player.end
            if move == "seek":
                assert shown.conversations == journal.at(player.position).conversations
        player.seek(player.end).result(20)
        assert pbx.snapshot() == journal.store(len(inputs)).snapshot(pbx._line.feed.now())

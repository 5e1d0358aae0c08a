"""The status badge: what it tells in each state of the line, at most once a second, and only while somebody looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pbxnb.model.entities import Gap, LineState
from pbxnb.widgets.badge import HandleBadge, StatusBadge
from tests.widgets.fakes import HOSTILE, FakeHandle, Wire, account


@pytest.mark.parametrize("state", list(LineState))
def test_every_state_has_a_word_and_where_it_matters_a_next_step(state: LineState) -> None:
    handle = FakeHandle()
    handle.become(state)
    told = Wire(StatusBadge(handle)).opened()["full"]
    assert told["state"] == str(state)
    assert told["word"].lower() == str(state)
    assert bool(told["step"]) == (state is not LineState.LIVE)


def test_a_handle_shows_what_it_holds_and_once_live_the_way_to_the_board() -> None:
    handle = FakeHandle(accounts=[account("41")])
    told = Wire(HandleBadge(handle)).opened()["full"]
    assert (told["holds"], told["step"]) == ("1 account", "pbx.dashboard() shows the board.")
    handle.become(LineState.STALE)
    assert "has gone quiet" in Wire(HandleBadge(handle)).opened()["full"]["step"]


def test_a_recording_that_plays_is_not_called_live() -> None:
    handle = FakeHandle()
    handle.replayed = True
    told = Wire(badge := StatusBadge(handle)).opened()["full"]
    assert (told["state"], told["word"]) == ("live", "Replay")
    assert repr(badge).startswith("<Status: Replay")


def test_a_change_of_state_is_told_at_once_with_its_reason() -> None:
    handle = FakeHandle()
    wire = Wire(StatusBadge(handle))
    wire.hello()
    handle.become(LineState.REFUSED, why="The PBX said no to the password. Check it.")
    part = next(batch["part"] for batch in wire.wait(1) if "state" in batch.get("part", {}))
    assert part["state"] == "refused"
    assert part["why"].startswith("The PBX said no")
    assert "step" not in part  # the reason says what to do


def test_it_tells_ages_reconnects_gaps_and_what_is_missing() -> None:
    handle = FakeHandle()
    now = datetime.now(UTC)
    gaps = tuple(Gap(now - timedelta(seconds=100 + n), now - timedelta(seconds=90 + n)) for n in range(9))
    handle.status = msgspec.structs.replace(
        handle.status,
        last_message_at=now,
        reconnects=9,
        gaps=gaps,
        missing=("accounts",),
        dropped_events=3,
        unreadable=2,
    )
    told = Wire(StatusBadge(handle)).opened()["full"]
    assert told["last"] == pytest.approx(now.timestamp(), abs=2)
    assert (told["reconnects"], told["gap_count"], len(told["gaps"])) == (9, 9, 5)
    assert (told["latency"], told["dropped"], told["unreadable"]) == (11, 3, 2)
    assert told["step"] == "Live without accounts."


def test_messages_alone_send_nothing() -> None:
    handle = FakeHandle()
    wire = Wire(StatusBadge(handle))
    for _ in range(100):
        handle.put(account("200"))
    wire.settle()
    assert wire.batches() == []


def test_only_what_changed_is_sent_and_nothing_when_nothing_did() -> None:
    handle = FakeHandle()
    badge = StatusBadge(handle)
    wire = Wire(badge)
    wire.hello()
    handle.status = msgspec.structs.replace(handle.status, latency=0.020)
    badge.refresh(["line"])
    assert wire.wait(1)[0]["part"] == {"latency": 20}
    badge.refresh(["line"])
    wire.settle()
    assert len(wire.batches()) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_reasons_and_names_stay_text(name: str) -> None:
    handle = FakeHandle()
    handle.domain = handle.user = name
    handle.become(LineState.STALE, why=name, pbx_version=name, missing=(name,))
    badge = StatusBadge(handle)
    told = Wire(badge).opened()["full"]
    assert all(len(value) <= 400 for value in told.values() if isinstance(value, str))
    html = str(badge.snapshot())
    assert "<script" not in html
    assert "<img" not in html
    assert "Status: Stale" in repr(badge)

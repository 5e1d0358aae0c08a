"""A recording plays as it was live: the same model bit for bit, the same events, in time, up to its end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import pbxnb
from pbxnb.errors import ConfigError, ControlDisabled, HandleClosed, NotARecording, RecordingError
from pbxnb.journal import Journal, recorder
from pbxnb.model.kept.inputs import Lost, Opened, Ticked
from tests.journal.journal_kit import Recorded, busy, frame, recorded
from tests.model.inputs_kit import FILES, of_file
from tests.model.model_kit import T0, at

SECOND = timedelta(seconds=1)
CALL = {"id": "7", "from": "<sip:45@a>", "to": "<sip:41@a>", "state": "alerting", "start": T0.timestamp()}


def played(path: Path, **options: object) -> pbxnb.Pbx:
    return pbxnb.replay(path, **{"speed": 1000, **options})  # type: ignore[arg-type]


def ended(pbx: pbxnb.Pbx) -> bool:
    return not pbx.player.playing


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_every_situation_plays_to_the_same_model(path: Path, tmp_path: Path):
    made = recorded(tmp_path / "one.pbx", of_file(path))
    async with played(tmp_path / "one.pbx") as pbx:
        await pbx.until(ended, timeout=20)
        assert pbx.snapshot() == made.store.snapshot(pbx.player.position)
        assert pbx.player.position == pbx.player.end


@pytest.mark.parametrize("path", FILES[:3], ids=lambda path: path.stem)
async def test_every_checkpoint_is_met_on_the_way(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder, "_CHECKPOINT", 3)
    monkeypatch.setattr(recorder, "_AN_ENTITY", 0)
    recorded(tmp_path / "one.pbx", of_file(path))
    async with played(tmp_path / "one.pbx") as pbx:
        player = pbx.player
        await player.pause()
        await player.seek(player.start)
        with Journal(tmp_path / "one.pbx") as journal:
            while player.position < player.end:
                await player.step()
                assert pbx.snapshot() == journal.at(player.position)


async def test_events_come_as_they_came_live(tmp_path: Path):
    ringing, talking = CALL, CALL | {"state": "connected", "connect": T0.timestamp() + 2}
    inputs = [
        frame(n, {"action": "call-state", "calls": calls}) for n, calls in enumerate(([ringing], [talking], []), 1)
    ]
    recorded(tmp_path / "one.pbx", inputs)
    seen = []
    async with played(tmp_path / "one.pbx") as pbx:
        await pbx.player.pause()
        await pbx.player.seek(pbx.player.start - SECOND)
        pbx._line.feed.on_event.add(lambda event: seen.append((event.kind, event.inferred)))
        await pbx.player.play()
        await pbx.until(ended, timeout=20)
    kinds = [kind for kind, _ in seen if kind in ("message", "call.new", "call.changed", "call.ended")]
    assert kinds == ["message", "call.changed", "message", "call.ended"]  # the first stands at the start
    assert not any(inferred for _, inferred in seen)


async def test_a_jump_is_one_event(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(n, str(n % 40)) for n in range(400)])
    async with played(tmp_path / "one.pbx") as pbx:
        await pbx.player.pause()
        events, changes = [], []
        pbx._line.feed.on_event.add(events.append)
        pbx._line.feed.on_changes.add(changes.append)
        await pbx.player.seek(T0 + 300 * SECOND)
        assert [(event.kind, event.state, event.inferred) for event in events] == [("connection", "live", True)]
        assert [(change.events, len(change.accounts)) for change in changes] == [((), 40)]
        assert pbx.player.position == pbx.clock.now() == T0 + 300 * SECOND
        assert len(pbx.accounts) == 40


async def test_a_step_back_is_a_jump_to_the_message_before(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(0), busy(1), Ticked(at(1.5), 1.5, 1, None), busy(2)])
    async with played(tmp_path / "one.pbx") as pbx:
        player = pbx.player
        await pbx.until(ended, timeout=20)
        await player.step(-1)
        assert (player.position, pbx.accounts["45"].dnd) == (at(1), True)
        await player.step(-5)
        assert (player.position, pbx.accounts["45"].dnd) == (at(0), False)
        await player.step(2)
        assert (player.position, player.playing) == (at(2), False)
        await player.step()
        assert player.position == player.end == at(2)


async def test_time_stands_while_it_is_paused_and_runs_at_its_speed(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(0), busy(600)])
    async with pbxnb.replay(tmp_path / "one.pbx", speed=2) as pbx:
        assert (pbx.clock.rate, pbx.player.speed) == (2, 2)
        await pbx.player.pause()
        stands = pbx.player.position
        assert (pbx.clock.rate, pbx.clock.now()) == (0, stands)
        pbx.player.speed = 1000
        assert (pbx.player.speed, pbx.clock.rate, pbx.player.position) == (1000, 0, stands)
        await pbx.player.play()
        assert pbx.clock.rate == 1000
        await pbx.until(ended, timeout=20)
        assert pbx.player.position == at(600)


async def test_a_recording_that_grows_plays_on(tmp_path: Path):
    made = Recorded(tmp_path / "one.pbx").take([busy(0), busy(1)]).on_disk(2)
    async with played(tmp_path / "one.pbx") as pbx:
        await pbx.until(ended, timeout=20)
        assert pbx.player.end == at(1)
        made.take([busy(2), busy(3, "46")]).stop()
        assert pbx.player.end == at(3)
        await pbx.player.play()
        await pbx.until(ended, timeout=20)
        assert [*pbx.accounts] == ["45", "46"]
        assert pbx.player.position == at(3)


async def test_where_another_session_begins_the_model_is_its_own(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(0), busy(1)])
    recorded(tmp_path / "one.pbx", [busy(90_000, "46"), busy(90_001, "47")])
    seen = []
    async with played(tmp_path / "one.pbx") as pbx:
        await pbx.player.pause()
        await pbx.player.seek(pbx.player.start)
        pbx._line.feed.on_event.add(lambda event: seen.append((event.kind, event.inferred)))
        await pbx.player.play()
        await pbx.until(ended, timeout=20)  # it does not wait for the day on which nothing was recorded
        assert [*pbx.accounts] == ["46", "47"]
        assert pbx.player.position == at(90_001)
    assert ("connection", True) in seen


async def test_the_status_is_that_of_the_recorded_line(tmp_path: Path):
    down = [Lost(at(2), 2.0, 1, None, at(1), "The PBX has gone."), Opened(at(5), 5.0, 2, None, "70.1")]
    recorded(tmp_path / "one.pbx", [busy(0), busy(1), *down, Ticked(at(6), 6.0, 2, None)])
    async with played(tmp_path / "one.pbx") as pbx:
        await pbx.player.pause()
        for second, state in ((1, "live"), (3, "reconnecting"), (5, "syncing"), (6, "live")):
            await pbx.player.seek(at(second))
            assert pbx.status.state == state
            assert pbx.status.why.startswith("A recording is shown: one.pbx.")


async def test_a_recording_takes_no_commands(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(0)])
    async with played(tmp_path / "one.pbx") as pbx:
        assert not pbx.control
        for command in (lambda: pbx.dial("41"), lambda: pbx.phone("45"), lambda: pbx.send({"action": "x"})):
            with pytest.raises(ControlDisabled, match="plays a recording"):
                command()
        assert pbx.preview("dial", "41").frames or pbx.preview("dial", "41").rest
        with pytest.raises(RecordingError, match="plays a recording"):
            pbx.record_to(tmp_path / "two.pbx")
    with pytest.raises(HandleClosed):
        pbx.player.play()


async def test_only_a_recording_has_a_player(server: object):
    async with pbxnb.simulate("empty", extensions=2) as pbx:
        with pytest.raises(AttributeError, match=r"pbxnb\.replay"):
            pbx.player  # noqa: B018


def test_what_cannot_be_played_is_said_at_the_call(tmp_path: Path):
    with pytest.raises(NotARecording, match="no recording"):
        pbxnb.replay(tmp_path / "none.pbx")
    recorded(tmp_path / "empty.pbx", [])
    with pytest.raises(RecordingError, match="empty"):
        pbxnb.replay(tmp_path / "empty.pbx")
    recorded(tmp_path / "one.pbx", [busy(0)])
    with pytest.raises(ConfigError, match="zone"):
        pbxnb.replay(tmp_path / "one.pbx", start=T0.replace(tzinfo=None))
    with pytest.raises(ConfigError, match="speed"):
        pbxnb.replay(tmp_path / "one.pbx", speed=0)


async def test_the_same_recording_again_replaces_the_first(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(0)])
    first = await played(tmp_path / "one.pbx")
    sibling = await played(tmp_path / "one.pbx", name="other")
    async with played(tmp_path / "one.pbx"):
        await first._line.gone()
        assert first.status.state == "closed"
        assert sibling.status.state == "live"
    await sibling.aclose()


async def test_a_damaged_part_pauses_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder, "_GROUP", 10)
    recorded(tmp_path / "one.pbx", [busy(n) for n in range(40)])
    with closing(sqlite3.connect(tmp_path / "one.pbx")) as database, database:
        database.execute("UPDATE blocks SET body = x'00' WHERE first <= 20 AND last >= 20")
    async with played(tmp_path / "one.pbx", start=at(10)) as pbx:
        await pbx.until(ended, timeout=20)
        assert "damaged" in pbx.status.why
        assert pbx.player.position < at(20) < pbx.player.end
        with pytest.raises(RecordingError, match="damaged"):
            await pbx.player.seek(at(25))
        assert pbx.player.position < at(20)  # a jump that fails leaves everything as it was


async def test_a_file_that_is_deleted_while_it_plays_is_played_to_its_end(tmp_path: Path):
    made = recorded(tmp_path / "one.pbx", [busy(n) for n in range(40)])
    async with played(tmp_path / "one.pbx") as pbx:
        (tmp_path / "one.pbx").unlink()
        await pbx.until(ended, timeout=20)
        assert pbx.snapshot().accounts == made.store.snapshot(T0).accounts
        assert pbx.player.position == at(39)


async def test_what_ended_has_a_last_word(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(0), busy(9)])
    pbx = await played(tmp_path / "one.pbx")
    await pbx.aclose()
    assert (pbx.status.state, pbx.player.end) == ("closed", at(9))
    with pytest.raises(HandleClosed):
        pbx.player.seek(at(1))

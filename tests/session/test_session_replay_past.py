"""What a replayed handle shows of the time before its position is what had been by then, wherever it came from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import pbxnb
from pbxnb.model.entities import Gap
from pbxnb.model.kept.inputs import Input, Lost, Opened, Resynced
from tests.journal.journal_kit import busy, frame, recorded
from tests.model.model_kit import T0, at

KINDS = ("extension", "call", "queue")


def call(number: int, state: str, *, connected: bool = False) -> dict[str, Any]:
    start = T0.timestamp() + 10 * number
    times = {"start": start} | ({"connect": start + 3} if connected else {})
    one = {"id": str(number), "from": f"<sip:{40 + number % 5}@a>", "to": "<sip:49@a>", "state": state}
    return one | times | {"extension": [str(40 + number % 5), "49"]}


def day(calls: int = 30) -> list[Input]:
    """A call each ten seconds: three ringing, five connected, two without."""
    inputs: list[Input] = [busy(0, str(number), after=0.0) for number in range(40, 50)]
    for number in range(calls):
        for second, listed in (
            (0, [call(number, "alerting")]),
            (3, [call(number, "connected", connected=True)]),
            (8, []),
        ):
            after = 10.0 * number + second
            inputs.append(frame(len(inputs), {"action": "call-state", "calls": listed}, after=after))
    return inputs


def spans(pbx: pbxnb.Pbx, end: float) -> dict[str, list[tuple[Any, ...]]]:
    """What the timeline would draw up to a moment."""
    history = pbx._panel_handle().history
    return {
        by: [
            (block.lane, block.phase, block.span.start, block.span.end)
            for block in (*history.lanes(by).blocks(0, end), *history.running(by))
        ]
        for by in KINDS
    }


def whole(pbx: pbxnb.Pbx) -> bool:
    """Whether the history knows all that was before the jump."""
    return pbx._panel_handle().history.lanes("extension").complete(T0.timestamp() - 1)


@pytest.mark.parametrize("second", [4.0, 95.0, 209.0, 298.0])
async def test_a_jump_shows_the_past_that_playing_there_shows(tmp_path: Path, second: float):
    recorded(tmp_path / "one.pbx", day())
    async with pbxnb.replay(tmp_path / "one.pbx") as played:
        await played.player.pause()
        await played.player.seek(played.player.start)
        await played.player.step(sum(at(0) < one.at <= at(second) for one in day()))
        reached = played.player.position
        live = spans(played, reached.timestamp())
        async with pbxnb.replay(tmp_path / "one.pbx", name="jumps") as pbx:
            await pbx.player.pause()
            await pbx.player.seek(pbx.player.end)
            await pbx.player.seek(reached)
            await pbx.until(whole, timeout=20)
            assert spans(pbx, reached.timestamp()) == live
            assert pbx.snapshot() == played.snapshot()
            assert pbx.history.calls.to_pylist() == played.history.calls.to_pylist()


async def test_the_tables_end_at_the_position(tmp_path: Path):
    recorded(tmp_path / "one.pbx", day())
    async with pbxnb.replay(tmp_path / "one.pbx") as pbx:
        await pbx.player.pause()
        await pbx.player.seek(at(105))  # in the eleventh call
        rows = pbx.history.calls.to_pylist()
        assert (len(rows), len(pbx.closed_calls())) == (11, 10)
        assert [row["ended_at"] is None for row in rows] == [False] * 10 + [True]
        assert pbx.history.end == at(105)
        assert all(one.start <= at(105) and (one.end is None or one.end <= at(105)) for one in pbx.presence())
        await pbx.player.seek(at(2))
        assert (pbx.history.end, len(pbx.history.calls), pbx.closed_calls()) == (at(2), 1, ())


async def test_gaps_before_the_position_are_told_after_a_jump(tmp_path: Path):
    down = [Lost(at(302), 302.0, 1, None, at(301), "Gone."), Opened(at(320), 320.0, 2, None, "70.1")]
    gap = Gap(at(301), at(321))
    back = Resynced(at(321), 321.0, 2, None, None, (), 0, None, "snapshot", True, False, gap)
    recorded(tmp_path / "one.pbx", [*day(), *down, back, busy(200, after=330.0), busy(201, after=340.0)])
    async with pbxnb.replay(tmp_path / "one.pbx") as pbx:
        await pbx.player.pause()
        await pbx.player.seek(at(335))
        status = await pbx.until(lambda pbx: pbx.status if pbx.status.gaps else None, timeout=20)
        assert [(one.start, one.end) for one in status.gaps] == [(at(301), at(321))]
        assert (status.state, status.since) == ("live", at(321))
        assert [(row["start"], row["end"]) for row in pbx.history.gaps.to_pylist()] == [
            (at(301).replace(tzinfo=None), at(321).replace(tzinfo=None))
        ]
        await pbx.player.seek(at(310))
        status = await pbx.until(lambda pbx: pbx.status if pbx.status.gaps else None, timeout=20)
        assert [(one.start, one.end) for one in status.gaps] == [(at(301), None)]
        assert status.state == "reconnecting"
        await pbx.player.seek(at(100))
        await pbx.until(whole, timeout=20)
        assert pbx.status.gaps == ()


async def test_what_lasts_at_the_position_has_lasted_since_it_began(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [*day(), busy(201, "45", after=302.0), busy(203, "46", after=303.0)])
    async with pbxnb.replay(tmp_path / "one.pbx") as pbx:
        await pbx.player.pause()
        await pbx.player.seek(at(303))
        dnd = pbx._panel_handle().history.conditions.since["dnd"]
        await pbx.until(lambda _: dnd.get("45") == at(302).timestamp(), timeout=20)


async def test_a_folder_plays_as_one(tmp_path: Path):
    inputs = day()
    recorded(tmp_path / "one.pbx", inputs[:50])
    recorded(tmp_path / "two.pbx", inputs[50:])
    async with pbxnb.replay(tmp_path, speed=1000) as pbx:
        await pbx.until(lambda pbx: not pbx.player.playing, timeout=20)
        assert pbx.player.position == at(298)
        assert pbx.player.end - pbx.player.start == timedelta(seconds=298)

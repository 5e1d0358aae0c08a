"""Signs of life, with a line that is no socket: pings, staleness, death, and what counts as life."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pbxnb.client.keepalive import Pulse, repeat
from pbxnb.client.status import utc_now


class FakeLine:
    """Answers pings or does not, and remembers being hung up."""

    def __init__(self, *, pongs: bool) -> None:
        self.pongs = pongs
        self.hung_up = asyncio.Event()

    async def ping(self) -> float:
        if not self.pongs:
            await asyncio.Event().wait()
        return 0.003

    def hang_up(self) -> None:
        self.hung_up.set()


def pulse_of(line: FakeLine, log: list[Any], *, ping_timeout: float = 0.02) -> Pulse:
    return Pulse(
        line,  # type: ignore[arg-type]
        ping_interval=0.02,
        ping_timeout=ping_timeout,
        stale_pings=2,
        on_latency=log.append,
        on_stale=log.append,
    )


async def run_until(pulse: Pulse, event: asyncio.Event) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(pulse.ping()), group.create_task(pulse.watch())]
        await event.wait()
        for task in tasks:
            task.cancel()


async def test_a_silent_line_goes_stale_and_is_hung_up():
    line, log = FakeLine(pongs=False), []
    await run_until(pulse_of(line, log), line.hung_up)
    assert log == [True]


async def test_a_pong_measures_the_latency():
    line = FakeLine(pongs=True)
    measured = asyncio.Event()
    latencies: list[float] = []
    pulse = pulse_of(line, [])
    pulse._on_latency = lambda seconds: (latencies.append(seconds), measured.set())
    await run_until(pulse, measured)
    assert latencies[0] == 0.003
    assert not line.hung_up.is_set()


async def test_frames_alone_keep_a_line_alive():
    line, log = FakeLine(pongs=False), []
    pulse = pulse_of(line, log, ping_timeout=0.04)
    enough = asyncio.Event()

    async def frames() -> None:
        for _ in range(30):
            pulse.beat(utc_now())
            await asyncio.sleep(0.005)
        enough.set()

    feeding = asyncio.ensure_future(frames())
    await run_until(pulse, enough)
    await feeding
    assert not line.hung_up.is_set()


async def test_a_stale_line_comes_back_with_the_next_sign_of_life():
    line, log = FakeLine(pongs=False), []
    pulse = pulse_of(line, log, ping_timeout=5.0)
    stale = asyncio.Event()
    pulse._on_stale = lambda is_stale: (log.append(is_stale), stale.set())
    await run_until(pulse, stale)
    pulse.beat(utc_now())
    assert log == [True, False]


async def test_a_sign_of_life_that_comes_before_the_watch_wakes_up_ends_a_silence_too():
    clock, log = [1000.0], []
    pulse = pulse_of(FakeLine(pongs=False), log)
    pulse._wall = lambda: clock[0]
    pulse.beat(utc_now())
    log.clear()
    clock[0] += 0.039
    pulse.beat(utc_now())
    assert log == []
    clock[0] += 600.0
    pulse.beat(utc_now())
    assert log == [True, False]


@pytest.mark.parametrize(("every", "times"), [(0.0, 0), (0.001, 3)])
async def test_repeat(every, times):
    done: list[int] = []

    async def do() -> None:
        done.append(1)
        if len(done) == 3:
            raise asyncio.CancelledError

    if times:
        with pytest.raises(asyncio.CancelledError):
            await repeat(every, do)
    else:
        await repeat(every, do)
    assert len(done) == times

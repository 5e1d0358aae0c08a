"""A gap begins at the last frame or pong, whatever ended the line, and lasts to the resync, on any two clocks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pbxnb.client.keepalive import Pulse
from pbxnb.client.status import LastSign, LineStatus, utc_now
from pbxnb.model.entities import Gap
from pbxnb.signals import Signal
from tests.client.client_kit import Watched, watching
from tests.helpers.fault_server import (
    FaultServer,
    Script,
    call,
    clean_close,
    dead_then_reset,
    drop_when_told,
    healthy,
    silent_for_a_while,
    stalled,
    too_big,
)

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class Clocks:
    """A wall clock and a monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.wall = START.timestamp()
        self.mono = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.wall, UTC)

    def sign(self) -> LastSign:
        return LastSign(self.now(), self.wall, self.mono)

    def run(self, seconds: float) -> None:
        """Time passes."""
        self.wall += seconds
        self.mono += seconds

    def sleep(self, seconds: float) -> None:
        """The machine sleeps: only the wall clock runs."""
        self.wall += seconds

    def set(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.wall += seconds


def line_of(clocks: Clocks) -> LineStatus:
    return LineStatus(Signal(), Signal(), clocks.now, wall=lambda: clocks.wall, mono=lambda: clocks.mono)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


# ---- the rule ----


@pytest.mark.parametrize(
    ("before", "between", "silence"),
    [
        ([("run", 15)], [], 15),
        ([("sleep", 600)], [], 600),
        ([("run", 5), ("sleep", 600), ("run", 5)], [], 610),
        ([("run", 15), ("set", -3600)], [], 15),
        ([("run", 15)], [("set", -3600)], 15),
        ([("run", 15), ("set", 40)], [], 55),  # not to be told from a sleep: the longer is the safer
    ],
    ids=["awake", "asleep", "both", "set back while it was silent", "set back while it was down", "set forward"],
)
def test_a_gap_is_as_long_as_the_longer_clock_says(before: Any, between: Any, silence: float):
    clocks = Clocks()
    line, last = line_of(clocks), clocks.sign()
    for what, seconds in before:
        getattr(clocks, what)(seconds)
    assert last.silence(clocks.wall, clocks.mono) == silence
    line.line_down(last)
    assert line.status.gaps[0].end is None
    for what, seconds in between:
        getattr(clocks, what)(seconds)
    clocks.run(0.8)
    gap = line.line_up(clocks.now())
    assert gap is not None
    assert gap.end is not None
    assert (gap.end - gap.start).total_seconds() == pytest.approx(silence + 0.8)
    assert line.status.gaps == (gap,)
    assert line.status.reconnects == 1


def test_the_gap_of_a_dead_network_begins_where_it_died_and_not_where_it_was_noticed():
    clocks = Clocks()
    line, last = line_of(clocks), clocks.sign()
    clocks.run(15)
    line.line_down(last)
    clocks.run(0.8)
    assert line.line_up(clocks.now()) == Gap(at(0), at(15.8))


def test_attempts_in_between_do_not_shorten_it():
    clocks = Clocks()
    line, last = line_of(clocks), clocks.sign()
    clocks.run(15)
    line.line_down(last)
    assert line.status.gaps == (Gap(at(0)),)
    clocks.run(60)
    assert line.status.gaps == (Gap(at(0)),)
    assert line.line_up(clocks.now()) == Gap(at(0), at(75))
    assert line.line_up(clocks.now()) is None


def test_a_line_that_went_live_without_a_sign_of_life_has_its_next_gap_after_the_former_one():
    clocks = Clocks()
    line, first = line_of(clocks), clocks.sign()
    clocks.run(5)
    line.line_down(first)
    clocks.run(5)
    opened = clocks.sign()
    clocks.run(3)
    line.line_up(clocks.now())  # nothing came, but one goes on without
    clocks.run(37)
    line.line_down(opened)
    assert line.status.gaps == (Gap(at(0), at(13)), Gap(at(13)))
    clocks.run(1)
    line.line_up(clocks.now())
    assert line.status.gaps == (Gap(at(0), at(13)), Gap(at(13), at(51)))


def test_a_clock_of_its_own_speed_keeps_its_stamp():
    clocks = Clocks()
    last = LastSign(at(3600), clocks.wall, clocks.mono)  # an embedded PBX is an hour ahead, and runs 30 times as fast
    clocks.run(2)
    assert last.moment(clocks.wall, clocks.mono) == at(3600)


# ---- staleness ----


class Line:
    """Never pongs, and remembers being hung up."""

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()

    async def ping(self) -> float:
        await asyncio.Event().wait()
        raise AssertionError

    def hang_up(self) -> None:
        self.hung_up.set()


async def test_a_machine_that_slept_finds_its_line_stale_when_it_wakes_up():
    clocks, line = Clocks(), Line()
    stale: asyncio.Queue[bool] = asyncio.Queue()
    pulse = Pulse(
        line,  # type: ignore[arg-type]
        ping_interval=0.02,
        ping_timeout=0.02,
        stale_pings=2,
        on_latency=print,
        on_stale=stale.put_nowait,
        wall=lambda: clocks.wall,
        mono=lambda: clocks.mono,  # neither clock moves unless we say so
    )
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        watching_it = group.create_task(pulse.watch())
        clocks.sleep(600)
        assert await stale.get() is True
        pulse.beat(utc_now())  # the PBX was still there
        assert await stale.get() is False
        clocks.sleep(600)
        assert await stale.get() is True
        await line.hung_up.wait()
        watching_it.cancel()


# ---- over a socket ----


async def last_frame(server: FaultServer, watched: Watched) -> datetime:
    """The PBX has ponged, and then says a last word: when that came."""
    for n in range(1000):
        ponged = watched.client.status.latency is not None
        await server.peers[0].send({"action": "numbered", "n": n})
        await watched.until(lambda: sum("numbered" in frame.text for frame in watched.frames) > n)  # noqa: B023
        if ponged:
            return [event for event in watched.events if event.kind == "message"][-1].received
    raise AssertionError("no pong came")


@pytest.mark.parametrize(
    "end",
    [drop_when_told, clean_close(1000), clean_close(1001), clean_close(1011), clean_close(4000), too_big(2**16)],
    ids=["reset", "1000", "1001", "1011", "4000", "1009"],
)
async def test_whatever_ends_the_line_the_gap_begins_at_the_last_frame(end: Script):
    async with (
        FaultServer(end, healthy) as server,
        watching(server, ping_interval=60.0, keepalive=0, max_size=2**14) as watched,
    ):
        last = await last_frame(server, watched)
        server.go()
        await watched.live(2)
        (gap,) = watched.client.status.gaps
        (event,) = [event for event in watched.events if event.kind == "gap"]
        assert gap.start == last
        assert gap.end == event.received
        assert event.gap == gap


async def test_a_line_that_answers_no_ping_had_its_last_news_with_the_last_pong():
    async with (
        FaultServer(stalled, healthy) as server,
        watching(server, ping_interval=0.2, ping_timeout=0.2) as watched,
    ):
        last = await last_frame(server, watched)
        server.go()
        await watched.live(2)
        (gap,) = watched.client.status.gaps
        stale = next(status for status in watched.statuses if status.state == "stale")
        assert last <= gap.start
        assert stale.since - gap.start >= timedelta(seconds=0.09)


async def test_a_network_that_was_dead_before_the_reset_was_dead_from_its_last_pong():
    async with (
        FaultServer(dead_then_reset, healthy) as server,
        watching(server, ping_interval=0.2, ping_timeout=60.0) as watched,
    ):
        last = await last_frame(server, watched)
        server.go()
        await watched.until(lambda: watched.states[-1] == "stale")
        stale = watched.statuses[-1]
        server.go()
        await watched.live(2)
        (gap,) = watched.client.status.gaps
        assert last <= gap.start
        assert stale.since - gap.start >= timedelta(seconds=0.09)


async def test_a_silence_that_ends_by_itself_is_a_gap_and_no_reconnect():
    async with (
        FaultServer(silent_for_a_while) as server,
        watching(server, ping_interval=0.2, ping_timeout=60.0) as watched,
    ):
        await server.peers[0].send({"action": "call-state", "calls": [call("7022")]})
        last = await last_frame(server, watched)
        server.go()
        await watched.until(lambda: watched.states[-1] == "stale")
        (gap,) = watched.client.status.gaps
        assert (gap.start >= last, gap.end) == (True, None)
        server.go()
        await watched.until(lambda: watched.states[-1] == "live")
        (over,) = watched.client.status.gaps
        assert (over.start, watched.client.status.reconnects) == (gap.start, 0)
        assert over.end is not None
        assert over.end - over.start >= timedelta(seconds=0.4)
        assert [event.gap for event in watched.events if event.kind == "gap"] == [over]
        await server.peers[0].send({"action": "call-state", "calls": []})
        await watched.until(watched.client.store.closed_calls)
        assert [record.gap for record in watched.client.store.closed_calls()] == [True]


@pytest.mark.parametrize("end", [drop_when_told, clean_close(1001), stalled], ids=["reset", "1001", "no pong"])
async def test_calls_that_lived_inside_a_gap_are_marked_and_no_others(end: Script):
    async with (
        FaultServer(end, healthy) as server,
        watching(server, ping_interval=0.2, ping_timeout=0.2) as watched,
    ):
        await server.peers[0].send({"action": "call-state", "calls": [call("7022"), call("7023")]})
        await watched.until(lambda: len(watched.client.store.calls) == 2)
        server.calls = [call("7023"), call("7024")]
        server.go()
        await watched.live(2)
        (gap,) = watched.client.status.gaps
        assert gap.end is not None
        (record,) = watched.client.store.closed_calls()
        assert (record.call.id, record.gap) == ("7022", True)
        ended, new = (
            [event for event in watched.events if event.kind == kind][-1] for kind in ("call.ended", "call.new")
        )
        assert (ended.inferred, new.inferred, new.call.id if new.call else "") == (True, True, "7024")
        assert gap.start <= ended.received <= gap.end
        await server.peers[1].send({"action": "call-state", "calls": [call("7023"), call("7024"), call("7025")]})
        await server.peers[1].send({"action": "call-state", "calls": []})
        await watched.until(lambda: len(watched.client.store.closed_calls()) == 4)
        marked = {record.call.id for record in watched.client.store.closed_calls() if record.gap}
        assert marked == {"7022", "7023", "7024"}

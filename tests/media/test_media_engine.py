"""Calls between two connections of the child process: sound both ways, digits, loss, recordings, and its sudden end."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.importorskip("aiortc", reason="needs the phone extra")

import numpy as np

from pbxnb.errors import EngineLost, MediaFailed, PhoneError
from pbxnb.media import child, wire
from pbxnb.media.engine import CORE, Engine
from pbxnb.media.tones import level_of, tone
from pbxnb.protocol.sdp import read


class Side:
    """One end of a call, and every event of it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.call = 0
        self.events: list[wire.Event] = []
        self.came = asyncio.Event()

    def on_event(self, event: wire.Event) -> None:
        self.events.append(event)
        self.came.set()

    def all(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, holds, within: float = 20.0) -> None:
        async with asyncio.timeout(within):
            while not holds():
                self.came.clear()
                await self.came.wait()

    def order(self, kind: type[wire.Order], **fields) -> None:
        self.engine.send(kind(call=self.call, **fields))


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine()
    yield engine
    await engine.aclose()


async def call(engine: Engine, codecs: tuple[str, ...] = ("opus", "PCMU")) -> tuple[Side, Side]:
    """Two ends that hear each other."""
    a, b = Side(engine), Side(engine)
    for side in (a, b):
        side.call = await engine.open(side.on_event, codecs=codecs)
    offer = read(await engine.describe(wire.MakeOffer(call=a.call)), "offer")
    text = await engine.describe(wire.AnswerOffer(call=b.call, sdp=offer.text(offer.candidates)))
    answer = read(text, "answer", mid=offer.mid)
    a.order(wire.TakeAnswer, sdp=answer.text(answer.candidates))
    for side in (a, b):
        await side.until(lambda side=side: wire.SoundState(call=side.call, state="flowing") in side.events)
    return a, b


def heard(side: Side) -> np.ndarray:
    return np.frombuffer(b"".join(block.samples for block in side.all(wire.Block)), np.int16)


def pitch(samples: np.ndarray) -> float:
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.argmax(spectrum) * wire.RATE / len(samples))


@pytest.mark.parametrize("codec", ["opus", "G722", "PCMU", "PCMA"])
async def test_what_is_played_is_heard_with_every_codec(engine: Engine, codec: str) -> None:
    a, b = await call(engine, (codec,))
    b.order(wire.Listen, on=True)
    a.order(wire.Sound, number=1, samples=tone(440, seconds=0.6))
    await a.until(lambda: wire.Played(call=a.call, number=1) in a.events)
    await b.until(lambda: level_of(b.all(wire.Block)[-1].samples) < -60 if len(b.all(wire.Block)) > 40 else False)
    loud = [block for block in b.all(wire.Block) if level_of(block.samples) > -30]
    assert len(loud) >= 25
    assert pitch(np.frombuffer(b"".join(block.samples for block in loud[3:-3]), np.int16)) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("codec", ["opus", "PCMU"])
async def test_digits_arrive_once_each_and_cost_no_packet(engine: Engine, codec: str) -> None:
    a, b = await call(engine, (codec,))
    a.order(wire.PressDigits, number=1, digits="159#*")
    await a.until(lambda: wire.Played(call=a.call, number=1) in a.events)
    await b.until(lambda: len(b.all(wire.Digit)) == 5)
    assert "".join(event.digit for event in b.all(wire.Digit)) == "159#*"
    assert all(event.seconds == pytest.approx(0.1, abs=0.021) for event in b.all(wire.Digit))
    await b.until(lambda: len(b.all(wire.Quality)) >= 1)
    assert b.all(wire.Quality)[-1].lost == 0


async def test_nothing_is_sent_while_muted_and_nothing_heard_while_deaf(engine: Engine) -> None:
    a, b = await call(engine)
    a.order(wire.Sound, number=1, samples=tone(440), loop=True)
    a.order(wire.Flow, send=False, hear=True)
    b.order(wire.Listen, on=True)
    await b.until(lambda: len(b.all(wire.Block)) >= 30)
    assert all(level_of(block.samples) == -100 for block in b.all(wire.Block)[15:])
    a.order(wire.Flow, send=True, hear=True)
    await b.until(lambda: level_of(b.all(wire.Block)[-1].samples) > -30)
    b.order(wire.Flow, send=True, hear=False)
    await b.until(lambda: level_of(b.all(wire.Block)[-1].samples) == -100)


async def test_lost_packets_are_marked_one_for_one(engine: Engine) -> None:
    a, b = await call(engine)
    a.order(wire.Disturb, loss=0.1)
    await b.until(lambda: len(b.all(wire.Quality)) >= 4)
    b.order(wire.Listen, on=True)
    before = b.all(wire.Quality)[-1]
    await b.until(lambda: len(b.all(wire.Quality)) >= 8)
    after = b.all(wire.Quality)[-1]
    marked = sum(block.lost for block in b.all(wire.Block))
    assert after.lost - before.lost > 5
    # The blocks and the count are taken at moments that differ by what waits to be heard.
    assert marked == pytest.approx(after.lost - before.lost, abs=10)
    assert after.delay <= 0.3


async def test_a_bridge_carries_what_one_side_hears_to_another(engine: Engine) -> None:
    a, b = await call(engine)
    c, d = await call(engine)
    b.order(wire.Bridge, other=c.call)
    d.order(wire.Listen, on=True)
    a.order(wire.Sound, number=1, samples=tone(440), loop=True)
    await d.until(lambda: level_of(d.all(wire.Block)[-1].samples) > -30 if d.all(wire.Block) else False)


async def test_a_call_is_recorded_left_heard_and_right_said(engine: Engine, tmp_path: Path) -> None:
    a, b = await call(engine)
    a.order(wire.Record, path=str(tmp_path / "call.wav"))
    a.order(wire.Sound, number=1, samples=tone(440, seconds=0.5))
    b.order(wire.Sound, number=2, samples=tone(1000, seconds=0.5))
    await a.until(lambda: wire.Played(call=a.call, number=1) in a.events)
    await b.until(lambda: wire.Played(call=b.call, number=2) in b.events)
    await a.until(lambda: len(a.all(wire.Quality)) >= 3)
    a.order(wire.Record)
    await engine.describe(wire.MakeOffer(call=await engine.open(lambda event: None)))  # orders before it are done
    with wave.open(str(tmp_path / "call.wav"), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, wire.RATE)
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    assert pitch(both[:, 0]) == pytest.approx(1000, abs=5)
    assert pitch(both[:, 1]) == pytest.approx(440, abs=5)


async def test_nothing_leaves_loopback(engine: Engine) -> None:
    a, _ = await call(engine)
    a.order(wire.Ask)
    await a.until(lambda: a.all(wire.Packets) != [])
    assert set(a.all(wire.Packets)[0].addresses) == {"127.0.0.1"}


async def test_no_sound_for_three_seconds_is_said(engine: Engine) -> None:
    a, b = await call(engine)
    a.order(wire.Disturb, nothing=True)
    await b.until(lambda: wire.SoundState(call=b.call, state="stalled") in b.events)
    a.order(wire.Disturb)
    await b.until(lambda: b.all(wire.SoundState)[-1].state == "flowing")


async def test_a_child_that_is_killed_ends_its_calls_with_a_sentence_and_the_next_call_has_a_new_one(
    engine: Engine,
) -> None:
    a, b = await call(engine)
    killed = engine.process
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    for side in (a, b):
        await side.until(lambda side=side: side.all(wire.Failed) != [])
        assert side.all(wire.Failed)[0].why == "The process for media ended unexpectedly (code -9)."
    with pytest.raises(EngineLost):
        await engine.describe(wire.MakeOffer(call=a.call))
    await call(engine)
    assert engine.process != killed


async def test_a_description_that_no_media_stack_takes_ends_its_call_alone(engine: Engine) -> None:
    a, b = await call(engine)
    bad = await engine.open(lambda event: None)
    with pytest.raises(MediaFailed, match="The media of this call failed"):
        await engine.describe(wire.AnswerOffer(call=bad, sdp="v=0\r\nm=nonsense\r\n"))
    b.order(wire.PressDigits, number=1, digits="1")
    await a.until(lambda: len(a.all(wire.Digit)) == 1)


async def test_the_end_of_the_parent_leaves_no_child(engine: Engine) -> None:
    await call(engine)
    process = engine.process
    assert process is not None
    await engine.aclose()
    assert engine.process is None
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


async def test_an_end_before_the_child_is_ready_leaves_none(engine: Engine) -> None:
    starting = asyncio.create_task(engine.start())
    while engine.process is None:  # noqa: ASYNC110 - nothing tells of it before it is ready
        await asyncio.sleep(0)
    process = engine.process
    await engine.aclose()
    with pytest.raises(EngineLost):
        await starting
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


async def test_a_process_that_cannot_be_started_is_a_sentence_and_the_next_try_a_new_one(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("sys.executable", "/nowhere/python")
        with pytest.raises(EngineLost, match=r"^The process for media cannot be started: .+\.$"):
            await engine.open(lambda event: None)
    assert await engine.open(lambda event: None)


async def test_more_calls_than_a_core_carries_are_refused_in_a_sentence(engine: Engine) -> None:
    ended = asyncio.Event()

    def heard(event: wire.Event) -> None:
        if isinstance(event, wire.Ended):
            ended.set()

    full = [await engine.open(heard) for _ in range(CORE)]
    with pytest.raises(PhoneError, match=f"{CORE} calls with sound are open, and one core carries {CORE}"):
        await engine.open(heard)
    engine.send(wire.Shut(call=full[-1]))
    await ended.wait()
    assert await engine.open(heard)


def child_that_says(folder: Path, text: str) -> str:
    """An interpreter that says something and ends."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit 1\n")
    path.chmod(0o700)
    return str(path)


async def test_a_child_that_cannot_begin_says_why(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", child_that_says(tmp_path, "RuntimeError: no place for a=ice-pwd:Zq1secret"))
    with pytest.raises(EngineLost) as caught:
        await engine.open(lambda event: None)
    assert str(caught.value).startswith("The process for media ended unexpectedly (code 1): RuntimeError: no place")
    assert "Zq1secret" not in str(caught.value)


def test_names_of_aiortc_that_are_not_public_are_there_and_missed_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert all(child._has(owner, name) for owner, names in child.PRIVATE.items() for name in names)
    monkeypatch.setitem(child.PRIVATE, child.RTCDtlsTransport, ("_send_rtp", "_send_quickly"))
    with pytest.raises(
        RuntimeError, match=r"^aiortc [\d.]+ has no RTCDtlsTransport\._send_quickly; install aiortc 1\.16\.$"
    ):
        child._prepare()


KERNEL = """
import asyncio, os, signal, sys
from pbxnb.media.engine import Engine

async def main():
    engine = Engine()
    await engine.open(lambda event: None)
    if "forks" in sys.argv and not (forked := os.fork()):
        signal.pause()
    print(engine.process, forked if "forks" in sys.argv else 0, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["alone", "forks"])
def test_a_kernel_that_is_killed_leaves_no_child(how: str) -> None:
    with subprocess.Popen([sys.executable, "-c", KERNEL, how], stdout=subprocess.PIPE, text=True) as kernel:
        assert kernel.stdout is not None
        media, forked = map(int, kernel.stdout.readline().split())
        try:
            ended = os.pidfd_open(media)
            kernel.kill()
            assert select.select([ended], [], [], 20)[0], "the process for media is still there"
            os.close(ended)
        finally:
            if forked:
                os.kill(forked, signal.SIGKILL)


async def test_the_end_of_an_engine_leaves_no_task_and_no_thread() -> None:
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    engine = Engine()
    await call(engine)
    killed = engine.process
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await asyncio.gather(*engine._reading)
    await engine.aclose()
    assert asyncio.all_tasks() == tasks
    # asyncio's own way to wait for a process may be a thread, which ends with the process.
    for thread in set(threading.enumerate()) - threads:
        thread.join(20)
        assert not thread.is_alive()


async def test_what_has_failed_is_over_in_the_child_too() -> None:
    told: list[wire.Event] = []
    ended = asyncio.Event()
    made = child.Child(lambda event: (told.append(event), ended.set()))
    made.take(wire.Open(call=1))
    made.take(wire.TakeAnswer(call=1, sdp="v=0"))
    made.take(wire.MakeOffer(call=1))  # too late, and no answer to it
    async with asyncio.timeout(20):
        await ended.wait()
        while tasks := list(made._last.values()):
            await asyncio.wait(tasks)
    assert [type(event) for event in told] == [wire.Failed]
    assert (made._connections, made._last) == ({}, {})

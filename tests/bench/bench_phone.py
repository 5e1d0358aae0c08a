"""The sound of calls beside aiortc as it is, and what it takes: ``python -m tests.bench.bench_phone [PART ...]``.

    python -m tests.bench.bench_phone loss            a bad net: aiortc's own path and ours, of the very same packets
    python -m tests.bench.bench_phone calls           CPU of a call; 16 at once on one core
    python -m tests.bench.bench_phone dial            a kernel's call: from dialling to its first sound in Python
    python -m tests.bench.bench_phone busy            a cell that holds the interpreter for 4 s: child and in-process
    python -m tests.bench.bench_phone start           a child until it is ready; the import of pbxnb
    python -m tests.bench.bench_phone hostile         SDP that is made to be slow

All without a name; ``--runs N`` takes the medians of N runs (3). Goals and figures stand in docs/performance.md. What a
call takes is CPU for the frames that came; whether all come says the last column, on a machine with nothing else to do.
Connections are on 127.0.0.1 and leave it alone otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import multiprocessing
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aioice.ice
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket, is_rtcp

import pbxnb
from pbxnb.errors import SdpRefused
from pbxnb.media import wire
from pbxnb.media.beat import STEP, Beat
from pbxnb.media.child import Child
from pbxnb.media.codecs import Encoder
from pbxnb.media.engine import CORE, Engine
from pbxnb.media.heard import Heard, HeardBlock
from pbxnb.media.said import Said, Sender
from pbxnb.protocol.sdp import read

SECONDS = 6.0
SETTLED = 1.0
ASKED = 100
NETS = {
    "clean": {}, "1 %": {"loss": 0.01}, "3 %": {"loss": 0.03}, "10 %": {"loss": 0.1},
    "jitter 10 ms": {"jitter": 0.01}, "jitter 40 ms": {"jitter": 0.04}, "2 % + 20 ms": {"loss": 0.02, "jitter": 0.02},
}  # fmt: skip


def median(values: list[float]) -> float:
    return statistics.median(values)


def share(values: list[float], part: float) -> float:
    """The value that this part of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


# -- a bad net: the same packets to aiortc's path and to ours ----------------------------------------------------------


@dataclass
class Way:
    """What one way of hearing made of the packets: when each was heard, by the number of its packet."""

    heard: dict[int, float] = field(default_factory=dict)

    def told(self, sent: dict[int, float], dropped: set[int], end: float) -> tuple[int, float, float, float]:
        """Frames lost beyond those the net lost; delay p50 and p95; the longest pause between two frames; in ms."""
        wanted = [number for number, at in sent.items() if at < end - 0.5 and number not in dropped]
        got = sorted((number, self.heard[number]) for number in wanted if number in self.heard)
        delays = [1000 * (at - sent[number]) for number, at in got]
        times = sorted(at for _, at in got)
        pause = max(b - a for a, b in itertools.pairwise(times))
        return len(wanted) - len(got), share(delays, 0.5), share(delays, 0.95), 1000 * pause


class Counted(Sender):
    """Our sender's faults, with a book of what left when and what was dropped."""

    def __init__(self, send: Any) -> None:
        super().__init__(send, None, lambda number: None)
        self.sent: dict[int, float] = {}
        self.dropped: set[int] = set()
        self._through: set[int] = set()
        self._send_on, self._send = send, self._passed

    async def _passed(self, data: bytes) -> None:
        if not is_rtcp(data):
            self._through.add(RtpPacket.parse(data).sequence_number)
        await self._send_on(data)

    async def send(self, data: bytes) -> None:
        if is_rtcp(data):
            return await super().send(data)
        number = RtpPacket.parse(data).sequence_number
        self.sent[number] = asyncio.get_running_loop().time()
        later = len(self._later)
        await super().send(data)
        if number not in self._through and len(self._later) == later:
            self.dropped.add(number)
        return None


async def loss_of(fault: dict[str, float]) -> tuple[Any, Any, int]:
    """One pair of aiortc's connections over a bad net; what its path heard, what ours did, packets dropped."""
    loop = asyncio.get_running_loop()
    a, b = connection(), connection()
    said, beat = Said(lambda number: None, lambda block: None), Beat()
    said.encoder = Encoder("opus")
    a.addTransceiver(said, direction="sendonly")
    theirs, ours = Way(), Way()
    first: list[int] = []  # the number of the first packet, whose frame aiortc gives the time 0

    async def listen(track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            theirs.heard.setdefault((first[0] + round(frame.pts / wire.BLOCK)) % 0x10000, loop.time())

    tasks: list[asyncio.Task[None]] = []
    b.on("track", lambda track: tasks.append(asyncio.ensure_future(listen(track))))
    await a.setLocalDescription(await a.createOffer())
    await b.setRemoteDescription(a.localDescription)
    receiver = b.getTransceivers()[0].receiver
    codecs = {codec.payloadType: codec for codec in b.getTransceivers()[0]._codecs}

    def deliver(block: HeardBlock) -> None:
        if not block.lost:
            ours.heard.setdefault(heard._number, loop.time())

    heard = Heard(codecs, deliver, lambda digit, seconds: None, loop.time)
    original = receiver._handle_rtp_packet

    async def both(packet: RtpPacket, arrival_time_ms: int) -> None:
        first.append(packet.sequence_number)
        heard.packet(packet)
        await original(packet, arrival_time_ms)

    receiver._handle_rtp_packet = both
    beat.join(heard, lambda number: heard.beat(), said.beat)
    await b.setLocalDescription(await b.createAnswer())
    transport = a.getTransceivers()[0].sender.transport
    net = Counted(transport._send_rtp)
    transport._send_rtp = net.send
    await a.setRemoteDescription(b.localDescription)
    while len(ours.heard) < SETTLED / STEP:  # noqa: ASYNC110 - nothing here is timed yet
        await asyncio.sleep(STEP)
    net.sent.clear()
    net.disturb = wire.Disturb(call=0, **fault)
    await asyncio.sleep(SECONDS)
    end = loop.time()
    result = theirs.told(net.sent, net.dropped, end), ours.told(net.sent, net.dropped, end), len(net.dropped)
    beat.leave(heard)
    for task in tasks:
        task.cancel()
    await asyncio.gather(a.close(), b.close(), *tasks, return_exceptions=True)
    return result


def connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def loss(runs: int) -> None:
    print(f"{'net':14}{'dropped':>8}  {'aiortc: lost more, p50/p95, pause':36}  ours   (ms)")
    for name, fault in NETS.items():
        measured = [asyncio.run(loss_of(fault)) for _ in range(runs)]
        row = [f"{name:14}{median([dropped for *_, dropped in measured]):8.0f}"]
        for side in (0, 1):
            more, p50, p95, pause = (median([each[side][column] for each in measured]) for column in range(4))
            row.append(f"{f'{more:.0f}, {p50:.0f}/{p95:.0f}, {pause:.0f}':36}")
        print("  ".join(row), flush=True)


# -- what calls take ---------------------------------------------------------------------------------------------------


class Far:
    """Events of one connection."""

    def __init__(self) -> None:
        self.call = 0
        self.heard = 0
        self.flowing = asyncio.Event()
        self.answers: asyncio.Queue[float] = asyncio.Queue()

    def on_event(self, event: wire.Event) -> None:
        if isinstance(event, wire.Quality):
            self.heard = event.received - event.late
        elif isinstance(event, wire.SoundState) and event.state == "flowing":
            self.flowing.set()
        elif isinstance(event, wire.Packets):
            self.answers.put_nowait(asyncio.get_running_loop().time())


async def between(here: Engine, there: Engine, codec: str) -> Far:
    a, b = Far(), Far()
    a.call = await here.open(a.on_event, codecs=(codec,))
    b.call = await there.open(b.on_event, codecs=(codec,))
    offer = read(await here.describe(wire.MakeOffer(call=a.call)), "offer")
    text = await there.describe(wire.AnswerOffer(call=b.call, sdp=offer.text(offer.candidates)))
    answer = read(text, "answer", mid=offer.mid)
    here.send(wire.TakeAnswer(call=a.call, sdp=answer.text(answer.candidates)))
    for engine, side in ((here, a), (there, b)):
        engine.send(wire.Tone(call=side.call, number=1, name="music", loop=True))
        await side.flowing.wait()
    return a


def cpu_of(process: int) -> float:
    """Seconds of CPU it took."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def carried(count: int, codec: str) -> tuple[float, float, float]:
    """One child on one core with that many calls.

    Returns:
        % of the core that the frames of a call take; how long a question waits, p99, ms; % of the frames heard.
    """
    here, there = Engine(), Engine()
    for core, engine in enumerate((here, there)):
        engine.send(wire.Shut(call=await engine.open(lambda event: None)))
        os.sched_setaffinity(engine.process or 0, {core % (os.cpu_count() or 1)})
    sides = [await between(here, there, codec) for _ in range(count)]
    await asyncio.sleep(SETTLED)
    before, came = cpu_of(here.process or 0), -sum(side.heard for side in sides)
    began, waits = time.perf_counter(), []
    await asyncio.sleep(SECONDS)
    spent, took = cpu_of(here.process or 0) - before, time.perf_counter() - began
    came += sum(side.heard for side in sides)
    while len(waits) < ASKED:
        asked = asyncio.get_running_loop().time()
        here.send(wire.Ask(call=sides[0].call))
        waits.append(1000 * (await sides[0].answers.get() - asked))
        await asyncio.sleep(STEP)
    await asyncio.gather(here.aclose(), there.aclose())
    frames = came * STEP / took / count
    return 100 * spent / took / count / frames, share(waits, 0.99), 100 * frames


def calls(runs: int) -> None:
    print(f"{'calls':>6}  {'codec':6}{'% of a core, each':>18}{'a question waits, p99':>24}{'frames heard':>14}")
    for count, codec in (
        (1, "opus"),
        (1, "PCMU"),
        (8, "opus"),
        (8, "PCMU"),
        (16, "opus"),
        (16, "PCMU"),
        (CORE, "opus"),
        (CORE, "PCMU"),
    ):
        measured = [asyncio.run(carried(count, codec)) for _ in range(runs)]
        each, wait, heard = (median([one[column] for one in measured]) for column in range(3))
        print(f"{count:6}  {codec:6}{each:18.2f}{wait:21.1f} ms{heard:12.2f} %", flush=True)


# -- a kernel's call ---------------------------------------------------------------------------------------------------


async def dialled(count: int) -> list[float]:
    """Calls of a kernel's phone to the embedded PBX, one after the other: ms until the first block is heard."""
    pbx = await pbxnb.simulate("empty", extensions=8, media=True)
    phone, times = await pbx.phone("40"), []
    for _ in range(count):
        began = time.perf_counter()
        call = await phone.dial("*tone")
        await call.heard(STEP)
        times.append(1000 * (time.perf_counter() - began))
        await call.hangup()
    await pbx.aclose()
    return times


def dial(runs: int) -> None:
    first, *rest = asyncio.run(dialled(1 + 10 * runs))
    print(
        f"dialled to heard in Python: p50 {share(rest, 0.5):.0f} ms, p95 {share(rest, 0.95):.0f} ms; first {first:.0f} ms"
    )


# -- a cell that holds the interpreter ---------------------------------------------------------------------------------


class InProcess:
    """What `Engine` does, in this process: the baseline."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[wire.Event] = asyncio.Queue()
        self._child = Child(self._events.put_nowait)

    async def open(self, listener: Callable[[wire.Event], None]) -> int:
        self._child.take(wire.Open(call=1))
        return 1

    async def describe(self, order: wire.Order) -> str:
        self._child.take(order)
        while not isinstance(event := await self._events.get(), wire.Described):
            pass
        return event.sdp

    async def aclose(self) -> None:
        await self._child.close()


def notebook(child: bool, pipe: Any) -> None:
    """A kernel with one call, which answers the offer that comes by the pipe and then computes."""

    async def answer() -> None:
        engine: Any = Engine() if child else InProcess()
        call = await engine.open(lambda event: None)
        pipe.send(await engine.describe(wire.AnswerOffer(call=call, sdp=pipe.recv())))
        described.set()
        await asyncio.to_thread(over.wait)
        await engine.aclose()

    described, over = threading.Event(), threading.Event()
    lane = threading.Thread(target=lambda: asyncio.run(answer()))
    lane.start()
    described.wait()
    assert pipe.recv() == "compute"
    numbers = [(number * 7919) % 1_000_003 for number in range(6_000_000)]
    pipe.send(time.monotonic())
    until = time.monotonic() + 4
    while time.monotonic() < until:
        sorted(numbers)  # one call of C, which lets no other thread run
    pipe.send(time.monotonic())
    over.set()
    lane.join()


async def gaps(child: bool) -> tuple[float, float]:
    """What comes of a call while its kernel computes for 4 s: the pause between two packets p99, packets in 4 s."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=notebook, args=(child, theirs))
    process.start()
    far, came = connection(), []
    far.addTransceiver("audio", direction="sendrecv")
    await far.setLocalDescription(await far.createOffer())
    offer = read(far.localDescription.sdp, "offer")
    ours.send(offer.text(offer.candidates))
    answer = read(await asyncio.to_thread(ours.recv), "answer", mid=offer.mid)
    await far.setRemoteDescription(RTCSessionDescription(answer.text(answer.candidates), "answer"))
    flowing = asyncio.Event()

    async def take(packet: RtpPacket, arrival_time_ms: int) -> None:
        came.append(time.monotonic())
        flowing.set()

    far.getTransceivers()[0].receiver._handle_rtp_packet = take
    await flowing.wait()
    await asyncio.sleep(SETTLED)
    ours.send("compute")
    began, ended = await asyncio.to_thread(ours.recv), await asyncio.to_thread(ours.recv)
    await asyncio.sleep(0.2)
    during = [at for at in came if began <= at <= ended]
    edges = [began, *during, ended]
    pauses = [1000 * (b - a) for a, b in itertools.pairwise(edges)]
    await far.close()
    await asyncio.to_thread(process.join)
    return share(pauses, 0.99), len(during) * 4 / (ended - began)


def busy(runs: int) -> None:
    for name, child in (("in a child", True), ("in the kernel", False)):
        measured = [asyncio.run(gaps(child)) for _ in range(runs)]
        pause, packets = (median([one[column] for one in measured]) for column in range(2))
        print(f"media {name:14} pause p99 {pause:6.0f} ms, {packets:.0f} of 200 packets in 4 s", flush=True)


# -- the rest ----------------------------------------------------------------------------------------------------------


def start(runs: int) -> None:
    async def ready() -> float:
        began, engine = time.perf_counter(), Engine()
        await engine.open(lambda event: None)
        took = time.perf_counter() - began
        await engine.aclose()
        return took

    print(f"a child until it is ready: {median([asyncio.run(ready()) for _ in range(2 * runs + 1)]):.2f} s")
    code = "import sys, time; a = time.perf_counter(); import pbxnb; print(time.perf_counter() - a, *{'aiortc', 'av', 'numpy', 'pbxnb.media', 'pbxnb.phone'} & {*sys.modules})"
    told = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2 * runs + 1)
    ]
    print(
        f"import pbxnb: {median([float(each[0]) for each in told]):.3f} s; of the media it imports: {' '.join(told[0][1:]) or 'nothing'}"
    )


def hostile(runs: int) -> None:
    lines = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n"
    made = {
        "900 rtpmap + rtcp-fb": "".join(f"a=rtpmap:{n % 128} x{n}/8000\r\na=rtcp-fb:* x{n}\r\n" for n in range(900)),
        "300 lines": "a=rtcp-fb:* x\r\n" * 293,
        "32 rtpmap, 260 fmtp": "".join(f"a=rtpmap:{96 + n} x/8000\r\n" for n in range(31)) + "a=fmtp:96 a=1;b=2\r\n" * 250,
        "3,000 ssrc": "".join(f"a=ssrc:{n} cname:x\r\n" for n in range(3_000)),
        "10,000 candidates": "".join(f"a=candidate:1 1 udp 1 192.0.2.{n % 250} {1024 + n} typ host\r\n" for n in range(10_000)),
    }  # fmt: skip
    theirs = "import sys, time, aiortc.sdp as s; t = sys.stdin.read(); a = time.process_time(); s.SessionDescription.parse(t); print(time.process_time() - a)"
    for name, more in made.items():
        text, took = lines + more, []
        for _ in range(runs):
            before = time.process_time()
            with contextlib.suppress(SdpRefused):
                read(text, "offer")
            took.append(1000 * (time.process_time() - before))
        raw = subprocess.run([sys.executable, "-c", theirs], input=text, capture_output=True, text=True, check=False)
        other = f"{1000 * float(raw.stdout):.0f} ms" if raw.stdout else raw.stderr.strip().rpartition("\n")[2][:40]
        print(
            f"{name:22}{len(text) / 1000:6.0f} kB   the guard {median(took):5.2f} ms of CPU   aiortc's parser {other}"
        )


PARTS = {"loss": loss, "calls": calls, "dial": dial, "busy": busy, "start": start, "hostile": hostile}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    for name in given.parts or PARTS:
        print(f"\n{name}")
        PARTS[name](given.runs)


if __name__ == "__main__":
    main()

"""Browser phones with sound, with aiortc as it is at the other end: ringing, services, each other, hold, and faults."""

from __future__ import annotations

import asyncio
import fractions
import wave
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("aiortc", reason="needs the phone extra")

import aioice.ice
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame

from pbxnb.media import wire
from pbxnb.simulator import Simulator, serve
from tests.helpers.sim_client import Line, client

DIALECTS = {"since 69": ("modern", "70.1"), "before 69": ("modern", "67.0"), "2016": ("2016", "5.4")}
RATE = 48_000


class Voice(MediaStreamTrack):
    """Says one pitch, or nothing."""

    kind = "audio"

    def __init__(self, pitch: float) -> None:
        super().__init__()
        self.pitch = pitch
        self._at = 0

    async def recv(self) -> AudioFrame:
        await asyncio.sleep(0.02)
        time = (self._at + np.arange(960)) / RATE
        frame = AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update((9_000 * np.sin(2 * np.pi * self.pitch * time)).astype(np.int16).tobytes())
        frame.pts, frame.sample_rate, frame.time_base = self._at, RATE, fractions.Fraction(1, RATE)
        self._at += 960
        return frame


class AiortcPhone:
    """A browser phone made of aiortc and a socket, in one of the three ways PBXs speak."""

    def __init__(self, line: Line, dialect: str, pitch: float = 0.0) -> None:
        self.line = line
        self.dialect = dialect
        self.voice = Voice(pitch)
        self.callid = ""
        self.codes: list[int] = []
        self.heard: list[np.ndarray] = []
        self.came = asyncio.Event()
        self._pc = self._connection()
        self._tasks: list[asyncio.Task[None]] = []

    def _connection(self) -> RTCPeerConnection:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        pc.addTrack(self.voice)
        pc.on("track", lambda track: self._tasks.append(asyncio.ensure_future(self._listen(track))))
        return pc

    async def _listen(self, track: Any) -> None:
        while True:
            frame = await track.recv()
            self.heard.append(frame.to_ndarray().reshape(-1)[::2])
            self.came.set()

    async def register(self) -> None:
        await self.line.send("sip-register")
        await self.line.answered()

    async def dial(self, to: str) -> None:
        await self._pc.setLocalDescription(await self._pc.createOffer())
        if self.dialect != "2016":
            self.callid = "1@kit"
            await self.line.send("sdp-packet", to=to, callid=self.callid, sdp=self._pc.localDescription.sdp)
        else:
            await self.line.send("sdp-packet", to=to, sdp={"type": "offer", "sdp": self._pc.localDescription.sdp})
        frame = await self.line.next("sdp")
        if self.dialect == "since 69":
            await self._pc.close()
            self._pc = self._connection()
            await self._answer(frame["sdp"], frame)
        else:
            await self._pc.setRemoteDescription(RTCSessionDescription(frame["sdp"], "answer"))
            await self._take(await self.line.next("candidate"))

    async def take(self) -> None:
        frame = await self.line.next("invitesdp")
        self.callid = frame.get("callid", "")
        await self._answer(frame["invitesdp"], frame)

    async def _answer(self, offer: str, frame: dict[str, Any]) -> None:
        await self._pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self._take(await self.line.next("candidate"))
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        answer = {"type": "answer", "sdp": self._pc.localDescription.sdp}
        fields = {"callid": self.callid, "cseq": frame.get("cseq")} if self.dialect != "2016" else {}
        await self.line.send("sdp-200ok", sdp=answer, **fields)

    async def _take(self, frame: dict[str, Any]) -> None:
        candidate = candidate_from_sdp(frame["candidate"].removeprefix("candidate:"))
        candidate.sdpMLineIndex = 0
        await self._pc.addIceCandidate(candidate)

    async def hears(self, holds, within: float = 30.0) -> None:
        """Wait until the last 200 ms are as wanted."""
        async with asyncio.timeout(within):
            while len(self.heard) < 10 or not holds(np.concatenate(self.heard[-10:])):
                self.came.clear()
                await self.came.wait()

    async def hears_nothing(self, seconds: float) -> None:
        """Wait until no packet has come for so long."""
        while True:
            self.came.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self.came.wait()
            except TimeoutError:
                return

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._pc.close()


async def settled(sim: Simulator) -> None:
    """Wait until every order given to the media so far is carried out."""
    engine = sim.server.media.engine
    call = await engine.open(lambda event: None)
    await engine.describe(wire.MakeOffer(call=call))
    engine.send(wire.Shut(call=call))


def pitched(pitch: float):
    def holds(samples: np.ndarray) -> bool:
        spectrum = np.abs(np.fft.rfft(samples.astype(float)))
        return bool(np.max(np.abs(samples)) > 1_000 and abs(np.argmax(spectrum) * RATE / len(samples) - pitch) < 10)

    return holds


def quiet(samples: np.ndarray) -> bool:
    return bool(np.max(np.abs(samples)) < 10)


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiortc leaves loopback out by itself; the embedded PBX is nowhere else."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest.fixture(params=DIALECTS)
async def spoken(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Simulator]]:
    dialect, version = DIALECTS[request.param]
    async with serve("empty", extensions=6, media=True, dialect=dialect, version=version) as sim:
        yield request.param, sim


@pytest.fixture
async def calling() -> AsyncIterator[tuple[Simulator, AiortcPhone]]:
    """A phone that hears 440 Hz."""
    async with serve("empty", extensions=6, media=True) as sim, client(sim) as http, http.line("40") as line:
        phone = AiortcPhone(line, "since 69", pitch=700)
        await phone.register()
        await phone.dial("*tone")
        await phone.hears(pitched(440))
        yield sim, phone
        await phone.close()


async def test_an_echo_is_heard_in_every_dialect(spoken: tuple[str, Simulator]) -> None:
    dialect, sim = spoken
    async with client(sim) as http, http.line("40") as line:
        phone = AiortcPhone(line, dialect, pitch=700)
        await phone.register()
        await phone.dial("*echo")
        await phone.hears(pitched(700))
        await phone.close()


async def test_two_phones_hear_each_other_after_ringing_and_music_while_held(spoken: tuple[str, Simulator]) -> None:
    dialect, sim = spoken
    async with client(sim) as http, http.line("40") as first, http.line("41") as second:
        caller, called = AiortcPhone(first, dialect, pitch=700), AiortcPhone(second, dialect, pitch=900)
        await caller.register()
        await called.register()
        await caller.dial("41")
        await caller.hears(pitched(425))
        await called.take()
        await caller.hears(pitched(900))
        await called.hears(pitched(700))
        call = sim.run(lambda: next(iter(sim.pbx.calls)))
        sim.hold(call, "40")
        await caller.hears(quiet)
        await called.hears(lambda samples: bool(np.max(np.abs(samples)) > 1_000) and not pitched(700)(samples))
        sim.resume(call, "40")
        await called.hears(pitched(700))
        sim.record(call)
        await asyncio.gather(*(phone.hears(pitched(pitch)) for phone, pitch in ((caller, 900), (called, 700))))
        sim.record(call, on=False)
        await settled(sim)
        files = list(sim.server.media.folder.glob(f"{call}-*.wav"))
        assert len(files) == 2
        await caller.close()
        await called.close()


async def test_a_menu_goes_by_the_digit_that_is_heard() -> None:
    async with serve("empty", extensions=6, media=True) as sim, client(sim) as http, http.line("40") as line:
        phone = AiortcPhone(line, "since 69")
        await phone.register()
        await phone.dial("100")
        await phone.hears(lambda samples: not quiet(samples))
        leg = sim.server.media.legs[0]
        sim.run(lambda: leg.pressed("2"))
        assert sim.run(lambda: next(iter(sim.pbx.calls.values())).called.number) == "500"
        await phone.close()


async def test_a_service_sends_back_each_digit() -> None:
    async with serve("empty", extensions=6, media=True) as sim, client(sim) as http, http.line("40") as line:
        phone = AiortcPhone(line, "since 69")
        await phone.register()
        await phone.dial("*dtmf")
        await phone.hears(quiet)
        leg = sim.server.media.legs[0]
        sim.run(lambda: leg.pressed("5"))
        await phone.hears(lambda samples: not quiet(samples))  # as a tone: this phone takes no events
        await phone.close()


async def test_a_digit_of_one_phone_is_heard_by_the_other(spoken: tuple[str, Simulator]) -> None:
    dialect, sim = spoken
    async with client(sim) as http, http.line("40") as first, http.line("41") as second:
        caller, called = AiortcPhone(first, dialect), AiortcPhone(second, dialect)
        await caller.register()
        await called.register()
        await caller.dial("41")
        await caller.hears(pitched(425))
        await called.take()
        await caller.hears(quiet)
        leg = next(each for each in sim.server.media.legs if each.user == "40")
        sim.run(lambda: leg.pressed("5"))
        await called.hears(lambda samples: not quiet(samples))  # as a tone: this phone takes no events
        await caller.close()
        await called.close()


async def test_an_echo_may_lose_some_of_it() -> None:
    async with serve("empty", extensions=6, media=True) as sim, client(sim) as http, http.line("40") as line:
        phone = AiortcPhone(line, "since 69", pitch=700)
        await phone.register()
        await phone.dial("*loss3")
        await phone.hears(pitched(700))
        leg = sim.server.media.legs[0]
        assert sim.server.media.faults_of(leg, leg.program)[0].loss == 0.03
        await phone.close()


async def test_a_recorder_keeps_what_it_hears() -> None:
    async with serve("empty", extensions=6, media=True) as sim, client(sim) as http, http.line("40") as line:
        phone = AiortcPhone(line, "since 69", pitch=700)
        await phone.register()
        await phone.dial("*record")
        await phone.hears(pitched(1000))
        await phone.hears(quiet)
        call = sim.run(lambda: next(iter(sim.pbx.calls)))
        sim.hangup(call)
        await line.next("bye")
        await phone.close()
        await settled(sim)
        [path] = sim.server.media.folder.glob("*.wav")
        with wave.open(str(path), "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)[:, 0]
        assert pitched(700)(samples[-RATE // 4 :])


async def test_a_client_that_never_answers_the_offer_gets_415_when_the_other_side_picks_up() -> None:
    async with serve("empty", extensions=6, media=True) as sim, client(sim) as http, http.line("40") as line:
        await line.send("sip-register")
        await line.send("sdp-packet", to="41", callid="1@kit", sdp="v=0")
        await line.next("sdp")
        sim.answer(sim.run(lambda: next(iter(sim.pbx.calls))))
        assert (await line.next("bye"))["code"] == 415


async def test_a_dead_microphone_is_a_fault(calling: tuple[Simulator, AiortcPhone]) -> None:
    sim, phone = calling
    active = sim.faults.media(silent=True)
    await phone.hears(quiet)
    active.stop()
    await phone.hears(pitched(440))


async def test_a_line_of_one_way_is_a_fault(calling: tuple[Simulator, AiortcPhone]) -> None:
    sim, phone = calling
    active = sim.faults.media(one_way=True)
    await phone.hears_nothing(0.5)
    active.stop()
    await phone.hears(pitched(440))


async def test_a_net_that_loses_is_a_fault(calling: tuple[Simulator, AiortcPhone]) -> None:
    sim, phone = calling
    active = sim.faults.media(loss=0.5, jitter="0.02")
    await phone.hears(lambda samples: not pitched(440)(samples))
    active.stop()
    await phone.hears(pitched(440))


async def test_the_process_for_media_is_there_before_the_first_call() -> None:
    async with serve("empty", extensions=6, media=True) as sim:
        engine = sim.server.media.engine
        while engine.process is None:  # noqa: ASYNC110 - nothing tells of it before it is ready
            await asyncio.sleep(0)
        begun = engine.process
        await engine.open(lambda event: None)
        assert engine.process == begun


async def test_without_media_nobody_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    async with serve("empty", extensions=6) as sim:
        assert "*echo" not in sim.pbx.accounts
    with pytest.raises(Exception, match=r"pbxnb\[phone\]"):
        async with serve("empty", extensions=6, media=True):
            pass

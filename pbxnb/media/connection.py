"""One WebRTC connection of the child: aiortc for ICE, DTLS and SRTP, our own way for what is heard and said.

aiortc offers no public place for that; the private names that are used here stand in `child.PRIVATE`, which is checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import aioice.ice
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.sdp import candidate_from_sdp

from pbxnb.errors import PhoneError

from . import wire
from .beat import Beat
from .codecs import Encoder
from .heard import SILENCE, Heard, HeardBlock
from .said import Said, Sender
from .tones import digits_as_sound, level_of

__all__ = ["Connection"]

STALLED_AFTER = 3.0
DEAF_AFTER = 3
"""Reports in a row that say that nothing of ours arrives."""
ALL_LOST = 0.98
MOST_RECORDED = 3_600 * wire.RATE // wire.BLOCK
"""Blocks of a recording: an hour."""


class Recording:
    """A call as a WAV file of at most an hour: left what is heard, right what is said, or one of them.

    Args:
        side: ``both``, ``heard`` or ``said``.
    """

    def __init__(self, path: str, side: str) -> None:
        self._side = side
        self._left = MOST_RECORDED
        self._file = wave.open(path, "wb")  # noqa: SIM115 - open for as long as it records
        self._file.setnchannels(2 if side == "both" else 1)
        self._file.setsampwidth(2)
        self._file.setframerate(wire.RATE)
        self._heard: deque[bytes] = deque(maxlen=50)

    def heard(self, samples: bytes) -> None:
        """A block that was heard; it is written with the next one that is said."""
        self._heard.append(samples)

    def said(self, samples: bytes) -> None:
        """A block that is said now: what paces the file."""
        heard = self._heard.popleft() if self._heard else SILENCE
        if not self._left:
            return
        self._left -= 1
        if self._side != "both":
            self._file.writeframesraw(heard if self._side == "heard" else samples)
            return
        both = bytearray(2 * len(samples))
        both[0::4], both[1::4] = heard[0::2], heard[1::2]
        both[2::4], both[3::4] = samples[0::2], samples[1::2]
        self._file.writeframesraw(bytes(both))

    def close(self) -> None:
        """Complete the file."""
        self._file.close()


class Connection:
    """One connection.

    Args:
        opened: how it is wanted.
        tell: takes every event.
        beat: of all connections.

    Attributes:
        bridged: gets every block that is heard, for another connection.
    """

    def __init__(self, opened: wire.Open, tell: Callable[[wire.Event], None], beat: Beat) -> None:
        self.call: Final = opened.call
        self.bridged: Callable[[bytes], None] | None = None
        self._codecs = opened.codecs
        self._tell = tell
        self._beat = beat
        self._state = ""
        self._connected = 0.0
        self._hear = True
        self._listening = False
        self._recording: Recording | None = None
        self._block_in = self._block_out = SILENCE  # the newest
        self._deaf = 0
        self._codec = ""
        self._measuring: asyncio.Task[None] | None = None
        self._heard: Heard | None = None
        self._sender: Sender | None = None
        servers = [RTCIceServer(urls=url) for url in opened.ice_servers]
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._said = Said(self._played, self._on_said)
        self._transceiver = self._pc.addTransceiver(self._said, direction="sendrecv")
        self._pc.on("connectionstatechange", self._on_state)

    async def make_offer(self) -> None:
        """Describe what we would take."""
        await self._pc.setLocalDescription(await self._pc.createOffer())
        self._describe()

    async def answer_offer(self, sdp: str) -> None:
        """Take an offer, and answer it."""
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        self._agree()
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        self._describe()

    def _describe(self) -> None:
        text = self._pc.localDescription.sdp
        if "a=candidate:" not in text:
            if addresses := aioice.ice.get_host_addresses(True, True):
                raise PhoneError(f"No UDP port can be opened at {', '.join(addresses)}, so the call has no sound.")
            raise PhoneError("This machine has no network address but its own, so the sound of a call cannot leave it.")
        self._tell(wire.Described(call=self.call, sdp=text))

    async def take_answer(self, sdp: str) -> None:
        """Take the answer to our offer."""
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        self._agree()

    async def add(self, lines: tuple[str, ...]) -> None:
        """Addresses of the other side."""
        for line in lines:
            candidate = candidate_from_sdp(line.removeprefix("candidate:"))
            candidate.sdpMLineIndex = 0
            await self._pc.addIceCandidate(candidate)

    def flow(self, send: bool, hear: bool) -> None:
        """Whether sound is sent, and whether what comes is heard."""
        self._said.muted, self._hear = not send, hear

    def play(self, number: int, samples: bytes, loop: bool) -> None:
        """Play a sound."""
        self._said.play(number, samples, loop=loop)

    def stop(self) -> None:
        """Play no more."""
        self._said.quiet()

    def press(self, order: wire.PressDigits) -> None:
        """Send digits, as tones where the other side takes no events."""
        if self._sender is not None and self._sender.event is not None:
            self._sender.press(order.number, order.digits, order.seconds, order.gap)
        else:
            self._said.play(order.number, digits_as_sound(order.digits, order.seconds, order.gap))

    def listen(self, on: bool) -> None:
        """Tell every block that is heard, or none."""
        self._listening = on

    def record(self, path: str, side: str = "both") -> None:
        """Begin a file, and end the one before."""
        if self._recording is not None:
            self._recording.close()
        self._recording = Recording(path, side) if path else None

    def disturb(self, fault: wire.Disturb) -> None:
        """Spoil what is sent."""
        if self._sender is not None:
            self._sender.disturb = fault

    def feed(self, block: bytes) -> None:
        """Say a block of another connection."""
        self._said.feed(block)

    async def close(self) -> None:
        """End it."""
        self._beat.leave(self)
        if self._measuring is not None:
            self._measuring.cancel()
        self.record("")
        self._said.quiet()
        await self._pc.close()

    def _agree(self) -> None:
        """Both sides are described: order the codecs as wanted here, and put our way of hearing and saying in place."""
        transceiver = self._transceiver
        agreed = transceiver._codecs
        sound = [codec for name in self._codecs for codec in agreed if codec.name.lower() == name.lower()]
        sound = sound or [codec for codec in agreed if codec.name != "telephone-event"]
        events = [codec for codec in agreed if codec.name == "telephone-event"]
        # A digit counts in the clock of the sound that it interrupts, where there is one of that clock.
        events.sort(key=lambda codec: codec.clockRate != sound[0].clockRate)
        transceiver._codecs = [*sound, *events]
        self._codec = str(sound[0].name)
        self._said.encoder = Encoder(self._codec)
        event = (int(events[0].payloadType or 0), events[0].clockRate) if events else None
        self._hook(transceiver.receiver, {int(codec.payloadType or 0): codec for codec in agreed}, event)

    def _hook(self, receiver: Any, codecs: dict[int, Any], event: tuple[int, int] | None) -> None:
        if self._heard is not None:
            return
        loop = asyncio.get_running_loop()
        heard = self._heard = Heard(codecs, self._on_heard, self._on_digit, loop.time)
        streams: dict[int, StreamStatistics] = receiver._RTCRtpReceiver__remote_streams

        async def take(packet: Any, arrival_time_ms: int) -> None:
            if packet.ssrc not in streams:
                codec = codecs.get(packet.payload_type)
                if codec is None:
                    return
                streams[packet.ssrc] = StreamStatistics(codec.clockRate)
            # What aiortc reports to the other side is counted there.
            streams[packet.ssrc].add(packet)
            heard.packet(packet)

        receiver._handle_rtp_packet = take
        transport = receiver.transport
        self._sender = Sender(transport._send_rtp, event, self._played)
        transport._send_rtp = self._sender.send
        self._beat.join(self, lambda number: heard.beat(), self._said.beat)
        self._measuring = asyncio.ensure_future(self._measure())

    def _on_heard(self, block: HeardBlock) -> None:
        if not self._hear:
            block = block._replace(samples=SILENCE)
        self._block_in = block.samples
        if self._recording is not None:
            self._recording.heard(block.samples)
        if self.bridged is not None:
            self.bridged(block.samples)
        if self._listening:
            self._tell(wire.Block(call=self.call, at=block.at, samples=block.samples, lost=block.lost))
        if self._state in ("checking", "stalled") and self._pc.connectionState == "connected":
            self._say("flowing")

    def _on_said(self, block: bytes) -> None:
        self._block_out = block
        if self._recording is not None:
            self._recording.said(block)

    def _on_digit(self, digit: str, seconds: float) -> None:
        self._tell(wire.Digit(call=self.call, digit=digit, seconds=seconds))

    def _played(self, number: int) -> None:
        self._tell(wire.Played(call=self.call, number=number))

    def _on_state(self) -> None:
        state = self._pc.connectionState
        if state == "connecting":
            self._say("checking")
        elif state == "connected":
            self._connected = asyncio.get_running_loop().time()
        elif state == "failed":
            self._say("failed")
        elif state == "closed" and self._state:
            self._say("stalled")  # the other side is gone; that the call is over is for the signalling to say

    def _say(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._tell(wire.SoundState(call=self.call, state=state))

    async def _measure(self) -> None:
        """Once a second: what was counted, and whether anything comes or arrives."""
        heard = self._heard
        assert heard is not None
        while True:
            await asyncio.sleep(1)
            sent, round_trip, far_lost = await self._far()
            self._tell(
                wire.Quality(
                    call=self.call, sent=sent, received=heard.received, lost=heard.lost, late=heard.late,
                    jitter=heard.jitter, delay=heard.delay, round_trip=round_trip,
                    level_in=level_of(self._block_in), level_out=level_of(self._block_out),
                    far_lost=far_lost, codec=self._codec,
                )
            )  # fmt: skip
            self._deaf = self._deaf + 1 if far_lost is not None and far_lost >= ALL_LOST else 0
            if not self._connected or self._state in ("stalled", "failed"):
                continue
            if asyncio.get_running_loop().time() - (heard.last or self._connected) > STALLED_AFTER:
                self._say("stalled")
            elif heard.last is not None:
                self._say("one_way" if self._deaf >= DEAF_AFTER else "flowing")

    async def _far(self) -> tuple[int, float | None, float | None]:
        """Packets sent, and what the other side reports: seconds there and back, share lost."""
        sent, round_trip, far_lost = 0, None, None
        with contextlib.suppress(ConnectionError):
            for each in (await self._transceiver.sender.getStats()).values():
                if each.type == "outbound-rtp":
                    sent = each.packetsSent
                elif each.type == "remote-inbound-rtp":
                    round_trip, far_lost = each.roundTripTime, each.fractionLost / 256
        return sent, round_trip, far_lost

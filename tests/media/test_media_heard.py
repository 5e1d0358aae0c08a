"""The way of hearing over a bad net, packet by packet on a clock of the test: what the net loses is lost, no more."""

from __future__ import annotations

import math
import random

import pytest

pytest.importorskip("aiortc", reason="needs the phone extra")

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from pbxnb.media.beat import STEP
from pbxnb.media.heard import FAR, LEAST_DELAY, MOST_DELAY, QUIET_AFTER, Heard, HeardBlock
from pbxnb.media.wire import RATE

PCMU = RTCRtpCodecParameters(mimeType="audio/PCMU", clockRate=8000, channels=1, payloadType=0)
EVENT = RTCRtpCodecParameters(mimeType="audio/telephone-event", clockRate=8000, payloadType=101)
SECONDS = 10.0
START = 100.0
LENGTHS = [0.01, 0.02, 0.03, 0.04, 0.06]


class Ear:
    """One way of hearing, its beat, and what came of it."""

    def __init__(self) -> None:
        self.now = START
        self.blocks: list[HeardBlock] = []
        self.times: list[float] = []
        self.digits: list[str] = []
        self._beats = START + 0.003  # no beat falls on a packet
        self.heard = Heard({0: PCMU, 101: EVENT}, self._deliver, lambda digit, _: self.digits.append(digit), self.clock)

    def clock(self) -> float:
        return self.now

    def until(self, at: float) -> None:
        while self._beats <= at:
            self.now = self._beats
            self.heard.beat()
            self._beats += STEP
        self.now = at

    def come(self, at: float, number: int, timestamp: int, payload: bytes, **fields: int) -> None:
        self.until(at)
        packet = RtpPacket(payload_type=fields.get("type", 0), sequence_number=number % 0x10000, timestamp=timestamp)
        packet.ssrc, packet.payload = fields.get("source", 1), payload
        self.heard.packet(packet)

    def _deliver(self, block: HeardBlock) -> None:
        self.blocks.append(block)
        self.times.append(self.now)


class Net(Ear):
    """Ten seconds of one call's packets, each of some milliseconds, over a net that drops and delays them."""

    def __init__(
        self,
        *,
        loss: float = 0.0,
        jitter: float = 0.0,
        length: float = STEP,
        drift: float = 0.0,
        seed: int = 7,
    ) -> None:
        super().__init__()
        chance = random.Random(seed)
        self.packets = round(SECONDS / length)
        self.dropped: set[int] = set()
        self.of_block = lambda block: range(
            math.floor(block * STEP / length + 1e-6), math.ceil((block + 1) * STEP / length - 1e-6)
        )
        samples = round(8000 * length)
        arrivals = []
        for number in range(self.packets):
            if number and chance.random() < loss:  # a call begins with the first packet that comes
                self.dropped.add(number)
            else:
                late = chance.expovariate(1 / jitter) if jitter and number else 0.0
                arrivals.append((START + number * length * (1 - drift) + late, number))
        for at, number in sorted(arrivals):
            # A number and a time that pass their greatest value, and a level of its own for each packet.
            timestamp = (2**32 - 8000 + samples * number) % 2**32
            self.come(at, 65_400 + number, timestamp, bytes([0x80 + number % 100]) * samples)
        self.until(START + SECONDS + MOST_DELAY)

    @property
    def delays(self) -> list[float]:
        """From when the first sample of a block was sent until it was heard."""
        sent = ((at, START + block.at, block.lost) for at, block in zip(self.times, self.blocks, strict=True))
        return [at - began for at, began, lost in sent if not lost and began < START + SECONDS]


@pytest.mark.parametrize(
    ("loss", "length"), [(0.3, STEP), *((loss, length) for loss in (0.0, 0.01, 0.03, 0.1) for length in LENGTHS)]
)
def test_what_the_net_loses_is_marked_in_its_place_and_nothing_else_is(loss: float, length: float) -> None:
    net = Net(loss=loss, length=length)
    assert (len(net.dropped) > 0) == (loss > 0)
    last = max(set(range(net.packets)) - net.dropped)
    blocks = range(math.floor(last * length / STEP))
    assert [net.blocks[number].lost for number in blocks] == [
        not net.dropped.isdisjoint(net.of_block(number)) for number in blocks
    ]
    assert [block.at for block in net.blocks] == pytest.approx([number * STEP for number in range(len(net.blocks))])
    assert LEAST_DELAY - STEP / 2 <= min(net.delays) <= max(net.delays) <= LEAST_DELAY + STEP / 2
    assert net.heard.late == 0
    assert net.heard.lost == sum(number < last for number in net.dropped)
    assert net.heard.received == net.packets - len(net.dropped)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(
    ("jitter", "loss", "most_late", "most_delay"), [(0.01, 0.0, 5, 0.12), (0.04, 0.0, 25, 0.3), (0.02, 0.02, 12, 0.2)]
)
def test_a_net_that_delays_costs_few_packets_and_a_bounded_wait(
    jitter: float, loss: float, most_late: int, most_delay: float, length: float
) -> None:
    net = Net(jitter=jitter, loss=loss, length=length)
    missed = sum(block.lost for block in net.blocks[: round(SECONDS / STEP)]) * STEP / max(length, STEP)
    assert missed <= (len(net.dropped) + most_late) * max(1, STEP / length)
    assert net.heard.late <= most_late * max(1, STEP / length)
    assert sorted(net.delays)[len(net.delays) * 95 // 100] <= most_delay
    assert net.heard.jitter == pytest.approx(jitter, abs=jitter)
    assert net.heard.delay <= MOST_DELAY


def test_packets_that_overtake_each_other_are_heard_in_order() -> None:
    bad, good = Net(jitter=0.015, seed=3), Net(seed=3)
    same = [block.samples == other.samples for block, other in zip(bad.blocks, good.blocks, strict=False)]
    whole = [not block.lost for block in bad.blocks]
    # What a resampler gives of a packet depends on the one before it.
    assert all(alike for alike, here, before in zip(same[1:], whole[1:], whole, strict=False) if here and before)
    assert len({block.samples for block in bad.blocks}) > 50


@pytest.mark.parametrize("length", LENGTHS)
def test_a_wait_that_is_no_longer_needed_gets_shorter(length: float) -> None:
    ear = Ear()
    samples = round(8000 * length)
    for number in range(round(30 / length)):
        held_up = 3 * length <= number * length < 3 * length + 0.1  # one packet, and those behind it
        at = 3 * length + 0.1 if held_up else number * length
        ear.come(START + at, number, samples * number, b"\xff" * samples)
        if number == round(1 / length):
            grown = ear.heard.delay
    assert grown > LEAST_DELAY
    assert ear.heard.delay < grown
    assert ear.times[-1] - START - ear.blocks[-1].at <= LEAST_DELAY + max(length, STEP) + STEP


@pytest.mark.parametrize("drift", [0.001, -0.001])
def test_a_sender_whose_clock_is_not_ours_is_heard_all_the_same(drift: float) -> None:
    net = Net(drift=drift)
    assert sum(block.lost for block in net.blocks[: round(SECONDS / STEP) - 10]) <= 1
    assert len(net.heard._kept) <= 6


def test_a_pause_of_the_sender_loses_nothing() -> None:
    ear = Ear()
    for number in range(100):
        pause = (number >= 50) * 0.1
        ear.come(START + number * STEP + pause, number, round(8000 * (number * STEP + pause)), b"\x80" * 160)
    ear.until(START + 2.3)
    assert ear.heard.lost == ear.heard.late == 0
    loud = [block.samples for block in ear.blocks if any(block.samples)]
    assert len(loud) >= 99
    for number in range(100, 150):  # and a long one, after which nothing is awaited
        ear.come(START + 10 + number * STEP, number, 8000 * 10 + 160 * number, b"\x80" * 160)
        if number == 100:
            silent = len(ear.blocks)
    assert silent <= 106 + QUIET_AFTER / STEP
    assert ear.heard.lost == ear.heard.late == 0


def test_a_packet_of_which_a_part_is_late_is_heard_from_there_on() -> None:
    ear = Ear()
    for number in range(10):
        late = 0.073 if number == 5 else 0.0
        ear.come(START + number * 0.06 + late, number, 480 * number, bytes([0x80 + number]) * 480)
    ear.until(START + 0.7)
    assert [block.lost for block in ear.blocks[:30]].count(True) == 1
    assert ear.heard.late == 1


def test_the_time_of_a_digit_is_no_loss() -> None:
    ear = Ear()
    for number in range(60):
        if 20 <= number < 30:
            end = number >= 27
            payload = bytes((5, 0x80 if end else 0)) + (min(8, number - 19) * 160).to_bytes(2, "big")
            ear.come(START + number * STEP, number, 160 * 20, payload, type=101)
        else:
            ear.come(START + number * STEP, number, 160 * number, b"\x80" * 160)
    assert ear.digits == ["5"]
    assert ear.heard.lost == 0
    assert not any(block.lost for block in ear.blocks)


@pytest.mark.parametrize("change", ["another source", "another time"])
def test_a_stream_that_takes_the_place_of_another_is_heard_from_its_first_packet(change: str) -> None:
    ear = Ear()
    for number in range(50):
        ear.come(START + number * STEP, number, 160 * number, b"\x80" * 160)
    ear.until(START + 1.5)
    before = len(ear.blocks)
    source, began = (2, 160 * 40) if change == "another source" else (1, 8000 * (2 + FAR // RATE))
    for number in range(50):
        ear.come(START + 1.6 + number * STEP, 30_000 + number, began + 160 * number, b"\x90" * 160, source=source)
    ear.until(START + 3)
    loud = [block for block in ear.blocks[before:] if any(block.samples)]
    assert len(loud) == 50
    assert ear.heard.lost == ear.heard.late == 0


@pytest.mark.parametrize("payload", [b"", b"\x80", b"\x80" * 161, b"\x80" * 40_000])
def test_a_payload_of_any_size_is_survived(payload: bytes) -> None:
    ear = Ear()
    for number in range(100):
        strange = number % 10 == 5
        ear.come(START + number * STEP, number, 160 * number, payload if strange else b"\x80" * 160)
    assert len(ear.heard._kept) < 100
    assert len(ear.heard._left) < 2 * RATE * 10
    assert len(ear.blocks) > 50
    assert any(any(block.samples) for block in ear.blocks[-20:])


def test_a_flood_of_packets_of_the_past_stops_nothing() -> None:
    ear = Ear()
    for number in range(100):
        ear.come(START + number * STEP, number, 160 * number, b"\x80" * 160)
        for _ in range(20 * (number > 50)):
            ear.come(START + number * STEP, 0, 160 * (number - 20), b"\x90" * 160)
    ear.until(START + 3)
    assert len([block for block in ear.blocks if any(block.samples)]) >= 98
    assert ear.times[-1] < START + 2 + QUIET_AFTER + 0.6


def test_a_flood_of_packets_of_the_future_is_bounded() -> None:
    ear = Ear()
    ear.come(START, 0, 0, b"\x80" * 160)
    for number in range(1, 20_000):
        ear.come(START, number, number, b"\x80" * 160)
    assert len(ear.heard._kept) <= 400

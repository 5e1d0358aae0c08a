"""The way of hearing over a bad net, packet by packet on a clock of the test: what the net loses is lost, no more."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("aiortc", reason="needs the phone extra")

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from pbxnb.media.heard import LEAST_DELAY, MOST_DELAY, STEP, Heard, HeardBlock

PCMU = RTCRtpCodecParameters(mimeType="audio/PCMU", clockRate=8000, channels=1, payloadType=0)
PACKETS = 500


class Net:
    """Ten seconds of one call's packets over a net that drops and delays them."""

    def __init__(self, *, loss: float = 0.0, jitter: float = 0.0, first: int = 65_400, seed: int = 7) -> None:
        chance = random.Random(seed)
        self.dropped: set[int] = set()
        self.now = 100.0
        self.blocks: list[HeardBlock] = []
        self.delays: list[float] = []
        self._sent: dict[int, float] = {}
        arrivals = []
        for number in range(PACKETS):
            at = 100.0 + number * STEP
            self._sent[number] = at
            if number and chance.random() < loss:  # a call begins with the first packet that comes
                self.dropped.add(number)
            else:
                late = chance.expovariate(1 / jitter) if jitter and number else 0.0
                arrivals.append((at + late, number))
        self.heard = Heard({0: PCMU}, self._deliver, lambda digit, seconds: None, lambda: self.now)
        for at, number in sorted(arrivals):
            self._until(at)
            packet = RtpPacket(payload_type=0, sequence_number=(first + number) % 0x10000, timestamp=160 * number)
            packet.payload = bytes([0x80 + number % 100]) * 160
            self.heard.packet(packet)
        self._until(self._sent[PACKETS - 1] + MOST_DELAY)

    def _until(self, at: float) -> None:
        while self.heard._next is not None and self.heard._due <= at:
            self.now = max(self.now, self.heard._due)
            self.heard._hear(self.now)
        self.now = at

    def _deliver(self, block: HeardBlock) -> None:
        number = len(self.blocks)
        self.blocks.append(block)
        if not block.lost:
            self.delays.append(self.now - self._sent[number])


@pytest.mark.parametrize("loss", [0.0, 0.01, 0.03, 0.1, 0.3])
def test_what_the_net_loses_is_marked_in_its_place_and_nothing_else_is(loss: float) -> None:
    net = Net(loss=loss)
    assert (len(net.dropped) > 0) == (loss > 0)
    last = max(set(range(PACKETS)) - net.dropped)
    marked = {number for number, block in enumerate(net.blocks[: last + 1]) if block.lost}
    assert marked == {number for number in net.dropped if number < last}
    assert [block.at for block in net.blocks] == pytest.approx([number * STEP for number in range(len(net.blocks))])
    assert max(net.delays) == pytest.approx(LEAST_DELAY)
    assert net.heard.late == 0


@pytest.mark.parametrize(
    ("jitter", "loss", "most_late", "most_delay"), [(0.01, 0.0, 5, 0.12), (0.04, 0.0, 25, 0.3), (0.02, 0.02, 12, 0.2)]
)
def test_a_net_that_delays_costs_few_frames_and_a_bounded_wait(
    jitter: float, loss: float, most_late: int, most_delay: float
) -> None:
    net = Net(jitter=jitter, loss=loss)
    marked = sum(block.lost for block in net.blocks[:PACKETS])
    assert marked <= len(net.dropped) + most_late
    assert net.heard.late <= most_late
    assert sorted(net.delays)[len(net.delays) * 95 // 100] <= most_delay
    assert net.heard.jitter == pytest.approx(jitter, abs=jitter)
    assert net.heard.delay <= MOST_DELAY


def test_packets_that_overtake_each_other_are_heard_in_order() -> None:
    net = Net(jitter=0.015, seed=3)
    told = [block.samples[800:802] for block in net.blocks[:PACKETS] if not block.lost]
    assert len(set(told)) > 50  # every packet has a level of its own
    again = Net(seed=3)
    kept = [number for number, block in enumerate(net.blocks[:PACKETS]) if not block.lost]
    assert told[20:] == [again.blocks[number].samples[800:802] for number in kept][20:]

"""A program for a network namespace: calls whose other side names addresses without end; prints where packets went to.

Run by test_phone_addresses.py. Counted twice: by the process for media, and by a socket that sees every packet.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from pbxnb.media import wire
from pbxnb.media.engine import Engine
from pbxnb.phone.leg import MediaState, Signalling
from pbxnb.phone.line import LineLeg, PhoneLine
from pbxnb.protocol import messages as m
from tests.helpers.hostile_phone import ADDRESSES, candidate_line
from tests.protocol.test_protocol_sdp import BROWSER

PBX = "10.9.0.1"
SECONDS = 4.0


class Socket:
    """A PBX at one address."""

    signalling = Signalling.MODERN
    hosts = (PBX,)

    def send(self, frame: dict[str, Any]) -> None:
        pass

    def later(self, seconds: float, fn: Any) -> Any:
        return lambda: None

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def at(self) -> datetime:
        return datetime.now(UTC)


class Media:
    """The process for media."""

    here = "this kernel"

    def __init__(self, engine: Engine, one: LineLeg) -> None:
        self.engine = engine
        self.one = one
        self.call = 0
        self.packets: asyncio.Future[wire.Packets] = asyncio.get_running_loop().create_future()
        self.work: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.call = await self.engine.open(self._on_event, loopback=False)

    def _on_event(self, event: wire.Event) -> None:
        if isinstance(event, wire.Packets):
            self.packets.set_result(event)
        elif isinstance(event, wire.SoundState) and event.state == "failed":
            self.one.sounds(MediaState.FAILED)

    def answer_offer(self, sdp: str) -> None:
        async def answer() -> None:
            self.one.described(await self.engine.describe(wire.AnswerOffer(call=self.call, sdp=sdp)))

        self.work = asyncio.ensure_future(answer())

    def take_candidates(self, lines: tuple[str, ...]) -> None:
        self.engine.send(wire.AddCandidates(call=self.call, lines=lines))

    def make_offer(self) -> None: ...

    def take_answer(self, sdp: str) -> None: ...

    def flow(self, send: bool, hear: bool) -> None: ...

    def close(self) -> None: ...


def watched(seen: set[tuple[str, int]]) -> None:
    """Every datagram's way, for good."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as everything:
        while True:
            data, (_, protocol, *_) = everything.recvfrom(256)
            if protocol == 0x0800 and data[9] == socket.IPPROTO_UDP:
                start = 4 * (data[0] & 15)
                seen.add((socket.inet_ntoa(data[16:20]), int.from_bytes(data[start + 2 : start + 4], "big")))


async def called(hosts: Collection[str] | None) -> dict[str, Any]:
    """Calls of one PBX that names each address at several ports, again and again."""
    engine, calls, count = Engine(), [], 0
    for number in range(8):
        line = PhoneLine("40", Socket(), media_hosts=hosts)
        line.connected()
        line.told(m.InviteSdp(sdp=BROWSER, callid=f"{number}@pbx", cseq=1))
        media = Media(engine, line.calls[0])
        await media.open()
        line.calls[0].answer(media)
        assert media.work is not None
        await media.work
        calls.append((line, media))
    until = asyncio.get_running_loop().time() + SECONDS
    while asyncio.get_running_loop().time() < until:
        for line, _ in calls:
            address = (*ADDRESSES, PBX)[count % (len(ADDRESSES) + 1)]
            text = candidate_line(address, (80, 40_000 + count % 7, 5060)[count % 3])
            line.told(m.Candidate(candidate=text, callid="", adr=((f"203.0.113.{count % 250}", 40_000),)))
            count += 1
        await asyncio.sleep(0.005)
    line, media = calls[0]
    engine.send(wire.Ask(call=media.call))
    packets = await media.packets
    await engine.aclose()
    return {"counted": sorted(packets.addresses), "named": count}


def main() -> None:
    seen: set[tuple[str, int]] = set()
    threading.Thread(target=watched, args=(seen,), daemon=True).start()
    for name, hosts in (("strict", ()), ("default", None)):
        seen.clear()
        print(json.dumps({"mode": name, **asyncio.run(called(hosts)), "seen": sorted(seen)}))


if __name__ == "__main__":
    main()

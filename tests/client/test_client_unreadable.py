"""What cannot be read: a broken byte costs only itself, a broken frame is said and asked for again."""

from __future__ import annotations

import json
import logging

import msgspec
import pytest
from aiohttp import WSMsgType

from pbxnb.errors import BadCommand
from pbxnb.protocol.commands import CallRef, Context, plan
from pbxnb.protocol.messages import Malformed
from tests.client.client_kit import QUICK, watching
from tests.helpers.fault_server import FaultServer, Peer, answering, call, healthy

CALLS = {"action": "call-state", "calls": [{**call("1"), "from": '"Jürg" <sip:204@d>'}, call("2")]}


async def send_bytes(peer: Peer, raw: bytes) -> None:
    await peer.socket.send_frame(raw, WSMsgType.TEXT)


async def test_a_latin_1_byte_in_a_name_leaves_the_list_readable(caplog):
    async def latin_1(peer: Peer) -> None:
        await peer.snapshot()
        for _ in range(3):
            await send_bytes(peer, json.dumps(CALLS, ensure_ascii=False).encode("latin-1"))
        await answering(peer)

    caplog.set_level(logging.WARNING, "pbxnb.client")
    async with FaultServer(latin_1) as server, watching(server) as watched:
        await watched.until(lambda: len(watched.client.store.calls) == 2)
        assert watched.client.store.calls["1"].from_.name == "J\ufffdrg"
        await watched.until(lambda: any(seen.count == 3 for seen in watched.client.coverage.report().malformed))
        assert [record.message for record in caplog.records if "UTF-8" in record.message] == [
            "The PBX sends bytes that are no UTF-8; they are read as U+FFFD. Said once."
        ]
        assert watched.client.status.unreadable == 0
        assert not watched.client.status.why


@pytest.mark.parametrize("broken", [CallRef(id="\ufffd1"), CallRef(id="1", extensions=("4\ufffd",))])
def test_what_came_broken_is_never_sent(broken):
    with pytest.raises(BadCommand, match="broken"):
        plan("hangup", broken, context=Context(domain="acme.example", user="45"))


@pytest.mark.parametrize(
    ("raw", "behind"),
    [
        (b'{"action":"call-state"', "accounts and calls"),
        (b'{"action":"call-state","calls":"none"}', "calls"),
        (b'{"action":"user-state","account":"1","account":"2"}', "accounts and calls"),
    ],
)
async def test_a_frame_that_cannot_be_read_is_said_and_the_state_asked_for_again(caplog, raw, behind):
    async def broken(peer: Peer) -> None:
        await peer.snapshot()
        await peer.until_told()
        for _ in range(50):
            await send_bytes(peer, raw)
        await peer.until_told()
        await answering(peer)

    caplog.set_level(logging.WARNING, "pbxnb.client")
    async with FaultServer(broken) as server, watching(server) as watched:
        server.go()
        await watched.until(lambda: watched.client.status.unreadable == 50)
        assert watched.client.status.state == "live"
        assert f"could not be read: {behind} may be old" in watched.client.status.why
        await server.until(lambda: "get-calls" in server.peers[0].actions())
        assert len([record for record in caplog.records if "could not be read" in record.message]) == 1
        server.go()


async def test_the_answer_makes_the_model_current_again_and_the_next_question_waits():
    timing = msgspec.structs.replace(QUICK, tick=0.01, catch_up=0.3)

    async def broken(peer: Peer) -> None:
        await peer.snapshot()
        await send_bytes(peer, b"{")
        await answering(peer)

    async with FaultServer(broken, healthy) as server, watching(server, timing=timing) as watched:
        await watched.until(lambda: any("may be old" in status.why for status in watched.statuses))
        await watched.until(lambda: not watched.client.status.why)
        assert watched.client.status.unreadable == 1
        assert server.peers[0].actions().count("get-calls") == 1


async def test_an_answer_that_cannot_be_read_either_is_not_asked_for_without_end():
    async def always(peer: Peer) -> None:
        await peer.snapshot()
        while (frame := await peer.read()) is not None:
            if frame["action"] != "get-users":
                await send_bytes(peer, b'{"action":"call-state","calls":"?"}')

    timing = msgspec.structs.replace(QUICK, tick=0.005, catch_up=60.0)
    async with FaultServer(always) as server, watching(server, timing=timing, keepalive=0.02) as watched:
        await server.until(lambda: server.peers[0].actions().count("avoid-disconnect") > 10)
        assert server.peers[0].actions().count("get-calls") == 1
        assert "calls may be old" in watched.client.status.why
        assert watched.client.status.unreadable > 10


async def test_a_large_frame_that_is_no_list_is_kept_cut_and_the_line_goes_on(caplog):
    rubbish = b'{"action":"call-state","calls":[' + b"{}," * 700_000 + b"{}]}"

    async def large(peer: Peer) -> None:
        await peer.snapshot()
        await send_bytes(peer, rubbish)
        await send_bytes(peer, b'{"action":"what","picture":"' + "ä".encode() * 2**20 + b'"}')
        server.calls = [call("1")]
        await peer.snapshot()
        await answering(peer)

    caplog.set_level(logging.WARNING, "pbxnb.client")
    async with FaultServer(large) as server, watching(server) as watched:
        await watched.until(lambda: "1" in watched.client.store.calls)
        assert watched.client.status.unreadable == 2
        assert len([record for record in caplog.records if "could not be read" in record.message]) == 1
        assert "is no list of accounts or calls" in caplog.text
        first, second = (frame for frame in watched.frames if isinstance(frame.message, Malformed))
        assert (len(first.text), first.message.size) == (2**16, len(rubbish))
        assert rubbish.decode().startswith(first.text)
        assert second.text.startswith('{"action":"what","picture":"ä')
        assert second.message.action == "what"
        assert not any("UTF-8" in record.message for record in caplog.records)
        assert watched.client.status.state == "live"


async def test_what_a_large_frame_may_have_changed_is_asked_for_again():
    async def large(peer: Peer) -> None:
        await peer.snapshot()
        await send_bytes(peer, b'{"action":"domain-state","accounts":[' + b"[]," * 700_000 + b"[]]}")
        await answering(peer)

    timing = msgspec.structs.replace(QUICK, tick=0.01)
    async with FaultServer(large) as server, watching(server, timing=timing) as watched:
        await watched.until(lambda: any("accounts and calls may be old" in one.why for one in watched.statuses))
        await server.until(lambda: "get-users" in server.peers[0].actions())
        await watched.until(lambda: not watched.client.status.why)

"""How the calls of the kernel's phone fail: each error of the tree, made to happen over real sockets."""

from __future__ import annotations

import os
import re
import resource
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("aiortc", reason="needs the phone extra")

import pbxnb
from pbxnb.errors import CallRefused, EngineLost, MediaFailed, NotRegistered, PhoneError, SdpRefused
from pbxnb.media import wire
from pbxnb.media.engine import Engine
from pbxnb.phone.call import PhoneCall
from pbxnb.phone.phone import Phone
from tests.helpers.fault_server import DOMAIN, USER, FaultServer, Peer
from tests.protocol.test_protocol_sdp import BROWSER, without

WAIT = 20.0


@asynccontextmanager
async def phone_at(*frames: dict[str, Any]) -> AsyncIterator[Phone]:
    """A phone of a PBX that answers a call of ours with these frames."""

    async def script(peer: Peer) -> None:
        await peer.snapshot()
        while (frame := await peer.read()) is not None:
            if frame["action"] == "sip-register":
                await peer.send({"action": "sip-register", "add": f"sip:{USER}@{DOMAIN}", "expires": 3600})
            elif frame["action"] == "sdp-packet":
                await peer.send(*({"callid": "1@pbx", "cseq": 1, **each} for each in frames))

    async with (
        FaultServer(script) as server,
        pbxnb.connect(server.url, domain=DOMAIN, user=USER, control=True) as pbx,
    ):
        yield await pbx.phone(USER)


def offers(sdp: str, code: int = 183, **more: str) -> dict[str, Any]:
    return {"action": "sdp", "code": code, "sdp": sdp, **more}


def at(port: int) -> str:
    """What a browser writes, with one address on this machine."""
    return without("a=candidate:") + f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\n"


async def test_an_address_that_never_answers_is_media_that_failed_while_checking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pbxnb.phone.line.UNFOUND", 0.5)
    with socket.socket(type=socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        async with phone_at(offers(at(port)), offers(at(port), 200)) as phone:
            call = await phone.dial("207")
            with pytest.raises(MediaFailed, match=f"between this kernel and 127.0.0.1:{port}") as told:
                await call.connected(WAIT)
            assert (told.value.stage, told.value.candidates) == ("checking", (f"127.0.0.1:{port}",))
            assert (call.state, call.media) == ("ended", "failed")
            assert call.cause == f"no sound could pass between this kernel and 127.0.0.1:{port}"
        deaf.setblocking(False)
        assert deaf.recv(2048)[4:8] == bytes.fromhex("2112a442")  # it was asked: STUN


async def test_a_side_that_cannot_prove_who_it_is_is_media_that_failed_while_checking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    described = Engine.describe

    async def forged(self: Engine, order: Any) -> str:
        text = await described(self, order)
        return re.sub(r"(a=fingerprint:sha-256 )\S\S", r"\g<1>00", text) if isinstance(order, wire.MakeOffer) else text

    monkeypatch.setattr(Engine, "describe", forged)  # the offer of the embedded PBX names a certificate it has not
    async with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        call = await (await pbx.phone("42")).dial("*echo")
        with pytest.raises(MediaFailed) as told:
            await call.connected(WAIT)
        assert told.value.stage == "checking"
        assert told.value.candidates == call._one.gate.allowed
        assert "no sound could pass" in call.cause


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the files of another process")
async def test_media_that_get_no_port_failed_while_gathering_and_the_next_call_works() -> None:
    async with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        phone = await pbx.phone("42")
        await (await (await phone.dial("*echo")).connected(WAIT)).hangup()  # all modules are read
        child = pbx._phones._engine.process
        before = resource.prlimit(child, resource.RLIMIT_NOFILE)
        taken = max(map(int, os.listdir(f"/proc/{child}/fd"))) + 1  # noqa: PTH208
        resource.prlimit(child, resource.RLIMIT_NOFILE, (taken, before[1]))
        with pytest.raises(MediaFailed, match=r"No UDP port can be opened at 127\.0\.0\.1") as told:
            await phone.dial("*echo")
        assert (told.value.stage, told.value.candidates) == ("gathering", ())
        assert phone.calls == ()
        resource.prlimit(child, resource.RLIMIT_NOFILE, before)
        assert (await (await phone.dial("*echo")).connected(WAIT)).state == "talking"


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        (without("m=audio"), "it has no audio line", ""),
        (without("a=fingerprint"), "it has no fingerprint", ""),
        (BROWSER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "its audio is not encrypted", "m=audio RTP/AVP"),
    ],
)
async def test_a_description_that_cannot_be_used_says_which_rule_and_which_line(text: str, why: str, line: str) -> None:
    async with phone_at(offers(text)) as phone:
        with pytest.raises(SdpRefused) as told:
            await (await phone.dial("207")).connected(WAIT)
        assert why in told.value.why
        assert told.value.line.startswith(line)
        assert str(told.value).startswith("The SDP of the PBX is not used: ")


@pytest.mark.parametrize(("code", "reason"), [(486, "Busy Here"), (603, "Decline"), (404, "")])
async def test_a_refusal_says_its_code_and_its_reason(code: int, reason: str) -> None:
    async with phone_at(offers(BROWSER, code, reason=reason)) as phone:
        with pytest.raises(CallRefused, match=f"207 was not reached: {reason}") as told:
            await (await phone.dial("207")).connected(WAIT)
        assert told.value.code == code


async def test_a_call_that_this_machine_has_no_room_for_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbxnb.media.engine.CORE", 0)
    async with phone_at() as phone:
        with pytest.raises(PhoneError, match="one core carries") as told:
            await phone.dial("207")
        assert type(told.value) is PhoneError


async def test_a_child_that_stops_answering_is_ended_and_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbxnb.media.engine.DEADLINE", 0.0)
    async with phone_at() as phone:
        with pytest.raises(EngineLost, match="did not answer for 0 s"):
            await phone.dial("207")


async def test_a_pbx_that_answers_no_registration_and_a_line_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbxnb.session.phones.socket.REGISTER_WITHIN", 0.2)
    async with (
        FaultServer() as server,
        pbxnb.connect(server.url, domain=DOMAIN, user=USER, control=True) as pbx,
    ):
        with pytest.raises(NotRegistered, match=r"did not register 45 as a phone within 0\.2 s"):
            await pbx.phone(USER)


@pytest.mark.parametrize("wait", [PhoneCall.connected, PhoneCall.tone, PhoneCall.digit, PhoneCall.heard])
async def test_whatever_waits_for_a_call_gets_the_error_that_ended_it(wait: Callable[..., Any]) -> None:
    async with phone_at(offers(at(9_999)), {"bye": "true", "code": 415}) as phone:
        call = await phone.dial("207")
        with pytest.raises(CallRefused, match="media negotiation never completed") as told:
            await wait(call, *{PhoneCall.tone: [425], PhoneCall.heard: [1.0]}.get(wait, []), timeout=WAIT)
        assert told.value.code == 415

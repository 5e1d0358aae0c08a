"""The socket of a phone: registered in every dialect, apart from the handle's own line, and gone with the handle."""

from __future__ import annotations

import asyncio
import threading

import pytest

import pbxnb
from pbxnb.errors import ConfigError, LoginRefused, PbxError, UnknownAccount
from pbxnb.phone.registrar import Registration

DIALECTS = [("modern", "70.1", "modern"), ("modern", "67.0", "legacy"), ("2016", "5.4", "2016")]


@pytest.mark.parametrize(("dialect", "version", "signalling"), DIALECTS)
async def test_it_registers_and_says_how_the_pbx_signals(dialect: str, version: str, signalling: str) -> None:
    async with pbxnb.simulate("empty", extensions=6, dialect=dialect, version=version) as pbx:
        socket = pbx._phones.socket("42")
        await socket.open()
        assert (socket.line.registrar.state, socket.signalling) == (Registration.REGISTERED, signalling)
        assert (socket.account, socket.hosts, socket.protected) == ("42", {"127.0.0.1"}, False)
        await socket.close()
        assert socket.line.registrar.state is Registration.CLOSED
        assert pbx.status.state == "live"


async def test_it_is_registered_again_after_its_line_was_lost() -> None:
    async with pbxnb.simulate("empty", extensions=6) as pbx:
        socket = pbx._phones.socket("42")
        await socket.open()
        states: list[Registration] = []
        socket.line.registrar.changed.add(states.append)
        pbx.simulator.faults.drop()
        await pbx.until(lambda _: states[-1:] == [Registration.REGISTERED], timeout=20)
        assert states[:2] == [Registration.LOST, Registration.REGISTERING]


async def test_the_end_of_the_handle_is_its_end() -> None:
    pbx = await pbxnb.simulate("empty", extensions=6)
    socket = pbx._phones.socket("42")
    await socket.open()
    await pbx.aclose()
    assert socket.line.registrar.state is Registration.CLOSED
    assert not socket.call(lambda: None)
    with pytest.raises(PbxError):
        await socket.open()


async def test_an_extension_that_does_not_exist_is_told() -> None:
    async with pbxnb.simulate("empty", extensions=6) as pbx:
        with pytest.raises((LoginRefused, UnknownAccount)):
            await pbx._phones.socket("999").open()


async def test_media_hosts_are_addresses() -> None:
    async with pbxnb.simulate("empty", extensions=6) as pbx:
        with pytest.raises(ConfigError, match=r"'media\.example' is none"):
            pbx._phones.socket("42", media_hosts=["media.example"])


async def test_a_call_that_rings_is_found_in_the_list_it_was_in_before() -> None:
    pytest.importorskip("aiortc", reason="the phone extra is not installed")
    async with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        socket = pbx._phones.socket("42")
        await socket.open()
        found = threading.Event()
        socket.line.changed.add(lambda one: one.call is not None and found.set())
        await pbx.dial("42", account="41")
        assert await asyncio.to_thread(found.wait, 20)
        [one] = socket.line.calls
        assert (one.leg.state, one.call.id) == ("ringing", *pbx.calls)

"""Commands: sent once, and told apart by what becomes of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from pbxnb.client import Client
from pbxnb.errors import BadCommand, HandleClosed
from pbxnb.protocol.commands import plan
from tests.client.client_kit import watching
from tests.helpers.fault_server import FaultServer, Peer, account, call, drop_when_told, healthy

CALLS = "/rest/user/45@acme.example/calls"
OURS = call("7711", extension=["45", "207"], to="<sip:45@acme.example>")


def command(client: Client, name: str, *args: Any, **kw: Any) -> Any:
    return plan(name, *args, context=client.context(), **kw)


def says(server: FaultServer, status: int = 200, body: Any = True) -> None:
    """REST commands are answered like this."""
    server.answers[f"POST {CALLS}"] = lambda _: web.json_response(body, status=status)


def posted(server: FaultServer) -> list[Any]:
    return [body for method, path, body in server.requests if method == "POST" and path == CALLS]


async def test_confirmed_by_its_effect():
    async with FaultServer(healthy) as server:
        server.calls = [OURS]
        says(server)
        async with watching(server) as watched:
            client = watched.client
            doing = asyncio.ensure_future(client.execute(command(client, "hangup", client.call_ref("7711"))))
            await server.until(lambda: posted(server))
            await server.peers[0].send({"action": "call-state", "calls": []})
            outcome = await doing
            assert outcome.status == "confirmed"
            assert outcome.effect
            assert outcome.latency > 0
            assert len(outcome.sent) == 1
            assert posted(server) == [{"hangup": "7711"}]


async def test_accepted_when_only_rest_says_yes():
    async with FaultServer(healthy) as server:
        server.calls = [OURS]
        says(server)
        async with watching(server) as watched:
            client = watched.client
            outcome = await client.execute(command(client, "hangup", client.call_ref("7711")), 1.0)
            assert outcome.status == "accepted"
            assert outcome.latency is not None
            assert outcome.effect == ""


@pytest.mark.parametrize(("status", "body"), [(403, {}), (404, {}), (200, False), (401, {})])
async def test_refused_by_rest(status, body):
    async with FaultServer(healthy) as server:
        server.calls = [OURS]
        says(server, status, body)
        async with watching(server) as watched:
            client = watched.client
            outcome = await client.execute(command(client, "hangup", client.call_ref("7711")))
            assert outcome.status == "refused"
            assert outcome.why
            assert len(posted(server)) == 1


async def test_unconfirmed_when_nothing_shows_before_the_deadline():
    async with FaultServer(healthy, version="5.4") as server:
        server.calls = [OURS]
        async with watching(server) as watched:
            client = watched.client
            outcome = await client.execute(command(client, "hangup", client.call_ref("7711")), 0.05)
            assert outcome.status == "unconfirmed"
            (frame,) = outcome.sent
            assert (frame["action"], frame["id"]) == ("clear-call", "7711")
            await server.until(lambda: server.peers[0].actions().count("clear-call") == 1)


async def test_confirmed_over_the_socket_of_2016():
    async def hangs_up(peer: Peer) -> None:
        await peer.snapshot()
        while (frame := await peer.read()) is not None:
            if frame["action"] == "clear-call":
                await peer.send({"action": "call-state", "calls": []})

    async with FaultServer(hangs_up, version="5.4") as server:
        server.calls = [OURS]
        async with watching(server) as watched:
            client = watched.client
            outcome = await client.execute(command(client, "hangup", client.call_ref("7711")))
            assert outcome.status == "confirmed"


async def test_unknown_when_the_line_drops_in_between_and_never_sent_again():
    async with FaultServer(drop_when_told, healthy, version="5.4") as server:
        server.calls = [OURS]
        async with watching(server) as watched:
            client = watched.client
            doing = asyncio.ensure_future(client.execute(command(client, "hangup", client.call_ref("7711"))))
            await server.until(lambda: "clear-call" in server.peers[0].actions())
            server.go()
            outcome = await doing
            assert outcome.status == "unknown"
            assert "not sent again" in outcome.why
            await watched.live(2)
            assert [peer.actions().count("clear-call") for peer in server.peers] == [1, 0]


async def test_a_bye_with_a_code_refuses():
    async with FaultServer(healthy, version="5.4") as server:
        server.calls = [OURS]
        async with watching(server) as watched:
            client = watched.client
            doing = asyncio.ensure_future(client.execute(command(client, "hangup", client.call_ref("7711"))))
            await server.until(lambda: "clear-call" in server.peers[0].actions())
            await server.peers[0].send({"bye": "true", "callid": "7711", "code": 481})
            assert (await doing).status == "refused"


async def test_already_so_is_confirmed_without_sending():
    async with FaultServer(healthy) as server:
        server.calls = [OURS]
        async with watching(server) as watched:
            client = watched.client
            hangup = command(client, "hangup", client.call_ref("7711"))
            await server.peers[0].send({"action": "call-state", "calls": []})
            await watched.until(lambda: not client.store.calls)
            outcome = await client.execute(hangup)
            assert (outcome.status, outcome.sent, outcome.latency) == ("confirmed", (), 0.0)
            assert not posted(server)


async def test_a_raw_frame_is_sent_and_unconfirmed_at_once():
    async with FaultServer(healthy) as server, watching(server) as watched:
        client = watched.client
        outcome = await client.execute(command(client, "send", {"action": "ringtones"}))
        assert outcome.status == "unconfirmed"
        await server.until(lambda: "ringtones" in server.peers[0].actions())


async def test_chat_by_rest_is_accepted():
    async with FaultServer(healthy) as server:
        server.answers["/rest/user/45@acme.example/chat"] = lambda _: web.json_response(17)
        async with watching(server) as watched:
            outcome = await watched.client.execute(command(watched.client, "chat", "207", "hello"))
            assert outcome.status == "accepted"


async def test_dnd_is_confirmed_by_the_account():
    async with FaultServer(healthy) as server:

        def dnd(_request: web.Request) -> web.Response:
            news = asyncio.ensure_future(server.peers[0].send({"action": "user-state", **account("45", dnd=True)}))
            server.peers[0].news = news  # type: ignore[attr-defined]
            return web.json_response({})

        server.answers["POST /rest/user/45@acme.example/dnd"] = dnd
        async with watching(server) as watched:
            outcome = await watched.client.execute(command(watched.client, "dnd", True))
            assert outcome.status == "confirmed"


SETTINGS = "/rest/domain/acme.example/user_settings/45"


def keeps_settings(server: FaultServer, settings: dict[str, str]) -> list[str]:
    """REST keeps these settings; the methods of what was asked of it."""
    asked: list[str] = []

    def get(_request: web.Request) -> web.Response:
        asked.append("GET")
        return web.json_response(settings)

    def post(_request: web.Request) -> web.Response:
        asked.append("POST")
        settings.update(server.requests[-1][2])
        return web.json_response(True)

    server.answers[f"GET {SETTINGS}"], server.answers[f"POST {SETTINGS}"] = get, post
    return asked


async def test_forward_is_confirmed_by_reading_the_setting_back_and_not_sent_where_it_is_so_already():
    async with FaultServer(healthy) as server:
        settings = {"cfa": "", "cfb": ""}
        asked = keeps_settings(server, settings)
        async with watching(server) as watched:
            client = watched.client
            outcome = await client.execute(command(client, "forward", "207", when="busy"))
            assert (outcome.status, outcome.effect) == ("confirmed", "The settings of 45 say so: cfb is '207'.")
            assert settings == {"cfa": "", "cfb": "207"}
            assert asked == ["GET", "POST", "GET"]
            again = await client.execute(command(client, "forward", "207", when="busy"))
            assert (again.status, again.sent) == ("confirmed", ())
            assert asked == ["GET", "POST", "GET", "GET"]
            assert (await client.execute(command(client, "forward", None, when="busy"))).status == "confirmed"
            assert settings["cfb"] == ""


async def test_forward_that_cannot_be_read_back_is_accepted_and_one_that_is_not_kept_is_not_confirmed():
    async with FaultServer(healthy) as server:
        server.answers[f"GET {SETTINGS}"] = lambda _: web.json_response(False, status=403)
        server.answers[f"POST {SETTINGS}"] = lambda _: web.json_response(True)
        async with watching(server) as watched:
            client = watched.client
            outcome = await client.execute(command(client, "forward", "207"), 0.5)
            assert (outcome.status, len(outcome.sent)) == ("accepted", 1)
            server.answers[f"GET {SETTINGS}"] = lambda _: web.json_response({"cfa": "208"})
            assert (await client.execute(command(client, "forward", "207"), 0.5)).status == "accepted"
            server.answers[f"POST {SETTINGS}"] = lambda _: web.json_response(False, status=403)
            outcome = await client.execute(command(client, "forward", "207"))
            assert (outcome.status, "does not allow it" in outcome.why) == ("refused", True)


async def test_where_the_settings_are_not_answered_in_time_nothing_is_sent():
    async with FaultServer(healthy) as server:
        asked = keeps_settings(server, {})
        answered = asyncio.Event()

        async def never(_request: web.Request) -> web.Response:
            await answered.wait()
            return web.json_response({})

        server.answers[f"GET {SETTINGS}"] = never
        async with watching(server) as watched:
            outcome = await watched.client.execute(command(watched.client, "forward", "207"), 0.3)
            assert (outcome.status, outcome.sent, asked) == ("refused", (), [])
            assert "Nothing was sent" in outcome.why
        answered.set()


async def test_park_is_confirmed_by_reading_the_orbit():
    async with FaultServer(healthy) as server:
        server.calls = [OURS]
        orbits: list[dict[str, Any]] = [{"number": "700", "display": "Park", "calls": []}]
        server.answers["/rest/user/45@acme.example/orbits"] = lambda _: web.json_response(orbits)
        says(server)
        async with watching(server) as watched:
            client = watched.client
            doing = asyncio.ensure_future(client.execute(command(client, "park", client.call_ref("7711"), "700")))
            await server.until(lambda: posted(server) or "blind-transfer2" in server.peers[0].actions())
            orbits[0] = {"number": "700", "calls": [{"id": "7711", "from": OURS["from"], "since": 1790000100}]}
            assert (await doing).status == "confirmed"


async def test_while_the_line_is_down_nothing_is_sent():
    async with FaultServer(drop_when_told, healthy, version="5.4") as server:
        server.calls = [OURS]
        async with watching(server) as watched:
            client = watched.client
            hangup = command(client, "hangup", client.call_ref("7711"))
            server.refuse_upgrade = 503
            server.go()
            await watched.until(lambda: client.status.state == "reconnecting")
            outcome = await client.execute(hangup)
            assert (outcome.status, outcome.sent) == ("refused", ())
            assert "Nothing was sent" in outcome.why


async def test_a_cancelled_wait_never_unsends_and_leaves_nothing():
    async with FaultServer(healthy, version="5.4") as server:
        server.calls = [OURS]
        async with watching(server) as watched:
            client = watched.client
            doing = asyncio.ensure_future(client.execute(command(client, "hangup", client.call_ref("7711"))))
            await server.until(lambda: "clear-call" in server.peers[0].actions())
            doing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await doing
            await server.peers[0].send({"action": "call-state", "calls": []})
            await watched.until(lambda: not client.store.calls)
            assert client.status.state == "live"


async def test_after_the_end_a_command_raises():
    async with FaultServer(healthy) as server:
        async with watching(server) as watched:
            hello = command(watched.client, "send", {"action": "ringtones"})
        with pytest.raises(HandleClosed):
            await watched.client.execute(hello)
        with pytest.raises(HandleClosed):
            await watched.client.send({"action": "ringtones"})


async def test_a_call_that_is_not_there():
    async with FaultServer(healthy) as server, watching(server) as watched:
        with pytest.raises(BadCommand, match="no call '9'"):
            watched.client.call_ref("9")

"""The life of a line: connecting, live, lost, live again, refused, closed. Each fault by its name."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web
from msgspec.structs import replace

from pbxnb.client import AdminToken, Client, Password, Session, Timing
from pbxnb.errors import (
    ConfigError,
    FrameTooBig,
    HandleClosed,
    LoginRefused,
    OpenTimeout,
    Refused,
    SessionExpired,
    Unreachable,
    UpgradeRefused,
)
from tests.client.client_kit import QUICK, make_client, watching
from tests.helpers.fault_server import (
    ADMIN,
    PASSWORD,
    FaultServer,
    accept_then_close,
    accept_then_drop,
    answering,
    call,
    clean_close,
    drop_when_told,
    healthy,
    silent,
    slow_to_close,
    stalled,
    subscribing_only,
    too_big,
)


async def test_live_once_accounts_and_calls_are_known():
    async with FaultServer(healthy) as server:
        server.calls = [call("7711")]
        async with watching(server) as watched:
            client = watched.client
            assert client.status.state == "live"
            assert client.status.missing == ()
            assert client.status.pbx_version == "70.1"
            assert set(client.store.accounts) == {"45", "204", "207"}
            assert set(client.store.calls) == {"7711"}
    assert watched.states == ["syncing", "live", "closed"]


async def test_the_first_snapshot_is_state_not_news():
    async with FaultServer(healthy) as server:
        server.calls = [call("7711")]
        async with watching(server) as watched:
            assert set(watched.kinds()) == {"connection"}


async def test_a_pbx_that_pushes_nothing_is_asked():
    async with FaultServer(answering) as server, watching(server) as watched:
        assert watched.client.status.missing == ()
        assert server.peers[0].actions() == ["avoid-disconnect", "domain-calls", "get-users", "get-calls"]


async def test_a_pbx_of_2016_is_spoken_to_in_its_words():
    async with FaultServer(answering, version="5.4") as server, watching(server) as watched:
        assert watched.client.dialect == "2016"
        assert server.peers[0].actions() == ["avoid-disconnect", "get-users", "get-calls"]


async def test_accounts_come_by_rest_where_the_socket_has_none():
    async with FaultServer(subscribing_only) as server:
        listed = [{"name": "45", "displayname": "Ann"}, {"name": "204", "displayname": "Jo", "registered": True}]
        server.answers["/rest/user/45@acme.example/accounts"] = lambda _: web.json_response(listed)
        async with watching(server) as watched:
            assert watched.client.status.missing == ()
            assert watched.client.store.accounts["204"].name == "Jo"


async def test_live_without_what_never_comes_and_says_so():
    async with FaultServer(silent) as server, watching(server) as watched:
        assert watched.client.status.state == "live"
        assert watched.client.status.missing == ("accounts", "calls")
        await server.peers[0].snapshot()
        await watched.until(lambda: watched.client.status.missing == ())
        assert set(watched.kinds()) == {"connection"}, "a late first snapshot is state, not news"


async def test_clean_close_is_a_restart_not_the_end():
    async with FaultServer(clean_close(1001), healthy) as server, watching(server) as watched:
        server.go()
        await watched.live(2)
        assert watched.states == ["syncing", "live", "reconnecting", "syncing", "live"]
        assert watched.client.status.reconnects == 1
        (gap,) = watched.client.status.gaps
        assert gap.end is not None
        (event,) = [event for event in watched.events if event.kind == "gap"]
        assert event.gap == gap


async def test_accept_then_drop_is_tried_a_bounded_number_of_times():
    quick = Timing(backoff_base=0.001, backoff_cap=0.001, attempts=4, attempts_within=1000.0)
    async with FaultServer(accept_then_drop) as server:
        client = make_client(server, timing=quick, open_timeout=0.6)
        with pytest.raises(OpenTimeout):
            await client.run()
        assert server.upgrades == 4


@pytest.mark.parametrize(
    ("status", "error"), [(401, LoginRefused), (403, LoginRefused), (404, UpgradeRefused), (302, Refused)]
)
async def test_refused_upgrade_is_final(status, error):
    async with FaultServer() as server:
        server.refuse_upgrade = status
        client = make_client(server)
        with pytest.raises(error):
            await client.start()
        assert client.status.state == "refused"
        assert client.status.why
        assert server.upgrades == 1


PASSING = {
    "a maintenance page": lambda _: web.Response(text="<!doctype html><p>Back soon", content_type="text/html"),
    "403 at the login": lambda _: web.Response(status=403),
    "false at the login": lambda _: web.json_response(False),
    "a redirect at the login": lambda _: web.Response(status=302, headers={"Location": "https://x.example/"}),
    401: None,
    403: None,
    404: None,
    302: None,
}


@pytest.mark.parametrize("answer", PASSING)
async def test_a_line_that_was_live_outlives_an_answer_that_may_be_passing(answer):
    async with (
        FaultServer(drop_when_told, healthy, login=True) as server,
        watching(server, login=AdminToken(*ADMIN)) as watched,
    ):
        if isinstance(answer, int):
            server.refuse_upgrade = answer
        else:
            server.answers["/rest/system/session"] = PASSING[answer]
        asked = [path for _, path, _ in server.requests].count("/")
        server.go()
        await server.until(lambda: [path for _, path, _ in server.requests].count("/") >= asked + 4)
        assert watched.client.status.state == "reconnecting"
        assert watched.client.status.why
        server.refuse_upgrade = None
        server.answers.clear()
        await watched.live(2)


async def test_an_upgrade_that_cannot_be_served_now_is_tried_again():
    async with FaultServer(healthy) as server:
        server.refuse_upgrade = 503
        client = make_client(server)
        starting = asyncio.ensure_future(client.start())
        await server.until(lambda: server.upgrades >= 2)
        server.refuse_upgrade = None
        await starting
        assert client.status.state == "live"
        await client.aclose()


async def test_half_open_link_goes_stale_then_reconnects():
    async with (
        FaultServer(stalled, healthy) as server,
        watching(server, ping_interval=0.05, ping_timeout=0.05) as watched,
    ):
        server.go()
        await watched.live(2)
        assert watched.states == ["syncing", "live", "stale", "reconnecting", "syncing", "live"]
        (gap,) = watched.client.status.gaps
        stale = next(status for status in watched.statuses if status.state == "stale")
        assert gap.start < stale.since, "the news stopped before we noticed"


async def test_stalled_server_before_the_first_live():
    listener = socket.create_server(("127.0.0.1", 0))  # the kernel accepts; nobody ever reads
    port = listener.getsockname()[1]
    client = Client(f"ws://127.0.0.1:{port}", domain="acme.example", user="45", open_timeout=0.2, timing=QUICK)
    with pytest.raises((OpenTimeout, Unreachable)):
        await client.start()
    assert client.status.state == "closed"
    listener.close()


async def test_nothing_listens():
    async with FaultServer() as server:
        url = server.url
    client = Client(url, domain="acme.example", user="45", open_timeout=0.2, timing=QUICK)
    with pytest.raises(Unreachable, match="Nothing listens"):
        await client.start()
    assert client.status.state == "closed"


async def test_dns_failure_names_the_host():
    client = Client(
        "ws://no-such-pbx.invalid", domain="acme.example", user="45", open_timeout=0.3, timing=QUICK, proxy=False
    )
    with pytest.raises((Unreachable, OpenTimeout), match=r"no-such-pbx\.invalid"):
        await client.start()


async def test_listeners_and_subscriptions_are_not_doubled_by_a_reconnect():
    async with FaultServer(clean_close(1000), clean_close(1000), healthy) as server, watching(server) as watched:
        for connection in (2, 3):
            server.go()
            await watched.live(connection)
        await server.until(lambda: "domain-calls" in server.peers[2].actions())
        seen = len([event for event in watched.events if event.kind == "message"])
        await server.peers[2].send({"action": "rec-start"})
        await watched.until(lambda: len([e for e in watched.events if e.kind == "message"]) > seen)
        assert len([event for event in watched.events if event.kind == "message"]) == seen + 1
        for peer in server.peers:
            assert peer.actions().count("domain-calls") == 1


async def test_deletions_during_the_outage_come_out_inferred():
    async with FaultServer(drop_when_told, healthy) as server:
        server.calls = [call("7711"), call("7712")]
        async with watching(server) as watched:
            server.calls = [call("7712"), call("7713")]
            server.go()
            await watched.live(2)
            news = {(event.kind, event.call.id): event.inferred for event in watched.events if event.call}
            assert news == {("call.ended", "7711"): True, ("call.new", "7713"): True}


async def test_a_partial_snapshot_keeps_accounts_and_asks_once_more():
    async with FaultServer(drop_when_told, answering) as server, watching(server) as watched:
        everybody = server.accounts
        server.accounts = everybody[:1]
        server.go()
        await watched.live(2)
        await server.until(lambda: server.peers[1].actions().count("get-users") == 2)
        assert set(watched.client.store.accounts) == {"45", "204", "207"}


async def test_a_snapshot_while_streaming_is_applied_before_what_came_around_it():
    async def streaming(peer):
        await peer.send(
            {"action": "user-state", "account": "299", "type": "extensions"},  # not in the snapshot that follows
            {"action": "call-state", "calls": [call("1")]},
            {"action": "call-state", "calls": [call("1"), call("2")]},
            {"action": "domain-state", "accounts": peer.server.accounts},
            {"action": "call-state", "calls": [call("2")]},
        )
        await peer.read_all()

    async with FaultServer(streaming) as server, watching(server) as watched:
        await watched.until(lambda: "call.ended" in watched.kinds())
        told = [(event.kind, event.call.id) for event in watched.events if event.call]
        assert told == [("call.new", "2"), ("call.ended", "1")]
        assert "299" in watched.client.store.accounts
        incoming = [frame.seq for frame in watched.frames if frame.direction == "in"]
        assert incoming == sorted(incoming)


async def test_token_expired_is_minted_anew_for_every_connection():
    async with (
        FaultServer(accept_then_close(4401), healthy, login=True) as server,
        watching(server, login=AdminToken(*ADMIN)) as watched,
    ):
        assert watched.client.status.state == "live"
        assert len([request for request in server.requests if (request[2] or {}).get("name") == "3rd"]) == 2
        cookies = [peer.request.headers["Cookie"] for peer in server.peers]
        assert cookies[0] != cookies[1]


@pytest.mark.parametrize("code", [1008, 4401])
async def test_a_line_closed_after_every_login_is_refused_in_the_end(code):
    async with FaultServer(accept_then_close(code), login=True) as server:
        with pytest.raises(LoginRefused, match=f"code {code}"):
            await make_client(server, login=Password(PASSWORD)).start()
        assert server.upgrades == 3


async def test_close_code_4403_stops():
    async with FaultServer(accept_then_close(4403)) as server:
        with pytest.raises(Refused, match="4403"):
            await make_client(server).start()
        assert server.upgrades == 1


async def test_an_expired_session_is_refused_because_it_cannot_be_renewed():
    async with FaultServer(login=True) as server:
        with pytest.raises(SessionExpired):
            await make_client(server, login=Session("long-gone")).start()


async def test_a_login_refused_long_enough_after_live_ends_the_line():
    async with (
        FaultServer(clean_close(1001), login=True) as server,
        watching(server, login=Password(PASSWORD), timing=replace(QUICK, refused_for=0.05)) as watched,
    ):
        server.answers["/rest/system/session"] = lambda _: web.json_response(False)
        server.go()
        await watched.until(lambda: watched.client.status.state == "refused")
        with pytest.raises(LoginRefused):
            await watched.client.wait_live()


async def test_a_client_that_a_refusal_ended_starts_again():
    async with FaultServer(clean_close(4403), healthy) as server:
        client = make_client(server)
        await client.start()
        server.go()
        with pytest.raises(UpgradeRefused):
            await client._background
        await client.start()
        assert client.status.state == "live"
        await client.aclose()


async def test_frame_above_max_size_is_tried_once_more_then_refused():
    async with FaultServer(too_big(5000), too_big(5000), healthy) as server:
        client = make_client(server, max_size=2000)
        server.accounts = []
        running = asyncio.ensure_future(client.run())
        await client.wait_live()
        server.go()
        await server.until(lambda: len(server.peers) == 2)
        server.go()
        with pytest.raises(FrameTooBig, match="max_size=2000"):
            await running
        assert len(server.peers) == 2


async def test_server_slow_to_close_does_not_hold_us():
    async with FaultServer(slow_to_close) as server:
        client = make_client(server)
        await client.start()
        async with asyncio.timeout(2):
            await client.aclose()
        assert client.status.state == "closed"


async def test_close_says_goodbye_and_is_idempotent():
    async with FaultServer(healthy) as server:
        client = make_client(server)
        await client.start()
        await client.aclose()
        await client.aclose()
        await server.until(lambda: server.peers[0].socket.close_code == 1000)
        with pytest.raises(HandleClosed):
            await client.wait_live()
        with pytest.raises(HandleClosed):
            await client.run()


async def test_a_cancelled_start_leaves_nothing_running():
    async with FaultServer(silent) as server:
        before = asyncio.all_tasks()
        client = make_client(server, timing=Timing())
        starting = asyncio.ensure_future(client.start())
        await server.until(lambda: server.peers)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert client.status.state == "closed"
        ours = {task for task in asyncio.all_tasks() - before if "pbxnb" in repr(task.get_coro())}
        assert not ours


async def test_a_failing_callback_does_not_stop_the_line(caplog):
    async with FaultServer(healthy) as server:
        client = make_client(server)
        client.on_frame = lambda frame: 1 / 0
        await client.start()
        assert client.status.state == "live"
        await client.aclose()
    assert "A callback failed." in caplog.text


@pytest.mark.parametrize(
    "option", [{"open_timeout": 0}, {"ping_interval": -1}, {"max_size": 0}, {"dialect": "klingon"}]
)
def test_impossible_options_are_told_at_once(option):
    with pytest.raises(ConfigError):
        Client("ws://127.0.0.1", domain="acme.example", user="45", **option)

"""Logins against the small server: every way in, and every refusal told apart."""

from __future__ import annotations

import asyncio
import contextlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDict

from pbxnb.client import AdminToken, Endpoint, Password, Session
from pbxnb.client.logins import resolve_login
from pbxnb.client.rest import Rest
from pbxnb.client.tls import Trust
from pbxnb.errors import (
    ApiAccessOff,
    ConfigError,
    LoginRefused,
    NotAPbx,
    SecondFactorRequired,
    UnknownAccount,
    Unreachable,
)
from tests.client.client_kit import make_client
from tests.helpers.fault_server import ADMIN, DOMAIN, PASSWORD, USER, FaultServer

PATH = "/rest/system/session"


async def log_in(server: FaultServer, login: Any) -> str:
    endpoint = Endpoint.parse(server.url, DOMAIN, USER)
    rest = Rest(endpoint, Trust(None, endpoint))
    try:
        secret = await login.cookie(rest)
        assert secret is not None
        return secret.reveal()
    finally:
        await rest.aclose()


def answering(*responses: Callable[[], web.Response]) -> Callable[[web.Request], web.Response]:
    left = list(responses)
    return lambda _request: (left.pop(0) if len(left) > 1 else left[0])()


async def test_password():
    async with FaultServer() as server:
        assert await log_in(server, Password(PASSWORD)) in server.sessions
        (request,) = server.requests
        assert request[0] == "POST"
        assert request[2]["value"].startswith("45@acme.example ")
        assert PASSWORD not in request[2]["value"]


async def test_password_by_put_where_post_is_unknown_and_what_worked_comes_first_next_time():
    async with FaultServer() as server:
        server.answers[f"POST {PATH}"] = lambda _: web.Response(status=405)
        login = Password(PASSWORD)
        await log_in(server, login)
        await log_in(server, login)
        assert [request[0] for request in server.requests] == ["POST", "PUT", "PUT"]


async def test_password_with_the_bare_number():
    async with FaultServer() as server:
        server.answers[PATH] = answering(*[lambda: web.json_response("")] * 2, lambda: web.json_response("id-12345678"))
        assert await log_in(server, Password("x")) == "id-12345678"
        assert [request[2]["value"].split()[0] for request in server.requests] == ["45@acme.example"] * 2 + ["45"]


async def test_an_empty_password_is_an_empty_hash():
    async with FaultServer() as server:
        with pytest.raises(LoginRefused):
            await log_in(server, Password(""))
        assert server.requests[0][2]["value"] == "45@acme.example "


async def test_password_from_the_environment(monkeypatch):
    monkeypatch.setenv("PBXNB_PASSWORD", PASSWORD)
    async with FaultServer() as server:
        assert await log_in(server, Password()) in server.sessions
    monkeypatch.delenv("PBXNB_PASSWORD")
    with pytest.raises(ConfigError, match="PBXNB_PASSWORD"):
        Password()


async def test_admin_token_is_exchanged_at_once():
    async with FaultServer() as server:
        assert await log_in(server, AdminToken(*ADMIN)) in server.sessions
        first, second = (request[2] for request in server.requests)
        assert first == {"name": "3rd", "username": "45", "domain": "acme.example"}
        assert second["name"] == "session"
        assert not server.tokens, "used up"


async def test_a_stale_token_is_minted_once_more():
    async with FaultServer() as server:
        token = lambda: web.json_response("token-1234567890")  # noqa: E731
        server.answers[PATH] = answering(token, lambda: web.json_response(False))
        with pytest.raises(LoginRefused):
            await log_in(server, AdminToken(*ADMIN))
        server.answers[PATH] = answering(
            token, lambda: web.json_response(False), token, lambda: web.json_response("id-12345678")
        )
        assert await log_in(server, AdminToken(*ADMIN)) == "id-12345678"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('"k3T9abcdefghijklmnop"', "k3T9abcdefghijklmnop"),
        ("k3T9abcdefghijklmnop", "k3T9abcdefghijklmnop"),
        ('{"session": "k3T9abcdefghijklmnop"}', "k3T9abcdefghijklmnop"),
        ('{"token": "k3T9abcdefghijklmnop"}', "k3T9abcdefghijklmnop"),
    ],
)
async def test_a_session_id_in_every_body_seen(body, found):
    async with FaultServer() as server:
        server.answers[PATH] = lambda _: web.Response(text=body)
        assert await log_in(server, Password("x")) == found


REFUSALS: list[tuple[str, Callable[[], web.Response], type[Exception], str]] = [
    ("false with 200", lambda: web.json_response(False), LoginRefused, "false"),
    ("an empty string", lambda: web.json_response(""), LoginRefused, "an empty answer"),
    ("401", lambda: web.Response(status=401), LoginRefused, "401"),
    ("403", lambda: web.Response(status=403), ApiAccessOff, "API"),
    ("404", lambda: web.Response(status=404), UnknownAccount, "know"),
    ("a second factor", lambda: web.json_response({"2fa": True}), SecondFactorRequired, "second factor"),
    ("a redirect", lambda: web.Response(status=302, headers={"Location": "https://x/"}), NotAPbx, "wss://"),
    ("a web page", lambda: web.Response(text="<html>hi", content_type="text/html"), NotAPbx, "web page"),
    ("503", lambda: web.Response(status=503), Unreachable, "503"),
]


@pytest.mark.parametrize(("name", "answer", "error", "words"), REFUSALS, ids=[row[0] for row in REFUSALS])
@pytest.mark.parametrize(
    "login", [Password("hunter2-secret"), AdminToken("admin", "hunter2-secret")], ids=["pw", "admin"]
)
async def test_every_refusal_is_told_apart(login, name, answer, error, words):
    async with FaultServer() as server:
        server.answers[PATH] = lambda _: answer()
        with pytest.raises(error, match=words) as refused:
            await log_in(server, login)
        assert type(refused.value) is error
        assert refused.value.hint
        assert "hunter2" not in str(refused.value) + repr(refused.value) + repr(refused.value.data)


async def test_a_refused_login_ends_the_client():
    async with FaultServer(login=True) as server:
        client = make_client(server, login=Password("wrong"))
        with pytest.raises(LoginRefused, match="web password"):
            await client.start()
        assert client.status.state == "refused"
        assert server.upgrades == 0


async def test_no_login_sends_no_cookie_and_says_so_when_one_is_wanted():
    async with FaultServer(login=True) as server:
        with pytest.raises(LoginRefused, match="wants a login"):
            await make_client(server).start()
        assert [request[1] for request in server.requests] == ["/"]


async def test_the_cookie_goes_over_plain_ws_although_it_is_marked_secure():
    async with FaultServer(login=True) as server, make_client(server, login=AdminToken(*ADMIN)):
        assert server.peers[0].request.cookies["session"] in server.sessions


async def test_rest_uses_the_session_cookie():
    async with FaultServer(login=True) as server:
        cookies: list[str | None] = []

        def wallboard(request: web.Request) -> web.Response:
            cookies.append(request.cookies.get("session"))
            return web.json_response([])

        server.answers["/rest/user/45@acme.example/wallboard"] = wallboard
        async with make_client(server, login=Password(PASSWORD)):
            await server.until(lambda: cookies)
        assert cookies[0] in server.sessions


def test_ask_prompts_without_showing():
    asked: list[str] = []

    def prompt(text: str) -> str:
        asked.append(text)
        return "hunter2-secret"

    assert isinstance(resolve_login("ask", "45@acme.example", getpass=prompt), Password)
    assert asked == ["Web password of 45@acme.example: "]


@pytest.mark.parametrize("login", ["hunter2-secret", 5, Password, object()])
def test_what_is_no_login(login):
    with pytest.raises(ConfigError) as refused:
        resolve_login(login, "45@acme.example")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("cookie", ["", "session=", "a b", "a\r\nX: y", "session=;"])
def test_what_is_no_session_id(cookie):
    with pytest.raises(ConfigError):
        Session(cookie)


async def test_a_session_may_be_pasted_with_its_name():
    async with FaultServer(login=True) as server:
        server.sessions.add("abc123")
        async with make_client(server, login=Session("session=abc123; path=/")) as client:
            assert client.status.state == "live"


@pytest.mark.parametrize(
    "cookie",
    [
        "session=id-12345678; Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
        "session=id-12345678; Priority=High; not an attribute at all; ;=; Expires=soon",
        'session="id-12345678"; Path=/',
        " session = id-12345678 ;Path",
        "session=id-12345678",
    ],
)
async def test_a_session_cookie_is_read_whatever_attributes_it_has(cookie):
    async with FaultServer() as server:
        headers = [
            ("Set-Cookie", "lang=de; Partitioned"),
            ("Set-Cookie", cookie),
            ("Set-Cookie", "session=; Max-Age=0"),
        ]
        server.answers[PATH] = lambda _: web.Response(text="true", headers=CIMultiDict(headers))
        assert await log_in(server, Password("x")) == "id-12345678"


@pytest.mark.parametrize("cookie", ["session", "session=", 'session="a b"', "session=a,b", "xsession=id-12345678"])
async def test_what_is_no_session_cookie_is_none(cookie):
    async with FaultServer() as server:
        server.answers[PATH] = lambda _: web.Response(text="true", headers={"Set-Cookie": cookie})
        with pytest.raises(LoginRefused):
            await log_in(server, Password("x"))


@pytest.mark.parametrize("login", [Password(PASSWORD), AdminToken(*ADMIN)], ids=["password", "admin"])
@pytest.mark.parametrize("probed", [True, False], ids=["page", "login"])
async def test_an_answer_without_end_is_not_kept(login, probed):
    """30 MB of ``{}`` where a token is expected, or as the page that tells the version."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        with contextlib.closing(writer), contextlib.suppress(OSError):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30000001\r\n\r\n[")
            for _ in range(30_000 if not probed or head.startswith(b"GET / ") else 0):
                writer.write(b"{}," * 333 + b" ")
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    endpoint = Endpoint.parse(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", DOMAIN, USER)
    rest = Rest(endpoint, Trust(None, endpoint))
    tracemalloc.start()
    try:
        if probed:
            await rest.probe()
        else:
            with pytest.raises(NotAPbx, match="64 kB"):
                await login.cookie(rest)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
        await rest.aclose()
        server.close()

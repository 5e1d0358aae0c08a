"""Every way in, and every way of being refused, told apart as the real PBX does (protocol.md 2.3, 9 rows 23 to 26)."""

import hashlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from pbxnb.protocol import requests
from pbxnb.simulator import serve
from pbxnb.simulator.engine.pbx import SimPbx
from pbxnb.simulator.server.security import Identity, SimLogin
from tests.helpers.sim_client import Http, client

PATH = "/rest/system/session"


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with serve("empty", extensions=5, password="open sesame") as sim, client(sim) as http:
        yield http


async def post(http: Http, body: object, *, admin: str = "", method: str = "POST") -> tuple[int, object, str]:
    headers = http.basic(admin) if admin else {}
    async with http.session.request(method, http.base + PATH, json=body, headers=headers) as answer:
        return answer.status, await answer.json(), answer.headers.get("Set-Cookie", "")


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("login", ["40@acme.example", "40", "admin", "admin@acme.example"])
async def test_direct_login_gives_the_session_in_the_body_and_in_the_cookie(
    http: Http, login: str, method: str
) -> None:
    secret = http.sim.admin_password if login.startswith("admin") else "open sesame"
    status, session, cookie = await post(http, {"name": "auth", "value": f"{login} {md5(secret)}"}, method=method)
    assert (status, len(str(session))) == (200, 20)
    assert cookie == f"session={session}; Path=/; HttpOnly; Secure; SameSite=Strict"


@pytest.mark.parametrize(
    "value", ["40 " + md5("wrong"), "40 ", "40", "", "99 " + md5("open sesame"), "40@other.example x"]
)
async def test_a_refused_direct_login_is_an_empty_string(http: Http, value: str) -> None:
    assert await post(http, {"name": "auth", "value": value}, method="PUT") == (200, "", "")


async def test_a_token_is_exchanged_once(http: Http) -> None:
    body = {"name": "3rd", "username": "41", "domain": "acme.example"}
    status, token, cookie = await post(http, body, admin="admin")
    assert (status, len(str(token)), cookie) == (200, 20, "")
    status, answer, cookie = await post(http, {"name": "session", "value": token})
    assert (status, answer) == (200, True)
    assert cookie.startswith("session=")
    assert await post(http, {"name": "session", "value": token}) == (200, False, "")


async def test_refusals_of_a_token(http: Http) -> None:
    body = {"name": "3rd", "username": "41", "domain": "acme.example"}
    assert await post(http, body) == (200, False, "")
    assert await post(http, body, admin="40@acme.example") == (200, False, "")
    assert await post(http, body | {"username": "99"}, admin="admin") == (404, False, "")
    assert await post(http, body | {"domain": "other"}, admin="admin") == (404, False, "")
    http.sim.login.api_access = False
    assert await post(http, body, admin="admin") == (403, False, "")
    assert await post(http, {"name": "session", "value": "guessed"}) == (200, False, "")


@pytest.mark.parametrize(
    "body", [None, [], "text", 5, {}, {"name": "auth"}, {"name": ["auth"]}, {"name": "auth", "value": {}}]
)
async def test_nonsense_is_refused_without_harm(http: Http, body: object) -> None:
    assert (await post(http, body))[1] in (False, "")


async def test_who_am_i_and_logging_out(http: Http) -> None:
    session = (await post(http, {"name": "auth", "value": f"41 {md5('open sesame')}"}))[1]
    cookie = {"Cookie": f"session={session}"}
    async with http.session.get(http.base + PATH, headers=cookie) as answer:
        assert answer.headers["Server"] == "PBX/70.1"
        facts = await answer.json()
    assert (facts["type"], facts["cuser"], facts["cdomain"]) == ("user", "41", "acme.example")
    async with http.session.delete(http.base + PATH, headers=cookie):
        pass
    async with http.session.get(http.base + PATH, headers=cookie) as answer:
        assert "type" not in await answer.json()


@pytest.mark.parametrize(
    ("query", "login", "status"),
    [
        ("domain=acme.example&user=40", "", 401),
        ("domain=acme.example&user=41", "40@acme.example", 403),
        ("domain=acme.example&user=99", "admin", 404),
        ("domain=other.example&user=40", "admin", 404),
    ],
)
async def test_a_refused_upgrade_has_a_status(http: Http, query: str, login: str, status: int) -> None:
    headers = http.basic(login) if login else {}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.session.ws_connect(f"{http.sim.url}/websocket?{query}", headers=headers)
    assert refused.value.status == status


@pytest.mark.parametrize("login", ["40@acme.example", "admin", "admin@acme.example"])
async def test_who_may_open_a_socket_for_an_extension(http: Http, login: str) -> None:
    url = f"{http.sim.url}/websocket?domain=acme.example&user=40"
    async with http.session.ws_connect(url, headers=http.basic(login)) as ws:
        await ws.send_json(requests.GetUsers().frame())
        assert "domain-state" in (await ws.receive_str())


@pytest.mark.parametrize(("quirk", "begins"), [("", '"'), ("session-plain", ""), ("session-object", '{"session":"')])
async def test_the_shapes_of_a_token(quirk: str, begins: str) -> None:
    async with serve("empty", quirks=quirk) as sim, client(sim) as http:
        body = {"name": "3rd", "username": "40", "domain": "acme.example"}
        async with http.session.post(http.base + PATH, json=body, headers=http.basic("admin")) as answer:
            text = await answer.text()
        assert text.startswith(begins)
        assert len(text.strip('{}":sion').removeprefix("session")) >= 18


def test_tokens_and_sessions_grow_old() -> None:
    wall = [0.0]
    pbx = SimPbx()
    pbx.directory.add_extension("40")
    login = SimLogin("", wall=lambda: wall[0])
    login.tenants["acme.example"] = pbx
    me = Identity("user", "acme.example", "40")
    token = login.token(me)
    wall[0] = 10.1
    assert login.exchange(token) == ""
    session = login.session(me)
    wall[0] += 3000
    assert login.whose(session) == me
    wall[0] += 3000
    assert login.whose(session) == me, "looking prolongs"
    wall[0] += 3601
    assert login.whose(session) is None
    assert login.by_hash("40") == me, "an empty password is an empty hash"


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic /w==", "Bearer abc", "Basic YWRtaW4="])
def test_a_broken_basic_header_is_nobody(header: str) -> None:
    assert SimLogin("secret").basic(header) is None

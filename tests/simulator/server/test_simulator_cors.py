"""What a page of another origin gets (rest.md 1.3, 1.6), and the cookie that a login leaves in it."""

from collections.abc import AsyncIterator
from hashlib import md5
from typing import Any

import pytest

from pbxnb.protocol import rest as paths
from pbxnb.simulator import serve
from tests.helpers.sim_client import Http, client

PAGE = "https://desk.example"
WHO, WITH = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"


@pytest.fixture(params=["modern", "2016"])
async def http(request: pytest.FixtureRequest) -> AsyncIterator[Http]:
    async with serve("empty", extensions=6, dialect=request.param) as sim, client(sim) as http:
        yield http


async def asked(http: Http, method: str, path: str, origin: str = PAGE, **options: Any) -> tuple[int, str, str]:
    headers = {"Origin": origin} | options.pop("headers", {})
    async with http.session.request(method, http.base + path, headers=headers, **options) as response:
        return response.status, response.headers.get(WHO, ""), response.headers.get(WITH, "")


async def test_a_simple_request_may_be_read_by_the_page_that_sent_it(http: Http) -> None:
    body = '{"name": "auth", "value": "40 wrong"}'
    plain = {"Content-Type": "text/plain"}
    assert await asked(http, "POST", paths.SESSION, data=body, headers=plain) == (200, PAGE, "true")
    assert await asked(http, "GET", paths.SESSION) == (200, PAGE, "true")
    assert await asked(http, "GET", "/") == (200, PAGE, "true")


@pytest.mark.parametrize(("path", "status"), [(paths.STATUS, 401), ("/rest/no/such", 404)])
async def test_also_a_refusal_may_be_read(http: Http, path: str, status: int) -> None:
    assert await asked(http, "GET", path) == (status, PAGE, "true")


@pytest.mark.parametrize("path", [paths.SESSION, paths.STATUS, "/", "/websocket", "/no/such", "/simulator"])
async def test_a_preflight_is_refused_everywhere(http: Http, path: str) -> None:
    assert await asked(http, "OPTIONS", path) == (403, "", "")


async def test_without_an_origin_nothing_is_said_of_it(http: Http) -> None:
    async with http.session.get(http.base + paths.SESSION) as response:
        assert WHO not in response.headers


@pytest.mark.parametrize("path", ["/simulator", "/simulator/api"])
async def test_steering_refuses_other_pages(http: Http, path: str) -> None:
    assert await asked(http, "GET", path, headers=http.basic("admin")) == (403, "", "")


async def test_who_lets_everybody_in_refuses_other_pages() -> None:
    async with serve("empty", extensions=6, open_cookie=True) as sim, client(sim) as http:
        assert await asked(http, "GET", paths.SESSION) == (403, "", "")
        assert await asked(http, "OPTIONS", paths.SESSION) == (403, "", "")


async def test_a_login_sets_the_cookie_as_its_time_did(http: Http) -> None:
    secret = md5(http.sim.password.encode(), usedforsecurity=False).hexdigest()
    body = {"name": "auth", "value": f"40@acme.example {secret}"}
    async with http.session.put(http.base + paths.SESSION, json=body) as response:
        session = await response.json()
        given = response.headers.get("Set-Cookie", "")
    assert len(session) == 20
    if http.sim.server.dialect == "2016":
        assert given == ""
    else:
        assert given == f"session={session}; Path=/; HttpOnly; Secure; SameSite=Strict"
    async with http.session.get(http.base + paths.SESSION, headers={"Cookie": f"session={session}"}) as response:
        assert (await response.json())["cuser"] == "40"

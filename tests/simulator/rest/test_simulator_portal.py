"""Clients of 2015 and 2016 at work: the portal page, step by step, and a script that reads raw answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import md5
from typing import Any

import pytest

from pbxnb.simulator import serve
from tests.helpers.sim_client import Http, Line, client


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with serve("empty", extensions=6, dialect="2016") as sim, client(sim) as http:
        yield http


def auth(http: Http, user: str = "40") -> dict[str, str]:
    digest = md5(http.sim.password.encode(), usedforsecurity=False).hexdigest()
    return {"name": "auth", "value": f"{user} {digest}"}


async def test_the_page_starts_up_to_its_socket(http: Http) -> None:
    session, base = http.session, http.base

    async def rest(method: str, path: str, body: Any = None) -> Any:
        async with session.request(method, base + path, json=body, headers=cookie) as response:
            assert response.status == 200, path
            return await response.json()

    cookie: dict[str, str] = {}
    for path in ("/rest/system/session", "/rest/system/localization", "/rest/system/translation/en/-,login.htm"):
        assert isinstance(await rest("GET", path), dict)
    cookie["Cookie"] = f"session={await rest('PUT', '/rest/system/session', auth(http))}"
    assert await rest("PUT", "/rest/system/session", {"name": "lang", "value": "en"}) is True
    who = await rest("GET", "/rest/system/session")
    assert (who["type"], who["cuser"], who["cdomain"], who["edit"]) == ("user", "40", "acme.example", False)
    identity = await rest("GET", "/rest/domain/self/account/self/list/list_identity")
    assert identity["user"] == "40"
    settings = "/rest/domain/self/account/self/user_settings"
    assert (await rest("GET", settings))["settings"]["view_settings"]["value"] == ""
    view = {"table": "users", "settings": [{"name": "view_settings", "value": '{"sort":"name"}'}]}
    assert await rest("PUT", settings, view) is True
    assert json.loads((await rest("GET", settings))["settings"]["view_settings"]["value"]) == {"sort": "name"}
    assert await rest("GET", "/rest/user/self/messages") == []
    assert isinstance(await rest("GET", f"/rest/domain/{who['cdomain']}/srvflags"), list)
    async with session.ws_connect(http.sim.url, headers=cookie) as ws:
        line = Line(ws)
        await line.send("get-users")
        await line.send("get-calls")
        assert (await line.next("domain-state"))["accounts"]
        assert (await line.next("call-state"))["calls"] == []


async def test_an_administrator_has_no_own_account_and_others_none_of_his(http: Http) -> None:
    identity = "/rest/domain/self/account/self/list/list_identity"
    assert await http.ask("GET", identity, name="admin@acme.example") == 404
    assert await http.ask("GET", "/rest/domain/self/account/41/list/list_identity") == 403


@pytest.mark.parametrize("dialect", ["modern", "2016"])
async def test_the_length_stands_in_the_fourth_line(dialect: str) -> None:
    async with serve("empty", extensions=6, dialect=dialect) as sim, client(sim) as http:

        async def raw(method: str, path: str, body: str = "", *more: str) -> tuple[list[str], str]:
            reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
            lines = [f"{method} {path} HTTP/1.0", f"Host: 127.0.0.1:{sim.port}", f"Content-Length: {len(body)}", *more]
            writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            head, _, rest = (await reader.read()).decode().partition("\r\n\r\n")
            writer.close()
            return head.split("\r\n"), rest

        origin = "Origin: https://desk.example"
        head, answer = await raw("PUT", "/rest/system/session", json.dumps(auth(http)), origin)
        assert head[3] == f"Content-Length: {len(answer)}"
        cookie = f"Cookie: session={answer[1:21]}"
        for path in ("/rest/system/session", "/rest/domain/acme.example/userlist/hunts", "/no/such", "/simulator/api"):
            head, answer = await raw("GET", path, "", cookie)
            assert head[3] == f"Content-Length: {len(answer.encode())}", path
            names = [line.partition(":")[0] for line in head[1:]]
            assert len(set(names)) == len(names), path

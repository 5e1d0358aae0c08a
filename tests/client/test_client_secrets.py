"""No secret anywhere: password, token and cookie are looked for in everything a person could come to see."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import pickle
import sys
import traceback
from base64 import b64encode
from collections.abc import Iterator

import pytest

from pbxnb.client import AdminToken, Client, Password, Session
from pbxnb.client.secrets import Secret
from pbxnb.errors import PbxError
from tests.client.client_kit import make_client, watching
from tests.helpers.fault_server import ADMIN, PASSWORD, FaultServer, accept_then_close, drop_when_told, healthy

COOKIE = "pasted-cookie-value-5512"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger says at DEBUG, as a file would hold it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    asyncio.get_event_loop_policy()
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def secrets_of(server: FaultServer) -> list[str]:
    basic = b64encode(":".join(ADMIN).encode()).decode()
    digest = hashlib.new("md5", PASSWORD.encode(), usedforsecurity=False).hexdigest()
    return [PASSWORD, digest, ADMIN[1], basic, COOKIE, "secret-id-number", *server.sessions, *server.tokens]


def assert_clean(text: str, server: FaultServer) -> None:
    for secret in secrets_of(server):
        assert secret not in text


LOGINS = [Password(PASSWORD), AdminToken(*ADMIN), Session(COOKIE)]


@pytest.mark.parametrize("login", LOGINS, ids=["password", "admin", "session"])
async def test_a_whole_life_at_debug(login, log):
    async with FaultServer(drop_when_told, healthy, login=True) as server:
        server.sessions.add(COOKIE)
        async with watching(server, login=login) as watched:
            client = watched.client
            server.go()
            await watched.live(2)
            seen = [repr(client), repr(login), repr(vars(client)), repr(client.status), repr(client.endpoint)]
            seen += [repr(watched.frames), repr(watched.events), str(client.coverage.report())]
            seen += [repr(vars(part)) for part in vars(client).values() if hasattr(part, "__dict__")]
        text = log.getvalue()
        assert "GET /websocket" in text, "the library did log the handshake's headers"
        assert "ookie" in text
        assert_clean(text, server)
        assert_clean("\n".join(seen), server)


@pytest.mark.parametrize("login", LOGINS, ids=["password", "admin", "session"])
@pytest.mark.parametrize("fault", ["no login", "upgrade", "close"])
async def test_errors_and_tracebacks(login, fault, log):
    async with FaultServer(accept_then_close(4403), login=fault == "no login") as server:
        server.sessions.add(COOKIE)
        if fault == "no login":
            server.sessions.clear()
            server.refuse_upgrade = 401
        if fault == "upgrade":
            server.refuse_upgrade = 403
        with pytest.raises(PbxError) as raised:
            await make_client(server, login=login).run()
        error = raised.value
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert_clean("".join(shown.format()) + repr(error) + str(error) + repr(error.data), server)
        assert_clean(log.getvalue(), server)


async def test_a_wrong_password_is_not_in_its_refusal(log):
    wrong = Password("hunter2-wrong-one")
    async with FaultServer(login=True) as server:
        with pytest.raises(PbxError) as raised:
            await make_client(server, login=wrong).run()
        shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
        digest = hashlib.new("md5", b"hunter2-wrong-one", usedforsecurity=False).hexdigest()
        for text in (shown, log.getvalue()):
            assert "hunter2" not in text
            assert digest not in text


async def test_an_unreachable_pbx_while_logging_in(log):
    """The HTTP library's exceptions can hold the whole request; none of it may come along."""
    async with FaultServer() as server:

        def hang_up(request):
            request.transport.abort()
            raise ConnectionResetError

        server.answers["/rest/system/session"] = hang_up
        client = make_client(server, login=AdminToken(*ADMIN), open_timeout=0.3)
        with pytest.raises(PbxError) as raised:
            await client.run()
        shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        assert_clean("".join(shown.format()), server)


def test_the_box_shows_nothing():
    box = Secret("hunter2-secret")
    assert "hunter2" not in repr(box) + str(box) + f"{box}" + format([box])
    with pytest.raises(TypeError):
        pickle.dumps(box)


@pytest.mark.parametrize("login", LOGINS, ids=["password", "admin", "session"])
def test_logins_are_never_pickled(login):
    with pytest.raises(TypeError):
        pickle.dumps(login)


def test_importing_the_client_logs_and_prints_nothing(capsys):
    assert Client.__module__ in sys.modules
    assert capsys.readouterr().out == ""

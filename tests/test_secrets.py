"""Nothing that proves who we are appears anywhere it can be read: not in a repr, a log record, an error, a report.

Every secret that is put on the wire passes ``Secret.reveal``; the tests listen there, so that also the cookies and
tokens of the day are known, and then search everything a person, a log file or a notebook could see.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import logging
import re
import ssl
import threading
import traceback
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import pbxnb
from pbxnb.client import Client
from pbxnb.client.endpoint import Endpoint
from pbxnb.client.secrets import Secret
from pbxnb.errors import PbxError, TlsError
from pbxnb.protocol.sdp import Sdp
from tests.client.client_kit import Certificate

PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def simulator():
    with contextlib.closing(pbxnb.simulator.start("quiet", extensions=5, password=PASSWORD)) as running:
        yield running


@pytest.fixture
def revealed(monkeypatch) -> set[str]:
    """Every secret put on the wire during the test."""
    seen = {PASSWORD}
    real = Secret.reveal

    def listening(self: Secret) -> str:
        seen.add(real(self))
        return real(self)

    monkeypatch.setattr(Secret, "reveal", listening)
    return seen


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything logged by anyone, at DEBUG, as a file would hold it, tracebacks included."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def reprs(thing: Any, seen: set[int]) -> Iterator[str]:
    """The repr of ``thing`` and of everything of ours that it holds, never of what is in a `Secret` or an `Sdp`."""
    if id(thing) in seen or len(seen) > 50_000:
        return
    seen.add(id(thing))
    yield repr(thing)
    if isinstance(thing, Secret | Sdp):
        return
    if isinstance(thing, dict):
        for key, value in list(thing.items()):
            yield from reprs(key, seen)
            yield from reprs(value, seen)
    elif isinstance(thing, list | tuple | set | frozenset):
        for value in list(thing):
            yield from reprs(value, seen)
    elif type(thing).__module__.startswith("pbxnb"):
        slots = [name for cls in type(thing).__mro__ for name in getattr(cls, "__slots__", ())]
        for name in {*getattr(thing, "__dict__", ()), *slots}:
            yield from reprs(getattr(thing, name, None), seen)


def assert_absent(secrets: set[str], texts: Iterator[str] | list[str]) -> None:
    wanted = {secret for secret in secrets if len(secret) > 5}
    assert wanted
    for text in texts:
        for secret in wanted:
            assert secret not in text, text[:500]


def logins(simulator) -> dict[str, Any]:
    name, secret = simulator.admin
    return {"password": pbxnb.Password(PASSWORD), "token": pbxnb.AdminToken(name, secret)}


@pytest.mark.parametrize("how", ["password", "token"])
def test_a_whole_life_shows_no_secret(simulator, revealed, log, how):
    where = {"url": simulator.url, "domain": simulator.domain, "user": simulator.user}
    with pbxnb.connect(**where, login=logins(simulator)[how], control=True) as pbx:
        pbx.send({"action": "anything"}).result(5)
        assert len(revealed) > 1  # a cookie at least
        pbx._line.feed.endpoint  # noqa: B018
        shown = [
            repr(pbx),
            *pbx._repr_mimebundle_().values(),
            repr(pbx.status),
            str(pbx.coverage()),
            *(frame.text for frame in pbx.frames()),
            *(
                str(pbx.preview(name, *args))
                for name, args in (("dial", ("204",)), ("dnd", (True,)), ("chat", ("2", "x")))
            ),
        ]
        assert_absent(revealed, shown)
        assert_absent(revealed, reprs(pbx, set()))
    assert_absent(revealed, [log.getvalue()])
    assert "websockets" in log.getvalue() or "socket" in log.getvalue().lower()  # there was something to search


def errors_of(simulator, **arguments: Any) -> list[str]:
    """The texts and tracebacks of a connection that fails."""
    where = {"url": simulator.url, "domain": simulator.domain, "user": simulator.user} | arguments
    with pytest.raises(PbxError) as caught:
        pbxnb.connect(**where, open_timeout=5).result()
    error: BaseException | None = caught.value
    texts = ["".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())]
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(getattr(error, "data", ""))]
        error = error.__cause__ or error.__context__
    return texts


def test_a_wrong_password_is_not_repeated(simulator, revealed, log):
    revealed.add(wrong := "wrong-horse-battery")
    assert_absent(revealed, errors_of(simulator, login=pbxnb.Password(wrong)))
    assert_absent(revealed, [log.getvalue()])


def test_a_wrong_domain_does_not_repeat_the_password(simulator, revealed, log):
    assert_absent(revealed, errors_of(simulator, domain="other.example", login=pbxnb.Password(PASSWORD)))
    assert_absent(revealed, [log.getvalue()])


def test_an_expired_session_is_not_repeated(simulator, revealed, log):
    revealed.add(cookie := "0123456789abcdef0123")
    assert_absent(revealed, errors_of(simulator, login=pbxnb.Session(cookie)))
    assert_absent(revealed, [log.getvalue()])


WRONG_PLACES = {
    "login": {"login": PASSWORD},
    "bytes": {"login": PASSWORD.encode()},
    "pair": {"login": ("45", PASSWORD)},
    "URL": {"url": f"wss://45:{PASSWORD}@pbx.example.com"},
    "URL that cannot be read": {"url": f"wss://45:{PASSWORD}@pbx.example.com:port"},
    "session": {"url": f"wss://pbx.example.com/websocket?session={PASSWORD}"},
    "domain": {"domain": f"{PASSWORD}@acme.example"},
    "user": {"user": f"45:{PASSWORD}@"},
    "proxy": {"proxy": f"45:{PASSWORD}@proxy.example.com"},
    "proxy, and another mistake": {"proxy": f"http://45:{PASSWORD}@proxy.example.com", "keepalive": -1},
    "name": {"password": PASSWORD},
    "position": {},
}


@pytest.mark.parametrize("place", WRONG_PLACES)
@pytest.mark.parametrize("make", [pbxnb.connect, Client, Endpoint.parse])
def test_a_password_given_in_the_wrong_place_stands_in_no_traceback(make, place):
    positions = ("wss://pbx.example.com", PASSWORD) if place == "position" else ()
    where = {} if positions else {"url": "wss://pbx.example.com", "domain": "acme.example", "user": "45"}
    with pytest.raises((PbxError, TypeError)) as caught:
        make(*positions, **where | WRONG_PLACES[place])
    assert_absent({PASSWORD}, everything_in(caught.value))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pbxnb-")]


def test_what_a_simulator_refuses_leaves_without_its_password():
    for make in (pbxnb.simulate, pbxnb.simulator.start):
        with pytest.raises(PbxError) as caught:
            make("quiet", extensions=-1, password=PASSWORD)
        assert_absent({PASSWORD}, everything_in(caught.value))


def test_a_fault_of_ours_keeps_its_frames(monkeypatch):
    monkeypatch.setattr(Endpoint, "parse", lambda *_: len(0))
    with pytest.raises(TypeError) as caught:
        pbxnb.connect("wss://pbx.example.com")
    assert caught.traceback[-1].path == Path(__file__)


def test_logins_show_nothing_of_themselves(simulator, revealed):
    for login in logins(simulator).values():
        assert_absent(revealed, reprs(login, set()))


# However a login ends, what was being sent is in no frame of what is raised: `%xmode Verbose` and `pytest -l` show
# every local variable, and an error may be looked at long after.

COOKIE, TOKEN, SESSION, ADMIN = "pasted-cookie-5512", "token-of-ten-seconds", "session-of-an-hour", "iron-admin-word"
DIGEST = hashlib.md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()
BASIC = b64encode(f"admin:{ADMIN}".encode()).decode()
KNOWN = {PASSWORD, DIGEST, COOKIE, TOKEN, SESSION, ADMIN, BASIC}

KINDS = {
    "password": lambda: pbxnb.Password(PASSWORD),
    "admin": lambda: pbxnb.AdminToken("admin", ADMIN),
    "session": lambda: pbxnb.Session(COOKIE),
}
# login, and after how many good answers (the first is GET /) the PBX fails: at its login, at its second half, at the
# socket.
STAGES = [("password", 1), ("admin", 1), ("admin", 2), ("session", 1), ("password", 2), ("admin", 3)]
FAULTS = {
    "hang-up": "",
    "half": "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{echo}",
    "no HTTP": "\x16\x03\x01 {echo}\r\n\r\n",
    "odd JSON": ("200 OK", '{{"2fa": true, "session": "session-of-an-hour", "you": {json}}}', ""),
    "list": ("200 OK", '[[{json}], "session-of-an-hour"]', ""),
    "page": ("200 OK", "<html>{echo}", ""),
    "long": ("200 OK", '"{echo}' + "x" * 100_000 + '"', ""),
    "redirect": ("302 Found", "", "Location: https://x/?{quoted}\r\nSet-Cookie: session=session-of-an-hour"),
    "refused": ("403 Forbidden", "{json}", "Set-Cookie: session=session-of-an-hour"),
    "500": ("500 Internal Server Error", "{json}", "Set-Cookie: session=session-of-an-hour"),
}


class Failing:
    """A PBX that answers well some times and then fails in one way; it repeats what it was sent wherever it can."""

    def __init__(self, fault: str, good: int, context: ssl.SSLContext | None = None) -> None:
        self.fault, self.good, self.context = fault, good, context
        self.failed = asyncio.Event()

    async def __aenter__(self) -> Failing:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        scheme = "wss" if self.context else "ws"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            fails = self.good == 0
            self.good -= not fails
            if self.context and not (fails and self.fault == "TLS"):
                await writer.start_tls(self.context)
            if fails and self.fault == "TLS":
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                await writer.drain()
                return
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = re.search(r"(?i)content-length: (\d+)", head)
            got = head + (await reader.readexactly(int(size[1])) if size else b"").decode()
            if not fails:
                token = '"' + (TOKEN if "Basic" in head else SESSION) + '"'
                answer = self._answer("200 OK", token, "")
            elif self.fault == "silence":
                self.failed.set()
                await reader.read()
                return
            else:
                said = FAULTS[self.fault]
                answer = said if isinstance(said, str) else self._answer(*said)
                echo = got.replace("\r\n", " ").replace('"', "'")
                answer = answer.format(echo=echo, json=json.dumps(got), quoted=quote(got))
                head, cut, body = answer.partition("\r\n\r\n")
                answer = head.replace("Content-Length: 0", f"Content-Length: {len(body.encode())}") + cut + body
            writer.write(answer.encode())
            await writer.drain()

    def _answer(self, status: str, body: str, more: str) -> str:
        kind = "text/html" if body.startswith("<") else "application/json"
        size = len(body) if status == "200 OK" and body.startswith('"') and "{" not in body else 0
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {size}", *([more] if more else [])]
        return "\r\n".join(lines) + "\r\n\r\n" + body


def everything_in(error: BaseException | None) -> Iterator[str]:
    """What an error and all that led to it show: words, data, and every local variable of our and others' frames."""
    seen: set[int] = set()
    done: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in done:
            continue
        done.add(id(one))
        yield from (str(one), repr(one), repr(one.args), repr(getattr(one, "data", "")))
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_code.co_filename == __file__:
                continue
            for value in frame.f_locals.values():
                yield from reprs(value, seen)
                if isinstance(value, BaseException):
                    waiting.append(value)
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


async def failure_of(server: Failing, kind: str, **options: Any) -> PbxError:
    client = Client(server.url, domain="acme.example", user="45", login=KINDS[kind](), **options)
    with pytest.raises(PbxError) as caught:
        await client.run()
    assert_absent(KNOWN, reprs(client, set()))
    return caught.value


@pytest.mark.parametrize(("kind", "good"), STAGES)
@pytest.mark.parametrize("fault", [*FAULTS, "silence"])
async def test_a_pbx_that_fails_during_the_login_leaves_no_secret_in_the_traceback(fault, kind, good, revealed, log):
    async with Failing(fault, good) as server:
        error = await failure_of(server, kind, open_timeout=0.3)
        assert_absent(KNOWN | revealed, everything_in(error))
    assert_absent(KNOWN | revealed, [log.getvalue()])


@pytest.mark.parametrize(("kind", "good"), STAGES)
async def test_a_tls_error_during_the_login_leaves_no_secret_in_the_traceback(kind, good, revealed, log, tmp_path):
    certificate = Certificate(tmp_path)
    async with Failing("TLS", good, certificate.context) as server:
        error = await failure_of(server, kind, tls=pbxnb.Pin(certificate.fingerprint), open_timeout=10)
        assert isinstance(error, TlsError)
        assert_absent(KNOWN | revealed, everything_in(error))
    assert_absent(KNOWN | revealed, [log.getvalue()])


@pytest.mark.parametrize(("kind", "good"), STAGES)
async def test_a_login_that_is_cancelled_leaves_no_secret_in_the_traceback(kind, good, revealed, log):
    async with Failing("silence", good) as server:
        client = Client(server.url, domain="acme.example", user="45", login=KINDS[kind]())
        running = asyncio.ensure_future(client.run())
        await server.failed.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await running
        assert_absent(KNOWN | revealed, everything_in(caught.value))
    assert_absent(KNOWN | revealed, [log.getvalue()])


@pytest.mark.parametrize(
    "make",
    [
        lambda word: pbxnb.Password(word.encode()),
        lambda word: pbxnb.Password(f"{word}\udcff"),
        lambda word: pbxnb.AdminToken("", word),
        lambda word: pbxnb.AdminToken("admin", f"{word}\udcff"),
        lambda word: pbxnb.Session(f"{word},"),
        lambda word: pbxnb.Password("45", word),
        lambda word: pbxnb.AdminToken(word),
        lambda word: pbxnb.Session(session=word),
    ],
)
def test_a_login_that_cannot_be_made_leaves_no_secret_in_the_traceback(make):
    with pytest.raises((PbxError, TypeError)) as caught:
        make(PASSWORD)
    assert_absent({PASSWORD}, everything_in(caught.value))


# What proves that a call's sound comes from its other side: names and passwords of ICE, fingerprints. Both sides of a
# call with the embedded PBX describe themselves by `Engine.describe`, so all of them are known to the test.


@pytest.fixture
def described(monkeypatch) -> set[str]:
    """Every secret of a call's media."""
    from pbxnb.media.engine import Engine

    seen: set[str] = set()
    real = Engine.describe

    async def listening(self, order):
        text = await real(self, order)
        seen.update(re.findall(r"a=(?:ice-ufrag:|ice-pwd:|fingerprint:sha-\d+ )(\S+)", text))
        return text

    monkeypatch.setattr(Engine, "describe", listening)
    return seen


def test_a_call_with_sound_shows_no_secret_of_its_media(described, log):
    pytest.importorskip("aiortc", reason="needs the phone extra")
    from pbxnb.media import wire
    from pbxnb.media.engine import Engine
    from pbxnb.media.leg import EngineLeg
    from pbxnb.phone.leg import LegState, MediaState

    with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        socket = pbx._phones.socket("42")
        socket.open().result(20)
        talks, over, events, legs, frames = threading.Event(), threading.Event(), [], [], []
        socket.client.on_frame.add(lambda frame: frames.append(repr(frame)))
        engine = Engine()

        def told(event: wire.Event) -> None:
            events.append(event)
            if isinstance(event, wire.SoundState):
                legs[0].sounds(MediaState(event.state))

        def media(one):
            legs.append(one)
            return EngineLeg(engine, described=one.described, tell=told, lost=lambda error: one.gone(error.message))

        def moved(one) -> None:
            events.append(repr(one))
            if one.leg.state is LegState.TALKING:
                talks.set()
            elif one.leg.state is LegState.ENDED:
                over.set()

        socket.line.changed.add(moved)
        assert socket.call(lambda: socket.line.dial("*echo", media))
        assert talks.wait(60)
        shown = [
            *map(repr, events),
            *map(repr, legs[0].moments()),
            *(frame.text for frame in pbx.frames()),
            *frames,
            repr(socket),
            str(pbx.coverage()),
        ]
        assert any("a=ice-pwd:" in each for each in frames)  # there is something to hide
        assert_absent(described, shown)
        assert_absent(described, reprs(socket.line, set()))
        assert_absent(described, reprs(pbx, set()))
        assert_absent(described, reprs(pbx.simulator, set()))
        socket.call(legs[0].hangup)
        assert over.wait(60)
        pbx._line.submit(engine.aclose, "the end of the media").result(20)
        socket.close().result(20)
    assert len(described) >= 6  # name, password and fingerprint of both sides
    assert_absent(described, [log.getvalue()])


def test_recordings_are_off_by_default_and_for_their_owner_alone():
    pytest.importorskip("aiortc", reason="needs the phone extra")
    with contextlib.closing(pbxnb.simulator.start("empty", extensions=2, media=True)) as running:
        folder = running.server.media.folder
        assert folder.stat().st_mode & 0o077 == 0
        assert list(folder.iterdir()) == []
    assert not folder.exists()

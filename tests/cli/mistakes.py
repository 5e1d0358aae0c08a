"""The commonest mistakes on the way to a PBX, each made for real, for `pbxnb check` to find.

The README shows what comes of them: `python tests/cli/mistakes.py` prints that table, a test compares it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from unittest import mock

from pbxnb import cli, simulator

PASSWORD = "open sesame"
WHO = ("--domain", "acme.example", "--user", "40")
Line = tuple[list[str], dict[str, str]]
"""Arguments after `pbxnb check`, and what is in the environment."""


class Mistake(NamedTuple):
    """One mistake, as a person would say it, the step that finds it, and how to make it."""

    name: str
    step: str
    made: Callable[[], AbstractContextManager[Line]]


@contextlib.contextmanager
def pbx(**options: Any) -> Iterator[simulator.Simulator]:
    with simulator.start("empty", extensions=5, password=PASSWORD, **options) as running:
        yield running


@contextlib.contextmanager
def website(path_to_body: dict[str, tuple[str, str]], server: str) -> Iterator[str]:
    """A web server of a few pages; every other path, and every socket, is 404."""

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = server, ""

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind, body = path_to_body.get(self.path, ("text/plain", ""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"ws://127.0.0.1:{running.server_address[1]}"
        finally:
            running.shutdown()
            thread.join()


def env(password: str = PASSWORD, session: str = "") -> dict[str, str]:
    return {"PBXNB_PASSWORD": password} | ({"PBXNB_SESSION": session} if session else {})


@contextlib.contextmanager
def wrong_scheme() -> Iterator[Line]:
    with pbx() as sim:
        yield [sim.url.replace("ws://", "wss://"), *WHO], env()


@contextlib.contextmanager
def wrong_port() -> Iterator[Line]:
    with socket.socket() as taken:  # bound and not listening: nobody else can take the port meanwhile
        taken.bind(("127.0.0.1", 0))
        yield [f"wss://127.0.0.1:{taken.getsockname()[1]}", *WHO], env()


@contextlib.contextmanager
def unknown_host() -> Iterator[Line]:
    def lookup(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with mock.patch("socket.getaddrinfo", lookup):  # no test asks a name server
        yield ["wss://pbx.exmaple.com", *WHO], env()


@contextlib.contextmanager
def self_signed() -> Iterator[Line]:
    with pbx(tls=True) as sim:
        yield [sim.url, *WHO], env()


@contextlib.contextmanager
def wrong_account() -> Iterator[Line]:
    with pbx() as sim:
        yield [sim.url, "--domain", "acme.example", "--user", "999", "--login", "admin"], env(sim.admin_password)


@contextlib.contextmanager
def wrong_password() -> Iterator[Line]:
    with pbx() as sim:
        yield [sim.url, *WHO], env("the SIP password")


@contextlib.contextmanager
def api_access_off() -> Iterator[Line]:
    with pbx() as sim:
        sim.run(lambda: setattr(sim.login, "api_access", False))
        yield [sim.url, *WHO, "--login", "admin"], env(sim.admin_password)


@contextlib.contextmanager
def second_factor() -> Iterator[Line]:
    pages = {"/": ("text/html", "<html>"), "/rest/system/session": ("application/json", '{"2nd": true}')}
    with website(pages, "PBX/70.1") as url:
        yield [url, *WHO], env()


@contextlib.contextmanager
def expired_session() -> Iterator[Line]:
    with pbx() as sim:
        yield [sim.url, *WHO, "--login", "session"], env(session="0123456789abcdef0123")


@contextlib.contextmanager
def not_a_pbx() -> Iterator[Line]:
    page = ("text/html", "<!doctype html><title>It works!</title>")
    with website({"/": page, "/rest/system/session": page}, "nginx") as url:
        yield [url, *WHO], env()


@contextlib.contextmanager
def no_right() -> Iterator[Line]:
    with pbx() as sim:
        sim.run(lambda: setattr(sim.pbx.extensions[0], "sees_domain", False))
        sim.answer(sim.place_call("41", "42"))
        yield [sim.url, *WHO], env()


MISTAKES = (
    Mistake("`wss://` on a port without TLS", "tls", wrong_scheme),
    Mistake("wrong port", "reachable", wrong_port),
    Mistake("host name mistyped", "reachable", unknown_host),
    Mistake("self-signed certificate", "tls", self_signed),
    Mistake("wrong extension or domain", "login", wrong_account),
    Mistake("wrong password", "login", wrong_password),
    Mistake("API access is off", "login", api_access_off),
    Mistake("second factor", "login", second_factor),
    Mistake("expired session", "socket", expired_session),
    Mistake("not a PBX", "login", not_a_pbx),
    Mistake("no right to see calls", "rights", no_right),
)


def run(*argv: str, environment: dict[str, str]) -> tuple[int, str, str]:
    """The command line in this process: exit code, output, remarks."""
    out, remarks = io.StringIO(), io.StringIO()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PBXNB_")}
    with (
        mock.patch.dict(os.environ, clean | environment, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(remarks),
    ):
        code = cli.main(argv)
    return code, out.getvalue(), remarks.getvalue()


def check(mistake: Mistake) -> tuple[int, dict[str, Any]]:
    """What `pbxnb check --json` makes of it."""
    with mistake.made() as (argv, environment):
        code, said, remarks = run("check", *argv, "--json", environment=environment)
    assert not remarks
    return code, json.loads(said)


def table() -> str:
    """The mistakes and what is said about them, for the README."""
    rows = ["| mistake | step that fails | what `pbxnb check` says |", "| --- | --- | --- |"]
    for mistake in MISTAKES:
        last = check(mistake)[1]["steps"][-1]
        said = re.sub(r"127\.0\.0\.1:\d+", "pbx.example.com", f"{last['said']} *{last['try']}*")
        rows.append(f"| {mistake.name} | {last['step']} | {said} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())

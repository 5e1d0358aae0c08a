"""The command line: ``pbxnb check``, ``watch``, ``record``, ``simulate``, ``anonymise``, ``demo``.

It parses, calls and prints, and knows nothing itself.

Results go to standard output, remarks to standard error. Exit codes: 0 well, 1 a problem was found, 2 wrong usage,
130 interrupted before there was a result.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from . import errors
from .arguments import meant
from .text import clean_lines, escaped

__all__ = ["main"]

_IN_THE_SHELL = (
    (r'Write it as ("\S+?"), with .*$', "Write it as: wss://pbx.example.com --domain acme.example --user 45"),
    (r"Give it as login=pbxnb\.(Password|Session)\(…\)", "Give it in PBXNB_PASSWORD or PBXNB_SESSION"),
    (r"tls=pbxnb\.Pin\([^)]*\)", "--tls sha256:…"),
    (r'tls="(path\.pem)"', r"--tls \1"),
    (r"\ban AdminToken\b", "--login admin"),
    (r"\ba Session from a browser\b", "--login session with a browser's cookie"),
    (r'login=pbxnb\.Password\("…"\) or another one', "the password in PBXNB_PASSWORD, or another --login"),
    (r"\bopen_timeout\b", "--timeout"),
    (r"\btls=True\b", "--tls"),
    (r"\b(domain|user|login|tls)=", r"--\1"),
)
"""What a sentence calls an argument of `connect`, and what the command line calls it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments without the program's name; None for those of the process.

    Returns:
        The exit code.
    """
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    run: Callable[[argparse.Namespace], int] = arguments.run
    logging.getLogger("pbxnb").addHandler(logging.NullHandler())  # what happened is said here, once
    try:
        return run(arguments)
    except errors.PbxError as error:
        said, hint = _in_the_shell(error.message), _in_the_shell(error.hint)
        if arguments.json:
            _tell({"ok": False, "error": type(error).__name__, "said": said, "try": hint})
        else:
            _remark(f"pbxnb: {said} {hint}".rstrip())
        return 2 if isinstance(error, errors.ConfigError) or "argument" in error.data else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of a pipe (head, grep -m) has had enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Parser(argparse.ArgumentParser):
    """Answers a mistyped command, option or choice with the nearest right one."""

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '([^']*)'|unrecognized arguments: (\S+)", message)
        if wrong:
            given, choices = wrong[1] or wrong[2], message.partition("(choose from ")[2]
            known = re.findall(r"[\w-]+", choices) if choices else re.findall(r"--[a-z-]+", self.format_help())
            message += meant(given, known)
        super().error(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="pbxnb", description="The PBX, live, in a notebook.")
    parser.add_argument("--version", action="version", version=f"pbxnb {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="walk through a connection and say in plain words what is wrong")
    _connection(check)
    check.set_defaults(run=_check, parser=check)

    watch = commands.add_parser("watch", help="print events as JSON lines until interrupted")
    _connection(watch)
    watch.add_argument("--kind", default="*", help="kinds to print, a glob such as call.* (default: all but message)")
    watch.add_argument("--count", type=int, default=0, metavar="N", help="stop after N events")
    watch.set_defaults(run=_watch, parser=watch)

    record = commands.add_parser("record", help="record PBXs without a notebook, for months, until told to end")
    record.add_argument("file", metavar="FILE.toml", help="what is recorded, where to, and how long it stays")
    record.add_argument("--tables", action="store_true", help="make the tables of what is recorded, and end")
    record.add_argument("--every", type=float, default=30.0, metavar="N", help="seconds between lines (default 30)")
    record.add_argument("--json", action="store_true", help="a line of health every N seconds, for programs")
    record.set_defaults(run=_record, parser=record)

    simulate = commands.add_parser("simulate", help="run an embedded PBX by itself")
    simulate.add_argument("preset", nargs="?", default="office", help="quiet, office, callcentre, storm, classroom ...")
    simulate.add_argument("--extensions", type=int, help="how many in each domain (default: the preset's)")
    simulate.add_argument("--seed", type=int, default=1, help="the same seed gives the same day (default 1)")
    simulate.add_argument("--speed", type=float, default=1.0, help="PBX seconds per second (default 1)")
    simulate.add_argument("--domains", default="", metavar="NAME,NAME", help="several tenants (default: acme.example)")
    simulate.add_argument("--start", help="virtual time to start at, such as 2026-03-02T09:30:00+00:00")
    simulate.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    simulate.add_argument("--tls", action="store_true", help="wss:// with a certificate made on the fly")
    simulate.add_argument("--dialect", choices=["modern", "2016"], default="modern", help="vocabulary (default modern)")
    simulate.add_argument("--quirks", default="", help="comma-separated switches, or all")
    simulate.add_argument("--recording", help="serve this recorded session (.pbx, or JSON lines) instead of traffic")
    simulate.add_argument("--scenario", help="play a scenario: a built-in name or a file")
    simulate.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="start with this fault; repeatable"
    )
    simulate.add_argument("--json", action="store_true", help="machine-readable output")
    simulate.set_defaults(run=_simulate, parser=simulate)

    anonymise = commands.add_parser("anonymise", help="write a recording once more, without its names and numbers")
    anonymise.add_argument("recording", metavar="IN", help="the recording: .pbx, or JSON lines of frames")
    anonymise.add_argument(
        "out", metavar="OUT", help="what to write, NAME.pbx or NAME.jsonl; replaced where it is there"
    )
    anonymise.add_argument("--json", action="store_true", help="machine-readable output")
    anonymise.set_defaults(run=_anonymise, parser=anonymise)

    demo = commands.add_parser("demo", help="open JupyterLab on the first notebook, with a simulated PBX")
    demo.add_argument("--check", action="store_true", help="run the demo end to end without a browser, then stop")
    demo.add_argument("--port", type=int, default=8888, help="port of JupyterLab (default 8888)")
    demo.add_argument("--no-browser", action="store_true", help="do not open a browser")
    demo.add_argument("--json", action="store_true", help="machine-readable output")
    demo.set_defaults(run=_demo, parser=demo)
    return parser


def _connection(parser: argparse.ArgumentParser) -> None:
    """The options of every command that talks to a PBX. A secret is never one: it would stay in the shell's history."""
    parser.add_argument("url", help="ws://HOST, wss://HOST, or the full /websocket URL")
    parser.add_argument("--domain", help="tenant, such as acme.example")
    parser.add_argument("--user", help="extension, such as 204")
    parser.add_argument(
        "--login",
        choices=["password", "admin", "session", "ask", "none"],
        default="password" if os.environ.get("PBXNB_PASSWORD") else "none",
        help="password and admin take the secret from PBXNB_PASSWORD, session the cookie from PBXNB_SESSION; "
        "ask prompts (default: password where PBXNB_PASSWORD is set, else none)",
    )
    parser.add_argument("--admin-name", default="admin", help="administrator's name for --login admin (default admin)")
    parser.add_argument("--tls", help="a CA or certificate file, sha256:FINGERPRINT, or insecure")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds to wait for the line (default 10)")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def _version() -> str:
    from importlib.metadata import version

    return version("pbxnb")


def _in_the_shell(sentence: str) -> str:
    """A sentence in the words of the command line."""
    for pattern, words in _IN_THE_SHELL:
        sentence = re.sub(pattern, words, sentence)
    return sentence


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    from .client import AdminToken, Password, Pin, Session

    def secret(variable: str) -> str:
        value = os.environ.get(variable)
        if value is None:
            raise errors.ConfigError(
                f"--login {arguments.login} needs the environment variable {variable}.",
                hint=f"Set it for this one command: {variable}=... pbxnb ...",
            )
        return value

    logins: dict[str, Callable[[], Any]] = {
        "password": lambda: Password(secret("PBXNB_PASSWORD")),
        "admin": lambda: AdminToken(arguments.admin_name, secret("PBXNB_PASSWORD")),
        "session": lambda: Session(secret("PBXNB_SESSION")),
        "ask": lambda: "ask",
        "none": lambda: None,
    }
    tls = Pin(arguments.tls) if (arguments.tls or "").startswith("sha256:") else arguments.tls
    return {
        "domain": arguments.domain,
        "user": arguments.user,
        "login": logins[arguments.login](),
        "tls": tls,
        "open_timeout": arguments.timeout,
    }


def _watch(arguments: argparse.Namespace) -> int:
    """Events as JSON lines. The queue of a handler keeps them in order; the pipe's reader sets the pace."""
    import queue

    from . import connect
    from .arguments import check_number
    from .session.mappings import plain

    check_number("--count", arguments.count, whole=True)
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    printed = 0
    with connect(arguments.url, **_options(arguments)) as pbx, contextlib.suppress(KeyboardInterrupt):
        kinds = arguments.kind if arguments.kind != "*" else "[!m]*"  # every kind but `message`
        pbx.on(kinds, events.put)
        _remark(f"pbxnb: live on {arguments.url}; events follow, Ctrl-C ends.")
        while not arguments.count or printed < arguments.count:
            try:
                event = events.get(timeout=0.2)
            except queue.Empty:
                if pbx.status.state in ("closed", "refused"):
                    _remark(f"pbxnb: {pbx.status.why or 'the line is closed'}")
                    return 1
                continue
            fields = plain(event)
            if event.kind != "message":
                del fields["message"]  # the frame that caused it may be the list of all calls
            _tell(fields)
            printed += 1
    return 0


def _check(arguments: argparse.Namespace) -> int:
    """The steps of `pbxnb.check`, one line each, and what to try where one failed."""
    import asyncio

    from .check import check

    async def walk() -> bool:
        passed, steps = True, []
        async for step in check(arguments.url, **_options(arguments)):
            passed = passed and step.ok
            said, hint = _in_the_shell(step.said), _in_the_shell(step.hint)
            steps.append({"step": step.name, "ok": step.ok, "said": said, "try": hint})
            if not arguments.json:
                _say(f"{'ok  ' if step.ok else 'FAIL'} {step.name:<14} {said}")
                if hint:
                    _say(f"     {'':<14} {hint}")
        if arguments.json:
            _tell({"ok": passed, "steps": steps}, indent=2)
        return passed

    return 0 if asyncio.run(walk()) else 1


def _record(arguments: argparse.Namespace) -> int:
    """Recordings of every PBX in a file; how they stand, as JSON lines or as a line where it changes."""
    from .arguments import check_number
    from .recording_service import Health, changes, make_tables, read_settings, record

    check_number("--every", arguments.every, above=True)
    if arguments.tables:
        made, failed = make_tables(read_settings(arguments.file, secrets=False).folder)
        if arguments.json:
            _tell({"ok": not failed, "made": made, "failed": failed})
        else:
            _say(f"The tables of {made} day{'' if made == 1 else 's'} were made.")
            for said in failed:
                _remark(f"pbxnb: {said}")
        return 1 if failed else 0
    lines = changes()

    def tell(health: Health) -> None:
        try:
            if arguments.json:
                _tell(health)
            for line in () if arguments.json else lines(health):
                _say(line)
        except BrokenPipeError:  # who read it has had enough; the recording has not
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return 0 if record(read_settings(arguments.file), tell, arguments.every if arguments.json else 1.0) else 1


def _simulate(arguments: argparse.Namespace) -> int:
    """An embedded PBX by itself, until interrupted."""
    import signal
    import threading

    from .simulator import Replay, Simulator, start, start_recording

    options: dict[str, Any] = {
        "seed": arguments.seed,
        "speed": arguments.speed,
        "start": arguments.start,
        "port": arguments.port,
        "tls": arguments.tls,
        "dialect": arguments.dialect,
        "quirks": tuple(name.strip() for name in arguments.quirks.split(",") if name.strip()),
        "domains": tuple(map(str.strip, arguments.domains.split(","))) if arguments.domains else (),
    }
    if arguments.extensions is not None:
        options["extensions"] = arguments.extensions
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    if arguments.recording and (arguments.scenario or arguments.fault or arguments.tls or arguments.domains):
        raise errors.ConfigError(
            "A recording plays neither scenarios nor faults, without TLS, and is of one tenant.",
            hint="Leave --scenario, --fault, --tls and --domains away.",
        )
    running: Simulator | Replay
    if arguments.recording:
        running = start_recording(arguments.recording, speed=arguments.speed, port=arguments.port)
    else:
        running = start(arguments.preset, **options)
    with running as simulator:
        if isinstance(simulator, Simulator):
            if arguments.scenario:
                simulator.scenario(arguments.scenario)
            for fault in arguments.fault:
                simulator.faults.start(fault)
        facts: dict[str, Any] = {
            "url": simulator.url,
            "domain": simulator.domain,
            "user": simulator.user,
            "password": simulator.password,
            "connect": simulator.connect_line,
        }
        if isinstance(simulator, Simulator):
            facts |= {"admin_password": simulator.admin_password, "domains": simulator.domains}
        if arguments.json:
            _tell(facts)
        else:
            _say(f"An embedded PBX listens on {simulator.url} (domain {simulator.domain}).")
            _say(f"Connect a notebook:  {simulator.connect_line}")
            if isinstance(simulator, Simulator) and (others := simulator.domains[1:]):
                _say(f"Other domains:       {', '.join(others)}, each with the same numbers and passwords")
            trust = simulator.tls_certificate if isinstance(simulator, Simulator) else ""
            _say(
                f"Watch it here:       PBXNB_PASSWORD={simulator.password} pbxnb watch {simulator.url} "
                f"--domain {simulator.domain} --user {simulator.user}{trust and f' --tls {trust}'}"
            )
            if isinstance(simulator, Simulator):
                base = simulator.url.replace("ws", "http", 1)
                _say(
                    f"Steer it over HTTP:  curl{trust and f' --cacert {trust}'} -u admin:{simulator.admin_password} "
                    f"-X POST {base}/simulator/faults/NAME"
                )
            _say("Ctrl-C ends it.")
        over.wait()
    _remark("pbxnb: the embedded PBX has stopped and its port is free.")
    return 0


def _anonymise(arguments: argparse.Namespace) -> int:
    """The same recording with nobody in it."""
    from .journal.sharing import anonymise

    out = anonymise(arguments.recording, arguments.out)
    if arguments.json:
        _tell({"ok": True, "out": str(out)})
    else:
        _say(f"{out} tells the same with pseudonyms; read it before you give it away.")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    """JupyterLab on the first notebook, or the whole demo without a browser."""
    from . import demo

    if arguments.check:
        verdict = demo.check(_remark)
        if arguments.json:
            _tell({"ok": verdict.ok, "verdict": verdict.sentence})
        else:
            _say(verdict.sentence)
        return 0 if verdict.ok else 1
    return demo.open_lab(port=arguments.port, browser=not arguments.no_browser, remark=_remark)


def _say(line: str) -> None:
    sys.stdout.write(clean_lines(line) + "\n")
    sys.stdout.flush()


def _tell(data: object, indent: int | None = None) -> None:
    """For programs: JSON, nothing of it cut."""
    import msgspec

    told = json.dumps(msgspec.to_builtins(data), ensure_ascii=False, indent=indent)
    sys.stdout.write(escaped(told) + "\n")
    sys.stdout.flush()


def _remark(line: str) -> None:
    sys.stderr.write(clean_lines(line) + "\n")
    sys.stderr.flush()

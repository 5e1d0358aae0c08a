"""`pbxnb watch`, `simulate` and the words around them: output for programs, clean ends, typos answered."""

import ast
import asyncio
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import pbxnb
from pbxnb import cli
from tests.cli.mistakes import WHO, env, pbx, run


@contextmanager
def process(*argv: str, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process of its own; it must not outlive the test."""
    command = [sys.executable, "-W", "error", "-m", "pbxnb", *argv]
    with subprocess.Popen(
        command,
        env=os.environ | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def end_of(running: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, remarks = running.communicate(timeout=20)
    return running.returncode, out, remarks


def test_watch_prints_so_many_events_as_json_lines() -> None:
    argv = ("watch", *WHO, "--kind", "call.*", "--count", "2")
    with pbx() as sim, process(*argv, sim.url, environment=env()) as watching:
        assert watching.stderr is not None
        assert "live on" in watching.stderr.readline()
        call = sim.place_call("41", "42")
        sim.answer(call)
        code, out, remarks = end_of(watching)
    events = [json.loads(line) for line in out.splitlines()]
    assert (code, remarks) == (0, "")
    assert all("message" not in event for event in events), "which would be the list of all calls"
    assert [(event["kind"], event["call"]["id"], event["call"]["state"]) for event in events] == [
        ("call.new", call, "ringing"),
        ("call.changed", call, "connected"),
    ]


@pytest.mark.parametrize("kind", ["*", "message", "connection", "account.*"])
def test_watch_can_print_every_kind(kind: str) -> None:
    with pbx() as sim, process("watch", sim.url, *WHO, "--kind", kind, environment=env()) as watching:
        assert watching.stderr is not None
        assert watching.stdout is not None
        watching.stderr.readline()
        for quirk in range(3):
            sim.hangup(sim.place_call("41", "42", name=str(quirk)))
        if kind == "connection":
            sim.close()
        event = json.loads(watching.stdout.readline())
        watching.send_signal(signal.SIGINT)
        assert end_of(watching)[::2] == (0, "")
    assert event["kind"] != "message" if kind == "*" else event["kind"].startswith(kind.rstrip("*"))


def test_watch_ends_well_when_interrupted_or_when_its_reader_has_enough() -> None:
    with pbx() as sim:
        with process("watch", sim.url, *WHO, environment=env()) as watching:
            assert watching.stderr is not None
            watching.stderr.readline()
            watching.send_signal(signal.SIGINT)
            assert end_of(watching) == (0, "", "")
        with process("watch", sim.url, *WHO, environment=env()) as watching:
            assert watching.stderr is not None
            assert watching.stdout is not None
            watching.stderr.readline()
            watching.stdout.close()
            sim.place_call("41", "42")  # more than one event: the second finds nobody
            assert watching.stderr.read() == ""
            assert watching.wait(20) == 0


def test_watch_says_why_the_line_ended() -> None:
    with pbx() as sim, process("watch", sim.url, *WHO, environment=env()) as watching:
        assert watching.stderr is not None
        watching.stderr.readline()
        sim.run(lambda: [socket.close(4403, "no more") for socket in sim.server.sockets])
        code, _, remarks = end_of(watching)
    assert code == 1
    assert remarks.startswith("pbxnb: ")
    assert "4403" in remarks


def test_a_value_that_cannot_be_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "quiet", "--extensions", "1"]) == 2
    assert capsys.readouterr().err == "pbxnb: extensions must be a whole number from 2 to 7,500, not 1.\n"


def test_a_hint_speaks_the_words_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "quiet", "--fault", "new-certificate"]) == 1
    assert capsys.readouterr().err.endswith("Start it with --tls.\n")


def connected(line: str) -> tuple[str, int]:
    """What the printed line for a notebook gives, run as a cell is."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    names: dict[str, Any] = {"pbxnb": pbxnb}

    async def cell() -> tuple[str, int]:
        result = eval(compile(line, "cell", "exec", flags), names)  # noqa: S307 - our own line
        assert inspect.isawaitable(result)
        await result
        async with names["pbx"] as handle:
            return handle.status.state, len(handle.extensions)

    return asyncio.run(cell())


@pytest.mark.parametrize("options", [(), ("--tls",), ("--dialect", "2016")], ids=" ".join)
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=lambda end: end.name)
def test_simulate_prints_a_line_that_connects_and_stops_cleanly(options: tuple[str, ...], end: signal.Signals) -> None:
    with process("simulate", "quiet", "--extensions", "6", "--json", *options) as running:
        assert running.stdout is not None
        facts = json.loads(running.stdout.readline())
        assert connected(facts["connect"]) == ("live", 6)
        assert facts["admin_password"] not in ("", facts["password"])
        running.send_signal(end)
        code, out, remarks = end_of(running)
    assert (code, out) == (0, "")
    assert remarks == "pbxnb: the embedded PBX has stopped and its port is free.\n"
    with socket.create_server(("127.0.0.1", int(facts["url"].rpartition(":")[2]))):
        pass


@pytest.mark.parametrize("options", [(), ("--tls",)], ids=" ".join)
def test_simulate_says_how_to_use_it(options: tuple[str, ...]) -> None:
    play = ("--speed", "20", "--scenario", "transfer", "--fault", "clock-skew")
    with process("simulate", "quiet", *play, *options) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(5)]
        assert connected(lines[1].partition(":")[2].strip())[0] == "live"
        password, _, command = lines[2].partition(":")[2].strip().partition(" ")
        name, _, secret = password.partition("=")
        with process(*command.split()[1:], "--count", "1", "--json", environment={name: secret}) as watching:
            code, out, _ = end_of(watching)
        assert code == 0
        assert json.loads(out)["kind"]
        assert ("--cacert" in lines[3]) == bool(options)
        assert "-u admin:" in lines[3]
        assert secret not in lines[3], "the administrator's is another"
        assert lines[4] == "Ctrl-C ends it.\n"
        running.send_signal(signal.SIGINT)
        assert end_of(running)[0] == 0


def test_simulate_of_several_domains() -> None:
    with process("simulate", "empty", "--domains", "a.example, b.example", "--json") as running:
        assert running.stdout is not None
        facts = json.loads(running.stdout.readline())
        assert (facts["domain"], facts["domains"]) == ("a.example", ["a.example", "b.example"])
        for domain in facts["domains"]:
            login = pbxnb.Password(facts["password"])
            with pbxnb.connect(facts["url"], domain=domain, user=facts["user"], login=login) as pbx:
                assert len(pbx.extensions) == 20
        running.send_signal(signal.SIGINT)
        assert end_of(running)[0] == 0
    for wrong, said in (("a.example,,b.example", "'' is no name"), ("a.example,a.example", "is there twice")):
        code, _, remarks = run("simulate", "empty", "--domains", wrong, environment={})
        assert code == 1
        assert said in remarks


def test_simulate_on_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said, _ = run("simulate", "quiet", "--json", "--port", str(taken.getsockname()[1]), environment={})
    assert (code, json.loads(said)["error"]) == (1, "SimulatorError")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("chekc ws://x", "check"),
        ("watch ws://x --domian a", "--domain"),
        ("check ws://x --login pasword", "password"),
        ("simulate --dialect modren", "modern"),
        ("demo --no-brower", "--no-browser"),
    ],
)
def test_a_typo_is_answered_with_the_nearest_word(line: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(line.split())
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(f"; did you mean {meant!r}?\n")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("simulate offce", "office"),
        ("simulate --quirks number-time", "number-times"),
        ("simulate empty --fault drp", "drop"),
        ("simulate empty --scenario trnasfer", "transfer"),
    ],
)
def test_a_mistyped_name_too(line: str, meant: str) -> None:
    code, _, remarks = run(*line.split(), environment={})
    assert code in (1, 2)
    assert f"did you mean {meant!r}?" in remarks.lower()


def test_an_error_is_json_where_json_is_asked_for() -> None:
    argv = ("watch", "ws://127.0.0.1:1", *WHO, "--timeout", "0.3", "--json")
    code, said, remarks = run(*argv, environment=env())
    assert (code, remarks) == (1, "")
    assert json.loads(said) == {
        "ok": False,
        "error": "Unreachable",
        "said": "Nothing listens at 127.0.0.1:1.",
        "try": "Check the port; is the PBX running?",
    }
    assert run(*argv[:-1], environment=env()) == (
        1,
        "",
        "pbxnb: Nothing listens at 127.0.0.1:1. Check the port; is the PBX running?\n",
    )


def test_interrupted_without_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_check", interrupted)
    assert cli.main(["check", "ws://x"]) == 130


def test_the_version() -> None:
    with process("--version") as running:
        assert end_of(running) == (0, f"pbxnb {pbxnb.__version__}\n", "")


@pytest.mark.parametrize("command", ["check", "watch", "simulate", "demo"])
def test_no_secret_is_an_option(command: str) -> None:
    """It would stay in the shell's history and in the list of processes."""
    with process(command, "--help") as running:
        code, text, _ = end_of(running)
    assert code == 0
    assert "--json" in text
    assert not {"--password", "--secret", "--token", "--cookie"} & set(text.split())

"""Everything the README tells people to type is typed here, and what it says of the package is looked up."""

import ast
import asyncio
import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pbxnb
from pbxnb.client import logins
from pbxnb.simulator import Simulator

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SNIPPETS = [text for kind, text in BLOCKS if kind == "python"]
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
INSTALLS = [line for line in COMMANDS if "pip install" in line]
OURS = [line for line in COMMANDS if line not in INSTALLS]


@pytest.fixture
def stand_in() -> Iterator[Simulator]:
    """What answers where the README says pbx.example.com."""
    with pbxnb.simulator.start("quiet", extensions=10, password="open sesame") as running:
        yield running


def aimed(text: str, stand_in: Simulator) -> str:
    """The same words, at the stand-in."""
    return text.replace("wss://pbx.example.com", stand_in.url)


def test_the_kinds_of_blocks_are_known() -> None:
    assert {kind for kind, _ in BLOCKS} == {"python", "sh"}
    assert len(SNIPPETS) >= 3
    assert len(INSTALLS) == 2, "two commands do all the set-up"
    assert len(OURS) >= 3


def test_the_first_live_line_is_on_the_first_screen() -> None:
    first = next(n for n, line in enumerate(README.splitlines()) if "await pbxnb.simulate(" in line)
    assert first < 15


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.splitlines()[2].split("#")[0].strip()[:40])
def test_a_snippet_runs_as_a_cell(
    snippet: str, stand_in: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logins, "ask_password", lambda prompt, **_: logins.Password(stand_in.password))
    code = compile(aimed(snippet, stand_in), "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {}

    async def cell() -> None:
        try:
            if inspect.isawaitable(result := eval(code, names)):  # noqa: S307 - our own README
                await result
        finally:
            if isinstance(handle := names.get("pbx"), pbxnb.Pbx):
                await handle.aclose()

    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(cell())
    else:
        exec(code, names)  # noqa: S102 - a script, with no loop running
        assert "confirmed" in capsys.readouterr().out


def words(line: str, stand_in: Simulator) -> tuple[dict[str, str], list[str]]:
    """Environment and arguments of one of our commands, aimed at the stand-in."""
    line = re.sub(r"ws://127\.0\.0\.1:8080", stand_in.url, aimed(line, stand_in)).replace("8080", "0")
    environment, argv = {}, shlex.split(line)
    while "=" in argv[0]:
        name, _, _ = argv.pop(0).partition("=")
        environment[name] = stand_in.password
    assert argv.pop(0) == "pbxnb"
    return environment, argv


@pytest.mark.parametrize("line", OURS, ids=lambda line: " ".join(w for w in line.split() if "=" not in w)[:30])
def test_a_command_works_as_written(line: str, stand_in: Simulator, tmp_path: Path) -> None:
    environment, argv = words(line, stand_in)
    (tmp_path / "record.toml").write_text(
        f'[[pbx]]\nurl = "{stand_in.url}"\ndomain = "{stand_in.domain}"\nuser = "{stand_in.user}"\n'
        'password_env = "ACME_PASSWORD"\n[recording]\nfolder = "kept"\n'
    )
    if argv[0] == "check":
        argv += ["--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "pbxnb", *argv],
        env=os.environ | environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        try:
            if argv[0] == "check":
                assert json.loads(running.stdout.read())["ok"]
            elif argv[0] == "watch":
                assert "live on" in running.stderr.readline()
                stand_in.place_call("41", "42")
                assert json.loads(running.stdout.readline())["kind"] == "call.new"
            elif argv[0] == "record":
                assert any("live, records to" in line for line in running.stdout)
            else:
                assert "listens on ws://127.0.0.1:" in running.stdout.readline()
            if argv[0] != "check":
                running.send_signal(signal.SIGINT)
            assert running.wait(20) == 0
        finally:
            running.kill()


def test_the_install_commands_are_what_ci_runs_and_what_the_project_has() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extras = PROJECT["optional-dependencies"]
    for line in INSTALLS:
        (extra,) = re.findall(r'"\.\[(\w+)\]"', line)
        assert extra in extras
        venv, install, run = line.split(" && ")
        assert venv == "python3 -m venv .venv"
        assert install.startswith(".venv/bin/pip install ")
        if extra == "dev":
            assert venv in ci
            assert f'--editable ".[{extra}]"' in ci
            assert f"\n{run}\n" in ci
        else:
            assert run == ".venv/bin/pbxnb demo --check", "tested in tests/notebooks"
    assert PROJECT["scripts"]["pbxnb"] == "pbxnb.cli:main"


def test_the_table_of_extras_is_complete() -> None:
    named = set(re.findall(r"^\| `pbxnb\[(\w+)\]` \|", README, re.MULTILINE))
    assert named == PROJECT["optional-dependencies"].keys()


def test_names_of_the_handle_are_there() -> None:
    with pbxnb.simulate("empty", extensions=2) as pbx:
        for name in set(re.findall(r"\bpbx\.(\w+)", README)) - {"example", "exmaple"}:  # hosts
            assert hasattr(pbx, name), name
    for name in set(re.findall(r"pbxnb\.(\w+)", README)):
        assert hasattr(pbxnb, name), name  # `open` is not in __all__: `import *` must not hide the builtin


def test_every_error_it_names_exists() -> None:
    for name in ("ControlDisabled", "MissingExtra"):
        assert f"`{name}`" in README
        assert hasattr(pbxnb.errors, name)


def test_links_lead_somewhere_and_the_picture_is_small() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert "notebooks/board.png" in links
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link
    assert (ROOT / "notebooks" / "board.png").stat().st_size <= 150_000
    for path in set(re.findall(r"`((?:tests|pbxnb|\.ci)/[\w./]+)`", README)):
        assert (ROOT / path).exists(), path

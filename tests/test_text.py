"""What the other side wrote goes through one cleaning before it is a sentence, a line of a log or of a terminal."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import unicodedata
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import pytest

import pbxnb
from pbxnb import cli, errors
from pbxnb.check import CheckStep
from pbxnb.client.commands import Outcome, OutcomeStatus
from pbxnb.client.endpoint import Endpoint
from pbxnb.client.rest import Rest
from pbxnb.client.secrets import redacting_logger
from pbxnb.client.tls import Trust
from pbxnb.client.transport import LineLost, Loss
from pbxnb.protocol.messages import Party
from pbxnb.session.pending import Pending
from pbxnb.text import LONGEST, clean, clean_lines, clean_logger, escaped
from tests.helpers.fault_server import FaultServer

HOSTILE = {
    "colours": "\x1b[31;1mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\click",
    "C0": "".join(map(chr, range(32))) + "\x7f",
    "C1": "".join(map(chr, range(0x80, 0xA0))),
    "bidi": "ab\u202edc\u2066ef\u2069\u200f\u061c",
    "lines": "a\nERROR:pbxnb:forged\r\nb\u2028c\u2029d\x85e\x0bf\x0cg",
    "marks": "e" + "\u0301" * 500,
    "surrogate": "a\ud800b",
    "long": "x" * 1_000_000,
}
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
STEERING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def assert_harmless(text: str, *, lines: bool = False, longest: int = 5 * LONGEST) -> None:
    assert len(text) <= longest
    odd = {c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in STEERING}
    assert odd <= ({"\n"} if lines else set()), odd
    assert lines or "\n" not in text


def every_error() -> list[type[errors.PbxError]]:
    kinds = [getattr(errors, name) for name in errors.__all__]
    return [kind for kind in kinds if issubclass(kind, errors.PbxError)]


@hostile
def test_every_error_is_a_harmless_sentence(text: str) -> None:
    for kind in every_error():
        error = kind(f"The PBX said {text}.", hint=f"Ask {text}.")
        for shown in (str(error), repr(error), error.message, error.hint, *error.args):
            assert_harmless(shown)
    assert_harmless(str(LineLost(Loss.CLOSED, code=1000, reason=text)))


@hostile
def test_structures_show_it_harmlessly(text: str) -> None:
    failed: Future[None] = Future()
    failed.set_exception(ValueError(text))
    assert_harmless(repr(Pending(failed, "dial", post=lambda act: act(), later=lambda after, act: None)))
    outcome = Outcome(status=OutcomeStatus.REFUSED, why=f"No: {text}.", effect=f"Call {text} goes.")
    assert_harmless(outcome.why)
    assert_harmless(outcome.effect)
    step = CheckStep("version", True, f"PBX {text}", f"Try {text}.")
    assert_harmless(step.said)
    assert_harmless(step.hint)
    shown = text[:1000]  # what the model keeps is bounded where it is kept
    assert_harmless(repr(Party(number=shown, name=shown)))
    assert_harmless(repr(outcome))


@hostile
@pytest.mark.parametrize("name", ["pbxnb", "pbxnb.client", "pbxnb.ui", "pbxnb.simulator", "websockets"])
def test_every_log_line_is_harmless_and_no_line_is_forged(
    text: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    log = redacting_logger(name, []) if name == "websockets" else clean_logger(name)
    if name == "websockets":
        log.addHandler(caplog.handler)
    log.warning("The PBX said %s and 100 %%", text)
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("A handler failed over %r", text)
    assert len(caplog.records) >= 2
    formatter = logging.Formatter("%(levelname)s:%(name)s:%(message)s")
    for record in caplog.records:
        told = formatter.format(record)
        assert_harmless(told, lines=True, longest=400 * LONGEST)
        assert all(line.startswith(("    ", record.levelname)) for line in told.split("\n"))
        assert_harmless(record.getMessage())
    assert any("Traceback" in formatter.format(record) for record in caplog.records)


def test_every_log_of_the_package_is_a_clean_one_and_only_the_command_line_prints() -> None:
    """The rule, by the source: no logger beside `clean_logger`'s, no print, no traceback printed past it."""
    wild = re.compile(
        r"logging\.getLogger\(|(?<![\w.])print\(|sys\.std(out|err)\.write|traceback\.print|logging\.Logger\("
    )
    allowed = {"text.py": 1, "cli.py": 4, "client/secrets.py": 2}
    package = Path(pbxnb.__file__).parent
    found = {}
    for path in package.rglob("*.py"):
        code = [line for line in path.read_text("utf-8").split("\n") if not re.search(r"^\s*(>>>|\.\.\.|#)", line)]
        if count := sum(bool(wild.search(line)) for line in code):
            found[str(path.relative_to(package))] = count
    found.pop("client/__init__.py", None)  # an example in its docstring
    assert found == allowed


@hostile
def test_what_the_command_line_prints(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli._say(f"ok   version        {text}")
    cli._remark(f"pbxnb: {text}")
    said = capsys.readouterr()
    for shown in (said.out, said.err):
        assert_harmless(shown.replace("\n", " ") if text != HOSTILE["lines"] else clean(shown, LONGEST))
    cli._tell({"text": text.replace("\ud800", ""), "more": [text[:100].replace("\ud800", "")]})
    told = capsys.readouterr().out
    assert_harmless(told.rstrip("\n"), longest=8 * len(text) + 3000)
    assert json.loads(told)["text"] == text.replace("\ud800", ""), "for programs nothing is lost"


def test_names_stay_readable_and_traces_keep_their_shape() -> None:
    assert clean_lines("Traceback:\n  File \x1b[1mx\n    Zoë") == "Traceback:\n  File  [1mx\n    Zoë"
    assert escaped('{"name":"Zoë\u202e\x9b"}') == '{"name":"Zoë\\u202e\\u009b"}'


@hostile
def test_a_version_is_a_word_on_every_way_out(text: str) -> None:
    endpoint = Endpoint.parse("ws://127.0.0.1", "acme.example", "40")
    rest = Rest(endpoint, Trust(None, endpoint))
    rest._note({"Server": f"PBX/7{text}"}, datetime.now(UTC))
    assert_harmless(rest.version, longest=40)


async def test_check_prints_no_escape_of_a_server_header(capsys: pytest.CaptureFixture[str]) -> None:
    """C0 codes cannot cross HTTP; a C1 code, which terminals obey as well, can."""
    async with FaultServer() as server:
        server.version = "70.1\x9b31m\u202e"
        argv = ["check", server.url, "--domain", "acme.example", "--user", "40", "--login", "none", "--timeout", "5"]
        for more in ([], ["--json"]):
            await asyncio.to_thread(cli.main, [*argv, *more])
            shown = capsys.readouterr().out
            assert "70.1" in shown
            assert_harmless(shown, lines=True)

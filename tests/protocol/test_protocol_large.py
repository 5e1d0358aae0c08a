"""Frames and answers above 1 MiB: a list of entities is read; of anything else only the action, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pbxnb.protocol import messages as m
from pbxnb.protocol.decode import decode
from pbxnb.protocol.raw import LARGE, BadFrame, load_answer

SIZE = 30 * 2**20


def filled(begin: str, unit: str, end: str, size: int = SIZE) -> bytes:
    return (begin + unit * (size // len(unit)) + end).encode()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a list of nothing": (lambda: filled('{"action":"x","a":[', "{},", "{}]}"), "x"),
    "no action": (lambda: filled('{"a":[', "{},", "{}]}"), "(none)"),
    "accounts of nothing": (lambda: filled('{"action":"domain-state","accounts":[', "{},", "{}]}"), "domain-state"),
    "calls of nothing": (lambda: filled('{"action":"call-state","calls":[', "[],", "[]]}"), "call-state"),
    "accounts of numbers": (lambda: filled('{"action":"domain-state","accounts":[', "1,", "1]}"), "domain-state"),
    "nested rubbish": (
        lambda: filled('{"action":"call-state","calls":[{"id":"1","x":[', "[[[{}]]],", "1]}]}"), "call-state",
    ),
    "fields of an account": (
        lambda: filled('{"action":"domain-state","accounts":[{"account":"1"', ',"x":1', "}]}"), "domain-state",
    ),
    "fields beside the list": (
        lambda: filled('{"action":"domain-state","accounts":[{"account":"1"}]', ',"x":1', "}"), "domain-state",
    ),
    "one large account": (lambda: filled('{"action":"user-state","account":"1","x":"', "x", '"}'), "user-state"),
    "no JSON": (lambda: filled('{"action":"domain-state","accounts":[', "{},", ""), "domain-state"),
    "neither JSON nor a beginning": (lambda: filled('{"accounts":[', "{},", ""), ""),
    "no object": (lambda: filled("[", "{},", "{}]"), ""),
    "no UTF-8": (lambda: b'{"action":"x","a":"' + b"\xff" * SIZE + b'"}', "x"),
    "depth": (lambda: b"[" * SIZE, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_large_frame_that_is_no_list_of_entities_is_not_looked_into(name: str) -> None:
    make, action = HOSTILE[name]
    raw = make()
    message = decode(raw)
    assert message == m.Malformed(
        reason=f"A frame of {len(raw):,} bytes is no list of accounts or calls.", action=action, size=len(raw)
    )


@pytest.mark.parametrize("dumps", [json.dumps, lambda value: json.dumps(value, separators=(",", ":"))])
@pytest.mark.parametrize("more", [{}, {"unknown": [1, {"a": "b"}]}, {"name": "J\udcff"}, {"registered": "true"}])
def test_a_large_list_of_entities_is_read(dumps: Callable[[Any], str], more: dict[str, Any]) -> None:
    accounts = [
        {"account": str(n), "type": "extensions", "registered": True, "name": f"Jo Field {n}", **more}
        for n in range(20_000)
    ]
    text = dumps({"action": "domain-state", "accounts": accounts}).encode(errors="surrogateescape")
    assert len(text) > LARGE
    message = decode(text)
    assert isinstance(message, m.DomainState)
    assert len(message.accounts) == 20_000
    calls = [{"id": str(n), "from": "41", "to": "42", "extension": ["41", "42"], **more} for n in range(20_000)]
    message = decode(dumps({"action": "call-state", "calls": calls}).encode(errors="surrogateescape"))
    assert isinstance(message, m.CallState)
    assert len(message.calls) == 20_000


def test_accounts_with_a_megabyte_each_are_a_list_of_accounts() -> None:
    accounts = [{"account": str(n), "type": "extensions", "x": "x" * 2**20} for n in range(20)]
    message = decode(json.dumps({"action": "domain-state", "accounts": accounts}))
    assert isinstance(message, m.DomainState)
    assert [account.extra["_cut"] for account in message.accounts] == [["x"]] * 20


@pytest.mark.parametrize("unit", ["{},", "[],", "1,", '"",', "[[[{}]]],", '{"":1},'])
def test_a_large_answer_that_is_no_list_of_entities_is_refused(unit: str) -> None:
    with pytest.raises(BadFrame, match="no list of entities"):
        load_answer(filled("[", unit, "1]", 2 * LARGE))
    assert load_answer(filled("[", unit, "1]", LARGE // 2))


def test_a_large_answer_that_is_one_is_read() -> None:
    directory = [{"name": str(n), "displayname": "Jo Field", "type": "extensions"} for n in range(40_000)]
    assert len(load_answer(json.dumps(directory).encode())) == 40_000


def test_the_memory_of_a_large_frame_is_bounded() -> None:
    code = (
        "import resource, sys, tracemalloc\n"
        "from tests.protocol.test_protocol_large import HOSTILE\n"
        "from pbxnb.protocol.decode import decode\n"
        "for name, (make, _) in HOSTILE.items():\n"
        "    raw = make()\n"
        "    tracemalloc.start()\n"
        "    decode(raw)\n"
        "    print(name, tracemalloc.get_traced_memory()[1] / len(raw))\n"
        "    tracemalloc.stop()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    ratios = {name: float(ratio) for name, _, ratio in (line.rpartition(" ") for line in done.stdout.splitlines())}
    assert ratios.keys() == HOSTILE.keys()
    assert max(ratios.values()) < 1, ratios

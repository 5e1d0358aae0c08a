"""What a client may count on: for every resource a request, the least answer, its source and its grade.

`tests/data/rest-contract.jsonl` has a line for each; each runs against an embedded PBX of either dialect, or of the one
it names in ``dialect``. In ``least`` a word is the kind of a value (``text``, ``number``, ``whole``; ``fraction``: a
number with a fraction, also as text; ``flag``: true, false or either as text; ``bytes``, ``anything``), ``=word`` that
very text, an object the fields there must be, and a list with one item what each entry is (one there must be).
"""

import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pbxnb.simulator import serve
from pbxnb.simulator.rest.resource import Resource
from pbxnb.simulator.rest.table import RESOURCES
from pbxnb.simulator.server.frames import Dialect
from tests.helpers.sim_client import Http, client

LINES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "rest-contract.jsonl").read_text("utf-8").splitlines()
]
ROWS = {row.name: row for row in RESOURCES}
ASKING = {"extension": "", "tenant": "admin@acme.example", "system": "admin"}
KINDS = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "whole": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "fraction": lambda value: re.fullmatch(r"\d+\.\d+", str(value)) is not None,
    "flag": lambda value: isinstance(value, bool) or value in ("true", "false"),
    "bytes": lambda value: isinstance(value, bytes),
    "anything": lambda value: True,
}


def lacking(least: Any, given: Any, where: str = "answer") -> list[str]:
    """What the answer does not hold of the least it must."""
    if isinstance(least, dict):
        if not isinstance(given, dict):
            return [f"{where} is {given!r}"]
        missing = [f"{where} has no {key!r}" for key in least if key not in given]
        return missing + [
            said for key, of in least.items() if key in given for said in lacking(of, given[key], f"{where}.{key}")
        ]
    if isinstance(least, list):
        if not isinstance(given, list) or (least and not given):
            return [f"{where} is {given!r}"]
        return [
            said for n, one in enumerate(given if least else ()) for said in lacking(least[0], one, f"{where}[{n}]")
        ]
    if isinstance(least, str):
        right = given == least[1:] if least.startswith("=") else KINDS[least](given)
    else:
        right = given == least and type(given) is type(least)
    return [] if right else [f"{where} is {given!r}, not {least}"]


@contextlib.asynccontextmanager
async def served(dialect: str) -> AsyncIterator[Http]:
    """An embedded PBX with a past: calls answered and missed, one that waits, one talked, an agent on a break."""
    async with (
        serve("empty", extensions=6, start="2026-03-02T09:30", held=False, dialect=dialect) as sim,
        client(sim) as http,
    ):
        for to, answered in (("600", True), ("40", True), ("40", False)):
            call = sim.place_call("+12025550101", to, name="Jo")
            sim.advance(7.5)
            if answered:
                sim.answer(call)
                sim.advance(30.25)
            sim.hangup(call)
        sim.pbx.unregister("40")
        sim.pbx.register("40")
        sim.place_call("+12025550101", "40")
        sim.advance(90)  # to the mailbox
        sim.chat("41", "40", "hello")
        sim.answer(sim.place_call("+12025550102", "40"))
        sim.place_call("+12025550103", "600")
        sim.queue_pause("600", "45", True, "lunch")
        sim.run(lambda: sim.pbx.directory.add_queue("601", "Sales", ["45"], managers=("40",)))
        yield http


@pytest.mark.parametrize(
    ("dialect", "line"),
    [(each, line) for each in Dialect for line in LINES if line.get("dialect", each) == each],
    ids=lambda given: given if isinstance(given, str) else f"{given['resource']} {given.get('query', '')}".strip(),
)
async def test_the_answer_holds_the_least(dialect: Dialect, line: dict[str, Any]) -> None:
    row = ROWS[line["resource"]]
    assert (line["source"], line["grade"]) == (row.source, row.grade)
    fill = {"account": "40@acme.example", "domain": "acme.example", "number": "40", "queue": "600@acme.example"}
    path = re.sub(r"\{(\w+)\}", lambda field: (fill | line.get("with", {}))[field[1]], row.path) + line.get("query", "")
    async with served(dialect) as http:
        given = await http.ask(row.method, path, name=ASKING[line.get("as", "extension")], json=line.get("body"))
    if dialect not in row.dialects:
        assert given == 404
    else:
        assert lacking(line["least"], given) == []


def test_every_resource_has_its_contract_and_every_contract_its_resource() -> None:
    assert {line["resource"] for line in LINES} == set(ROWS)
    assert len(ROWS) == len(RESOURCES)


def test_what_a_contract_lacks_is_found() -> None:
    assert lacking([{"start": "fraction", "n": "whole"}], [{"start": "12.0", "n": 1}]) == []
    assert lacking([{"start": "fraction"}], []) == ["answer is []"]
    assert lacking({"a": ["text"], "b": True}, {"a": [1]}) == ["answer has no 'b'", "answer.a[0] is 1, not text"]
    assert lacking({"on": "flag"}, {"on": "no"}) == ["answer.on is 'no', not flag"]
    assert lacking("=yes", "no") == ["answer is 'no', not =yes"]


GARBAGE = (
    b"", b"\xff{", b"[]", b'"x"', b"5", b"{}", b"[" * 5_000, b'{"name": [], "value": {"a": 1}}',
    b'{"settings": [5, {"name": 5}, {}, {"name": "cfa", "value": []}], "table": 1}', b'{"settings": {"a": "b"}}',
    b'{"type": null, "account": ["1"], "account_ext": 1e400}', b'{"type": "extensions", "account_ext": "///7/\\u0000"}',
    b'{"state": {"a": []}, "expires": "9999999999999", "reason": 5}', b'{"transfer": 5, "number": [], "id": {}}',
    b'{"all_agents": 5, "st1_ext": null, "st1_dur": "-1", "cfa": {"x": 1}, "first_name": "\\u202e", "display": "a"}',
    b'{"id": [], "read": "yes", "login": 7, "text": {}, "pause": []}',
)  # fmt: skip
QUERIES = (
    "", "?page=-1&size=99999999999&start=99999999&end=00000000&id=%00&api=2&days=-5&date=x&acd=,&group=,&name=%ff",
    "?page=2&size=0&start=20260230&end=20261301&api=2&filter=unread&days=0&date=99999999&group=600&acd=600&type=calls",
    "?user=%ff@&dest=%00&auth=:&extension=true&time=99999999999999&duration=x&account=%00&activity=talk&info=stats",
    "?user=40&dest=41&auth=%ed%b0%80&date=00000000&days=9999&group=600&format=exposition-format&max=-1&callid=%00",
)  # fmt: skip


@pytest.mark.parametrize("row", RESOURCES, ids=lambda row: row.name)
async def test_whatever_is_sent_no_resource_fails(row: Resource) -> None:
    for dialect in Dialect:
        async with served(dialect) as http:
            for number in ("40", "600", "500", "900"):
                fill = {"account": f"{number}@acme.example", "domain": "acme.example", "number": number}
                fill |= {"queue": "600@acme.example", "type": "acds", "lang": "en", "files": "-"}
                for query in QUERIES:
                    for body in GARBAGE if row.method != "GET" else GARBAGE[:1]:
                        path = re.sub(r"\{(\w+)\}", lambda field: fill[field[1]], row.path) + query  # noqa: B023
                        given = await http.ask(row.method, path, name="admin", data=body)
                        assert not isinstance(given, int) or given < 500, (path, body)

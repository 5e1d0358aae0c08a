"""The register of messages is that of protocol.md 13, and the code has a Struct for every row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pbxnb.protocol import messages as m
from pbxnb.protocol.decode import decode
from pbxnb.protocol.registry import FIELDS, REGISTRY, explain_field, row
from pbxnb.protocol.requests import REQUESTS

DATA = Path(__file__).parents[1] / "data"
DOCUMENTED: list[dict[str, Any]] = [
    json.loads(line) for line in (DATA / "message-registry.jsonl").read_text().splitlines()
]
MESSAGES = {kind.kind: kind for kind in vars(m).values() if isinstance(kind, type) and issubclass(kind, m.Message)}
NAMES = [f"{entry.dir} {entry.name}" for entry in REGISTRY]


def test_the_register_is_the_documented_one() -> None:
    columns = ("dir", "kind", "name", "era", "grade")
    assert [tuple(getattr(entry, column) for column in columns) for entry in REGISTRY] == [
        tuple(entry[column] for column in columns) for entry in DOCUMENTED
    ]


@pytest.mark.parametrize("place", range(len(DOCUMENTED)), ids=[entry["name"] for entry in DOCUMENTED])
def test_the_fields_are_the_documented_ones(place: int) -> None:
    assert REGISTRY[place].fields.keys() == DOCUMENTED[place]["fields"].keys()


@pytest.mark.parametrize("entry", [entry for entry in REGISTRY if entry.dir == "c2s"], ids=lambda entry: entry.name)
def test_every_request_has_a_struct_with_its_fields(entry: Any) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(REQUESTS[entry.name])}
    assert {name.rstrip("?") for name in entry.fields} <= names


@pytest.mark.parametrize("entry", [entry for entry in REGISTRY if entry.dir == "s2c"], ids=lambda entry: entry.name)
def test_every_message_of_the_pbx_has_a_struct_and_is_read_into_it(entry: Any) -> None:
    samples = {"call-state": {"calls": []}, "domain-state": {"accounts": []}}
    frame = {entry.name: "x"} if entry.kind == "flat" else {"action": entry.name, **samples.get(entry.name, {})}
    assert type(decode(json.dumps(frame))) is MESSAGES[entry.name]


def test_there_are_no_structs_without_a_row() -> None:
    assert set(REQUESTS) == {entry.name for entry in REGISTRY if entry.dir == "c2s"}
    own = {"message", "unknown", "malformed"}
    assert set(MESSAGES) - own == {entry.name for entry in REGISTRY if entry.dir == "s2c"}


@pytest.mark.parametrize("entry", REGISTRY, ids=NAMES)
def test_rows_explain_themselves(entry: Any) -> None:
    assert entry.meaning.endswith(".")
    assert entry.section[0] in "456"


@pytest.mark.parametrize("entry", [entry for entry in REGISTRY if entry.dir == "s2c"], ids=lambda entry: entry.name)
def test_every_documented_field_of_the_pbx_has_a_note(entry: Any) -> None:
    for name in entry.fields:
        plain = name.rstrip("?")
        if plain != "~":
            assert explain_field(entry.name, plain) is not None


def test_notes_are_sentences_with_their_source() -> None:
    for notes in FIELDS.values():
        for note in notes.values():
            assert note.meaning.endswith((".", "..."))
            assert note.certainty in ("A", "B", "B*", "C", "D")
            assert note.section


@pytest.mark.parametrize(
    ("kind", "path", "start"),
    [
        ("call-state", "calls[3].start", "When the call started"),
        ("call-state", "calls[].start", "When the call started"),
        ("domain-state", "accounts[0].calls[1].from", "The caller"),
        ("user-state", "code", "Anything but null"),
        ("bye", "code", "SIP status"),
        ("anything", "action", "Names the message"),
    ],
)
def test_fields_are_explained(kind: str, path: str, start: str) -> None:
    note = explain_field(kind, path)
    assert note is not None
    assert note.meaning.startswith(start)


def test_nothing_is_made_up_about_unknown_fields() -> None:
    assert explain_field("call-state", "calls[0].new") is None
    assert explain_field("fax", "x") is None
    assert row("fax") is None


def test_rows_are_found_by_name_and_direction() -> None:
    assert row("chat", "c2s") != row("chat", "s2c")
    found = row("blf")
    assert found is not None
    assert found.invented

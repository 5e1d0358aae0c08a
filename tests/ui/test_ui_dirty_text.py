"""Dirty sets are bounded; text for the page is one short line that steers nothing."""

from __future__ import annotations

import pytest

from pbxnb.protocol.parties import Party
from pbxnb.text import clean
from pbxnb.ui.pacing import DirtySet
from pbxnb.ui.text import party_text


def test_marks_are_taken_once() -> None:
    dirty = DirtySet()
    assert not dirty
    assert dirty.mark(["a", "b"])
    assert dirty.mark([])
    assert dirty.take() == {"a", "b"}
    assert not dirty.mark([])
    assert dirty.take() == set()


def test_beyond_its_limit_it_only_knows_that_everything_is_dirty() -> None:
    dirty = DirtySet(limit=3)
    for number in range(10):
        dirty.mark([str(number)])
    assert dirty
    assert dirty.take() is None
    dirty.mark_all()
    assert dirty.mark([])
    assert dirty.take() is None
    assert dirty.take() == set()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Ann Lee", "Ann Lee"),
        (None, ""),
        (207, "207"),
        ("  Ann\r\nLee\x00 ", "Ann  Lee"),
        ("a\u202eevil\u202c", "aevil"),
        ("\u2066x\u2069", "x"),
        ("محمد علي", "محمد علي"),
        ("<b>Ann</b>", "<b>Ann</b>"),
        ("\ud800x", "x"),
        ("é́́́́́́", "é́́́́"),
    ],
)
def test_clean(text: object, told: str) -> None:
    assert clean(text) == told


def test_clean_is_bounded_in_length_and_in_work() -> None:
    assert clean("x" * 10**6, 10) == "xxxxxxxxx…"
    assert clean("x" * 10, 10) == "x" * 10
    zalgo = clean("Z" + "\u0301" * 10**6)
    assert len(zalgo) <= 5


@pytest.mark.parametrize(
    ("party", "told"),
    [
        (Party(number="207", name="Ann Lee"), "207 Ann Lee"),
        (Party(number="207", name="207"), "207"),
        (Party(name="Ann"), "Ann"),
        (Party(), ""),
    ],
)
def test_party_text(party: Party, told: str) -> None:
    assert party_text(party) == told

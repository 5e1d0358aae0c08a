"""What people see of a value: a sentence in a terminal, a card or a table in a notebook, whatever strangers wrote."""

from __future__ import annotations

import html
import io
import threading
from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser

import msgspec
import pytest
from IPython.lib.pretty import pretty

from pbxnb.client.commands import Outcome, OutcomeStatus
from pbxnb.model import entities
from pbxnb.model.entities import (
    Account,
    AccountState,
    Agent,
    Call,
    CallRecord,
    CallState,
    Conversation,
    Evidence,
    LineState,
    Orbit,
    Parked,
    Party,
    Phase,
    Presence,
    Queue,
    Snapshot,
    Status,
    Waiting,
)
from pbxnb.protocol.commands import Context, plan, preview
from pbxnb.session.mappings import LiveMapping, Rows
from pbxnb.shown import Shown

NOW = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
ANN, BEN = Party(number="45", name="Ann Lee"), Party(number="+15550100")
CALL = Call(id="c1", from_=ANN, to=BEN, state=CallState.CONNECTED, since=NOW)
EVIL = "<img src=x onerror=alert(1)>\n[bold]\x1b[31m\u202e$x$" + "A" * 10_000
HOSTILE = Party(number=EVIL, name=EVIL)

SENTENCES = [
    (
        Account(number="45", name="Ann Lee", state=AccountState.BUSY, since=NOW, calls=("c1",), dnd=True),
        "<Extension 45 Ann Lee: busy since 2026-01-01 09:30:00 UTC, do not disturb, 1 call>",
    ),
    (Account(number="700", name="Sales", type="acds", registered=False), "<Account 700 Sales: idle, not registered>"),
    (CALL, "<Call c1 45 Ann Lee → +15550100: connected since 2026-01-01 09:30:00 UTC>"),
    (
        Conversation(id="c1", calls=("c1",), from_=ANN, phase=Phase.QUEUED, queue="700"),
        "<Conversation c1 45 Ann Lee → unknown: queued, by queue 700>",
    ),
    (CallRecord(call=CALL, ended_at=NOW), "<Ended call c1 45 Ann Lee → +15550100: at 2026-01-01 09:30:00 UTC>"),
    (
        Presence(number="45", axis="dnd", value="true", start=NOW),
        "<Presence of 45: dnd true since 2026-01-01 09:30:00 UTC>",
    ),
    (Evidence("dnd", "dnd-field", 7, NOW), "<Evidence of dnd: dnd-field, frame 7>"),
    (
        Agent(number="45", name="Ann", logged_in=True, paused=True, reason="lunch"),
        "<Agent 45 Ann: logged in, paused lunch>",
    ),
    (Waiting(party=ANN, position=2, since=NOW), "<Waiting 45 Ann Lee: number 2 since 2026-01-01 09:30:00 UTC>"),
    (
        Queue(number="700", name="Sales", waiting=3, longest_wait=45.0, agents=(Agent(number="45"),)),
        "<Queue 700 Sales: 3 waiting for 45 s at most, 1 agent>",
    ),
    (Queue(number="700", source="unavailable", why="No rights."), "<Queue 700: No rights.>"),
    (Parked(party=ANN, by="41"), "<Parked 45 Ann Lee: by 41>"),
    (Orbit(number="90", parked=(Parked(party=ANN),)), "<Orbit 90: 1 parked call>"),
    (Orbit(number="91"), "<Orbit 91: free>"),
    (
        Status(state=LineState.LIVE, since=NOW, missing=("calls",)),
        "<Status: live since 2026-01-01 09:30:00 UTC, without calls>",
    ),
    (
        Snapshot(accounts={"1": 1, "2": 2}, calls={}, conversations={}, orbits={}, queues={}, seq=1, taken_at=NOW),
        "<Snapshot of 2026-01-01 09:30:00 UTC: 2 accounts>",
    ),
    (ANN, "<45 Ann Lee>"),
    (
        Outcome(status=OutcomeStatus.CONFIRMED, effect="Call c2 rings.", latency=0.04),
        "<Outcome confirmed after 40 ms: Call c2 rings.>",
    ),
]


class Page(HTMLParser):
    """What a browser would make of HTML: its elements, the attributes of each, its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def as_rich(value: object) -> str:
    rich = pytest.importorskip("rich.console")
    from rich.pretty import Pretty

    out = io.StringIO()
    rich.Console(file=out, width=10_000, no_color=True).print(Pretty(value))
    return out.getvalue().rstrip("\n")


@pytest.mark.parametrize(("value", "sentence"), SENTENCES, ids=lambda each: type(each).__name__)
def test_a_value_is_one_sentence_in_every_terminal(value, sentence):
    assert repr(value) == str(value) == pretty(value) == as_rich(value) == sentence
    assert Page(value._repr_html_()).text.startswith(sentence[1:-1])


def test_every_entity_has_a_sentence():
    told = {type(value) for value, _ in SENTENCES}
    structs = {each for name in entities.__all__ if issubclass(each := getattr(entities, name), Shown)}
    assert structs <= told


def hostile(type_):
    """One value of a type, every text of which a stranger wrote."""
    given = {}
    for field in msgspec.structs.fields(type_):
        if field.type is str:
            given[field.name] = EVIL
        elif field.type is Party:
            given[field.name] = HOSTILE
        elif field.name in ("calls", "agents", "extensions") and field.type == tuple[str, ...]:
            given[field.name] = (EVIL,) * 1000
        elif field.name in ("extra", "stats"):
            given[field.name] = {EVIL: EVIL}
    return type_(**given)


@pytest.mark.parametrize("type_", [Account, Call, Conversation, Queue, Orbit, Agent, Waiting, Parked, Party])
def test_what_strangers_wrote_stays_text_and_short(type_):
    value = hostile(type_)
    rows = Rows([value] * 3, type_)
    for shown in (value._repr_html_(), rows._repr_html_()):
        page = Page(shown)
        assert not page.tags.keys() - {"div", "b", "table", "caption", "thead", "tbody", "tr", "th", "td"}
        assert not page.attributes - {"class", "style", "dir", "scope"}
        assert "<img src=x onerror=alert(1)>" in page.text
        assert len(shown) < 20_000
        assert "mathjax_ignore" in shown
    assert len(repr(value)) < 2_100
    assert not {"\n", "\x1b", "\u202e"} & set(repr(value) + shown)


def test_a_mapping_is_a_table_of_its_first_rows(monkeypatch):
    looked = []
    monkeypatch.setattr("pbxnb.shown.told", lambda value: looked.append(value) or "x")
    kept = {str(number): Account(number=str(number)) for number in range(5_000)}
    mapping = LiveMapping("extensions", Account, lambda: kept, threading.RLock())
    for shown, name in ((mapping, "extensions"), (mapping.where(), "accounts")):
        page = Page(shown._repr_html_())
        assert page.tags["tr"] == 51, "the head, and fifty rows"
        assert page.text.startswith(f"{name}: 50 of 5,000")
    assert len(looked) == 2 * 50 * len(Account.__struct_fields__)
    assert repr(mapping) == pretty(mapping) == as_rich(mapping) == "<extensions: 5000>"


def test_a_table_leaves_out_what_nobody_has():
    page = Page(Rows([CALL], Call)._repr_html_())
    assert "first seen" in page.text
    assert "queue" not in page.text
    assert "caption" in Page(Rows([], Call)._repr_html_()).tags, "without a row it still says its columns"


def test_a_preview_is_its_json_with_keys_texts_and_values_told_apart():
    made = preview(plan("send", {"action": EVIL, "n": 1.5}, context=Context(domain="d", user="1")))
    page = Page(made._repr_html_())
    assert set(page.tags) == {"div", "style", "pre", "span"}
    assert made.json.replace("\u202e", "\\u202e") in html.unescape(page.text)
    assert repr(made) == pretty(made) == as_rich(made)
    assert repr(made).startswith("<Preview of await pbx.send(")

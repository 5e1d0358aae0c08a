"""Who holds, and who hands on: by hand, out of the model's own legs, and against a slow reference."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbxnb.analysis import holds, transfers
from pbxnb.errors import AnalysisError, MissingColumn
from tests.analysis.engines import Engine
from tests.analysis.test_analysis_legs import Session, entry, table, told

Rows = list[dict[str, Any]]
NINE = datetime(2026, 9, 21, 9)  # noqa: DTZ001 - UTC without zone, as in every table
LEGS = pa.schema(
    [(name, pa.string()) for name in ("domain", "conversation", "ext", "outcome")]
    + [(name, pa.timestamp("us")) for name in ("started_at", "answered_at", "ended_at")]
)


def leg(ext: str, start: float, answer: float | None, end: float | None, **more: Any) -> dict[str, Any]:
    """A leg of one conversation; times in seconds after nine."""
    begin, answered, ended = (None if at is None else NINE + timedelta(seconds=at) for at in (start, answer, end))
    return {
        "domain": "acme.example", "conversation": "1", "ext": ext, "started_at": begin, "answered_at": answered,
        "ended_at": ended, "outcome": "no_answer" if answer is None else "answered",
    } | more  # fmt: skip


CASES: list[tuple[str, Rows, dict[str, tuple[int, int]]]] = [
    ("blind", [leg("204", 0, 5, 30), leg("207", 30, 34, 90)], {"204": (0, 1), "207": (1, 0)}),
    ("to nobody", [leg("204", 0, 5, 30), leg("207", 30, None, 60)], {"204": (0, 1), "207": (1, 0)}),
    (
        "after a question",
        [leg("204", 0, 5, 40), leg("204", 20, 24, 40), leg("207", 20, 24, 90)],
        {"204": (0, 1), "207": (1, 0)},
    ),
    ("a question only", [leg("204", 0, 5, 90), leg("204", 20, 24, 40), leg("207", 20, 24, 40)], {}),
    (
        "to a group",
        [leg("204", 0, 5, 30), leg("207", 30, 34, 90), leg("208", 30, None, 34, outcome="answered_elsewhere")],
        {"204": (0, 1), "207": (1, 0)},
    ),
    (
        "on and on",
        [leg("204", 0, 5, 30), leg("207", 30, 34, 60), leg("208", 60, 64, 90)],
        {"204": (0, 1), "207": (1, 1), "208": (1, 0)},
    ),
    (
        "and back",
        [leg("204", 0, 5, 30), leg("207", 30, 34, 60), leg("204", 60, 64, 90)],
        {"204": (1, 1), "207": (1, 1)},
    ),
    (
        "of a colleague's call",
        [leg("204", 0, 5, 90), leg("205", 0, 5, 30), leg("207", 30, 34, 90.4)],
        {"205": (0, 1), "207": (1, 0)},
    ),
    ("still open", [leg("204", 0, 5, 30), leg("207", 30, 34, None)], {"204": (0, 1), "207": (1, 0)}),
    (
        "still ringing",
        [leg("204", 0, 5, 30), leg("207", 30, None, None, outcome="unknown")],
        {"204": (0, 1), "207": (1, 0)},
    ),
    ("nobody left", [leg("204", 0, 5, None), leg("207", 30, 34, None)], {}),
    ("a group", [leg("204", 0, None, 5, outcome="answered_elsewhere"), leg("205", 0, 5, 90)], {}),
    ("in turn", [leg("204", 0, None, 20), leg("205", 20, 25, 90)], {}),
    ("to oneself", [leg("204", 0, 5, 30), leg("204", 40, 45, 90)], {}),
    ("a menu first", [leg("", 0, 2, 20), leg("204", 20, 25, 90)], {}),
]
"""How legs of a conversation lie, and whose transfers they are."""


def test_of_an_extension_that_has_several_legs_its_conversations_are_counted_or_its_legs(engine: Engine) -> None:
    legs = engine.table([leg("204", 0, 5, 30), leg("207", 30, 34, 60), leg("204", 60, 64, 90)], LEGS)
    counted = [
        [(row["ext"], row["calls"], row["transferred_in"], row["transferred_out"]) for row in engine.rows(found)]
        for found in (transfers(legs), transfers(legs, legs=True))
    ]
    assert counted == [[("204", 1, 1, 1), ("207", 1, 1, 1)], [("204", 2, 1, 1), ("207", 1, 1, 1)]]


def test_who_leaves_a_conversation_that_goes_on_with_another_has_handed_it_on(engine: Engine) -> None:
    legs = [one | {"conversation": name, "domain": name} for name, some, _ in CASES for one in some]
    found: dict[str, dict[str, tuple[int, int]]] = {name: {} for name, _, _ in CASES}
    for row in engine.rows(transfers(engine.table(legs[::-1], LEGS))):
        if row["transferred_in"] or row["transferred_out"]:
            found[row["domain"]][row["ext"]] = row["transferred_in"], row["transferred_out"]
    assert found == {name: expected for name, _, expected in CASES}


def test_the_legs_of_a_session_say_who_transferred(engine: Engine) -> None:
    store = told(
        (10, [entry("1", "204", "alerting", ["204"])]),
        (15, [entry("1", "204", "connected", ["204"], connect=15)]),
        (40, [entry("1", "207", "alerting", ["207"], connect=15)]),
        (44, [entry("1", "207", "connected", ["207"], connect=15)]),
        (60, []),
    )
    expected = [("204", 1, 0, 1), ("207", 1, 1, 0)]
    names = ("ext", "calls", "transferred_in", "transferred_out")
    for rows in (engine.rows(transfers(engine.table(table(store)))), transfers(Session(store)).to_pylist()):
        assert [tuple(row[name] for name in names) for row in rows] == expected


def test_an_extension_of_two_domains_is_two(engine: Engine) -> None:
    legs = [leg("204", 0, 5, 30), leg("207", 30, 34, 90)]
    legs += [leg("204", 0, 5, 30, domain="b.example"), leg("207", 30, 34, 90, domain=None)]
    found = engine.rows(transfers(engine.table(legs, LEGS)))
    assert [(row["domain"], row["ext"], row["transferred_in"], row["transferred_out"]) for row in found] == [
        ("", "207", 0, 0),
        ("acme.example", "204", 0, 1),
        ("acme.example", "207", 1, 0),
        ("b.example", "204", 0, 0),
    ]


def test_rows_of_conversations_do_not_say_who_was_in_them(engine: Engine) -> None:
    whole = [leg("204", 0, 5, 30), leg("205", 0, 5, 30, conversation="2")]
    with pytest.raises(AnalysisError, match=r"history\.legs"):
        transfers(engine.table(whole, LEGS))
    bare = pa.schema([field for field in LEGS if field.name != "conversation"])
    with pytest.raises(MissingColumn, match=r"history\.legs"):
        transfers(engine.table([{name: row[name] for name in bare.names} for row in whole], bare))
    assert engine.rows(transfers(engine.table([], LEGS))) == []


def test_holds_by_hand(engine: Engine) -> None:
    times = [("204", 0), ("204", 30_000), ("204", 10_000), ("204", None), ("205", 0), ("206", None)]
    rows = [{"ext": ext, "hold_ms": hold} for ext, hold in times]
    [row] = engine.rows(holds(engine.table(rows)))
    assert (row["calls"], row["held"], row["hold_ms"], row["share"], row["mean"]) == (4, 2, 40_000, 0.5, 20.0)
    found = engine.rows(holds(engine.table(rows), by="ext"))
    assert [(row["ext"], row["calls"], row["held"], row["mean"]) for row in found] == [
        ("204", 3, 2, 20.0),
        ("205", 1, 0, None),
    ]


def test_the_hold_of_a_conversation_counts_once(engine: Engine) -> None:
    rows = [{"conversation": name, "hold_ms": hold} for name, hold in (("1", 5_000), ("1", 9_000), ("2", 0))]
    [row] = engine.rows(holds(engine.table(rows)))
    assert (row["calls"], row["held"], row["hold_ms"]) == (2, 1, 9_000)
    [row] = engine.rows(holds(engine.table(rows), legs=True))
    assert (row["calls"], row["held"], row["hold_ms"]) == (3, 2, 14_000)


def test_nobody_holds_in_an_empty_table(engine: Engine) -> None:
    [row] = engine.rows(holds(engine.table([], pa.schema([("hold_ms", pa.int64())]))))
    assert (row["calls"], row["held"], row["hold_ms"], row["share"], row["mean"]) == (0, 0, 0, None, None)


# -- against the obvious way -------------------------------------------------------------------------------------------


@st.composite
def chains(draw: st.DrawFn) -> Rows:
    """A conversation that goes from phone to phone, each talking for some seconds, each asked first or not."""
    legs, at = [], 0.0
    for ext in draw(st.lists(st.sampled_from(["204", "205", "206"]), min_size=1, max_size=4)):
        answer = at + draw(st.integers(0, 9))
        end = answer + draw(st.integers(2, 60))
        legs.append(leg(ext, at, answer, end))
        at = end - draw(st.integers(0, 1))
    return legs


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(chains(), min_size=5, max_size=12).filter(lambda calls: max(map(len, calls)) > 1))
def test_transfers_are_counted_as_one_would_by_hand(engine: Engine, calls: list[Rows]) -> None:
    expected: dict[tuple[str, str], list[int]] = {}
    legs = []
    for name, some in enumerate(calls):
        domain = f"{name % 3}.example"
        legs += [one | {"conversation": str(name), "domain": domain} for one in some]
        phones = {one["ext"] for one in some}
        for ext in phones:
            went = len(phones) > 1 and any(one["ext"] == ext for one in some[:-1])
            came = len(phones) > 1 and any(one["ext"] == ext for one in some[1:])
            counts = expected.setdefault((domain, ext), [0, 0, 0])
            for place, count in enumerate((1, came, went)):
                counts[place] += count
    found = engine.rows(transfers(engine.table(legs[::-1], LEGS)))
    names = ("calls", "transferred_in", "transferred_out")
    assert {(row["domain"], row["ext"]): [row[name] for name in names] for row in found} == expected

"""What an entity may hold: texts, lists and unknown fields are cut by their bytes, and that is said in ``_cut``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.errors import BadCommand
from pbxnb.protocol.bounds import CUT, MAX_EXTRA, MAX_TEXT, SMALL, bounded_extra, cut_text, merged_extra, size_of
from pbxnb.protocol.commands import CallRef, Context, plan
from pbxnb.protocol.decode import account_entry, decode
from pbxnb.protocol.messages import CallState, DomainState, UserState

LONG = "ä" * 50_000
WHOLE_ENTRY = MAX_EXTRA + 20 * 4 * MAX_TEXT  # its unknown fields, and twenty texts of four bytes a character


def entry_of(**fields: Any) -> Any:
    message = decode(json.dumps({"action": "user-state", "account": "45", **fields}))
    assert isinstance(message, UserState)
    return message.entry


@pytest.mark.parametrize("text", ["x", "x" * MAX_TEXT, "ä" * (MAX_TEXT // 2), ""])
def test_a_text_of_4_kb_is_kept(text: str) -> None:
    assert cut_text(text) is text


@pytest.mark.parametrize("char", ["x", "ä", "€", "😀", "\ud800"])
def test_a_longer_text_is_cut_between_two_characters(char: str) -> None:
    cut = cut_text(char * 5000)
    assert len(cut.encode(errors="surrogatepass")) <= MAX_TEXT
    assert cut.endswith("...")
    assert set(cut[:-3]) <= {char}
    assert cut_text(cut) is cut


@pytest.mark.parametrize(
    ("fields", "cut"),
    [
        ({"picture": LONG}, ["picture"]),
        ({"name": LONG}, ["name"]),
        ({"a": {"b": [1, {"c": LONG}]}}, ["a"]),
        ({LONG: 1}, ["ä" * 80]),
        ({"many": [{}] * 100_000}, ["many"]),
        ({"many": {str(n): n for n in range(30_000)}}, ["many"]),
        ({"account": LONG, "domain": LONG, "chatstatus": LONG}, ["account", "domain", "chatstatus"]),
        ({"calls": [{"id": str(n), "state": "connected"} for n in range(5000)]}, ["calls"]),
        ({"tag": "x", "n": 1, "z": LONG}, ["z"]),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("spelling", ["usual", "tolerant", "rest"])
def test_whatever_of_an_account_is_long_is_cut_and_named(fields: dict[str, Any], cut: list[str], spelling: str) -> None:
    found = account_entry({"account": "45", **fields}) if spelling == "rest" else entry_of(
        **({"registered": "true"} if spelling == "tolerant" else {}), **fields
    )  # fmt: skip
    assert found.extra[CUT] == cut
    assert size_of(found) < WHOLE_ENTRY


def test_what_still_fits_is_kept() -> None:
    extra = entry_of(big=["x" * 3000] * 30, small=7, name="Jo").extra
    assert extra == {"small": 7, CUT: ["big"]}


def test_many_unknown_fields_are_kept_as_far_as_there_is_room() -> None:
    extra = entry_of(**{f"field {n}": n for n in range(20_000)}).extra
    assert size_of(dict(extra)) < MAX_EXTRA
    assert len(extra) > 300
    assert len(extra[CUT]) == 21
    assert extra[CUT][-1] == "..."


@pytest.mark.parametrize("as_list", [True, False])
def test_whatever_of_a_call_is_long_is_cut_and_named(as_list: bool) -> None:
    call = {"id": LONG, "from": f'"{LONG}" <sip:45@d>', "to": "41", "state": LONG, "extension": ["4" * 9] * 50_000,
            "rec": LONG, "cmc": LONG, "note": LONG}  # fmt: skip
    message = decode(json.dumps({"action": "call-state", "calls": [call, {"id": "2"}] if as_list else call}))
    assert isinstance(message, CallState)
    found = message.calls[0]
    assert found.extra[CUT] == ["id", "from", "state", "extension", "rec", "cmc", "note"]
    assert size_of(found) < WHOLE_ENTRY
    assert len(message.calls) == 1 + as_list


def test_a_call_list_as_people_have_it_is_not_cut() -> None:
    call = {"id": "1", "extension": [str(4000 + n) for n in range(500)]}
    message = decode(json.dumps({"action": "call-state", "calls": [call]}))
    assert isinstance(message, CallState)
    assert len(message.calls[0].extensions) == 500
    assert message.calls[0].extra == {}


def test_500_accounts_with_an_unknown_megabyte_hold_little() -> None:
    accounts = [{"account": str(n), "type": "extensions", "x": f"{n:07}" * 150_000} for n in range(50)]
    message = decode(json.dumps({"action": "domain-state", "accounts": accounts}))
    assert isinstance(message, DomainState)
    assert size_of(message.accounts) / len(accounts) < 2 * MAX_TEXT


def test_no_command_names_what_was_cut() -> None:
    for call in (CallRef(id=cut_text(LONG)), CallRef(id="1", extensions=(cut_text(LONG),))):
        with pytest.raises(BadCommand, match="broken"):
            plan("hangup", call, context=Context(domain="acme.example", user="45"))


def test_updates_add_up_to_no_more_than_one() -> None:
    extra = merged_extra({}, {"a": 1})
    for n in range(100):
        extra = merged_extra(extra, bounded_extra({f"f{n}": ["x" * 500] * 50}))
    assert size_of(dict(extra)) < MAX_EXTRA
    assert extra["a"] == 1
    assert merged_extra(extra, {"a": 1}) is extra
    assert merged_extra({"a": "...", CUT: ["a"]}, {"a": "short"}) == {"a": "short"}
    assert merged_extra({"a": "...", CUT: ["a"]}, {"b": "...", CUT: ["b"]}) == {"a": "...", "b": "...", CUT: ["b", "a"]}


@pytest.mark.parametrize("odd", [5, [[]], {"a": []}, None, "a"])
def test_a_field_of_the_wire_that_is_called_like_the_list_of_what_was_cut(odd: Any) -> None:
    assert bounded_extra({CUT: odd, "a": 1}) == {CUT: odd, "a": 1}
    assert bounded_extra({CUT: odd, "a": LONG})[CUT] == ["a"]
    assert merged_extra({CUT: odd}, {"a": 1}) == {"a": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@given(st.dictionaries(st.text(max_size=6), json_values, max_size=6))
def test_what_is_short_is_the_very_same(extra: dict[str, Any]) -> None:
    assert bounded_extra(extra) is extra


@given(st.lists(st.sampled_from(["{}", "[]", '{"":1}', '{"":{}}', "1.5", '""', "true"]), min_size=1, max_size=900))
def test_a_short_text_holds_little(parts: list[str]) -> None:
    text = "[" + ",".join(parts * 200)
    assert size_of(json.loads(text[:SMALL].rpartition(",")[0] + "]")) < 80 * 2**10

"""Frames of the server: every kind, every spelling of protocol.md 9, and everything that is no message."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Mapping
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbxnb.protocol import messages as m
from pbxnb.protocol.decode import account_entry, call_entry, decode
from pbxnb.protocol.fields import Fields
from pbxnb.protocol.messages import UNSET
from pbxnb.protocol.parties import Party, parse_party
from pbxnb.protocol.raw import BadFrame
from pbxnb.protocol.times import parse_moment

JO = '"Jo Field" <sip:204@acme.example>'
ALMA = "<sip:207@acme.example>"


def read(**frame: Any) -> m.Message:
    return decode(json.dumps(frame))


def call(**fields: Any) -> m.CallEntry:
    """One call, as the only one of a call-state."""
    message = read(action="call-state", calls=[fields])
    assert isinstance(message, m.CallState), message
    return message.calls[0]


def user(**fields: Any) -> m.AccountEntry:
    message = read(action="user-state", **fields)
    assert isinstance(message, m.UserState), message
    return message.entry


# --- kinds -----------------------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[dict[str, Any], m.Message]] = {
    "call-state": ({"action": "call-state", "calls": []}, m.CallState(calls=())),
    "domain-state": ({"action": "domain-state", "accounts": []}, m.DomainState()),
    "domain-state with calls": (
        {"action": "domain-state", "accounts": [{"account": "204"}], "calls": [{"id": "1"}], "messages": {"new": 1.5}},
        m.DomainState(accounts=(m.AccountEntry(account="204"),), calls=(m.CallEntry(id="1"),), messages={"new": 1.5}),
    ),
    "user-state": ({"action": "user-state", "account": "204"}, m.UserState(entry=m.AccountEntry(account="204"))),
    "sip-register": (
        {"action": "sip-register", "add": "x", "expires": "3600"},
        m.SipRegister(add="x", expires=3600.0),
    ),
    "blf": ({"action": "blf", "lamps": [1]}, m.Blf(extra={"lamps": [1]})),
    "callerid": (
        {"action": "callerid", "callid": "a", "name": "Jo", "number": "204"},
        m.CallerId(callid="a", party=Party("204", "Jo")),
    ),
    "rec-start": ({"action": "rec-start"}, m.RecStart()),
    "rec-stop": ({"action": "rec-stop", "id": 5}, m.RecStop(extra={"id": 5})),
    "user-change": ({"action": "user-change"}, m.UserChange()),
    "missed-calls": ({"action": "missed-calls", "n": 2}, m.MissedCalls(extra={"n": 2})),
    "bye-response": ({"action": "bye-response"}, m.ByeResponse()),
    "chat": ({"action": "chat", "dest": "207", "message": "hi"}, m.Chat(dest="207", message="hi")),
    "crmcontact": (
        {"action": "crmcontact", "data": "{}", "direction": "Outbound", "serverurl": "https://crm.example"},
        m.CrmContact(data="{}", direction="Outbound", serverurl="https://crm.example"),
    ),
    "sdp": (
        {"sdp": "v=0", "code": 183, "callid": "a", "cseq": 7, "to-user": "207", "to-display": "Alma", "reason": "x"},
        m.Sdp(sdp="v=0", code=183, callid="a", cseq=7, to=Party("207", "Alma"), reason="x"),
    ),
    "invitesdp": (
        {"invitesdp": "v=0", "callid": "a", "cseq": "7", "from": JO, "to": ALMA, "group": "73", "alertinfo": "ring"},
        m.InviteSdp(
            sdp="v=0", callid="a", cseq="7", from_=parse_party(JO), to=parse_party(ALMA), group="73", alertinfo="ring"
        ),
    ),
    "candidate": (
        {"candidate": "c", "adr": [["203.0.113.9", 52010], ["2001:db8::1", "52011"]], "callid": "a"},
        m.Candidate(candidate="c", adr=(("203.0.113.9", 52010), ("2001:db8::1", 52011)), callid="a"),
    ),
    "bye": ({"bye": "true", "callid": "a", "code": "415", "cseq": 3}, m.Bye(callid="a", code=415, cseq=3)),
    "cancel": ({"cancel": True, "callid": "a"}, m.Cancel(callid="a")),
    "cancel with content": ({"cancel": {"why": 1}}, m.Cancel(extra={"cancel": {"why": 1}})),
    "cancelresponse": ({"cancelresponse": "true"}, m.CancelResponse()),
    "ringtones": ({"ringtones": []}, m.Ringtones(body=[])),
    "response": ({"response": 200, "x": 1}, m.Response(body=200, extra={"x": 1})),
    "info": ({"info": {"a": 1}}, m.Info(body={"a": 1})),
    "change": ({"change": "y"}, m.Change(body="y")),
    "unknown action": ({"action": "fax", "n": 1.5}, m.Unknown(action="fax", extra={"action": "fax", "n": 1.5})),
    "action that is a number": ({"action": 7}, m.Unknown(action="7", extra={"action": 7})),
    "no action": ({"hello": None}, m.Unknown(extra={"hello": None})),
    "empty object": ({}, m.Unknown()),
}


@pytest.mark.parametrize(("frame", "message"), KINDS.values(), ids=KINDS)
def test_kinds(frame: dict[str, Any], message: m.Message) -> None:
    assert decode(json.dumps(frame)) == message
    assert decode(json.dumps(frame).encode()) == message


PRECEDENCE = [
    "sdp",
    "invitesdp",
    "candidate",
    "bye",
    "cancel",
    "cancelresponse",
    "ringtones",
    "response",
    "info",
    "change",
]


@pytest.mark.parametrize(("first", "second"), [*itertools.pairwise(PRECEDENCE)])
def test_flat_keys_are_tried_in_the_order_of_the_reference(first: str, second: str) -> None:
    frame = {"action": "call-state", second: "x", first: "x", "calls": []}
    assert decode(json.dumps(frame)).kind == first


@pytest.mark.parametrize("value", ["", 0, 0.0, -0.0, False, None])
def test_a_flat_key_that_javascript_calls_false_does_not_count(value: Any) -> None:
    message = read(action="call-state", bye=value, calls=[])
    assert message.kind == "call-state"
    assert message.extra == {"bye": value}


@pytest.mark.parametrize("value", ["false", "0", [], {}, 1, True])
def test_a_flat_key_that_javascript_calls_true_counts(value: Any) -> None:
    assert read(action="call-state", bye=value, calls=[]).kind == "bye"


# --- the discrepancies of protocol.md 9 that reading has to accept, by their number ----------------------------------


def test_09_1_calls_as_an_array_or_as_one_object() -> None:
    whole, one = read(action="call-state", calls=[{"id": "1"}]), read(action="call-state", calls={"id": "1"})
    assert isinstance(whole, m.CallState)
    assert isinstance(one, m.CallState)
    assert whole.calls == one.calls == (m.CallEntry(id="1"),)
    assert (whole.whole, one.whole) == (True, False)


@pytest.mark.parametrize(
    ("fields", "state", "extra"),
    [
        pytest.param({"state": "alerting"}, "alerting", {}, id="state"),
        pytest.param({"callstate": "alerting"}, "alerting", {}, id="callstate"),
        pytest.param({"state": "onhold", "callstate": "onhold"}, "onhold", {}, id="both alike"),
        pytest.param({"state": "onhold", "callstate": "x"}, "onhold", {"callstate": "x"}, id="both, different"),
        pytest.param({"state": "", "callstate": "x"}, "x", {}, id="state empty"),
    ],
)
def test_09_2_state_or_callstate(fields: dict[str, str], state: str, extra: dict[str, str]) -> None:
    entry = call(id="1", **fields)
    assert (entry.raw_state, entry.extra) == (state, extra)


@pytest.mark.parametrize("value", ["ringing", "alerting", "ringback", "Connected", "parked-somewhere"])
def test_09_3_states_are_kept_as_they_came(value: str) -> None:
    assert call(state=value).raw_state == value


@pytest.mark.parametrize(
    ("fields", "party", "extra"),
    [
        pytest.param({"from": JO}, parse_party(JO), {}, id="name-addr"),
        pytest.param({"from-number": "204", "from-name": "Jo"}, Party("204", "Jo"), {}, id="split"),
        pytest.param({"from": JO, "from-number": "204", "from-name": "Jo Field"}, parse_party(JO), {}, id="both alike"),
        pytest.param(
            {"from": ALMA, "from-name": "Al"}, Party("207", "Al", "acme.example", ALMA[1:-1]), {}, id="name added"
        ),
        pytest.param({"from": "", "from-number": "204"}, Party("204"), {}, id="name-addr empty"),
        pytest.param(
            {"from": '"Jo"', "from-number": ALMA}, parse_party(f'"Jo" {ALMA}'), {}, id="a name, and an address"
        ),
        pytest.param({"from": JO, "from-number": "205"}, parse_party(JO), {"from-number": "205"}, id="numbers differ"),
        pytest.param({"from": JO, "from-name": "X"}, parse_party(JO), {"from-name": "X"}, id="names differ"),
        pytest.param({"from": JO, "from-number": 204}, parse_party(JO), {}, id="number as a number"),
    ],
)
def test_09_4_parties_as_name_addr_or_split(fields: dict[str, Any], party: Party, extra: dict[str, str]) -> None:
    entry = call(**fields)
    assert (entry.from_, entry.extra) == (party, extra)
    mirrored = call(**{key.replace("from", "to"): value for key, value in fields.items()})
    assert mirrored.to == party


@pytest.mark.parametrize("value", ["v=0", {"type": "offer", "sdp": "v=0"}], ids=["text", "object"])
@pytest.mark.parametrize("key", ["sdp", "invitesdp"])
def test_09_5_sdp_as_text_or_object(key: str, value: Any) -> None:
    message = decode(json.dumps({key: value}))
    assert isinstance(message, m.Sdp | m.InviteSdp)
    assert message.sdp == "v=0"
    assert message.extra == ({"type": "offer"} if isinstance(value, dict) else {})


@pytest.mark.parametrize(
    ("value", "understood"),
    [
        (None, ()),
        ([], ()),
        ([["10.0.0.1", 5060], ["::1", "5061"]], (("10.0.0.1", 5060), ("::1", 5061))),
        ([["10.0.0.1", 5060], ["10.0.0.1"]], (("10.0.0.1", 5060),)),
        ([[5, 5060]], ()),
        ([["10.0.0.1", None]], ()),
        ([["10.0.0.1", "x"]], ()),
        ([["10.0.0.1", 123456]], ()),
        ({"10.0.0.1": 5060}, ()),
        ("10.0.0.1:5060", ()),
    ],
)
def test_addresses_are_pairs_and_kept_as_they_came_where_one_is_not(value: Any, understood: tuple[Any, ...]) -> None:
    message = read(candidate="c", adr=value)
    assert isinstance(message, m.Candidate)
    assert message.adr == understood
    assert message.extra == ({} if value is None or len(understood) == len(value) else {"adr": value})


def test_09_7_callid_may_be_absent() -> None:
    for frame in ({"sdp": "v=0"}, {"invitesdp": "v=0"}, {"bye": "true"}, {"candidate": "c"}):
        assert decode(json.dumps(frame)).callid == ""  # type: ignore[attr-defined]


def test_09_12_the_caller_gives_up_by_bye_or_cancel() -> None:
    assert isinstance(read(bye="true"), m.Bye)
    assert isinstance(read(cancel="true"), m.Cancel)


def test_09_16_a_flat_key_wins_over_an_action() -> None:
    assert read(action="call-state", calls=[], sdp="v=0") == m.Sdp(
        sdp="v=0", extra={"action": "call-state", "calls": []}
    )


@pytest.mark.parametrize(("value", "flag"), [(True, True), ("true", True), ("False", False), (0, False), (1, True)])
def test_09_27_booleans_as_booleans_or_texts(value: Any, flag: bool) -> None:
    assert user(account="1", registered=value).registered is flag
    assert user(account="1", dnd=value).dnd is flag


@pytest.mark.parametrize("value", ["1790000000.120", "1790000000.88", 1790000000])
def test_09_28_times_as_texts_or_numbers(value: Any) -> None:
    entry = call(start=value, connect=value)
    assert entry.start == entry.connect == parse_moment(value)


def test_09_28_a_number_keeps_the_zeros_at_its_end() -> None:
    message = decode('{"action":"call-state","calls":[{"id":"1","start":1790000000.120,"n":1.50}]}')
    assert isinstance(message, m.CallState)
    start = message.calls[0].start
    assert start is not None
    assert start.raw == "1790000000.120"
    assert start.at.microsecond == 120_000
    assert message.calls[0].extra == {"n": 1.5}


@pytest.mark.parametrize("value", ["", None])
def test_connect_is_empty_until_the_answer(value: Any) -> None:
    assert call(connect=value) == m.CallEntry(id="")


def test_09_29_marks_before_extensions_are_kept_apart() -> None:
    entry = call(extension=["*204", "207", 208])
    assert (entry.extensions, entry.marked) == (("204", "207", "208"), ("204",))
    assert call(extension="*204").extensions == ("204",)


def test_09_30_the_full_number_leads_and_the_national_one_is_kept() -> None:
    fields = {"from": "<sip:+15550100@acme.example>", "from-user": "5550100", "from-display": "Bea"}
    message = read(invitesdp="v=0", **fields)
    assert isinstance(message, m.InviteSdp)
    assert (message.from_.number, message.from_.name) == ("+15550100", "Bea")
    assert message.extra == {"from-user": "5550100"}


def test_09_30_from_number_is_the_last_resort() -> None:
    message = read(**{"invitesdp": "v=0", "from-number": "5550100"})
    assert isinstance(message, m.InviteSdp)
    assert message.from_ == Party("5550100")


def test_09_33_absent_and_null_can_be_told_apart() -> None:
    bare = user(account="1")
    assert bare.registered is bare.dnd is bare.chatstatus is bare.code is bare.calls is bare.tag is UNSET
    nulls = user(account="1", code=None, calls=None, registered=None, tag=None)
    assert nulls.code is None
    assert nulls.calls == ()
    assert nulls.registered is UNSET


def test_09_35_ringtones_come_as_a_flat_key() -> None:
    assert read(ringtones={"a": 1}) == m.Ringtones(body={"a": 1})


# --- what a stranger may send ----------------------------------------------------------------------------------------

MALFORMED: dict[str, tuple[str | bytes, str, str]] = {
    "empty": ("", "broken", ""),
    "broken": ('{"action":', "broken", ""),
    "two values": ("{} {}", "broken", ""),
    "byte order mark": (b"\xef\xbb\xbf{}", "broken", ""),
    "array": ("[]", "an array, not an object", ""),
    "text": ('"x"', "a string, not an object", ""),
    "null": ("null", "null, not an object", ""),
    "deep arrays": ("[" * 10_000 + "]" * 10_000, "nested", ""),
    "deep objects": ('{"a":' * 10_000 + "1" + "}" * 10_000, "nested", ""),
    "deep and unclosed": ("[" * 10_000, "nested", ""),
    "deep in a known kind": ('{"action":"user-state","account":"1","tag":' + "[" * 70 + "]" * 70 + "}", "nested", ""),
    "deep in a call": ('{"action":"call-state","calls":[{"x":' + "[" * 70 + "]" * 70 + "}]}", "nested", ""),
    "repeated key": ('{"action":"x","a":1,"a":2}', "'a' stands twice", ""),
    "repeated action": ('{"action":"call-state","calls":[],"action":"user-state"}', "'action' stands twice", ""),
    "repeated calls": ('{"action":"call-state","calls":[{"id":"1"}],"calls":[]}', "'calls' stands twice", ""),
    "repeated account": ('{"action":"user-state","account":"1","account":"2"}', "'account' stands twice", ""),
    "repeated id": ('{"action":"call-state","calls":[{"id":"1","id":"2"}]}', "'id' stands twice", ""),
    "NaN": ('{"action":"x","a":NaN}', "NaN or Infinity", ""),
    "Infinity": ('{"action":"x","a":[-Infinity]}', "NaN or Infinity", ""),
    "calls missing": ('{"action":"call-state"}', "without calls", "call-state"),
    "calls null": ('{"action":"call-state","calls":null}', "without calls", "call-state"),
    "calls a text": ('{"action":"call-state","calls":"none"}', "a string, not an array", "call-state"),
    "accounts missing": ('{"action":"domain-state"}', "are missing", "domain-state"),
    "accounts an object": ('{"action":"domain-state","accounts":{}}', "an object, not an array", "domain-state"),
    "accounts null": ('{"action":"domain-state","accounts":null}', "null, not an array", "domain-state"),
    "sdp a number": ('{"sdp":5}', "a number, not a text", "sdp"),
    "sdp an object without sdp": ('{"sdp":{"type":"offer"}}', "null, not a text", "sdp"),
    "candidate true": ('{"candidate":true}', "a boolean, not a text", "candidate"),
}


def test_a_byte_that_is_no_utf_8_costs_only_itself() -> None:
    calls = b'[{"id":"1","from":"\\"J\xf6rg\\" <sip:204@d>","state":"connected"},{"id":"2","rec":"\xff","x":"\xe9"}]'
    message = decode(b'{"action":"call-state","calls":' + calls + b"}")
    assert isinstance(message, m.CallState)
    first, second = message.calls
    assert (first.id, first.from_.name, first.from_.number) == ("1", "J\ufffdrg", "204")
    assert (second.id, second.extra["x"]) == ("2", "\ufffd")
    assert decode(b'{"action":"\xff"}') == m.Unknown(action="\ufffd", extra={"action": "\ufffd"})
    user = decode(b'{"action":"user-state","account":"45","name":"\xfc","strange":"\xfc"}')
    assert isinstance(user, m.UserState)
    assert (user.entry.name, user.entry.extra) == ("\ufffd", {"strange": "\ufffd"})
    whole = decode('{"action":"call-state","calls":[{"id":"1","from":"\ud800"}]}')
    assert isinstance(whole, m.CallState)
    assert set(whole.calls[0].from_.name or whole.calls[0].from_.number) == {"\ufffd"}


@pytest.mark.parametrize(("raw", "reason", "action"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(raw: str | bytes, reason: str, action: str) -> None:
    message = decode(raw)
    assert isinstance(message, m.Malformed)
    assert reason in message.reason
    assert message.reason.endswith(".")
    assert message.action == action
    assert message.size == (len(raw) if isinstance(raw, bytes) else len(raw.encode(errors="surrogatepass")))


def test_the_size_of_a_malformed_frame_is_in_bytes() -> None:
    assert decode('["é"]') == m.Malformed(reason="The frame is an array, not an object.", size=6)


@pytest.mark.parametrize(
    "number", ["3E3333333333333333333", "-1.5e-99999999999999999999", "1e999", "0e1000000000000000000"]
)
def test_a_number_that_nothing_can_hold_is_a_number(number: str) -> None:
    for frame in (
        number,
        f'{{"action":"call-state","calls":[{{"id":"1","start":{number},"x":{number}}}]}}',
        f'{{"action":"user-state","account":"45","code":{number},"x":[{number}]}}',
        f'{{"action":"domain-state","accounts":[{{"account":"45"}}],"messages":{number}}}',
        f'{{"action":"what","id":{number}}}',
    ):
        assert decode(frame).kind != "malformed" or frame == number


def test_a_frame_above_the_bound_is_not_looked_into() -> None:
    message = decode(b"[" * 1001, max_size=1000)
    assert isinstance(message, m.Malformed)
    assert "1,001 bytes, more than the 1,000" in message.reason


def test_one_bad_entry_does_not_lose_the_rest() -> None:
    message = read(action="call-state", calls=[{"id": "1"}, 5, None, {"id": "2"}])
    assert isinstance(message, m.CallState)
    assert [entry.id for entry in message.calls] == ["1", "2"]
    assert message.extra["malformed"] == ["calls[1] is a number, not an object", "calls[2] is null, not an object"]
    accounts = read(action="domain-state", accounts=[7, {"account": "1"}])
    assert isinstance(accounts, m.DomainState)
    assert accounts.accounts == (m.AccountEntry(account="1"),)
    assert call(extension=["1", {}, "2"]).extensions == ("1", "2")


def test_a_million_bad_entries_leave_a_few_notes() -> None:
    message = read(action="call-state", calls=[0] * 100_000)
    assert len(message.extra["malformed"]) == 21


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("registered", "maybe"),
        ("dnd", [1]),
        ("name", {"a": 1}),
        ("chatstatus", False),
        ("calls", "x"),
        ("account", [1]),
    ],
)
def test_what_cannot_be_read_stays_under_its_name(field: str, value: Any) -> None:
    fields = {"account": "1", field: value}
    assert user(**fields).extra == {field: value}


@pytest.mark.parametrize(
    ("field", "value"),
    [("start", "soon"), ("start", 1e300), ("connect", [1]), ("id", True), ("to", {"x": 1}), ("new", {"deep": [1.5]})],
)
def test_what_cannot_be_read_of_a_call_stays_under_its_name(field: str, value: Any) -> None:
    assert call(**{"state": "connected", field: value}).extra == {field: value}


def test_half_a_surrogate_in_a_callers_name_does_not_hide_the_list() -> None:
    message = decode(r'{"action":"call-state","calls":[{"id":"1","from-name":"\ud83d\ude00 \ud800 \\ud800 \n"}]}')
    assert isinstance(message, m.CallState)
    assert message.calls[0].from_.name == "\U0001f600 \ufffd \\ud800 \n"


def test_names_are_kept_as_they_came() -> None:
    name = "<script>\u202e\x00\x1b[31m'; rm -rf"
    assert call(**{"from-number": "1", "from-name": name}).from_.name == name


def test_what_an_invite_says_of_the_caller_is_understood_or_kept_where_it_stood() -> None:
    choices = {
        "from": ["", "<sip:+15550100@acme.example>", '"Bea" <sip:204@acme.example>'],
        "from-user": ["", "204", "5550100"],
        "from-number": ["", "204", "5550101"],
        "from-display": ["", "Bea", "Al"],
    }
    for values in itertools.product(*choices.values()):
        said = {key: value for key, value in zip(choices, values, strict=True) if value}
        message = read(invitesdp="v=0", **said)
        assert isinstance(message, m.InviteSdp)
        assert message.extra.items() <= said.items()
        kept = {message.from_.number, message.from_.name, *message.extra.values()}
        assert {value for key, value in said.items() if key != "from"} <= kept
        assert message.from_.number == next((parse_party(value).number for value in values[:3] if value), "")


# --- recording, numbers, REST ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "recording"),
    [("adhoc", "adhoc"), ("", ""), (None, ""), (False, ""), ("false", ""), (True, "true"), (1, "1")],
)
def test_recording(value: Any, recording: str) -> None:
    assert call(rec=value).recording == recording


def test_numbers_stand_for_their_text() -> None:
    assert call(id=7711).id == "7711"
    assert user(account=204).account == "204"


@pytest.mark.parametrize("spell", [str, int], ids=["text", "number"])
def test_the_way_an_id_is_written_changes_nothing_else(spell: type) -> None:
    """``status`` is a word of REST: on the line it is a field like any other that is not understood."""
    assert call(id=spell(7711), status="connected") == m.CallEntry(id="7711", extra={"status": "connected"})
    assert call(id=spell(7711), state="connected", callstate="") == m.CallEntry(id="7711", raw_state="connected")


@pytest.mark.parametrize(
    "frame", ['{"action":"call-state","calls":[],"n":1}', '{"n":1,"action":"call-state","calls":[]}']
)
def test_an_unknown_field_is_kept_however_short(frame: str) -> None:
    assert decode(frame) == m.CallState(calls=(), extra={"n": 1})


def test_a_user_state_without_an_account_has_an_empty_one() -> None:
    assert user(name="Jo") == m.AccountEntry(account="", name="Jo")


REST_ACCOUNTS: dict[str, tuple[dict[str, Any], m.AccountEntry]] = {
    "user directory": (
        {"name": "204", "displayname": "Jo", "type": "extensions", "dnd": False, "registered": True, "position": ""},
        m.AccountEntry(account="204", name="Jo", type="extensions", dnd=False, registered=True, extra={"position": ""}),
    ),
    "tenant list": (
        {"account": "204", "name": "Jo", "usertype": "acds", "regs": "2"},
        m.AccountEntry(account="204", name="Jo", type="acds", registered=True, extra={"regs": "2"}),
    ),
    "number and name": ({"number": "700", "name": "Orbit"}, m.AccountEntry(account="700", name="Orbit")),
    "with a call": (
        {"account": "204", "calls": [{"id": "1", "state": "alerting"}]},
        m.AccountEntry(account="204", calls=(m.CallEntry(id="1", raw_state="alerting"),)),
    ),
    "nothing": ({}, m.AccountEntry(account="")),
}


@pytest.mark.parametrize(("row", "entry"), REST_ACCOUNTS.values(), ids=REST_ACCOUNTS)
def test_rest_accounts(row: dict[str, Any], entry: m.AccountEntry) -> None:
    before = json.dumps(row)
    assert account_entry(row) == entry
    assert json.dumps(row) == before


def test_rest_calls() -> None:
    row = {"id": "5", "status": "connected", "from": JO, "duration": 12}
    assert call_entry(row) == m.CallEntry(id="5", from_=parse_party(JO), raw_state="connected", extra={"duration": 12})


@pytest.mark.parametrize("key", ["state", "callstate"])
def test_a_state_of_the_line_wins_over_the_status_of_rest(key: str) -> None:
    row = {"id": "5", "status": "connected", key: "alerting"}
    assert call_entry(row) == m.CallEntry(id="5", raw_state="alerting", extra={"status": "connected"})


@pytest.mark.parametrize(
    ("fields", "registered"),
    [({"regs": 1}, True), ({"regs": "0"}, False), ({"regs": "some"}, UNSET), ({"regs": 1, "registered": False}, False)],
)
def test_a_count_of_registrations_says_whether_there_is_one(fields: dict[str, Any], registered: Any) -> None:
    assert account_entry({"account": "204", **fields}).registered is registered


# --- the quick way and the tolerant way are one ----------------------------------------------------------------------

texts = st.text(max_size=12)
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.lists(texts),
)
call_objects = st.fixed_dictionaries(
    {},
    optional={
        "id": st.one_of(texts, odd),
        "from": st.one_of(st.just(JO), texts, odd),
        "from-number": texts,
        "from-name": texts,
        "state": st.sampled_from(["alerting", "connected", ""]),
        "callstate": st.sampled_from(["alerting", "connected"]),
        "extension": st.one_of(st.lists(st.sampled_from(["*204", "207", "", "*"])), odd),
        "start": st.one_of(st.sampled_from(["1790000000.88", "x", 1790000000.5]), odd),
        "connect": odd,
        "rec": st.one_of(st.just("adhoc"), odd),
        "new": odd,
    },
)
account_objects = st.fixed_dictionaries(
    {},
    optional={
        "account": st.one_of(texts, odd),
        "domain": texts,
        "tag": odd,
        "type": st.one_of(texts, odd),
        "registered": st.one_of(st.booleans(), odd),
        "dnd": st.sampled_from([True, False, "true", "no"]),
        "chatstatus": st.one_of(texts, st.none()),
        "code": odd,
        "calls": st.one_of(st.lists(call_objects, max_size=3), call_objects, odd),
        "new": odd,
    },
)
frames = st.one_of(
    st.builds(
        lambda calls: {"action": "call-state", "calls": calls}, st.lists(call_objects, max_size=4) | call_objects
    ),
    st.builds(lambda entry: {"action": "user-state", **entry}, account_objects),
    st.builds(
        lambda accounts, calls: {"action": "domain-state", "accounts": accounts, "calls": calls},
        st.lists(account_objects, max_size=3),
        st.lists(call_objects, max_size=3),
    ),
)


@settings(max_examples=300)
@given(frames)
def test_an_unknown_field_changes_nothing_but_extra(frame: dict[str, Any]) -> None:
    """The unknown field sends the frame the tolerant way; everything else must come out the same."""
    usual = decode(json.dumps(frame, separators=(",", ":")))
    tolerant = decode(json.dumps({**frame, "zz": 0}))
    assert usual.kind == tolerant.kind == frame["action"]
    if isinstance(usual, m.UserState) and isinstance(tolerant, m.UserState):
        assert without_zz(tolerant.entry.extra) == usual.entry.extra
        assert replace(tolerant.entry, extra={}) == replace(usual.entry, extra={})
    else:
        assert without_zz(tolerant.extra) == usual.extra
        assert replace(tolerant, extra={}) == replace(usual, extra={})


EVERY_CALL_FIELD = {
    "id": "7",
    "from": JO,
    "from-number": "205",
    "from-name": "Al",
    "to": ALMA,
    "to-number": "208",
    "to-name": "Bo",
    "state": "alerting",
    "callstate": "connected",
    "extension": ["*204", "207"],
    "start": "1790000000.88",
    "connect": "1790000001.5",
    "rec": "adhoc",
    "cmc": "c",
    "new": 1,
}
EVERY_ACCOUNT_FIELD = {
    "account": "204",
    "type": "extensions",
    "domain": "acme.example",
    "name": "Jo",
    "registered": True,
    "dnd": False,
    "chatstatus": "away",
    "code": "c1",
    "tag": "t",
    "calls": [EVERY_CALL_FIELD],
    "new": 1,
}


@settings(max_examples=300)
@example({"action": "user-state", **EVERY_ACCOUNT_FIELD})
@example({"action": "call-state", "calls": EVERY_CALL_FIELD, "new": 1})
@example({"action": "domain-state", "accounts": [EVERY_ACCOUNT_FIELD], "calls": [EVERY_CALL_FIELD], "messages": 2})
@given(frames)
def test_the_tolerant_way_reads_what_the_quick_way_reads(frame: dict[str, Any]) -> None:
    text = json.dumps(frame)
    usual = decode(text)
    with mock.patch.object(sys.modules["pbxnb.protocol.decode"], "quick", side_effect=BadFrame("the tolerant way")):
        assert decode(text) == usual


def without_zz(extra: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if key != "zz"}


def replace(struct: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(struct, **fields)


json_values = st.recursive(odd, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_never_raises(raw: bytes | str) -> None:
    assert isinstance(decode(raw), m.Malformed | m.Unknown)


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(
            [*PRECEDENCE, "action", "calls", "accounts", "account", "callid", "from", "adr", "code", "expires"]
        ),
        st.one_of(json_values, st.sampled_from(["call-state", "user-state", "domain-state", "sip-register", "chat"])),
    )
)
def test_never_raises_on_known_names_with_odd_values(frame: dict[str, Any]) -> None:
    message = decode(json.dumps(frame))
    assert isinstance(message, m.Message)
    json.dumps(dict(message.extra))  # what is kept is plain JSON


def test_a_call_that_did_not_change_is_the_same_object() -> None:
    first, second = (decode('{"action":"call-state","calls":[{"id":"1","state":"connected"}]}') for _ in range(2))
    assert isinstance(first, m.CallState)
    assert isinstance(second, m.CallState)
    assert first.calls[0] is second.calls[0]


def test_a_field_is_taken_once() -> None:
    fields = Fields({"a": "1", "b": True})
    assert (fields.string("a"), fields.string("a"), fields.flag("b")) == ("1", "", True)
    assert fields.extra() == {}

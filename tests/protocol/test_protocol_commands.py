"""Commands as data: what each sends in both vocabularies, what proves it, and what is refused before it is sent."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from pbxnb.errors import BadCommand
from pbxnb.protocol.commands import COMMAND_NAMES, COMMANDS, CallRef, Context, Effect, StarCodes, plan, preview
from pbxnb.protocol.parties import Party, parse_party
from pbxnb.protocol.rest import FORWARD_KEYS

MODERN = Context(domain="acme.example", user="204")
OLD = Context(domain="acme.example", user="204", dialect="2016")
CALL = CallRef(
    id="7711",
    from_=parse_party('"Bea" <sip:+15550100@acme.example>'),
    to=parse_party("<sip:204@acme.example>"),
    extensions=("204",),
    state="ringing",
)
OTHER = CallRef(id="7712", from_=Party("204"), to=Party("207"), extensions=("204", "207"), state="connected")
ELSEWHERE = CallRef(id="7713", from_=Party("+15550100"), to=Party("208"), extensions=("208",), state="ringing")


CALLS = "/rest/user/204@acme.example/calls"
SENDS: dict[str, tuple[tuple[Any, ...], Any, Any, Effect]] = {
    # name: (arguments, modern, 2016, effect); a pair is a REST request, an object is a frame
    "dial": (
        ("207",),
        (CALLS, {"remote-dial": "207", "name": "207"}),
        {"action": "make-call", "to": "207"},
        Effect.NEW_CALL,
    ),
    "answer": ((CALL,), (CALLS, {"remote-answer": "7711"}), {"action": "accept-call", "id": "7711"}, Effect.CONNECTED),
    "reject": (
        (CALL,),
        (CALLS, {"reject": "7711"}),
        {"action": "clear-call", "id": "7711", "connected": "false"},
        Effect.LEFT_RINGING,
    ),
    "hangup": (
        (CALL,),
        (CALLS, {"hangup": "7711"}),
        {"action": "clear-call", "id": "7711", "connected": "false"},
        Effect.GONE,
    ),
    "hold": ((CALL,), (CALLS, {"remote-hold": "7711"}), {"action": "hold-call", "id": "7711"}, Effect.HELD),
    "resume": ((CALL,), (CALLS, {"remote-resume": "7711"}), {"action": "hold-call", "id": "7711"}, Effect.RESUMED),
    "transfer": (
        (CALL, "208"),
        {"action": "blind-transfer2", "id": "7711", "from": "204", "to": "208"},
        {"action": "blind-transfer", "id": "7711", "from": "+15550100", "to": "208"},
        Effect.MOVED,
    ),
    "transfer, attended": (
        (CALL, OTHER),
        (CALLS, {"transfer": "7711", "id": "7712"}),
        {"action": "att-transfer", "id": "7712", "from": "207", "id2": "7711", "to": "+15550100"},
        Effect.JOINED,
    ),
    "park": (
        (CALL, "700"),
        {"action": "blind-transfer2", "id": "7711", "from": "204", "to": "700"},
        {"action": "blind-transfer", "id": "7711", "from": "+15550100", "to": "700"},
        Effect.PARKED,
    ),
    "retrieve": (
        ("700",),
        (CALLS, {"remote-dial": "*86700", "name": "*86700"}),
        {"action": "make-call", "to": "*86700"},
        Effect.CONNECTED,
    ),
    "pickup": (
        (ELSEWHERE,),
        (CALLS, {"remote-dial": "*87208", "name": "*87208"}),
        {"action": "make-call", "to": "*87208"},
        Effect.CONNECTED,
    ),
    "record": (
        (CALL, False),
        {"action": "rec-call", "id": "7711", "startstop": "off"},
        {"action": "rec-call", "id": "7711", "startstop": "off"},
        Effect.RECORDING,
    ),
    "dnd": (
        (True,),
        ("/rest/user/204@acme.example/dnd", {"state": True}),
        ("/rest/user/204@acme.example/dnd", {"state": True}),
        Effect.DND,
    ),
    "chat": (
        ("207", "hi"),
        ("/rest/user/204@acme.example/chat?number=207", {"type": "text", "text": "hi"}),
        {"action": "chat", "src": "204", "dest": "207", "message": "hi"},
        Effect.ACCEPTED_ONLY,
    ),
    "forward": (
        ("+1 555 0100",),
        ("/rest/domain/acme.example/user_settings/204", {"cfa": "+15550100"}),
        ("/rest/domain/acme.example/user_settings/204", {"cfa": "+15550100"}),
        Effect.SETTING,
    ),
    "queue_login": (
        ("73", False),
        ("/rest/domain/acme.example/account/204/acd_login?group=73", {"login": False}),
        ("/rest/domain/acme.example/account/204/acd_login?group=73", {"login": False}),
        Effect.QUEUE_LOGIN,
    ),
    "send": (({"action": "x", "n": [1]},), {"action": "x", "n": [1]}, {"action": "x", "n": [1]}, Effect.NONE),
}


@pytest.mark.parametrize("key", SENDS)
@pytest.mark.parametrize("context", [MODERN, OLD], ids=["modern", "2016"])
def test_what_is_sent_and_what_proves_it(key: str, context: Context) -> None:
    args, modern, old, effect = SENDS[key]
    made = plan(key.partition(",")[0], *args, context=context)
    wanted = modern if context is MODERN else old
    if isinstance(wanted, dict):
        assert made.frames == (wanted,)
        assert made.rest == ()
    else:
        assert made.frames == ()
        assert [(request.method, request.path, request.body) for request in made.rest] == [("POST", *wanted)]
    assert made.effect is (Effect.NONE if key == "chat" and context is OLD else effect)
    assert made.effect_text.endswith(".")
    assert made.account == "204"


def test_every_command_is_in_the_table_above() -> None:
    assert {key.partition(",")[0] for key in SENDS} == set(COMMAND_NAMES)


def test_what_takes_longer_waits_longer_and_what_ends_something_says_so() -> None:
    plans = {key: plan(key.partition(",")[0], *args[0], context=MODERN) for key, args in SENDS.items()}
    assert {key for key, made in plans.items() if made.deadline == 10.0} == {
        "dial", "transfer", "transfer, attended", "park",
    }  # fmt: skip
    assert {key for key, made in plans.items() if made.destructive} == {
        "reject", "hangup", "transfer", "transfer, attended", "send",
    }  # fmt: skip
    assert {key for key, made in plans.items() if made.star} == {"retrieve", "pickup"}


def test_plans_name_what_they_are_about() -> None:
    park = plan("park", CALL, "700", context=MODERN)
    assert (park.call, park.to, park.args) == (CALL, "700", {"call": "7711", "orbit": "700"})
    joined = plan("transfer", CALL, OTHER, context=MODERN)
    assert (joined.call, joined.call2, joined.to) == (CALL, OTHER, "207")
    assert plan("record", CALL, context=MODERN).on is True
    assert plan("queue_login", "73", context=MODERN).to == "73"
    assert plan("retrieve", "700", context=MODERN).to == "700"


@pytest.mark.parametrize(
    ("context", "call", "account"),
    [
        pytest.param(MODERN, CALL, "204", id="us, as a party"),
        pytest.param(MODERN, ELSEWHERE, "208", id="the first extension of the call"),
        pytest.param(MODERN, CallRef(id="1"), "204", id="us, where the call names nobody"),
        pytest.param(Context(domain="d", user="204", account="207"), CALL, "207", id="as told"),
    ],
)
def test_who_acts(context: Context, call: CallRef, account: str) -> None:
    made = plan("hangup", call, context=context)
    assert made.account == account
    assert f"/{account}@" in made.rest[0].path


def test_parking_by_star_code() -> None:
    made = plan("park", CALL, "700", star=True, context=MODERN)
    assert made.frames[0]["to"] == "*85700"
    assert (made.to, made.star) == ("700", True)


def test_star_codes_of_this_pbx() -> None:
    context = Context(domain="d", user="204", star=StarCodes(retrieve="*96"))
    assert plan("retrieve", "700", context=context).rest[0].body["remote-dial"] == "*96700"


@pytest.mark.parametrize(
    ("extensions", "to", "code"),
    [
        pytest.param(("204", "209"), "73", "*87209", id="another phone than ours"),
        pytest.param((), "208", "*87208", id="where it was sent"),
        pytest.param(("204",), "204", "*87204", id="ours, if there is no other"),
    ],
)
def test_where_a_call_is_picked_up(extensions: tuple[str, ...], to: str, code: str) -> None:
    call = CallRef(id="1", from_=Party("+15550100"), to=Party(to), extensions=extensions)
    assert plan("pickup", call, context=MODERN).rest[0].body["remote-dial"] == code


def test_options_of_dnd_and_chat() -> None:
    dnd = plan("dnd", True, reason="lunch", expires=3600, context=MODERN)
    assert dnd.rest[0].body == {"state": True, "reason": "lunch", "expires": "3600"}
    assert plan("chat", "207", "hi", date=5, context=MODERN).rest[0].body["date"] == 5


def test_forwarding_sets_one_setting_or_empties_it_and_reads_it_back() -> None:
    context = Context(domain="acme.example", user="204", account="207")
    (choice,) = (one for one in COMMANDS["forward"].arguments if one.kind == "choice")
    assert choice.choices.keys() == FORWARD_KEYS.keys()
    for when, key in FORWARD_KEYS.items():
        made = plan("forward", None, when=when, context=context)
        assert made.rest[0].body == {key: ""}
        assert made.read is not None
        assert (made.read.method, made.read.path) == ("GET", made.rest[0].path)
        assert made.effect_text.startswith("Calls to 207 are no longer forwarded")
    assert (
        plan("forward", "209", when="no_answer", context=context).effect_text
        == "Calls to 207 go to 209 (when not answered)."
    )
    assert preview(plan("forward", None, when="busy", context=context)).python == (
        "await pbx.forward(None, when='busy', account='207')"
    )


DIALLED = {
    "plain": ("207", "207"),
    "outside": ("+15550100", "+15550100"),
    "separators": (" +1 (555) 01-00 ", "+15550100"),
    "star code": ("*98#", "*98#"),
    "with domain": ("207@acme.example", "207@acme.example"),
    "name-addr": ('"Alma" <sip:207@acme.example>', "207"),
    "tel": ("tel:+1-555-0100", "+15550100"),
    "party": (Party("207", "Alma"), "207"),
    "name": ("front.door", "front.door"),
}


@pytest.mark.parametrize(("given", "number"), DIALLED.values(), ids=DIALLED)
def test_numbers_that_can_be_dialled(given: Any, number: str) -> None:
    assert plan("dial", given, context=MODERN).to == number


def test_numbers_cannot_leave_their_place_in_a_path() -> None:
    context = Context(domain="a/b?c", user="204", account="20#4")
    assert plan("dnd", True, context=context).rest[0].path == "/rest/user/20%234@a%2Fb%3Fc/dnd"
    assert plan("chat", "+1#2", "hi", context=MODERN).rest[0].path.endswith("number=%2B1%232")


REFUSED: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "mistyped name": ("hangpu", (CALL,), "; did you mean 'hangup'?"),
    "no such command": ("xyzzy", (), "; there is answer, reject"),
    "number as an int": ("dial", (207,), "Write it as text: '207'."),
    "empty number": ("dial", ("",), "is empty"),
    "blank number": ("dial", ("  ",), "is empty"),
    "number with a line break": ("dial", ("207\r\nX: y",), "cannot be dialled"),
    "number with markup": ("transfer", (CALL, "b>2"), "cannot be dialled"),
    "name-addr without a number": ("transfer", (CALL, '"Jo" <>'), "is empty"),
    "number too long": ("dial", ("1" * 129,), "cannot be dialled"),
    "no number": ("dial", (None,), "needs a number as text"),
    "call by its id": ("hangup", ("7711",), "needs a call, not '7711'"),
    "call without an id": ("hangup", (CallRef(id=""),), "this one has none"),
    "call to itself": ("transfer", (CALL, CALL), "to itself"),
    "argument missing": ("dial", (), "It is dial(to, name='')."),
    "argument too many": ("hold", (CALL, 1, 2), "cannot be called like this"),
    "on as a word": ("dnd", ("yes",), "needs True or False"),
    "empty text": ("chat", ("207", " "), "needs a text"),
    "long text": ("chat", ("207", "x" * 10_001), "10,001 characters"),
    "frame is no object": ("send", ("x",), "one JSON object"),
    "frame is empty": ("send", ({},), "one JSON object"),
    "frame with odd keys": ("send", ({1: 2},), "one JSON object"),
    "frame that is no JSON": ("send", ({"a": object()},), "cannot be written as JSON"),
    "option by its place": ("forward", ("207", "bussy"), "cannot be called like this"),
    "forward without a word to whom": ("forward", (), "It is forward(to, when='all')."),
    "nowhere to pick up": ("pickup", (CallRef(id="1"),), "not known where"),
}


@pytest.mark.parametrize(("name", "args", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_refused_with_a_hint(name: str, args: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(BadCommand) as caught:
        plan(name, *args, context=MODERN)
    assert sentence in str(caught.value)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(BadCommand, match="cannot be 'bussy'; did you mean 'busy'"):
        plan("forward", "207", when="bussy", context=MODERN)
    with pytest.raises(BadCommand, match="It is park"):
        plan("park", CALL, "700", speed=2, context=MODERN)


# --- preview ---------------------------------------------------------------------------------------------------------


def test_preview_of_a_frame() -> None:
    shown = preview(plan("transfer", CALL, "208", context=MODERN))
    assert shown.python == "await pbx.transfer('7711', '208')"
    assert shown.javascript == (
        'socket.send(JSON.stringify({"action": "blind-transfer2", "id": "7711", "from": "204", "to": "208"}));'
    )
    assert shown.destructive
    assert shown.certainty == "B*"
    assert shown.assumption
    assert json.loads(shown.json)["frames"] == [{"action": "blind-transfer2", "id": "7711", "from": "204", "to": "208"}]


def test_preview_of_a_rest_request() -> None:
    shown = preview(plan("hangup", CALL, context=MODERN), handle_name="acme")
    assert shown.python == "await acme.hangup('7711')"
    assert shown.javascript == (
        'await fetch("/rest/user/204@acme.example/calls", {method: "POST", '
        'headers: {"Content-Type": "application/json"}, body: JSON.stringify({"hangup": "7711"})});'
    )


def test_preview_names_the_other_call_and_the_account() -> None:
    context = Context(domain="acme.example", user="204", account="209")
    assert preview(plan("transfer", CALL, OTHER, context=context)).python == (
        "await pbx.transfer('7711', pbx.calls['7712'], account='209')"
    )


@pytest.mark.parametrize("text", ["'); alert(1)//", "</script><b>", "\u202eevil\u2028", '"\\'])
@pytest.mark.parametrize("context", [MODERN, OLD], ids=["modern", "2016"])
def test_no_text_becomes_code(text: str, context: Context) -> None:
    shown = preview(plan("chat", "207", text, context=context))
    for code in (shown.javascript, shown.python, shown.json):
        assert code.isascii()
    assert "<" not in shown.javascript + shown.json
    start = shown.javascript.index("JSON.stringify(") + len("JSON.stringify(")
    body, _ = json.JSONDecoder().raw_decode(shown.javascript, start)
    assert text in body.values()
    assert ast.literal_eval(shown.python.removeprefix("await pbx.chat")) == ("207", text)

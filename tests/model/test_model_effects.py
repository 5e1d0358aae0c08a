"""What proves a command, and what does not: each effect with the change that shows it and one that looks like it."""

from __future__ import annotations

from typing import Any

import pytest

from pbxnb.model.changes import Event
from pbxnb.model.effects import already, proved, read_back
from pbxnb.model.entities import Agent, Orbit, Parked, Party, Queue
from pbxnb.protocol.commands import COMMANDS, CallRef, Context, Effect, plan
from pbxnb.protocol.messages import RecStart, RecStop
from tests.model.model_kit import START, Desk, account, at, call

ME = Context(domain="acme.example", user="204")
X, Y = "+15550100", "+15550101"


@pytest.fixture
def desk() -> Desk:
    desk = Desk(user="204")
    desk.accounts(account("204"), account("207"), account("208"), account("700", "orbits"), account("600", "acds"))
    return desk


def ref(desk: Desk, key: str) -> CallRef:
    one = desk.call(key)
    return CallRef(id=one.id, from_=one.from_, to=one.to, extensions=one.extensions, state=one.state.value)


class Try:
    """A command given now; ask later whether what came proves it."""

    def __init__(self, desk: Desk, name: str, *args: Any, **kw: Any) -> None:
        self.desk = desk
        self.plan = plan(name, *args, context=ME, **kw)
        self.already = already(self.plan, desk.store)
        self.before = desk.store.snapshot(at(desk.now))

    def proof(self, event: Event | None = None) -> str | None:
        return proved(self.plan, self.before, self.desk.store, event)


class TestDial:
    def test_a_new_call_of_ours_to_that_number(self, desk):
        dial = Try(desk, "dial", "+4930123456")
        assert dial.already is None
        assert dial.proof() is None
        desk.calls(call("1", "204", "030123456", "alerting", ext="204"))
        assert dial.proof() == "Call 1 from 204 to 030123456 appeared."

    @pytest.mark.parametrize(
        "other",
        [call("1", "204", "207", "alerting"), call("1", "207", "208", "alerting"), call("1", "208", "204", "alerting")],
    )
    def test_not_another_call(self, desk, other):
        dial = Try(desk, "dial", "208")
        desk.calls(other)
        assert dial.proof() is None

    def test_not_a_call_that_was_there(self, desk):
        desk.calls(call("1", "204", "208"))
        dial = Try(desk, "dial", "208")
        assert dial.already is None
        desk.calls(call("1", "204", "208", "onhold"))
        assert dial.proof() is None


class TestOneCall:
    def test_answer(self, desk):
        desk.calls(call("1", X, "204", "alerting"))
        answer = Try(desk, "answer", ref(desk, "1"))
        assert (answer.already, answer.proof()) == (None, None)
        desk.calls(call("1", X, "204"))
        assert answer.proof() == "Call 1 is connected with 204."

    def test_answer_is_not_proved_when_somebody_else_answers(self, desk):
        desk.calls(call("1", X, "600", "alerting", ext="204 207"))
        answer = Try(desk, "answer", ref(desk, "1"))
        desk.calls(call("1", X, "207", ext="207"))
        assert answer.proof() is None

    def test_reject_by_leaving_the_extensions_or_by_the_end(self, desk):
        ringing = call("1", X, "600", "alerting", ext="204 207")
        desk.calls(ringing)
        reject = Try(desk, "reject", ref(desk, "1"))
        desk.calls(ringing | {"cmc": "1"})
        assert reject.proof() is None
        desk.calls(call("1", X, "600", "alerting", ext="207"))
        assert reject.proof() == "Call 1 no longer rings at 204."
        desk.calls()
        assert reject.proof() == "Call 1 ended."

    def test_hangup(self, desk):
        desk.calls(call("1", X, "204"))
        hangup = Try(desk, "hangup", ref(desk, "1"))
        desk.calls(call("1", X, "204", "onhold"))
        assert hangup.proof() is None
        desk.calls(call("1", Y, "208", start=START + 60))
        assert hangup.proof() == "Call 1 ended."

    def test_hold_and_resume(self, desk):
        desk.calls(call("1", X, "204"))
        hold, resume = Try(desk, "hold", ref(desk, "1")), Try(desk, "resume", ref(desk, "1"))
        assert hold.already is None
        assert resume.already == "Call 1 is connected already."
        desk.calls(call("1", X, "204", "holding"))
        assert hold.proof() == "Call 1 is held."
        assert Try(desk, "hold", ref(desk, "1")).already == "Call 1 is held already."
        resume = Try(desk, "resume", ref(desk, "1"))
        desk.calls(call("1", X, "204"))
        assert resume.proof() == "Call 1 is connected."

    def test_a_call_that_has_ended_need_not_be_ended(self, desk):
        desk.calls(call("1", X, "204"))
        gone = ref(desk, "1")
        desk.calls()
        assert Try(desk, "hangup", gone).already == "Call 1 has ended already."


class TestTransfer:
    def test_blind_when_the_called_party_changes(self, desk):
        desk.calls(call("1", X, "204"))
        transfer = Try(desk, "transfer", ref(desk, "1"), "208")
        desk.calls(call("1", X, "204", "onhold"))
        assert transfer.proof() is None
        desk.calls(call("1", X, "208", "alerting"))
        assert transfer.proof() == f"Call 1 is between {X} and 208 now."

    def test_blind_when_it_leaves_the_list(self, desk):
        desk.calls(call("1", X, "204"))
        transfer = Try(desk, "transfer", ref(desk, "1"), "208")
        desk.calls(call("2", X, "208", "alerting"))
        assert transfer.proof() == "Call 1 left the list."

    def test_attended_when_one_id_leaves_and_the_other_gets_the_party(self, desk):
        desk.calls(call("1", X, "204", "onhold"), call("2", "204", "208"))
        transfer = Try(desk, "transfer", ref(desk, "1"), ref(desk, "2"))
        desk.calls(call("1", X, "204", "onhold"))
        assert transfer.proof() is None  # 208 hung up, and nothing was joined
        desk.calls(call("1", X, "208"))
        assert transfer.proof() == f"Call 1 connects {X} and 208."

    def test_attended_is_not_shown_while_neither_has_left(self, desk):
        desk.calls(call("1", X, "204", "onhold"), call("2", "204", "208"))
        transfer = Try(desk, "transfer", ref(desk, "1"), ref(desk, "2"))
        desk.calls(call("1", X, "204", "onhold"), call("2", "204", "208"), call("3", X, "208"))
        assert transfer.proof() is None  # they met without us
        desk.calls(call("1", X, "208"), call("2", "204", "208"))
        assert transfer.proof() is None

    def test_attended_when_both_go_and_a_third_comes(self, desk):
        desk.calls(call("1", X, "204", "onhold"), call("2", "204", "208"))
        transfer = Try(desk, "transfer", ref(desk, "1"), ref(desk, "2"))
        desk.calls(call("3", X, "208"))
        assert transfer.proof() == f"Call 3 connects {X} and 208."


class TestParkRetrievePickup:
    def test_park_when_the_orbit_lists_it(self, desk):
        desk.calls(call("1", X, "204"))
        park = Try(desk, "park", ref(desk, "1"), "700")
        desk.store.put_orbit(Orbit(number="700", parked=(Parked(call="9", party=Party(Y)),)), at(5))
        assert park.proof() is None
        desk.store.put_orbit(Orbit(number="700", parked=(Parked(call="", party=Party(X)),)), at(6))
        assert park.proof() == f"Orbit 700 lists the call of {X}."

    def test_park_when_the_call_list_shows_it_there(self, desk):
        desk.calls(call("1", X, "204"))
        park = Try(desk, "park", ref(desk, "1"), "700")
        desk.calls(call("1", X, "700", ext=""))
        assert park.proof() == "Call 1 lies in orbit 700."

    def test_parked_there_already(self, desk):
        desk.calls(call("1", X, "700", ext="204"))
        desk.store.put_orbit(Orbit(number="700", parked=(Parked(call="1"),)), at(5))
        assert Try(desk, "park", ref(desk, "1"), "700").already == "Call 1 lies in orbit 700 already."

    def test_retrieve_when_the_parked_party_is_connected_with_us(self, desk):
        desk.calls(call("1", X, "700", ext=""))
        retrieve = Try(desk, "retrieve", "700")
        desk.calls(call("1", X, "700", ext=""), call("2", "204", "*86700", ext="204"))
        assert retrieve.proof() is None  # the PBX has only answered the code
        desk.calls(call("2", "204", "*86700", ext="204"))
        assert retrieve.proof() == "Call 2 connects 204 with *86700."

    @pytest.mark.parametrize("fetched", [call("1", X, "204"), call("2", "204", X)])
    def test_retrieve_on_either_id(self, desk, fetched):
        desk.calls(call("1", X, "700", ext=""))
        retrieve = Try(desk, "retrieve", "700")
        desk.calls(fetched)
        assert retrieve.proof()

    def test_an_empty_orbit_proves_nothing(self, desk):
        retrieve = Try(desk, "retrieve", "700")
        desk.calls(call("2", "204", "*86700", ext="204"))
        assert retrieve.proof() is None

    @pytest.mark.parametrize("taken", [call("1", X, "204"), call("2", "204", X)])
    def test_pickup(self, desk, taken):
        desk.calls(call("1", X, "208", "alerting"))
        pickup = Try(desk, "pickup", ref(desk, "1"))
        assert (pickup.already, pickup.proof()) == (None, None)
        desk.calls(taken)
        assert pickup.proof()


class TestSwitches:
    def test_record_by_the_calls_own_field(self, desk):
        desk.calls(call("1", X, "204"))
        on = Try(desk, "record", ref(desk, "1"), True)
        assert on.proof() is None
        desk.calls(call("1", X, "204", rec="adhoc"))
        assert on.proof() == "The recording of call 1 began."
        assert Try(desk, "record", ref(desk, "1"), True).already == "Call 1 is being recorded already."
        off = Try(desk, "record", ref(desk, "1"), False)
        desk.calls(call("1", X, "204"))
        assert off.proof() == "The recording of call 1 ended."

    def test_record_by_the_bare_message(self, desk):
        desk.calls(call("1", X, "204"))
        on, off = Try(desk, "record", ref(desk, "1"), True), Try(desk, "record", ref(desk, "1"), False)
        began, ended = (Event(kind="message", message=m, received=at(9)) for m in (RecStart(), RecStop()))
        assert (bool(on.proof(began)), bool(on.proof(ended))) == (True, False)
        assert (bool(off.proof(began)), bool(off.proof(ended))) == (False, True)

    def test_no_recording_in_sight_does_not_mean_there_is_none(self, desk):
        desk.calls(call("1", X, "204"))
        assert Try(desk, "record", ref(desk, "1"), False).already is None

    def test_dnd(self, desk):
        on = Try(desk, "dnd", True)
        desk.user("207", dnd=True)
        assert (on.already, on.proof()) == (None, None)
        desk.user("204", dnd=True)
        assert on.proof() == "Do not disturb is on at 204."
        assert Try(desk, "dnd", True).already == on.proof()

    def test_dnd_that_the_pbx_never_told_of_is_not_off_already(self, desk):
        desk.user("209")
        unknown = plan("dnd", False, context=Context(domain="acme.example", user="209"))
        assert already(unknown, desk.store) is None

    @pytest.mark.parametrize(
        ("answer", "shown"),
        [
            ({"cfa": "209", "cfb": ""}, True),
            ({"cfa": "sip:209@acme.example"}, True),
            ({"cfa": ""}, False),
            ({"cfb": "209"}, False),
            ({}, False),
            (None, False),
            ([], False),
        ],
    )
    def test_a_setting_is_proved_by_reading_it_back(self, desk, answer, shown):
        forward = Try(desk, "forward", "209")
        assert (forward.already, forward.proof()) == (None, None)
        assert bool(read_back(forward.plan, answer)) is shown

    def test_a_setting_that_is_left_out_is_not_taken_for_empty(self, desk):
        off = Try(desk, "forward", None, when="busy")
        assert read_back(off.plan, {"cfa": ""}) is None
        assert read_back(off.plan, {"cfb": ""}) == "The settings of 204 say so: cfb is ''."

    def test_queue_login(self, desk):
        def read(logged_in: bool | None) -> None:
            desk.store.put_queue(Queue(number="600", agents=(Agent(number="204", logged_in=logged_in),)), at(9))

        login = Try(desk, "queue_login", "600", True)
        for logged_in in (None, False):
            read(logged_in)
            assert login.proof() is None
        read(True)
        assert login.proof() == "Queue 600 lists 204 as logged in."
        assert Try(desk, "queue_login", "600", True).already

    def test_what_never_shows_is_never_proved(self, desk):
        chat, send = Try(desk, "chat", "207", "hello"), Try(desk, "send", {"action": "get-calls"})
        desk.calls(call("1", "204", "207"))
        assert (chat.already, chat.proof(), send.already, send.proof()) == (None, None, None, None)


def test_every_command_has_a_proof_of_its_effect_or_says_that_nothing_shows() -> None:
    """A row whose effect nobody can prove would wait for its deadline for ever."""
    from pbxnb.model.effects import _PROOFS

    rows = [row for command in COMMANDS.values() for row in (command, command.attended) if row is not None]
    for row in rows:
        effects = {row.effect} | {form.effect for form in (row.modern, row.old, row.star) if form and form.effect}
        for effect in effects - {Effect.NONE, Effect.ACCEPTED_ONLY}:
            assert (effect in _PROOFS) != (row.reads is not None), row.name

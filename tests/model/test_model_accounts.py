"""What the messages make of accounts: two kinds of fields, six states, axes kept apart, snapshots in doubt."""

from __future__ import annotations

import pytest

from tests.model.model_kit import Desk, account, at, call, kinds

OFFICE = [account("204"), account("207"), account("700", "orbits"), account("600", "acds")]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.accounts(*OFFICE)
    return desk


class TestTwoKindsOfFields:
    """protocol.md 6.3: absence keeps some fields and clears others."""

    def test_absence_keeps_registered_dnd_tag_and_name(self, desk):
        desk.user("204", registered=False, dnd=True, tag="vip")
        desk.user("204")
        now = desk.account("204")
        assert (now.registered, now.dnd, now.extra["tag"], now.name) == (False, True, "vip", "Name of 204")

    def test_absence_clears_chat_status_code_and_calls(self, desk):
        desk.user("204", chatstatus="online", code="c1", calls=[{"from": "<sip:207@acme.example>"}])
        assert desk.account("204").chat_status == "online"
        assert desk.state("204") == "busy"
        desk.user("204")
        assert desk.account("204").chat_status == ""
        assert desk.state("204") == "idle"

    def test_null_means_no_code_and_no_calls(self, desk):
        desk.user("204", code="c1")
        desk.user("204", code=None, calls=None)
        assert desk.state("204") == "idle"

    def test_a_message_without_account_changes_nothing(self, desk):
        assert not desk.take({"action": "user-state", "dnd": True})

    def test_an_unknown_account_appears_in_its_place(self, desk):
        changes = desk.user("1000")
        desk.user("45")
        assert kinds(changes) == ["account.changed 1000"]
        assert changes.events[0].before is None
        assert list(desk.store.accounts) == ["45", "204", "207", "600", "700", "1000"]

    def test_unknown_fields_are_kept_until_something_newer_comes(self, desk):
        desk.user("204", forward="+15550100", mood="fine")
        desk.user("204", mood="better")
        assert desk.account("204").extra == {"forward": "+15550100", "mood": "better"}

    def test_the_same_message_again_changes_nothing_and_keeps_the_object(self, desk):
        desk.user("204", dnd=True)
        before = desk.account("204")
        assert not desk.user("204", dnd=True)
        assert desk.account("204") is before


class TestState:
    """ringing > dialling > busy > held > parked > offline > idle."""

    @pytest.mark.parametrize(
        ("calls", "state"),
        [
            ([], "idle"),
            ([call("1", "207", "204", "alerting")], "ringing"),
            ([call("1", "204", "207", "ringback")], "dialling"),
            ([call("1", "207", "204")], "busy"),
            ([call("1", "207", "204", "onhold")], "held"),
            ([call("1", "204", "207", "holding")], "held"),
            ([call("1", "204", "700", ext="204")], "parked"),
            ([call("1", "204", "207", "parked")], "parked"),
            ([call("1", "204", "207", "levitating")], "busy"),
            ([call("1", "207", "204"), call("2", "208", "204", "alerting")], "ringing"),
            ([call("1", "207", "204"), call("2", "204", "208", "alerting")], "dialling"),
            ([call("1", "207", "204", "onhold"), call("2", "204", "208")], "busy"),
            ([call("1", "207", "204", "parked"), call("2", "204", "208", "holding")], "held"),
        ],
    )
    def test_the_strongest_call_decides(self, desk, calls, state):
        desk.calls(*calls)
        assert desk.state("204") == state

    def test_an_extension_that_is_no_party_rings(self, desk):
        desk.calls(call("1", "+15550100", "600", "alerting", ext="*204 207"))
        assert desk.state("204") == desk.state("207") == "ringing"

    def test_a_state_word_we_do_not_know_is_busy_inferred(self, desk):
        desk.calls(call("1", "204", "207", "levitating"))
        assert desk.account("204").inferred
        assert desk.call("1").state == "other"
        assert desk.call("1").raw_state == "levitating"

    def test_a_code_without_a_call_is_busy_inferred(self, desk):
        desk.user("204", code="c1")
        assert desk.state("204") == "busy"
        assert desk.account("204").inferred
        desk.calls(call("1", "207", "204"))
        assert desk.state("204") == "busy"
        assert not desk.account("204").inferred

    def test_the_user_states_own_call_counts_while_no_list_names_the_account(self, desk):
        desk.user("204", code="c1", calls=[{"from": "<sip:207@acme.example>", "state": "alerting"}])
        assert desk.state("204") == "ringing"
        desk.calls(call("1", "207", "204", "onhold"))
        assert desk.state("204") == "held"

    def test_an_own_call_without_a_state_is_busy_inferred(self, desk):
        desk.user("204", calls=[{"from": "<sip:207@acme.example>"}])
        assert desk.state("204") == "busy"
        assert desk.account("204").inferred

    def test_not_registered_is_offline_but_never_in_a_call(self, desk):
        desk.user("204", registered=False)
        assert desk.state("204") == "offline"
        desk.calls(call("1", "204", "207"))
        assert desk.state("204") == "busy"

    def test_registered_never_said_is_none_and_not_offline(self, desk):
        desk.user("208")
        assert desk.account("208").registered is None
        assert desk.state("208") == "idle"

    def test_a_queue_has_no_phone_and_is_not_offline(self, desk):
        desk.user("600", registered=False)
        assert desk.state("600") == "idle"

    def test_dnd_is_an_axis_of_its_own(self, desk):
        desk.user("204", dnd=True)
        assert desk.state("204") == "idle"
        desk.calls(call("1", "207", "204", "alerting"))
        assert desk.state("204") == "ringing"
        assert desk.account("204").dnd is True

    def test_since_is_when_the_state_changed_not_when_a_message_came(self, desk):
        desk.calls(call("1", "207", "204", "alerting"), after=10)
        since = desk.account("204").since
        desk.calls(call("1", "207", "204", "ringback"), after=10)
        assert desk.account("204").since == since == at(11)

    def test_its_calls_come_in_order_of_start(self, desk):
        desk.calls(
            call("9", "204", "207", start=2000),
            call("1", "204", "208", start=3000),
            call("5", "209", "204", start=1000),
        )
        assert desk.account("204").calls == ("5", "9", "1")

    def test_an_own_call_with_an_id_ties_the_account_to_a_listed_call_that_does_not_name_it(self, desk):
        desk.calls(call("7", "+15550100", "+15550200", "alerting", ext=""))
        desk.user("204", calls=[{"id": 7, "from": "<sip:+15550100@acme.example>"}])
        assert desk.account("204").calls == ("7",)
        assert desk.state("204") == "ringing"
        desk.calls(call("7", "+15550100", "+15550200", ext=""))
        assert desk.state("204") == "busy"


class TestSnapshots:
    """architecture.md 5.3: a snapshot that lacks accounts is doubted once."""

    def test_it_sets_accounts_in_order_of_number(self, desk):
        desk.accounts(*OFFICE, account("1000"), account("45"), account("anna"))
        assert list(desk.store.accounts) == ["45", "204", "207", "600", "700", "1000", "anna"]

    def test_known_accounts_it_lacks_stay_and_it_asks_again(self, desk):
        changes = desk.accounts(*OFFICE[:2])
        assert changes.ask_again
        assert not changes
        assert "700" in desk.store.accounts

    def test_two_agreeing_snapshots_delete(self, desk):
        desk.accounts(*OFFICE[:2])
        changes = desk.accounts(*OFFICE[:2])
        assert not changes.ask_again
        assert sorted(kinds(changes)) == ["account.changed 600?", "account.changed 700?"]
        assert all(event.removed for event in changes.events)
        assert list(desk.store.accounts) == ["204", "207"]

    def test_only_what_both_lack_goes_and_it_does_not_ask_forever(self, desk):
        desk.accounts(*OFFICE[:3])
        changes = desk.accounts(*OFFICE[:2])
        assert "600" not in desk.store.accounts
        assert "700" in desk.store.accounts
        assert not changes.ask_again

    def test_an_account_that_shows_itself_in_between_is_not_deleted(self, desk):
        desk.accounts(*OFFICE[:3])
        desk.user("600", type="acds")
        desk.accounts(*OFFICE[:3])
        assert "600" in desk.store.accounts

    def test_a_doubtful_snapshot_ends_no_calls(self, desk):
        desk.calls(call("1", "204", "207"))
        desk.accounts(*OFFICE[:2], calls=[])
        assert "1" in desk.store.calls

    def test_a_whole_snapshot_with_calls_is_the_whole_list(self, desk):
        desk.calls(call("1", "204", "207"))
        changes = desk.accounts(*OFFICE, calls=[call("2", "207", "204")])
        assert kinds(changes)[:2] == ["call.ended 1", "call.new 2"]

    def test_a_snapshot_without_calls_says_nothing_of_calls(self, desk):
        desk.calls(call("1", "204", "207"))
        desk.accounts(*OFFICE)
        assert "1" in desk.store.calls

    def test_a_type_that_becomes_known_later_changes_what_a_call_is(self, desk):
        desk.calls(call("1", "+15550100", "710", ext=""), call("2", "+15550101", "610", ext=""))
        assert (desk.call("1").state, desk.call("2").queue) == ("connected", "")
        desk.accounts(*OFFICE, account("710", "orbits"), account("610", "acds"))
        assert (desk.call("1").state, desk.call("2").queue) == ("parked", "610")


class TestEvidence:
    """Which frame and which rule set each axis."""

    def test_each_axis_names_its_frame_and_rule(self, desk):
        desk.user("204", dnd=True, chatstatus="online")  # frame 2
        desk.calls(call("1", "207", "204", "alerting"))  # frame 3
        why = {item.axis: (item.rule, item.seq, item.detail) for item in desk.store.explain("204")}
        assert why == {
            "registered": ("account.snapshot", 1, ""),
            "dnd": ("account.user-state", 2, ""),
            "chat_status": ("account.user-state", 2, ""),
            "state": ("state.ringing", 3, "1"),
        }

    def test_a_cleared_field_says_that_absence_cleared_it(self, desk):
        desk.user("204", chatstatus="online")
        desk.user("204")
        why = {item.axis: item.rule for item in desk.store.explain("204")}
        assert why["chat_status"] == "account.cleared"

    def test_an_inferred_state_is_marked(self, desk):
        desk.user("204", code="c1")
        (why,) = [item for item in desk.store.explain("204") if item.axis == "state"]
        assert (why.rule, why.inferred) == ("state.code", True)

    def test_nobody_known_has_no_evidence(self, desk):
        assert desk.store.explain("999") == ()


class TestPresence:
    """Intervals per account and axis."""

    def test_an_interval_lasts_until_the_value_changes(self, desk):
        desk.user("204", dnd=True, after=9)
        desk.user("204", after=10)
        desk.user("204", dnd=False, after=10)
        dnd = [(p.value, p.start, p.end) for p in desk.presence("204") if p.axis == "dnd"]
        assert dnd == [("false", at(1), at(10)), ("true", at(10), at(30)), ("false", at(30), None)]

    def test_another_reason_for_the_same_value_does_not_cut_it(self, desk):
        desk.user("204", code="c1", after=1)
        desk.calls(call("1", "204", "207"), after=1)
        states = [(p.value, p.start, p.end) for p in desk.presence("204") if p.axis == "state"]
        assert states == [("idle", at(1), at(2)), ("busy", at(2), None)]

    def test_what_the_pbx_never_said_has_no_interval(self, desk):
        desk.user("208")
        assert {p.axis for p in desk.presence("208")} == {"state"}

    def test_an_account_that_goes_ends_its_intervals(self, desk):
        desk.accounts(*OFFICE[1:])
        desk.accounts(*OFFICE[1:])
        assert desk.presence("204")
        assert all(p.end is not None for p in desk.presence("204"))
        assert {p.number for p in desk.store.presence()} == {"204", "207", "600", "700"}

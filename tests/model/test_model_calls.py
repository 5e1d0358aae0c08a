"""What the call lists mean: whole lists and single calls, two scopes, ids used again, ends that must be concluded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pbxnb.model.store import Scope
from tests.model.model_kit import START, Desk, account, at, call, kinds


@pytest.fixture
def desk() -> Desk:
    desk = Desk(user="204")
    desk.accounts(account("204"), account("207"), account("208"), account("700", "orbits"), account("600", "acds"))
    return desk


class TestWholeList:
    """An array is the whole list of its scope (protocol.md 6.1)."""

    def test_bootstrap_with_no_calls(self, desk):
        assert not desk.calls()
        assert desk.store.calls == {}

    def test_a_call_of_our_own_is_not_on_the_next_list_it_has_ended(self, desk):
        desk.calls(call("1", "204", "207"), call("2", "208", "+15550100"))
        changes = desk.calls(call("2", "208", "+15550100"))
        assert kinds(changes) == ["call.ended 1", "account.changed 204", "account.changed 207"]
        assert changes.events[0].call.state == "connected"

    def test_an_outbound_call_from_setup_to_hangup(self, desk):
        """protocol.md 8.2, as a monitor sees it."""
        assert kinds(desk.calls(call("1", "204", "207", "alerting"))) == [
            "call.new 1",
            "account.changed 204",
            "account.changed 207",
        ]
        assert (desk.state("204"), desk.state("207")) == ("dialling", "ringing")
        changes = desk.calls(call("1", "204", "207", connect=f"{START + 12}.5"))
        assert kinds(changes)[0] == "call.changed 1"
        assert changes.events[0].at == datetime.fromtimestamp(START + 12.005, UTC)
        assert changes.events[0].before.state == "ringing"
        desk.calls()
        assert (desk.state("204"), desk.state("207")) == ("idle", "idle")

    def test_hold_and_resume(self, desk):
        """protocol.md 8.4."""
        for state, ours in [("connected", "busy"), ("onhold", "held"), ("connected", "busy"), ("holding", "held")]:
            desk.calls(call("1", "204", "207", state))
            assert desk.state("204") == ours

    def test_null_or_missing_calls_are_malformed_and_change_nothing(self, desk):
        desk.calls(call("1", "204", "207"))
        assert not desk.take({"action": "call-state", "calls": None})
        assert not desk.take({"action": "call-state"})
        assert "1" in desk.store.calls

    def test_an_unchanged_call_keeps_its_object(self, desk):
        desk.calls(call("1", "204", "207"), call("2", "208", "+15550100"))
        before = desk.call("1")
        changes = desk.calls(call("1", "204", "207"), call("2", "208", "+15550100", "onhold"))
        assert desk.call("1") is before
        assert changes.calls == {"2"}

    def test_the_last_of_two_entries_with_one_id_counts_and_does_not_flap(self, desk):
        twice = call("1", "204", "207", start=1000), call("1", "204", "208", start=2000)
        desk.calls(*twice)
        assert desk.call("1").to.number == "208"
        assert not desk.calls(*twice)

    def test_an_entry_without_id_is_no_call(self, desk):
        assert not desk.calls({"from": "204", "to": "207", "state": "connected"})

    def test_calls_come_in_order_of_start_however_listed(self, desk):
        desk.calls(call("1", "204", "207", start=3000), call("2", "208", "207", start=1000))
        desk.calls(
            call("3", "208", "204", start=2000),
            call("1", "204", "207", start=3000),
            call("2", "208", "207", start=1000),
        )
        assert list(desk.store.calls) == ["2", "3", "1"]

    def test_what_an_entry_leaves_out_is_gone_but_start_and_queue(self, desk):
        desk.calls(call("1", "+15550100", "600", rec="adhoc", cmc="4711", mood="fine"))
        assert (desk.call("1").recording, dict(desk.call("1").extra)) == (True, {"mood": "fine", "cmc": "4711"})
        desk.calls(call("1", "+15550100", "204", start=None))
        now = desk.call("1")
        assert (now.recording, dict(now.extra), now.queue) == (False, {}, "600")
        assert now.started_at == datetime.fromtimestamp(START, UTC)

    def test_connect_without_a_state_word_is_connected(self, desk):
        desk.calls(call("1", "204", "207", ""))
        assert (desk.call("1").state, desk.call("1").raw_state) == ("connected", "")

    def test_since_and_conversation(self, desk):
        desk.calls(call("1", "204", "207", "alerting"), after=4)
        assert desk.call("1").since == at(5)
        assert desk.call("1").conversation == "1"


class TestSameIdAgain:
    """The same id with another start is an end and a new call."""

    def test_end_then_new(self, desk):
        desk.calls(call("1", "204", "207"))
        changes = desk.calls(call("1", "208", "207", start=START + 60))
        assert kinds(changes)[:2] == ["call.ended 1", "call.new 1"]
        assert changes.events[0].call.from_.number == "204"
        assert desk.call("1").from_.number == "208"

    def test_two_conversations(self, desk):
        desk.calls(call("1", "204", "207"))
        desk.calls(call("1", "+15550100", "208", start=START + 60))
        assert desk.talks() == {"1": ("1",), "1~2": ("1",)}
        assert desk.talk("1").state is None
        assert desk.call("1").conversation == "1~2"

    @pytest.mark.parametrize("start", [str(START), START + 0.5, f"{START}.12", None])
    def test_another_printing_of_the_start_is_the_same_call(self, desk, start):
        desk.calls(call("1", "204", "207"))
        assert "call.ended 1" not in kinds(desk.calls(call("1", "204", "207", "onhold", start=start)))


class TestSingleCalls:
    """A single object adds or updates that call and ends none."""

    def test_it_adds_and_updates_and_ends_none(self, desk):
        desk.one(call("1", "204", "207", "alerting"))
        desk.one(call("2", "208", "+15550100"))
        desk.one(call("1", "204", "207"))
        assert {key: c.state.value for key, c in desk.store.calls.items()} == {"1": "connected", "2": "connected"}

    def test_without_arrays_a_call_ends_when_all_its_accounts_clear_inferred(self, desk):
        desk.user("204", code="c1")
        desk.user("207", code="c1")
        desk.one(call("1", "204", "207"))
        desk.user("204")
        assert "1" in desk.store.calls
        changes = desk.user("207")
        assert kinds(changes)[0] == "call.ended 1?"
        assert changes.events[0].call.inferred
        (record,) = desk.store.closed_calls()
        assert (record.call.id, record.inferred) == ("1", True)

    def test_a_snapshot_whose_calls_were_an_array_leaves_the_end_to_the_next_array(self, desk):
        desk.user("204", code="c1")
        desk.resync(calls=[call("1", "204", "207")], arrays=True)
        desk.user("204")
        assert "1" in desk.store.calls

    def test_an_account_that_never_claimed_does_not_end_it_by_staying_clear(self, desk):
        desk.one(call("1", "204", "207", "alerting"))
        desk.user("204")
        desk.user("207", dnd=True)
        assert "1" in desk.store.calls

    def test_own_calls_with_ids_end_the_very_call(self, desk):
        one, two = ({"id": n, "from": "<sip:207@acme.example>"} for n in ("1", "2"))
        desk.one(call("1", "207", "204"))
        desk.one(call("2", "208", "204", "onhold"))
        desk.user("204", calls=[one, two])
        assert kinds(desk.user("204", calls=[two]))[0] == "call.ended 1?"
        assert list(desk.store.calls) == ["2"]

    def test_rest_that_lacks_it_ends_it_inferred(self, desk):
        desk.one(call("1", "204", "207"))
        desk.one(call("2", "208", "207"))
        assert kinds(desk.resync(calls=[call("2", "208", "207")], source="rest"))[0] == "call.ended 1?"

    def test_once_an_array_came_clearing_ends_nothing(self, desk):
        desk.user("204", code="c1")
        desk.calls(call("1", "204", "207"))
        desk.user("204")
        assert "1" in desk.store.calls

    def test_a_call_that_only_an_account_tells_of_is_inferred_until_listed(self, desk):
        changes = desk.user("204", calls=[{"id": "7", "from": "<sip:+15550100@acme.example>", "state": "alerting"}])
        assert kinds(changes)[0] == "call.new 7?"
        assert (desk.call("7").inferred, desk.call("7").extensions) == (True, ("204",))
        assert desk.state("204") == "ringing"
        desk.user("204", calls=[{"id": "7", "from": "<sip:+15550100@acme.example>", "state": "connected"}])
        assert (desk.call("7").state, desk.call("7").inferred) == ("connected", True)
        desk.one(call("7", "+15550100", "204"))
        assert not desk.call("7").inferred


class TestOwnScope:
    """Only calls with our number exist (architecture.md 5.2)."""

    @pytest.fixture
    def desk(self) -> Desk:
        desk = Desk(user="204", scope=Scope.OWN)
        desk.accounts(account("204"), account("207"), account("208"))
        return desk

    def test_calls_of_others_do_not_exist(self, desk):
        desk.calls(call("1", "204", "207"), call("2", "208", "+15550100"))
        desk.one(call("3", "208", "207"))
        assert list(desk.store.calls) == ["1"]

    @pytest.mark.parametrize(
        "ours", [call("1", "204", "9"), call("1", "9", "204"), call("1", "9", "600", ext="*204 207")]
    )
    def test_ours_as_caller_as_called_or_as_extension(self, desk, ours):
        desk.calls(ours)
        assert list(desk.store.calls) == ["1"]

    def test_a_single_call_that_went_on_without_us_has_ended_here(self, desk):
        desk.one(call("1", "+15550100", "204"))
        assert kinds(desk.one(call("1", "+15550100", "207", ext="207")))[0] == "call.ended 1"

    def test_switching_drops_the_calls_of_others_as_inferred_with_the_next_list(self):
        desk = Desk(user="204")
        desk.calls(call("1", "204", "207"), call("2", "208", "+15550100"))
        desk.store.scope = Scope.OWN
        assert kinds(desk.calls(call("1", "204", "207"))) == ["call.ended 2?"]

    def test_or_with_the_next_tick(self):
        desk = Desk(user="204")
        desk.calls(call("1", "204", "207"), call("2", "208", "+15550100"))
        desk.store.scope = Scope.OWN
        assert kinds(desk.store.tick(at(3))) == ["call.ended 2?"]


class TestEvidenceForOwnScope:
    """An extension in a call for ten seconds that no list names: the lists hold our own calls only."""

    def test_ten_seconds_of_a_code_that_no_list_names(self, desk):
        desk.calls()
        desk.user("207", code="c1")
        assert not desk.store.scope_evidence(at(desk.now + 9.9))
        assert desk.store.scope_evidence(at(desk.now + 10))

    def test_repeating_the_code_does_not_begin_anew(self, desk):
        desk.user("207", code="c1")
        began = desk.now
        desk.user("207", code="c1", dnd=True, after=9)
        assert desk.store.scope_evidence(at(began + 10))

    def test_a_call_that_names_it_is_no_evidence(self, desk):
        desk.user("207", code="c1")
        desk.calls(call("1", "+15550100", "207"), after=5)
        assert not desk.store.scope_evidence(at(100))

    def test_nor_is_a_code_that_outlives_its_listed_call(self, desk):
        desk.user("207", code="c1")
        desk.calls(call("1", "+15550100", "207"))
        desk.calls()
        assert not desk.store.scope_evidence(at(100))

    def test_nor_a_code_that_cleared(self, desk):
        desk.user("207", code="c1")
        desk.user("207")
        assert not desk.store.scope_evidence(at(100))

    def test_nor_a_queue_with_waiting_callers(self, desk):
        desk.user("600", type="acds", calls=[{"from": "<sip:+15550100@acme.example>"}])
        assert not desk.store.scope_evidence(at(100))

    def test_in_own_scope_there_is_nothing_to_switch(self, desk):
        desk.user("207", code="c1")
        desk.store.scope = Scope.OWN
        assert not desk.store.scope_evidence(at(100))


class TestResync:
    """A reconnect is a resync by difference (architecture.md 5.3)."""

    ACCOUNTS = (account("204"), account("207"), account("208"), account("700", "orbits"), account("600", "acds"))

    def test_the_first_sets_the_state_and_fires_nothing(self):
        desk = Desk()
        changes = desk.resync([account("204")], [call("1", "204", "207")], first=True)
        assert changes.events == ()
        assert changes.accounts == {"204"}
        assert changes.calls == {"1"}
        assert desk.state("204") == "busy"

    def test_what_is_the_same_is_not_fired_again_and_keeps_its_object(self, desk):
        desk.calls(call("1", "204", "207"))
        before = desk.account("204"), desk.call("1"), desk.talk("1")
        assert not desk.resync(list(self.ACCOUNTS), [call("1", "204", "207")], gap=5)
        assert (desk.account("204"), desk.call("1"), desk.talk("1")) == before
        assert desk.account("204") is before[0]
        assert desk.call("1") is before[1]

    def test_differences_come_out_as_inferred_events(self, desk):
        desk.calls(call("1", "204", "207"), call("2", "208", "+15550100", "alerting"))
        changes = desk.resync(None, [call("2", "208", "+15550100"), call("3", "+15550101", "204")], gap=60)
        assert kinds(changes) == [
            "call.ended 1?",
            "call.new 3?",
            "call.changed 2?",
            "account.changed 204?",
            "account.changed 207?",
            "account.changed 208?",
        ]

    def test_deleted_accounts_go_with_the_second_snapshot(self, desk):
        lacking = list(self.ACCOUNTS[:4])
        assert desk.resync(lacking).ask_again
        changes = desk.resync(lacking, source="rest")
        assert kinds(changes) == ["account.changed 600?"]
        assert changes.events[0].removed

    def test_an_id_used_again_during_the_outage_is_an_end_and_a_new_call(self, desk):
        desk.calls(call("1", "204", "207"))
        assert kinds(desk.resync(None, [call("1", "208", "207", start=START + 600)]))[:2] == [
            "call.ended 1?",
            "call.new 1?",
        ]

    def test_what_was_not_read_is_not_touched(self, desk):
        desk.calls(call("1", "204", "207"))
        assert not desk.resync(None, None, gap=3)
        assert "1" in desk.store.calls

    def test_a_call_across_the_gap_says_so(self, desk):
        desk.calls(call("1", "204", "207"))
        desk.resync(None, [call("1", "204", "207")], gap=60)
        desk.calls()
        (record,) = desk.store.closed_calls()
        assert (record.gap, record.inferred, record.talk) == (True, False, None)

    def test_messages_without_state_change_nothing(self, desk):
        assert not desk.take({"action": "missed-calls"})
        assert not desk.take({"ringtones": "x"})
        assert not desk.take({"action": "never-heard-of"})

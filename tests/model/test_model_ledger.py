"""What the ledger holds to on any PBX: its bounds, and that later knowledge is applied to what was already there."""

from __future__ import annotations

from pbxnb.model.ledger import LIMIT
from tests.model.model_kit import Desk, account, call

X = "+15550100"


def test_a_conversation_names_so_many_agents_and_no_more() -> None:
    desk = Desk()
    desk.accounts(account("600", "acds"))
    desk.calls(call("1", X, "600", "alerting", ext=" ".join(str(n) for n in range(1000, 1000 + LIMIT + 5))))
    assert len(desk.talk("1").agents) == LIMIT


def test_a_star_code_is_understood_on_a_busy_pbx() -> None:
    desk = Desk()
    desk.accounts(account("204"), account("700", "orbits"))
    others = [call(f"x{n}", f"+1999555{n:04}", "250") for n in range(200)]
    desk.calls(*others, call("1", X, "204"))
    desk.calls(*others, call("1", X, "204", "onhold"), call("2", "204", "*85700", "alerting", ext="204"))
    desk.calls(*others, call("1", X, "700", ext=""))
    assert desk.talks()["1"] == ("1", "2")


def test_star_codes_are_understood_after_many_interruptions() -> None:
    desk = Desk()
    known = [account("204"), account("700", "orbits")]
    desk.accounts(*known)
    for n in range(100):
        desk.calls(call(f"s{n}", "204", "*85700", "alerting", ext="204"))
        desk.resync(known, [], gap=5)
    desk.calls(call("1", X, "204"))
    desk.calls(call("1", X, "204", "onhold"), call("2", "204", "*85700", "alerting", ext="204"))
    desk.calls(call("1", X, "700", ext=""))
    assert desk.talks()["1"] == ("1", "2")


def test_a_caller_waits_as_soon_as_it_is_known_to_be_a_queue() -> None:
    desk = Desk()
    desk.calls(call("1", X, "600"))
    assert desk.talk("1").phase == "talking"
    desk.accounts(account("600", "acds"))
    assert desk.talk("1").phase == "queued"

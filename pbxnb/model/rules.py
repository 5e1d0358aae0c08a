"""The rules by which the model concludes what it says, by name: the vocabulary of every `Evidence`.

Data only. A rule that fires anywhere in the model is listed here, with one sentence and where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["RULES", "Rule"]


class Rule(NamedTuple):
    """One rule: what it says, and the section it stands on."""

    sentence: str
    source: str


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        # what set a field of an account
        "account.user-state": Rule("A user-state carried the field.", "protocol.md 6.3"),
        "account.cleared": Rule("A user-state lacked the field, and its absence clears it.", "protocol.md 6.3"),
        "account.snapshot": Rule("A snapshot of the accounts carried the field.", "protocol.md 6.2"),
        "account.rest": Rule("The list of accounts read by REST carried the field.", "rest.md 2.1"),
        # what an account is doing
        "state.ringing": Rule(
            "A call that rings names the account, and the account did not start it.", "protocol.md 7.1"
        ),
        "state.dialling": Rule("A call that rings was started by the account.", "protocol.md 7.1"),
        "state.busy": Rule("A connected call names the account.", "protocol.md 7.1"),
        "state.held": Rule("The strongest call that names the account is on hold.", "protocol.md 7.1"),
        "state.parked": Rule("The strongest call that names the account is parked.", "protocol.md 8.6"),
        "state.other": Rule("A call in a state we do not know names the account: busy, concluded.", "protocol.md 7.1"),
        "state.user-state": Rule("No call list names the account, but its user-state has a call.", "protocol.md 6.3"),
        "state.bare-call": Rule(
            "No call list names the account, but its user-state has a call without a state: busy, concluded.",
            "protocol.md 6.2",
        ),
        "state.code": Rule("The account shows a code and no call names it: busy, concluded.", "protocol.md 6.3"),
        "state.offline": Rule("The PBX said that no phone is registered, and there is no call.", "protocol.md 6.2"),
        "state.idle": Rule("No call names the account.", "protocol.md 6.2"),
        # why calls belong together
        "link.group": Rule(
            "A ringing leg has the caller of an open call to a queue or hunt group.", "protocol.md 6.12"
        ),
        "link.group-oldest": Rule(
            "A ringing leg comes from a queue or hunt group: taken to be for its oldest waiting call.",
            "protocol.md 6.12",
        ),
        "link.transfer": Rule("A call went and one with its remaining party came in the same list.", "protocol.md 8.5"),
        "link.transfer-late": Rule(
            "An answered call went and its outside party turned up in a new call within a second.", "protocol.md 8.5"
        ),
        "link.attended": Rule("Two calls with a party in common became one between the other two.", "protocol.md 8.5"),
        "link.park": Rule(
            "Somebody dialled a star code for an orbit, and his call lies in that orbit.", "protocol.md 8.6"
        ),
        "link.retrieve": Rule("Somebody called an orbit, and the call parked there came to him.", "protocol.md 8.6"),
        "link.pickup": Rule(
            "Somebody dialled a star code for a ringing extension, and the call came to him.", "rest.md 2.7"
        ),
        # why a call is over although no list of this line said so
        "end.resync": Rule("The list read after an interruption lacks the call.", "architecture.md 5.3"),
        "end.cleared": Rule(
            "The PBX never sent a whole list, and the code and calls of all accounts of the call cleared.",
            "architecture.md 5.2",
        ),
        "end.foreign": Rule("The scope became our own calls, and this one is not ours.", "architecture.md 5.2"),
    }
)

"""Commands as one table: what each is, when it is allowed, what it sends and what will prove it. Nothing is sent here.

`table` has one row a command, `planning` makes plans of them and prints plans, `actions` says what can be done with
what is selected. The client sends plans, the model says when they are proved.
"""

from __future__ import annotations

from .actions import ACTIONS, Action, arguments_for, general, keys, particular, why_not
from .arguments import parse_frame
from .command import Command, Situation, party_of, ringing_phone
from .planning import Preview, plan, preview
from .plans import CallRef, Context, Effect, Plan, RestRequest, StarCodes
from .table import COMMAND_NAMES, COMMANDS

__all__ = [
    "ACTIONS",
    "COMMANDS",
    "COMMAND_NAMES",
    "Action",
    "CallRef",
    "Command",
    "Context",
    "Effect",
    "Plan",
    "Preview",
    "RestRequest",
    "Situation",
    "StarCodes",
    "arguments_for",
    "general",
    "keys",
    "parse_frame",
    "particular",
    "party_of",
    "plan",
    "preview",
    "ringing_phone",
    "why_not",
]

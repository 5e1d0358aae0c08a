"""What one row of the table of commands says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from .arguments import Argument
from .forms import Form, Given
from .plans import Effect, RestRequest
from .situation import Situation

__all__ = ["Command"]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command.

    Attributes:
        name: as on the handle.
        label: the word on its button.
        does: one sentence for people.
        arguments: in order.
        by: who acts where nobody is named: ``party`` (us if we are one, else the call's first extension; a panel means
            the phone that rings where it is ``ringing``), ``us``, or ``account`` (us; a panel means the selected one).
        states: of the call in which it is allowed; empty where it needs no call.
        unless: the rule beyond that; the sentence why not.
        effect: what on the model proves it; `pbxnb.model.effects` has one proof for each.
        shows: that effect as a sentence with ``{account}``, ``{to}``, ``{party}``; for switches one for each position.
        destructive: it ends or gives away something that cannot be had back; panels ask first.
        modern, old: what is sent today and in 2016; without the latter the same.
        star: what is sent instead with ``star=True``.
        by_star: it always works by dialling a star code.
        attended: the row that holds instead where ``to`` is a call.
        target: the number it is about, where no argument is that.
        reads: the REST request whose answer shows the effect, where the model does not.
        deadline: seconds to wait for the effect.
        key: pressed on a tile or a row; empty for none.
        off: name and label of the button that turns it off, where a button cannot know which way to turn.
        turns: the fact of a `Situation` that its switch turns, where a button can know.
        labels: the words for on and off on such a button.
        group: where its button stands: with the call's, with those that take a target, or with the rest.
    """

    name: str
    label: str
    does: str
    arguments: tuple[Argument, ...] = ()
    by: Literal["party", "ringing", "us", "account"] = "party"
    states: tuple[str, ...] = ()
    unless: Callable[[Situation, bool | None], str] | None = None
    effect: Effect
    shows: str | tuple[str, str]
    destructive: bool = False
    modern: Form
    old: Form | None = None
    star: Form | None = None
    by_star: bool = False
    attended: Command | None = None
    target: Callable[[Given], str] | None = None
    reads: Callable[[Given], RestRequest] | None = None
    deadline: float = 5.0
    key: str = ""
    off: tuple[str, str] | None = None
    turns: str = ""
    labels: tuple[str, str] = ("", "")
    group: Literal["call", "target", "more"] = "call"

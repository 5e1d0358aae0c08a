"""Scenarios: one call after another with exact times, written as plain data by teachers and tests.

This module reads and checks them; `scenario_run` plays them. A scenario is a list of steps, each one mapping with a
time and one verb, in Python, JSON or YAML alike::

    {"at": 0, "call": "jo", "from": "+12025550101 Jo Field", "to": "ext1"},
    {"at": 4, "answer": "jo"},
    {"at": 9, "hold": "jo"},

* ``at`` is seconds from the scenario's start, ``after`` seconds from the step before; with neither it happens at once.
* ``repeat: 30, every: 2`` makes thirty steps; ``{n}`` in a text counts them from 1.
* ``domain: b.example`` is where the step happens, on a PBX of many tenants; a step on a call is where its call is.
* ``maybe: true`` is for a step that the PBX need not carry out, such as the hang-up of a caller who may be gone.
* ``ext1``, ``queue1``, ``orbit1``, ``group1``, ``menu1`` are the first of their kind on any PBX, ``me`` is the
  client's own extension; anything else is a number as dialled.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from pbxnb.arguments import nearest
from pbxnb.errors import MissingExtra, ScenarioError, install_hint
from pbxnb.text import clean

__all__ = ["VERBS", "Scenario", "ScenarioStep", "Verb", "scenario", "scenario_names"]

_MOST_YAML = 10_000  # signs of structure in a text: a thousand steps; reading more takes a tenth of a second
MOST_STEPS = 10_000
MOST_TEXT = 2**20
MOST_WORD = 4_000
LONGEST = 7 * 86_400.0
_SCALAR = (str, int, float, type(None))


class Verb(msgspec.Struct, frozen=True):
    """One thing a step can do.

    Args:
        text: what it does, with the meaning of the word after the verb.
        needs: options that must be given.
        takes: options that may be given; ``*`` for any.
        on_call: the word after the verb is the label of a call that an earlier step has placed.
    """

    text: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    on_call: bool = False


VERBS: dict[str, Verb] = {
    "call": Verb("Somebody dials; the word is the label that later steps use.", ("from", "to")),
    "answer": Verb("A ringing phone is picked up.", takes=("by",), on_call=True),
    "reject": Verb("A ringing phone says no.", takes=("by",), on_call=True),
    "hangup": Verb("One side hangs up, the caller unless `by` says who.", takes=("by",), on_call=True),
    "hold": Verb("One side puts the other on hold.", takes=("by",), on_call=True),
    "resume": Verb("The talk goes on.", takes=("by",), on_call=True),
    "transfer": Verb("To a number blindly, to the label of another call attended.", ("to",), ("by",), on_call=True),
    "park": Verb("Into an orbit.", ("orbit",), ("by",), on_call=True),
    "retrieve": Verb("Out of the orbit named.", ("by",)),
    "pickup": Verb("A call that rings elsewhere is taken.", ("by",), on_call=True),
    "press": Verb("The caller dials digits in a menu.", ("digits",), on_call=True),
    "record": Verb("Recording begins, or ends with `on: false`.", takes=("on", "by"), on_call=True),
    "dnd": Verb("An extension does not want to be disturbed, or does with `on: false`.", takes=("on",)),
    "status": Verb("An extension's chat status becomes `to`.", ("to",)),
    "register": Verb("A phone of the extension registers."),
    "unregister": Verb("The extension's phones are gone."),
    "login": Verb("An agent logs into a queue.", ("queue",)),
    "logout": Verb("An agent logs out of a queue.", ("queue",)),
    "pause": Verb("An agent of a queue goes on a break.", ("queue",), ("reason",)),
    "unpause": Verb("An agent of a queue comes back from a break.", ("queue",)),
    "chat": Verb("One extension writes the text to another.", ("from", "to")),
    "fault": Verb("Something breaks; the options are the fault's.", takes=("*",)),
    "expect": Verb("The call is in this state now (`ended` for none), or the scenario fails.", ("is",), on_call=True),
    "note": Verb("Nothing happens; the words are for the log."),
}
COMMON = ("at", "after", "repeat", "every", "maybe", "domain")


class ScenarioStep(msgspec.Struct, frozen=True):
    """One step, checked.

    Args:
        at: seconds from the scenario's start.
        verb: what is done, a key of ``VERBS``.
        word: what it is done to.
        options: the rest.
        number: its place in the scenario as written, from 1.
        maybe: the scenario goes on if the PBX does not carry it out.
        domain: in which tenant; empty for the one the scenario is played in. A step on a call is where its call is.
    """

    at: float
    verb: str
    word: str
    options: Mapping[str, str | float | bool] = {}
    number: int = 0
    maybe: bool = False
    domain: str = ""

    def __str__(self) -> str:
        return f"step {self.number} ({self.verb} {self.word!r} at {self.at:g} s)"

    def text(self, option: str) -> str:
        """An option as text; empty when it was not given."""
        return str(self.options.get(option, ""))


class Scenario(msgspec.Struct, frozen=True):
    """A checked scenario.

    Args:
        name: for logs and errors.
        steps: in order of time.
        text: what it shows, in a sentence or two.
    """

    name: str
    steps: tuple[ScenarioStep, ...]
    text: str = ""

    @property
    def seconds(self) -> float:
        """Virtual seconds until its last step."""
        return self.steps[-1].at if self.steps else 0.0


def scenario_names() -> tuple[str, ...]:
    """The scenarios that come with pbxnb."""
    return tuple(sorted(each.name.removesuffix(".json") for each in _folder().iterdir() if each.name.endswith(".json")))


def scenario(
    what: str | Path | Mapping[str, Any] | Sequence[Any] | Scenario, name: str = "", *, files: bool = True
) -> Scenario:
    """Read a scenario from wherever it is.

    Args:
        what: the name of one that comes with pbxnb; the path of a ``.json`` or ``.yaml`` file; such a file's text; or
            the data themselves, either the list of steps or a mapping with ``name``, ``text`` and ``steps``.
        name: how to call it when the data do not say.
        files: whether a path is read; not where it was somebody else who gave it.

    Raises:
        ScenarioError: it cannot be read; the sentence names the step.
        MissingExtra: it is YAML and PyYAML is not installed.

    Example:
        >>> scenario([{"call": "a", "from": "ext1", "to": "ext2"}, {"after": 3, "answer": "a"}]).seconds
        3.0
    """
    match what:
        case Scenario():
            return what
        case Path() if files:
            try:
                text = what.read_text(encoding="utf-8")
            except (OSError, ValueError) as error:  # ValueError: no text, or no name that a file can have
                raise ScenarioError(f"The scenario {what.name!r} cannot be read: {error}.") from error
            return _from_text(text, name or what.stem)
        case str() if "\n" in what or what.lstrip()[:1] in ("{", "["):
            return _from_text(what, name or "scenario")
        case str() if files and what.endswith((".json", ".yaml", ".yml")):
            return scenario(Path(what), name)
        case str():
            return _built_in(what)
        case Mapping():
            odd = set(what) - {"name", "text", "steps"}
            if odd or "steps" not in what:
                has = ", ".join(map(repr, sorted(map(str, what)))) or "nothing"
                raise ScenarioError(
                    f"A scenario has name, text and steps, not {has}.",
                    hint="A single list of steps will do as well.",
                )
            called = _words(what.get("name")) or name or "scenario"
            return Scenario(called, _steps(what["steps"], called), _words(what.get("text")))
        case _:
            return Scenario(name or "scenario", _steps(what, name or "scenario"))


def _folder() -> Any:
    return files(__package__ or "pbxnb.simulator") / "scenarios"


def _built_in(name: str) -> Scenario:
    names = scenario_names()
    if name not in names:
        raise ScenarioError(f"There is no scenario {name!r}{nearest(name, names)}")
    return _from_text((_folder() / f"{name}.json").read_text(encoding="utf-8"), name)


def _from_text(text: str, name: str) -> Scenario:
    """JSON if it is JSON, else YAML with every scalar as text: so ``+1555`` keeps its plus and ``on`` stays a word."""
    if len(text) > MOST_TEXT:
        raise ScenarioError(f"The scenario {name!r} is longer than {MOST_TEXT} characters.")
    try:
        return _from_data(msgspec.json.decode(text), name)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        if text.lstrip()[:1] in ("{", "["):
            raise ScenarioError(f"The scenario {name!r} is no valid JSON: {error}.") from error
    if sum(map(text.count, "\n:,-")) > _MOST_YAML:
        raise ScenarioError(f"The scenario {name!r} is too long for YAML.", hint="Write it as JSON.")
    try:
        yaml = import_module("yaml")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Scenarios in YAML need PyYAML.", hint=f"{install_hint('pyyaml')}. JSON always works."
        ) from error
    try:
        data = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # the same, ten times as fast
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ScenarioError(f"The scenario {name!r} is no valid YAML: {error}.") from error
    return _from_data(data, name)


def _from_data(data: object, name: str) -> Scenario:
    """What a text has in it; a text in the text is no scenario, let alone the path of one."""
    if not isinstance(data, (Mapping, list)):
        raise ScenarioError(f"The scenario {name!r} is neither a list of steps nor a mapping.")
    return scenario(data, name)


# -- checking ----------------------------------------------------------------------------------------------------------


class _WrongStepError(Exception):
    """What is wrong with a step, and what to try; becomes a `ScenarioError` that names the step."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


def _steps(data: object, name: str) -> tuple[ScenarioStep, ...]:
    if not isinstance(data, Sequence) or isinstance(data, (str, bytes)):
        raise ScenarioError(f"The steps of scenario {name!r} are not a list.")
    steps: list[ScenarioStep] = []
    now = 0.0
    for number, raw in enumerate(data, 1):
        try:
            made = [raw] if isinstance(raw, ScenarioStep) else _step(raw, number, now)
            now = made[-1].at
            steps += made
            if len(steps) > MOST_STEPS:
                raise _WrongStepError(f"makes more than {MOST_STEPS} steps in all")
        except _WrongStepError as wrong:
            raise _error(name, f"step {number} ({_brief(raw)})", wrong, number) from None
    steps.sort(key=lambda step: step.at)
    labels: set[str] = set()
    for step in steps:
        try:
            _check_labels(step, labels)
        except _WrongStepError as wrong:
            raise _error(name, str(step), wrong, step.number) from None
    return tuple(steps)


def _error(name: str, step: str, wrong: _WrongStepError, number: int) -> ScenarioError:
    end = "" if str(wrong)[-1] in ".?" else "."
    return ScenarioError(f"In scenario {name!r}, {step} {wrong}{end}", hint=wrong.hint, scenario=name, step=number)


def _brief(raw: object) -> str:
    """At most 80 characters of it: what refers to itself again and again would be endless written out."""
    flat = isinstance(raw, str) or (isinstance(raw, Mapping) and all(isinstance(v, _SCALAR) for v in raw.values()))
    try:
        text = repr(raw) if flat else reprlib.repr(raw)
    except ValueError:
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else text[:77] + "..."


def _words(value: object) -> str:
    """A name or a remark; what is neither text nor number is none."""
    return clean(value, MOST_WORD) if isinstance(value, str | float) else _brief(value) if value else ""


def _step(raw: object, number: int, now: float) -> list[ScenarioStep]:
    """The steps that one entry makes: one, or as many as it repeats."""
    if not isinstance(raw, Mapping) or not all(isinstance(key, str) for key in raw):
        raise _WrongStepError("is not a mapping of words", "Write it as {at: 3, answer: jo}.")
    verbs = [key for key in raw if key in VERBS]
    # `queue`, `orbit`, `to` are options; a verb's name is never one, so exactly one key is a verb.
    if len(verbs) != 1:
        odd = next((key for key in raw if key not in COMMON), "")
        raise _WrongStepError(
            f"does {len(verbs)} things at once: {', '.join(verbs)}" if verbs else f"does nothing{nearest(odd, VERBS)}"
        )
    verb = verbs[0]
    rule = VERBS[verb]
    options = {key: value for key, value in raw.items() if key != verb and key not in COMMON}
    if missing := [key for key in rule.needs if key not in options]:
        raise _WrongStepError(f"lacks {' and '.join(map(repr, missing))}", rule.text)
    if "*" not in rule.takes and (odd := next((k for k in options if k not in rule.needs + rule.takes), "")):
        known = ", ".join(rule.needs + rule.takes)
        raise _WrongStepError(
            f"has an option {odd!r} that {verb!r} does not know", f"It knows {known}." if known else "It has none."
        )
    begin = _begin(raw, now)
    count = _amount(raw, "repeat", 1)
    every = _amount(raw, "every", 0.0)
    if count != int(count) or not 1 <= count <= MOST_STEPS:
        raise _WrongStepError(f"repeats {count:g} times, which is not a number from 1 to {MOST_STEPS}")
    given = raw.get("maybe", False)
    maybe = given.lower() in ("true", "yes", "on", "1") if isinstance(given, str) else given in (True, 1)
    domain = raw.get("domain", "")
    if not isinstance(domain, str):
        raise _WrongStepError(f"has {_brief(domain)} where the name of a domain belongs")
    return [
        ScenarioStep(
            begin + n * every,
            verb,
            str(_value(raw[verb], n)),
            {key: _value(value, n) for key, value in options.items()},
            number,
            maybe,
            domain,
        )
        for n in range(int(count))
    ]


def _begin(raw: Mapping[str, Any], now: float) -> float:
    if "at" in raw and "after" in raw:
        raise _WrongStepError("has both 'at' and 'after'", "'at' counts from the start, 'after' from the step before.")
    return _amount(raw, "at", 0.0) if "at" in raw else now + _amount(raw, "after", 0.0)


def _amount(raw: Mapping[str, Any], key: str, default: float) -> float:
    value = raw.get(key, default)
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= LONGEST:
        raise _WrongStepError(f"has {key!r} {_brief(value)}, which is not a number from 0 to {LONGEST:.0f}")
    return number


def _value(value: object, n: int) -> str | float | bool:
    """A text with ``{n}`` counted; numbers and booleans as they are. Nothing else is formatted."""
    match value:
        case bool() | float():
            return value
        case int() if abs(value) < 2**63:
            return value
        case str() if 0 < len(value) <= MOST_WORD:
            return value.replace("{n}", str(n + 1))
        case _:
            raise _WrongStepError(f"has {_brief(value)} where a word or a number belongs")


def _check_labels(step: ScenarioStep, labels: set[str]) -> None:
    if step.verb == "call":
        if step.word in labels:
            raise _WrongStepError(f"calls a second call {step.word!r}", "Give every call a label of its own.")
        labels.add(step.word)
    elif VERBS[step.verb].on_call and step.word not in labels:
        raise _WrongStepError(
            f"is about a call {step.word!r} that no earlier step has placed{nearest(step.word, labels)}",
            "Place it first: {call: label, from: number, to: number}.",
        )

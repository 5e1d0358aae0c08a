"""What Shift-Tab and other tools see of a public name: its real signature with types, and what each argument is."""

from __future__ import annotations

import enum
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pbxnb
import pbxnb.widgets
from pbxnb.session.past import History, Table
from pbxnb.session.pending import Pending
from pbxnb.session.recordings.recording import Recording
from pbxnb.ui.panel import Panel

pytest.importorskip("pandas", reason="the analysis extra is not installed")

FREE = {
    "pbxnb.Pbx.wait_for": "**match",  # any field of an event
    "pbxnb.Pbx.preview": "*args **kw",  # those of the command that is named
    "pbxnb.simulator.Preset.but": "**changes",  # any field of a preset
}
"""Public names that take any argument, because another name says which."""

CALLED = r"pbxnb\.(Pbx\.)?[a-z_]+$|pbxnb\.(analysis|figures)\.[a-z_]+$"
"""The ways in, what a handle does, measures and pictures."""
EMPTY = ["pbxnb.enable_nested_run", "pbxnb.figures.call_quality", "pbxnb.figures.patience"]
"""Without an example: one patches the running loop, one needs a call with sound, one callers who gave up."""


def members(path: str, kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A class and its public methods."""
    yield path, kind
    for name, value in vars(kind).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, classmethod)):
            yield f"{path}.{name}", getattr(kind, name)


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public class, method and function, by its path."""
    for area in (pbxnb, pbxnb.analysis, pbxnb.figures, pbxnb.client, pbxnb.simulator, pbxnb.widgets):
        for name in [*area.__all__, *(["open"] if area is pbxnb else [])]:
            value = getattr(area, name)
            path = f"{area.__name__}.{name}"
            if inspect.isclass(value):
                if not issubclass(value, enum.Enum) and not getattr(value, "_is_protocol", False):
                    yield from members(path, value)
            elif inspect.isroutine(value):
                yield path, value
    for kind in (Pending, History, Table, Recording):
        yield from members(kind.__qualname__, kind)


PUBLIC = dict(public())
PANELS = [kind for name in pbxnb.widgets.__all__ if isinstance(kind := getattr(pbxnb.widgets, name), type)]
PANELS = [kind for kind in (*PANELS, pbxnb.figures.Timeline) if issubclass(kind, Panel)]


def arguments(doc: str) -> list[str]:
    """The heads of the entries under "Args" and "Attributes": what stands before the colon."""
    sections = re.findall(r"^(?:Args|Attributes):\n((?: {4}.*\n?|\n)*)", inspect.cleandoc(doc), re.MULTILINE)
    return [head for section in sections for head in re.findall(r"^ {4}(\S[^:]*):", section, re.MULTILINE)]


@pytest.mark.parametrize("path", PUBLIC)
def test_a_signature_names_and_types_every_argument(path: str) -> None:
    parameters = list(inspect.signature(PUBLIC[path]).parameters.values())
    named = [one for one in parameters if one.name != "self"]
    free = [str(one).partition(":")[0] for one in named if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    assert " ".join(free) == FREE.get(path, "")
    assert not [one.name for one in named if one.annotation is one.empty]


@pytest.mark.parametrize("path", PUBLIC)
def test_each_argument_has_a_line_of_its_own_in_the_docstring(path: str) -> None:
    value = PUBLIC[path]
    assert value.__doc__
    heads = arguments(value.__doc__)
    assert not [head for head in heads if not re.fullmatch(r"\w+", head)]
    if not inspect.isclass(value):
        assert set(heads) <= inspect.signature(value).parameters.keys(), "explained, and not there"


def test_what_a_person_calls_in_a_cell_has_an_example() -> None:
    begun = [path for path, value in PUBLIC.items() if not inspect.isclass(value) and re.match(CALLED, path)]
    assert len(begun) > 100
    assert [path for path in begun if "\nExample:\n" not in inspect.cleandoc(PUBLIC[path].__doc__ or "")] == EMPTY


@pytest.mark.parametrize("panel", PANELS, ids=lambda each: each.__name__)
def test_every_public_trait_of_a_panel_has_its_help(panel: type[Panel]) -> None:
    ours = {n: t for n, t in panel.class_traits().items() if issubclass(t.this_class, Panel) and not n.startswith("_")}
    assert ours
    assert not [name for name, trait in ours.items() if not trait.help]


def test_the_ways_to_an_embedded_pbx_take_the_same() -> None:
    start, serve = (inspect.signature(way).parameters for way in (pbxnb.simulator.start, pbxnb.simulator.serve))
    assert [*start.values()] == [*serve.values()]


def test_a_class_outside_this_package_may_have_traits_of_its_own() -> None:
    traitlets = importlib.import_module("traitlets")

    class Board(Panel):
        """A panel of a user.

        Attributes:
            size: how large it is,
                in steps.
        """

        size = traitlets.Enum((1, 2), 1)

    shown = inspect.signature(Board).parameters["size"]
    assert (shown.default, shown.annotation) == (1, "Literal[1, 2]")
    assert Board.size.help == "how large it is, in steps."

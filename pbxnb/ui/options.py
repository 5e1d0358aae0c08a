"""What a panel takes, out of its traits and its docstring: the signature of its class, and the help of each trait."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import traitlets

__all__ = ["explain", "signature"]

_KINDS = {
    traitlets.Bool: "bool",
    traitlets.Int: "int",
    traitlets.Float: "float",
    traitlets.Unicode: "str",
    traitlets.List: "Sequence[str]",
}
_SECTION = re.compile(r"^Attributes:\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^ {4}(\w+): (.*?)(?=^ {4}\S|\Z)", re.MULTILINE | re.DOTALL)


def signature(panel: type[traitlets.HasTraits], ours: Callable[[type], bool]) -> inspect.Signature:
    """What its ``__init__`` names, then every trait of ours that a person may set.

    A trait that the panel sets itself is read-only or tagged ``derived``.

    Args:
        panel: the class.
        ours: whether a class has traits of ours; ipywidgets has many of its own.
    """
    named = list(inspect.signature(panel.__init__).parameters.values())[1:]
    given = [one for one in named if one.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=trait.default(), annotation=_annotation(trait))
        for name, trait in sorted(panel.class_traits().items())
        if ours(trait.this_class or object) and not (name.startswith("_") or trait.read_only)
        if not trait.metadata.get("derived")
    ]
    return inspect.Signature([*given, *options])


def explain(panel: type) -> None:
    """Give each trait of a panel the help that stands under "Attributes" in its docstring."""
    section = _SECTION.search(inspect.cleandoc(panel.__doc__ or ""))
    told = {name: " ".join(text.split()) for name, text in _ENTRY.findall(section[1] if section else "")}
    for name, trait in vars(panel).items():
        if isinstance(trait, traitlets.TraitType) and name in told:
            trait.help = trait.metadata["help"] = told[name]


def _annotation(trait: traitlets.TraitType[Any, Any]) -> str:
    if isinstance(trait, traitlets.Enum):
        words = (repr(str(value) if isinstance(value, str) else value) for value in trait.values or ())
        return f"Literal[{', '.join(words)}]"
    return next((word for kind, word in _KINDS.items() if isinstance(trait, kind)), "Any")

"""What a number means, in words: the section ``Definition:`` of the function that computes it."""

from __future__ import annotations

import inspect
from importlib import import_module
from textwrap import dedent

from pbxnb.errors import AnalysisError

__all__ = ["definition"]

_HEAD = "\nDefinition:\n"


def definition(name: str) -> str:
    """What a measure counts: its formula, what is left out, its source.

    Args:
        name: of a measure or a planning function of `pbxnb.analysis`.

    Raises:
        AnalysisError: there is none of that name.

    Example:
        >>> definition("edges")
        'Calls of one pair of numbers, caller and called, in this direction.'
    """
    found = {each: text for each, text in _texts().items() if text}
    if name not in found:
        raise AnalysisError(f"There is no measure {name!r}.", hint=f"Choose of {', '.join(sorted(found))}.")
    return found[name]


def _texts() -> dict[str, str]:
    analysis = import_module(__package__)
    return {name: _section(inspect.getdoc(getattr(analysis, name)) or "") for name in analysis.__all__}


def _section(doc: str) -> str:
    """The text of the section in one line; empty where there is none."""
    _, _, rest = doc.partition(_HEAD)
    return " ".join(dedent(rest.split("\n\n")[0]).split())

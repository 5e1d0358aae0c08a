"""Names that share a line of a docstring (``held, muted: whether it is so``) stand each by itself, with its text."""

import re
from typing import Any

from sphinx.application import Sphinx

_SHARED = re.compile(r":(param|ivar) (\w+(?:, \w+)+):(.*)")


def each_by_itself(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Write a field once for each of its names: Sphinx would take all but the last for a type."""
    at = 0
    while at < len(lines):
        end = next((n for n in range(at + 1, len(lines)) if not lines[n].startswith("   ")), len(lines))
        if shared := _SHARED.fullmatch(lines[at]):
            kind, names, text = shared.groups()
            lines[at:end] = [
                line for one in names.split(", ") for line in (f":{kind} {one}:{text}", *lines[at + 1 : end])
            ]
        at += 1


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after napoleon has made fields of sections."""
    app.connect("autodoc-process-docstring", each_by_itself, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The panels' JavaScript and CSS: small plain modules on disk, one module to the page. Knows files, not panels.

A file is named by its path below the package: ``ui/base.js``.

An anywidget ships exactly one ES module per widget, which the browser keeps for the life of the page, closed or not. So
what ships as such is a `loader` of a few lines, and the panels of one kind share the code behind it. `bundle` joins
several modules to that code: imports of other files and the ``export`` in front of a declaration go, so every
top-level name must be unique over the files joined, and what only people read goes: see `tight`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

__all__ = ["bundle", "joined", "loader", "styles", "tight"]

_HOME = Path(__file__).parents[1]
_COMMENT = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(r'^import [^;]*? from "\.{1,2}/[^"]*";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)

_KEPT = (
    r'"(?:\\.|[^"\\])*"',
    r"'(?:\\.|[^'\\])*'",
    r"`(?:\\.|\$\{(?:[^{}`]|\{[^{}`]*\}|`(?:\\.|[^`\\])*`)*\}|[^`\\])*`",  # and what is in its ${}, one level deep
    r"(?:[(,=:\[!&|?{};]|\breturn)\s*/(?![*/])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[\n])+/",  # no value before it
)
_GAP = r"(?:\s|/\*.*?\*/|//[^\n]*)+"
_PART = re.compile(f"(?P<kept>{'|'.join(_KEPT)})|{_GAP}", re.DOTALL)
_APART = re.compile(r"[\w$]{2}|\+\+|--|//")
"""What two letters or signs on both sides of a blank would become without it."""

_LOADER = """\
const KEY = "%s";
function load(model) {
  const shared = (globalThis.pbxnbModules ??= new Map());
  if (!shared.has(KEY)) {
    const url = URL.createObjectURL(new Blob([model.get("_code")], { type: "text/javascript" }));
    shared.set(KEY, import(url).then((module) => module.default).finally(() => URL.revokeObjectURL(url)));
  }
  return shared.get(KEY);
}
export default {
  initialize: async (context) => (await load(context.model)).initialize(context),
  render: async (context) => (await load(context.model)).render(context),
};
"""


@functools.cache
def loader(*names: str) -> str:
    """Return the module that runs the ``_code`` of a panel, loaded once per page."""
    return _LOADER % hashlib.sha256(bundle(*names).encode()).hexdigest()[:16]


@functools.cache
def bundle(*names: str) -> str:
    """Return modules as one; the last one holds ``export default``."""
    # One byte a character in the page's memory, where one sign beyond Latin 1 would make it two for all of them.
    return tight(joined(*names)).encode("ascii", "backslashreplace").decode("ascii")


def joined(*names: str) -> str:
    """Return modules as one, as they were written."""
    texts = ((_HOME / name).read_text(encoding="utf-8") for name in names)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


def tight(script: str) -> str:
    """Return JavaScript without comments, indentation and blanks that separate nothing; each line stays one.

    Strings, templates and regular expressions stay as they are; a template may stand in another one, but in no third.

    Example:
        >>> tight("const far = 1;  say( `a  b` ); // m")
        'const far=1;say(`a  b`);'
    """

    def shorter(part: re.Match[str]) -> str:
        if part["kept"]:
            return part[0]
        around = script[max(0, part.start() - 1) : part.start()] + script[part.end() : part.end() + 1]
        return "\n" if "\n" in part[0] else " " if _APART.fullmatch(around) else ""

    return _PART.sub(shorter, script)


@functools.cache
def styles(*names: str) -> str:
    """Return style sheets as one."""
    return "\n".join(_COMMENT.sub("", (_HOME / name).read_text(encoding="utf-8")) for name in names)

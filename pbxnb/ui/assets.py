"""The panels' JavaScript and CSS: small plain modules on disk, one module to the page. Knows files, not panels.

A file is named by its path below the package: ``ui/base.js``.

An anywidget ships exactly one ES module per widget, which the browser keeps for the life of the page, closed or not. So
what ships as such is a `loader` of a few lines, and the panels of one kind share the code behind it. `bundle` joins
several modules to that code: imports of other files, the ``export`` in front of a declaration and comments go, so every
top-level name must be unique over the files joined.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

__all__ = ["bundle", "loader", "styles"]

_HOME = Path(__file__).parents[1]
_COMMENT = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n", re.DOTALL | re.MULTILINE)
_LINE_COMMENT = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)
_IMPORT = re.compile(r'^import [^;]*? from "\.{1,2}/[^"]*";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)

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
    parts = []
    for name in names:
        text = (_HOME / name).read_text(encoding="utf-8")
        for pattern in (_COMMENT, _LINE_COMMENT, _IMPORT, _EXPORT):
            text = pattern.sub("", text)
        parts.append(text)
    # One byte a character in the page's memory, where one sign beyond Latin 1 would make it two for all of them.
    return "\n".join(parts).encode("ascii", "backslashreplace").decode("ascii")


@functools.cache
def styles(*names: str) -> str:
    """Return style sheets as one."""
    return "\n".join(_COMMENT.sub("", (_HOME / name).read_text(encoding="utf-8")) for name in names)

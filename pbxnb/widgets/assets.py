"""The panels' JavaScript and CSS: small plain modules on disk, one module to the page. Knows files, not panels.

An anywidget ships exactly one ES module. `bundle` joins several of ours: imports from ``./``, the ``export`` in
front of a declaration and comments go, so every top-level name must be unique over the files joined.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

__all__ = ["bundle", "styles"]

_HERE = Path(__file__).parent
_COMMENT = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n", re.DOTALL | re.MULTILINE)
_LINE_COMMENT = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)
_IMPORT = re.compile(r'^import [^;]*? from "\./[^"]*";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)


@functools.cache
def bundle(*names: str) -> str:
    """Return the modules ``js/<name>.js`` as one; the last one holds ``export default``."""
    parts = []
    for name in names:
        text = (_HERE / "js" / f"{name}.js").read_text(encoding="utf-8")
        for pattern in (_COMMENT, _LINE_COMMENT, _IMPORT, _EXPORT):
            text = pattern.sub("", text)
        parts.append(text)
    return "\n".join(parts)


@functools.cache
def styles(*names: str) -> str:
    """Return the sheets ``css/<name>.css`` as one."""
    return "\n".join(_COMMENT.sub("", (_HERE / "css" / f"{name}.css").read_text(encoding="utf-8")) for name in names)

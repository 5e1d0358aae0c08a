"""Names in docstrings are linked where the reference has them, else plain; a name written in a page must be right."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def plain(app: Sphinx, env: BuildEnvironment, node: Any, content: nodes.Element) -> nodes.Element | None:
    """The text of a name that the reference does not have: private, or another package's."""
    written_here = not node.get("refdoc", "").startswith("reference/")
    return None if node.get("refdomain") != "py" or written_here else content


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("missing-reference", plain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

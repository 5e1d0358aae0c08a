"""The table of the REST resources that the embedded PBX serves, made from its rows: the directive ``resources``."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from pbxnb.simulator.rest.catalogue import COLUMNS, catalogue


def entry(node: nodes.Node) -> nodes.entry:
    """A cell."""
    return nodes.entry("", nodes.paragraph("", "", node))


class Resources(SphinxDirective):
    """A row a resource."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        head = nodes.thead("", nodes.row("", *(entry(nodes.Text(name)) for name in COLUMNS)))
        body = nodes.tbody()
        for row in catalogue():
            row["dialects"] = ", ".join(row["dialects"])
            cells = [nodes.literal("", row[name]) if name == "path" else nodes.Text(row[name]) for name in COLUMNS]
            body += nodes.row("", *map(entry, cells))
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in COLUMNS), head, body, cols=len(COLUMNS))
        return [nodes.table("", group)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("resources", Resources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

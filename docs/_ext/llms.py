"""For programs that read: `llms.txt`, the list of pages, and `llms-full.txt`, their sources in one file."""

from pathlib import Path

from sphinx.application import Sphinx

SUMMARY = "The PBX, live, in a notebook: a typed, live model of a Vodia-style PBX, bound to widgets and timelines."


def write(app: Sphinx, failed: Exception | None) -> None:
    """Write both files beside the pages, in the order of the table of contents."""
    if failed or app.builder.format != "html":
        return
    env = app.env
    pages = ["index"]
    for name in pages:  # grows as it is read: parents before children
        pages += [page for page in env.toctree_includes.get(name, ()) if page not in pages]
    lines = [f"# {app.config.project}", "", f"> {SUMMARY}", ""]
    lines += [f"- [{env.titles[page].astext()}]({page}.html)" for page in pages]
    out = Path(app.outdir)
    (out / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sources = [env.doc2path(page) for page in pages if str(env.doc2path(page)).endswith(".md")]
    full = "\n\n".join(Path(source).read_text(encoding="utf-8") for source in sources)
    (out / "llms-full.txt").write_text(full, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""What code, tests, notebooks and pages cite is a heading in docs/: nobody is sent to what a clone does not have."""

import re
from collections.abc import Iterator
from pathlib import Path

import pbxnb
from pbxnb.analysis.calls import COLUMNS
from pbxnb.model.derive import RULES
from pbxnb.protocol.notes import FIELDS
from pbxnb.protocol.registry import REGISTRY
from tests.test_borders import AT_MODULE_LEVEL

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
HEADINGS = {page: set(re.findall(r"^#+ (\d+(?:\.\d+)*)[. ]", text, re.MULTILINE)) for page, text in PAGES.items()}
CITING = [
    path
    for folder in ("pbxnb", "tests", "notebooks", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".js", ".mjs", ".css", ".json", ".md", ".ipynb"}
    and not {"_build", "anonymous-bank"} & set(path.parts)
    and not (folder == "docs" and path.suffix == ".ipynb")  # executed copies
] + [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]

NUMBER = r"\d+(?:\.\d+)*"
CITATION = re.compile(rf"\b([a-z]+\.md)(?:`{{0,2}}|\]\([\w./]*\)),?\s+({NUMBER}(?:(?:-|, | and | to ){NUMBER}(?!\d))*)")
ROW = re.compile(rf"\b([a-z]+\.md) ({NUMBER}),? (?:row|no\.|rows) (\d+)(?: to (\d+))?")
ELSEWHERE = re.compile(
    r"\bdesign(?:\.md)? (?:rule|§|\d)|(?<![/(])\b(?:design|models|baselines|phone|stack)\.md\b|\.md part \d"
)


def citations(text: str) -> Iterator[tuple[str, str]]:
    """Page and section of every citation."""
    for page, numbers in CITATION.findall(re.sub(r"\n[ #*]*", " ", text)):
        yield from ((page, number) for number in re.findall(NUMBER, numbers))


def test_every_citation_leads_to_a_heading() -> None:
    lost = []
    for path in CITING:
        text = path.read_text(encoding="utf-8")
        missing = [f"{page} {number}" for page, number in citations(text) if number not in HEADINGS.get(page, ())]
        if path != Path(__file__):
            missing += ELSEWHERE.findall(text)
        lost += [f"{path.relative_to(ROOT)}: {cited}" for cited in missing]
    assert lost == []


def test_the_citations_are_found() -> None:
    found = [cited for path in CITING for cited in citations(path.read_text(encoding="utf-8"))]
    assert len(found) > 200
    assert list(citations("(protocol.md 6.1-6.3, 9, row 4); see ``rest.md`` 2.1 and\n    # rest.md 2.7.")) == [
        ("protocol.md", "6.1"), ("protocol.md", "6.3"), ("protocol.md", "9"), ("rest.md", "2.1"), ("rest.md", "2.7"),
    ]  # fmt: skip


def test_a_cited_row_of_a_table_is_there() -> None:
    for path in CITING:
        for page, section, first, last in ROW.findall(path.read_text(encoding="utf-8")):
            body = PAGES[page].split(f"\n## {section}. ", 1)[1].split("\n## ", 1)[0]
            for row in filter(None, (first, last)):
                assert f"\n| {row} |" in body, f"{path.name}: {page} {section}, row {row}"


def test_what_the_console_shows_is_in_the_pages() -> None:
    sections = {note.section for notes in FIELDS.values() for note in notes.values()}
    sections |= {row.section for row in REGISTRY}
    assert sections <= HEADINGS["protocol.md"]
    for name, rule in RULES.items():
        assert list(citations(rule.source)), name


def test_the_register_is_the_one_of_the_code() -> None:
    body = PAGES["protocol.md"].split("\n## 13. ", 1)[1]
    rows = [
        re.split(r" (?<!\\)\| ", line.strip("| ")) for line in body.splitlines() if line.startswith(("| c2s", "| s2c"))
    ]
    assert len(rows) == len(REGISTRY)
    for (direction, kind, name, era, grade, fields, section), row in zip(rows, REGISTRY, strict=True):
        assert (direction, kind, name, era, grade) == (row.dir, row.kind, f"`{row.name}`", row.era, row.grade)
        assert section == row.section
        given = ", ".join(f"`{key}`: {of}" for key, of in row.fields.items()).replace("|", "\\|")
        assert fields.strip() == given


def test_the_columns_are_those_of_the_code() -> None:
    body = PAGES["telephony.md"].split("\n### 5.1 ", 1)[1].split("\n### 5.2 ", 1)[0]
    assert tuple(re.findall(r"^\| `(\w+)`", body, re.MULTILINE)) == COLUMNS


def test_every_public_name_has_its_place_in_the_reference() -> None:
    reference = "\n".join(path.read_text(encoding="utf-8") for path in sorted((DOCS / "reference").glob("*.md")))
    for name in pbxnb.__all__:
        assert re.search(rf"auto\w+:: (?:pbxnb\.)?{name}\b", reference), name


def test_reports_are_asked_for_versions() -> None:
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) > 1
    assert all("pbxnb.show_versions()" in form.read_text(encoding="utf-8") for form in forms if form.stem != "config")


def test_what_measures_a_figure_is_there() -> None:
    commands = re.findall(r"`python -m ([\w./]+) ?([\w./]*)", PAGES["performance.md"])
    assert len(commands) > 5
    for module, argument in commands:
        path = argument if module == "pytest" else module.replace(".", "/") + ".py"
        assert (ROOT / path).exists(), path


def test_the_table_of_imports_is_the_one_that_is_checked() -> None:
    body = PAGES["architecture.md"].split("\n## 2. ", 1)[1].split("\n## 3. ", 1)[0]
    rows = {
        part: set(re.findall(r"`(\w+)`", may))
        for part, may in re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", body, re.MULTILINE)
    }
    assert rows == {part: may for part, may in AT_MODULE_LEVEL.items() if part in rows}
    assert AT_MODULE_LEVEL.keys() - rows.keys() == {
        "text", "errors", "arguments", "forks", "signals", "loops", "zones", "progress", "markup",
        "shown", "cli", "demo", "__main__", "__init__",
    }  # fmt: skip

"""The panels' JavaScript: its unit tests under node, its types, the bundles parse, and every file stays small."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pbxnb.figures.plotting.tools import FigureTools
from pbxnb.ui.assets import bundle, joined, loader, tight
from pbxnb.ui.live_panel import LivePanel
from pbxnb.widgets.alerts import Alerts
from pbxnb.widgets.badge import StatusBadge
from pbxnb.widgets.call_list import CallList
from pbxnb.widgets.command_bar import CommandBar
from pbxnb.widgets.console import Console
from pbxnb.widgets.dashboard import BoardHeader
from pbxnb.widgets.dashboard.wall import Wall
from pbxnb.widgets.grid import ExtensionGrid
from pbxnb.widgets.kpis import Kpis
from pbxnb.widgets.queue_board import QueueBoard
from pbxnb.widgets.scrubber import Scrubber
from pbxnb.widgets.softphone import Softphone
from pbxnb.widgets.sparklines import Sparklines

HERE = Path(__file__).parent
SOURCES = sorted((HERE.parents[1] / "pbxnb").rglob("*.js"))

# One version, so that what passes here passes in CI; npx fetches it once and keeps it in npm's cache.
TSC = ("npx", "--yes", "--package", "typescript@5.9.3", "tsc")

PANELS = [
    Alerts, BoardHeader, CallList, CommandBar, Console, ExtensionGrid, FigureTools, Kpis, QueueBoard, Scrubber,
    Softphone, Sparklines, StatusBadge, Wall,
]  # fmt: skip
MOST = {"shared": 10_000, Softphone: 20_000, ExtensionGrid: 30_000, CallList: 24_000}  # bytes that a page is sent
MOST_OTHERS = 20_000

# Two programs as node's own parser reads them: the places of things may differ, nothing else.
COMPARE = """
const { parse } = require("internal/deps/acorn/acorn/dist/acorn");
const tree = (text) => JSON.stringify(parse(text, { ecmaVersion: "latest", sourceType: "module" }), (name, value) =>
    ["start", "end"].includes(name) ? undefined : value instanceof RegExp ? String(value) : value);
const [one, other] = JSON.parse(require("fs").readFileSync(0)).map(tree);
console.log(one === other ? "same" : "different");
"""

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@needs_node
def test_the_unit_tests_of_the_javascript_pass() -> None:
    run = subprocess.run(
        ["node", "--test", *map(str, sorted(HERE.glob("*.test.mjs")))], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr


@needs_node
def test_the_types_of_the_javascript_hold() -> None:
    found = subprocess.run([*TSC, "--version"], capture_output=True, timeout=300) if shutil.which("npx") else None
    if (found is None or found.returncode) and not os.environ.get("PBXNB_REQUIRE_BROWSER"):
        pytest.skip("The types are checked by TypeScript, which needs npx and, the first time, the package registry.")
    run = subprocess.run([*TSC, "-p", str(HERE)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr


@needs_node
@pytest.mark.parametrize("panel", PANELS)
def test_the_joined_module_of_a_panel_loads_and_is_an_anywidget(panel: type[LivePanel], tmp_path: Path) -> None:
    module = tmp_path / "panel.mjs"
    module.write_text(bundle("ui/base.js", *panel.scripts), encoding="ascii")
    check = f'const w = (await import("{module.as_uri()}")).default; if (!w.render || !w.initialize) throw new Error(w)'
    run = subprocess.run(["node", "--input-type=module", "-e", check], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


def compared(one: str, other: str) -> str:
    node = ["node", "--expose-internals", "-e", COMPARE]
    run = subprocess.run(node, input=json.dumps([one, other]), capture_output=True, text=True, timeout=60)
    return run.stdout.strip() or run.stderr


@needs_node
@pytest.mark.parametrize("panel", PANELS)
def test_what_a_page_is_sent_is_the_same_program_without_what_only_people_read(panel: type[LivePanel]) -> None:
    names = ("ui/base.js", *panel.scripts)
    script = tight(joined(*names))
    assert compared(joined(*names), script) == "same"
    assert not re.search(r"^[ \t]|[ \t]$|\n\n", script, re.MULTILINE)
    assert len(bundle("ui/base.js")) < MOST["shared"]
    assert len(bundle(*panel.scripts)) < MOST.get(panel, MOST_OTHERS)


@needs_node
@pytest.mark.parametrize(
    ("script", "sent"),
    [
        (r"""a = '// no' + "/* no */ \" //"; // yes""", r"""a='// no'+"/* no */ \" //";"""),
        ('t = `a  // ${ b ? `c  // ${d}` : "  " }  /* e */`;', 't=`a  // ${ b ? `c  // ${d}` : "  " }  /* e */`;'),
        ("t = `one\n    two`;", "t=`one\n    two`;"),
        (r"""r = s.replace(/[/"']  \/\/  /g, x);""", r"""r=s.replace(/[/"']  \/\/  /g,x);"""),
        ("const half = (a + b) / 2, most = c / d; // '", "const half=(a+b)/2,most=c/d;"),
        ("x = a + +b - -c + ++d;", "x=a+ +b- -c+ ++d;"),
        (
            "/** @type {A} */ (b).c = () => {\n  /* d */\n  return /e/.test(f);\n};",
            "(b).c=()=>{\nreturn /e/.test(f);\n};",
        ),
        ("for (const a of b) if (typeof a in c) delete a.d;", "for(const a of b)if(typeof a in c)delete a.d;"),
    ],
)
def test_strings_templates_and_regular_expressions_stay_as_they_are(script: str, sent: str) -> None:
    assert tight(script) == sent
    assert compared(script, sent) == "same"


@needs_node
def test_a_string_that_is_not_as_it_was_makes_another_program() -> None:
    assert compared("a = `b  c`", "a=`b c`") == "different"


@needs_node
def test_panels_of_one_kind_load_their_code_once(tmp_path: Path) -> None:
    """Each widget has a loader module of its own, as in a page; both end with the same module behind it."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.mjs").write_text(loader("ui/base.js", "widgets/badge.js"), encoding="ascii")
    check = """
        let read = 0;
        const model = { get: () => (read++, "export default { initialize: (context) => context, render: () => {} };") };
        URL.createObjectURL = (blob) => "data:text/javascript,export default { initialize: () => 7, render: () => 8 };";
        const [one, two] = [(await import("ONE")).default, (await import("TWO")).default];
        const said = [await one.initialize({ model }), await two.initialize({ model }), await two.render({ model })];
        if (String(said) !== "7,7,8" || read !== 1) throw new Error(said + " read " + read);
    """.replace("ONE", (tmp_path / "one.mjs").as_uri()).replace("TWO", (tmp_path / "two.mjs").as_uri())
    run = subprocess.run(["node", "--input-type=module", "-e", check], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_file_is_small_and_sets_text_as_text(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert len(text.encode()) < 20_000
    for way_in in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "srcdoc"):
        assert way_in not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address

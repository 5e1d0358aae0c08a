"""Every example runs: those of docstrings, and the code of the how-tos, cell by cell, on an embedded PBX."""

import ast
import asyncio
import contextlib
import doctest
import importlib
import inspect
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pbxnb
from pbxnb.client import logins
from pbxnb.simulator import Simulator

pytest.importorskip("pandas", reason="the analysis extra is not installed")

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "pbxnb").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
GUIDES = sorted((ROOT / "docs" / "howto").glob("*.md"))
ELLIPSIS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for all examples, as in a notebook."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def pbx() -> Iterator[pbxnb.Pbx]:
    """The handle that examples call `pbx`: an office in which calls come."""
    with pbxnb.simulate("office", extensions=50, seed=1, speed=20, name="examples") as made:
        made.wait_for("call.ended", timeout=60).result()
        yield made


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """What answers where an example says pbx.example.com."""
    with pbxnb.simulator.start("quiet", extensions=10, password="open sesame") as running:
        monkeypatch.setattr(logins, "ask_password", lambda prompt, **_: logins.Password(running.password))
        monkeypatch.setenv("PBXNB_PASSWORD", running.password)
        yield running


def run(source: str | ast.AST, names: dict[str, Any], loop: asyncio.AbstractEventLoop, mode: str = "exec") -> Any:
    """Run code that may await; an expression's value comes back."""
    code = compile(source, "<example>", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)  # type: ignore[arg-type]
    value = eval(code, names)  # noqa: S307 - our own pages
    return loop.run_until_complete(value) if code.co_flags & inspect.CO_COROUTINE else value


def run_cell(source: str, names: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
    """Run a cell as a notebook does: what its last line gives is shown."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    run(tree, names, loop)
    if isinstance(last, ast.Expr):
        value = run(ast.Expression(last.value), names, loop, "eval")
        if hasattr(value, "_repr_mimebundle_"):
            value._repr_mimebundle_()


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(
    name: str,
    pbx: pbxnb.Pbx,
    loop: asyncio.AbstractEventLoop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "displayhook", sys.__displayhook__)
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    at = request.getfixturevalue("stand_in").url if "pbx.example.com" in source else ""
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs={"pbx": pbx, "pbxnb": pbxnb}):
        for example in test.examples:
            if doctest.SKIP in example.options:
                assert re.search(r"#.*\+SKIP.*: \w", example.source), f"{test.name}: why is this skipped?"
                continue
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                try:
                    run(example.source.replace("wss://pbx.example.com", at), test.globs, loop, "single")
                except Exception as error:
                    if example.exc_msg is None:
                        raise
                    printed = io.StringIO(
                        example.want if f"{type(error).__name__}: {error}\n" == example.exc_msg else str(error)
                    )
            checker = doctest.OutputChecker()
            if not checker.check_output(example.want, printed.getvalue(), ELLIPSIS):
                pytest.fail(test.name + "\n" + checker.output_difference(example, printed.getvalue(), ELLIPSIS))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_how_to_runs_from_top_to_bottom(
    guide: Path, stand_in: Simulator, loop: asyncio.AbstractEventLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = guide.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} <= {"python", "sh", "json", "text", "toml", "ini", "sql"}
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [code.replace("wss://pbx.example.com", stand_in.url) for kind, code in blocks if kind == "python"]
    assert cells
    for cell in cells:
        run_cell(cell, names, loop)
    handle = names["pbx"]
    assert handle.status.state == "closed", "a how-to closes what it opened"


def test_commands_of_the_how_tos_are_the_readmes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for guide in GUIDES:
        for block in re.findall(r"^```sh\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                assert line in readme, f"{guide.name}: {line}"

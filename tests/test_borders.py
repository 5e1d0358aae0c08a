"""The import arrows of the package, as two lists: what may be imported at module level, and what inside functions.

Imports for type checkers only (``if TYPE_CHECKING``) count as imports inside functions: they load nothing. Also here:
no circles, no crowded folder, no long module, and importing the package is pure and light.
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import pbxnb

PACKAGE = Path(pbxnb.__file__).parent
PARTS = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}

AT_MODULE_LEVEL: dict[str, set[str]] = {
    "text": set(),
    "errors": {"text"},
    "arguments": set(),
    "forks": set(),
    "signals": set(),
    "loops": set(),
    "zones": set(),
    "progress": set(),
    "markup": set(),
    "shown": {"markup"},
    "protocol": set(),
    "model": {"protocol"},
    "history": {"model", "protocol"},
    "client": {"model", "protocol"},
    "ui": {"model", "protocol"},
    "widgets": {"ui", "history", "model", "phone", "protocol"},
    "figures": {"ui", "history", "model", "analysis"},
    "analysis": {"history", "model"},
    "simulator": {"protocol", "media", "journal"},
    "journal": {"history", "model", "protocol"},
    "media": {"protocol"},
    "phone": {"protocol", "model", "media"},
    "session": {"client", "model", "history", "protocol"},
    "recording_service": {"client", "journal", "model", "session"},
    "check": {"client"},
    "cli": PARTS,
    "demo": PARTS,
    "__main__": {"cli"},
    "__init__": set(),
}
FOR_ALL = ("text", "errors", "arguments", "forks", "signals", "loops", "zones", "progress", "markup", "shown")
"""Parts that every other may import."""

INSIDE_FUNCTIONS: dict[str, set[str]] = {
    **AT_MODULE_LEVEL,
    "session": AT_MODULE_LEVEL["session"]
    | {"ui", "widgets", "figures", "simulator", "analysis", "journal", "phone", "media"}
    | {"__init__"},  # `pbxnb.replay`, of which the scrubber of a recording is made
    "simulator": AT_MODULE_LEVEL["simulator"] | {"__init__"},  # the login that it hands to `pbxnb.connect`
    "phone": AT_MODULE_LEVEL["phone"] | {"analysis"},  # the table that a call's quality makes
    "ui": AT_MODULE_LEVEL["ui"] | {"history"},  # the type of what a handle gives
    "__init__": PARTS,
}

UI = {"traitlets", "ipywidgets", "anywidget", "plotly", "IPython", "comm", "ipykernel"}
FOREIGN_TO: dict[str, set[str]] = {
    "errors": UI | {"asyncio", "threading", "socket", "ssl", "websockets", "aiohttp"},
    "protocol": UI | {"asyncio", "threading", "socket", "ssl", "websockets", "aiohttp"},
    "model": UI | {"asyncio", "threading", "socket", "ssl", "websockets", "aiohttp"},
    "history": UI | {"asyncio", "socket", "ssl", "websockets", "aiohttp"},
    "phone": UI | {"asyncio", "threading", "socket", "ssl", "websockets", "aiohttp"},
    "client": UI,
    "simulator": UI,
    "session": UI,
    "analysis": UI,
    "widgets": {"plotly"},
    "ui": {"plotly"},
}
"""Libraries a part must not import anywhere. `session` looks IPython up in `sys.modules` and never imports it."""

FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {
    ".".join(("pbxnb", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in FILES
}
FOLDERS = sorted({path.parent for path in FILES})


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@functools.cache
def imports(path: Path) -> tuple[tuple[str, bool, int], ...]:
    """Every module imported, whether inside a function, and the line."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                yield from walk(child, True)
            elif isinstance(child, ast.Import):
                yield from ((alias.name, inside, child.lineno) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = ".".join(package[: len(package) - child.level + 1]) if child.level else ""
                name = ".".join(filter(None, (base, child.module)))
                for alias in child.names:
                    full = f"{name}.{alias.name}"
                    yield full if full in MODULES or name == "pbxnb" else name, inside, child.lineno
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, inside or function)

    package = ("pbxnb", *path.relative_to(PACKAGE).parts[:-1])
    return tuple(walk(ast.parse(path.read_text("utf-8")), False))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_import_follows_an_arrow(path: Path):
    part = part_of(path)
    assert part in AT_MODULE_LEVEL, f"{part} is not on the map"
    for name, inside, line in imports(path):
        top, _, rest = name.partition(".")
        if top == "pbxnb":
            target = rest.partition(".")[0]
            target = target if target in PARTS else "__init__"
            allowed = (INSIDE_FUNCTIONS if inside else AT_MODULE_LEVEL)[part] | {part, *FOR_ALL}
            assert target in allowed, f"{path.name}:{line}: {part} must not import {name}"
        assert top not in FOREIGN_TO.get(part, ()), f"{path.name}:{line}: {part} must not import {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_figures_imports_plotly(path: Path):
    if part_of(path) != "figures":
        assert not [name for name, _, _ in imports(path) if name.partition(".")[0] == "plotly"]


def relations(folder: Path) -> dict[str, set[str]]:
    """Which files and folders directly in a folder import which others; its ``__init__`` may know them all."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        one = path.relative_to(folder).parts[0]
        for name, _, _ in imports(path):
            target = MODULES.get(name)
            if target is not None and target.is_relative_to(folder):
                found.setdefault(one, set()).add(target.relative_to(folder).parts[0])
    for one, others in found.items():
        others -= {one, "__init__.py"}
    found.pop("__init__.py", None)
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(PACKAGE.parent)))
def test_no_circle_between_what_stands_in_a_folder(folder: Path):
    try:
        list(TopologicalSorter(relations(folder)).static_order())
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


def test_no_folder_has_more_than_16_modules():
    crowded = {str(folder.relative_to(PACKAGE)): len(list(folder.glob("*.py"))) for folder in FOLDERS}
    assert not {folder: count for folder, count in crowded.items() if count > 16}


def test_no_module_is_longer_than_400_lines():
    lengths = {str(path): len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.[pj][ys]")}
    assert not {path: count for path, count in lengths.items() if count > 400}


HEAVY = (
    "websockets", "aiohttp", "msgspec", "asyncio", "ipywidgets", "anywidget", "plotly", "traitlets", "IPython",
    "pandas", "numpy", "narwhals", "ssl", "nest_asyncio", "nest_asyncio2",
)  # fmt: skip


def test_importing_the_package_loads_nothing_heavy_and_starts_nothing():
    code = (
        "import sys, threading; before = set(sys.modules); import pbxnb;"
        f"print(sorted(set({HEAVY!r}) & (set(sys.modules) - before)), threading.active_count(), dir(pbxnb))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("[] 1 ")
    assert "connect" in done.stdout


def test_every_public_name_is_there():
    for name in pbxnb.__all__:
        assert getattr(pbxnb, name) is not None, name


def test_what_is_no_public_name_is_an_attribute_error():
    for name in ("Recording", "conect"):
        assert not hasattr(pbxnb, name)

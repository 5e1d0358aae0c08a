"""The benches are run by hand and rarely: what they take from the project must still be there."""

import ast
import importlib
import symtable
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def taken(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of what a file imports from the project."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            module = f"tests.bench.{node.module}" if node.level else str(node.module)
            if module.startswith(("pbxnb", "tests")):
                yield from ((module, alias.name) for alias in node.names)


def has(module: str, name: str) -> bool:
    """Whether a module has a name; those of the tests are read, not run: some benches do their work at once."""
    if module.startswith("pbxnb"):
        return hasattr(importlib.import_module(module), name) or bool(find_spec(f"{module}.{name}"))
    file = TESTS.parent / f"{module.replace('.', '/')}.py"
    if not file.exists():
        return (file.with_suffix("") / f"{name}.py").exists()
    return name in symtable.symtable(file.read_text(), file.name, "exec").get_identifiers()


@pytest.mark.parametrize("path", sorted(TESTS.glob("bench/*.py")), ids=lambda path: path.stem)
def test_a_bench_finds_what_it_imports(path: Path) -> None:
    assert [f"{module}.{name}" for module, name in taken(path) if not has(module, name)] == []

"""The demo: the notebooks copied to where the user is, JupyterLab on the first of them, or the first run by itself."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from .errors import ConfigError, MissingExtra

__all__ = ["Verdict", "check", "notebooks", "open_lab"]

FIRST = "00_quickstart.ipynb"
FOLDER = "pbxnb-demo"
CELL_LIMIT = 60
"""Seconds a cell of the demo may take before the check gives up on it."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether the demo works, in one sentence."""

    ok: bool
    sentence: str


def notebooks() -> Path:
    """Where the notebooks are: in the installed package, or beside it in a checkout.

    Raises:
        ConfigError: this installation has none.
    """
    here = Path(__file__).parent
    for folder in (here / "_notebooks", here.parent / "notebooks"):
        if (folder / FIRST).is_file():
            return folder
    raise ConfigError("This installation holds no notebooks.", hint="Install pbxnb again from its wheel.")


def open_lab(*, port: int, browser: bool, remark: Callable[[str], None]) -> int:
    """Copy the notebooks to ``./pbxnb-demo`` and open JupyterLab there, until it is stopped.

    Args:
        port: port of JupyterLab; the next free one where it is taken.
        browser: whether JupyterLab opens a browser.
        remark: told what is done.

    Returns:
        The exit code of JupyterLab.
    """
    _need("jupyterlab")
    target = Path(FOLDER)
    kept = _copy(target)
    mine = f"; kept as you changed them: {', '.join(kept)}" if kept else ""
    remark(f"The notebooks are in {target.resolve()}{mine}.")
    remark("JupyterLab starts; Ctrl-C ends it, and each notebook's simulated PBX with its kernel.")
    command = [sys.executable, "-m", "jupyterlab", f"--port={port}", f"--notebook-dir={target}"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST}", *([] if browser else ["--no-browser"])]
    try:
        return subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter, no shell
    except KeyboardInterrupt:
        return 0


def check(remark: Callable[[str], None]) -> Verdict:
    """Run the first notebook from top to bottom in a temporary folder, without a browser.

    Args:
        remark: told of each step.
    """
    _need("nbclient")
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pbxnb-demo-") as folder:
        _copy(Path(folder))
        notebook: Any = nbformat.read(Path(folder) / FIRST, as_version=4)  # type: ignore[no-untyped-call]  # nbformat's own
        cells = sum(cell.cell_type == "code" for cell in notebook.cells)
        remark(f"Running {FIRST}: {cells} cells on a simulated PBX, in a temporary folder.")
        client = NotebookClient(
            notebook, timeout=CELL_LIMIT, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.on_cell_executed = lambda cell, cell_index, execute_reply: remark(f"  cell {cell_index} done")
        try:
            client.execute()
        except CellExecutionError as error:
            return Verdict(False, f"pbxnb demo: FAILED, a cell raised {error.ename}: {error.evalue}")
        except (CellTimeoutError, DeadKernelError) as error:
            return Verdict(False, f"pbxnb demo: FAILED, {type(error).__name__} after {time.monotonic() - began:.0f} s")
    took = time.monotonic() - began
    return Verdict(True, f"pbxnb demo: ok, {cells} cells ran on a live simulated PBX in {took:.0f} s")


def _copy(target: Path) -> list[str]:
    """Copy the notebooks; what is there already is the user's and stays. Returns the names that were kept."""
    kept = []
    for source in sorted(notebooks().rglob("*")):
        place = target / source.relative_to(notebooks())
        if source.is_dir() or source.name.startswith(".") or ".ipynb_checkpoints" in source.parts:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            if place.read_bytes() != source.read_bytes():
                kept.append(place.name)
        else:
            shutil.copyfile(source, place)
    return kept


def _need(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise MissingExtra("The demo needs JupyterLab.", hint='Install it: pip install "pbxnb[lab]"')

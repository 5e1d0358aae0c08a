"""The demo: the notebooks copied to where the user is, JupyterLab on the first of them, or the first run by itself."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from .errors import ConfigError, MissingExtra, install_hint

__all__ = ["Verdict", "check", "copy", "data", "notebooks", "open_lab"]

FIRST = "00_quickstart.ipynb"
FOLDER = "pbxnb-demo"
CELL_LIMIT = 60
"""Seconds a cell of the demo may take before the check gives up on it."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether the demo works, in one sentence."""

    ok: bool
    sentence: str


def notebooks() -> list[Path]:
    """The notebooks of this installation, in order.

    Raises:
        ConfigError: it has none.
    """
    return sorted(_places()[0].glob("*.ipynb"))


def data(name: str) -> Path:
    """A file of measured data that the notebooks read, wherever they were copied.

    Raises:
        ConfigError: this installation has none of that name.

    Example:
        >>> data("anonymous-bank/README.md").is_file()
        True
    """
    path = _places()[1] / name
    if not path.is_file():
        raise ConfigError(f"There is no data file {name!r}.", hint=f"The data are in {path.parent}.")
    return path


def _places() -> tuple[Path, Path]:
    """Where notebooks and data lie: packed in the wheel, or in a checkout beside the package."""
    package = Path(__file__).parent
    packed, checkout = package / "_notebooks", package.parent
    for notebooks, data in ((packed, packed / "data"), (checkout / "notebooks", checkout / "tests" / "data")):
        if (notebooks / FIRST).is_file():
            return notebooks, data
    raise ConfigError("This installation holds no notebooks.", hint="Install pbxnb again from its wheel.")


def copy(target: Path) -> list[str]:
    """Copy the notebooks; what is there already is the user's and stays.

    Args:
        target: the folder; made where it is missing.

    Returns:
        The names of those that were kept because they differ.
    """
    target.mkdir(parents=True, exist_ok=True)
    kept = []
    for source in notebooks():
        place = target / source.name
        if not place.exists():
            shutil.copyfile(source, place)
        elif place.read_bytes() != source.read_bytes():
            kept.append(source.name)
    return kept


def open_lab(*, port: int, browser: bool, remark: Callable[[str], None]) -> int:
    """Copy the notebooks to ``./pbxnb-demo`` and open JupyterLab there, until it is stopped.

    Args:
        port: port of JupyterLab; the next free one where it is taken.
        browser: whether JupyterLab opens a browser.
        remark: told what is done.

    Returns:
        The exit code of JupyterLab; 0 when it was interrupted.
    """
    _need("jupyterlab")
    target = Path(FOLDER)
    kept = copy(target)
    mine = f"; kept as you changed them: {', '.join(kept)}" if kept else ""
    remark(f"The notebooks are in {target.resolve()}{mine}.")
    command = [sys.executable, "-m", "jupyterlab", f"--port={port}", f"--notebook-dir={target}"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST}", "--ServerApp.answer_yes=True"]
    command += [] if browser else ["--no-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        remark("You are root, where JupyterLab wants to be told --allow-root: done.")
        command.append("--allow-root")
    where = "in the browser" if browser else "at the address that it says below"
    remark(f"JupyterLab starts and shows {FIRST} {where}. Run All Cells there starts a simulated PBX.")
    remark("Ctrl-C here ends JupyterLab, and each notebook's simulated PBX with its kernel.")
    interrupted = False
    with subprocess.Popen(command) as lab:  # noqa: S603 - our own interpreter, no shell

        def stop(*_: object) -> None:
            nonlocal interrupted
            interrupted = True
            lab.terminate()  # to it an interrupt is a question; this is the answer

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            code = lab.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return 0 if interrupted else code


def check(remark: Callable[[str], None]) -> Verdict:
    """Run the first notebook from top to bottom in a temporary folder, without a browser.

    Args:
        remark: told of each step.
    """
    _need("nbclient")
    remark(f"A kernel starts, then it runs {FIRST} on a simulated PBX, in a temporary folder.")
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    began = time.monotonic()
    # A kernel may hold its folder for a moment after its end.
    with tempfile.TemporaryDirectory(prefix="pbxnb-demo-", ignore_cleanup_errors=True) as folder, _profile_in(folder):
        copy(Path(folder))
        notebook: Any = nbformat.read(Path(folder) / FIRST, as_version=4)  # type: ignore[no-untyped-call]  # nbformat's own
        cells = sum(cell.cell_type == "code" for cell in notebook.cells)
        remark(f"There are {cells} cells; each is said once it has run:")
        client = NotebookClient(
            notebook, timeout=CELL_LIMIT, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.on_cell_executed = lambda cell, cell_index, execute_reply: remark(f"  {_told(cell)}")
        try:
            # What a kernel says of itself is for its server's log; what goes wrong comes as an error of a cell.
            client.execute(stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            return Verdict(False, f"pbxnb demo: FAILED, a cell raised {error.ename}: {error.evalue}")
        except (CellTimeoutError, DeadKernelError) as error:
            return Verdict(False, f"pbxnb demo: FAILED, {type(error).__name__} after {time.monotonic() - began:.0f} s")
    took = time.monotonic() - began
    return Verdict(True, f"pbxnb demo: ok, {cells} cells ran on a live simulated PBX in {took:.0f} s")


@contextlib.contextmanager
def _profile_in(folder: str) -> Iterator[None]:
    """IPython's profile beside the notebooks, here and in the kernel: a check leaves nothing in the user's home."""
    before = os.environ.get("IPYTHONDIR")
    os.environ["IPYTHONDIR"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["IPYTHONDIR"]
        else:
            os.environ["IPYTHONDIR"] = before


def _told(cell: Any) -> str:
    """The last line of a cell and what it showed, for people who watch."""
    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    result = " ".join("".join(shown).split())
    return f"{cell.source.splitlines()[-1]:<45.45} {result:.60}".rstrip()


def _need(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise MissingExtra(
            "The demo needs JupyterLab, which is not installed.",
            hint=f"{install_hint('pbxnb[lab]')}. Without installing: "
            'uvx --from "pbxnb[lab]" pbxnb demo, or pipx run --spec "pbxnb[lab]" pbxnb demo',
        )

"""`pbxnb demo`: what is copied where, what is started and how it ends, and the verdict of `--check`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pbxnb import cli, demo
from pbxnb.errors import ConfigError, MissingExtra


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_demo_is_every_notebook_in_order() -> None:
    home = Path(__file__).parents[2] / "notebooks"
    assert [path.name for path in demo.notebooks()] == sorted(path.name for path in home.glob("*.ipynb"))


def test_the_data_of_the_notebooks_are_found_from_any_folder(folder: Path) -> None:
    assert demo.data("anonymous-bank/anonymous-bank-1999-01-10.parquet").stat().st_size > 100_000
    assert "acknowledge" in demo.data("anonymous-bank/README.md").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="no data file 'other-bank/calls"):
        demo.data("other-bank/calls.parquet")


def test_the_log_of_the_bank_has_the_columns_that_its_notebook_reads_and_no_others() -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the analysis extra is not installed")
    columns = parquet.read_schema(demo.data("anonymous-bank/anonymous-bank-1999-01-10.parquet")).names
    [reads] = [path.read_text(encoding="utf-8") for path in demo.notebooks() if path.name.startswith("05")]
    assert [name for name in columns if f'\\"{name}\\"' not in reads] == []


def test_copying_again_keeps_what_the_user_changed(folder: Path) -> None:
    assert demo.copy(folder) == []
    mine = folder / demo.FIRST
    mine.write_text("mine", encoding="utf-8")
    assert demo.copy(folder) == [demo.FIRST]
    assert mine.read_text(encoding="utf-8") == "mine"


def test_an_installation_without_notebooks_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "__file__", str(folder / "pbxnb" / "demo.py"))
    with pytest.raises(ConfigError, match="no notebooks"):
        demo.copy(folder)


def test_without_jupyterlab_the_line_that_installs_it_is_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["demo"]) == 1
    assert 'pip install "pbxnb[lab]"' in capsys.readouterr().err
    assert not list(folder.iterdir()), "nothing is left behind"
    with pytest.raises(MissingExtra):
        demo.check(lambda text: None)


@pytest.mark.kernel
def test_check_ends_with_a_verdict(folder: Path) -> None:
    pytest.importorskip("nbclient", reason="the lab extra is not installed")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pbxnb", "demo", "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"HOME": str(folder), "USERPROFILE": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("pbxnb demo: ok, ")
    assert "warning" not in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert not list(folder.iterdir()), "it worked in a temporary folder, and left nothing at home"


@pytest.mark.kernel
def test_check_says_which_error_stopped_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nbformat = pytest.importorskip("nbformat", reason="the lab extra is not installed")
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(broken, folder / demo.FIRST)
    monkeypatch.setattr(demo, "notebooks", lambda: [folder / demo.FIRST])
    assert cli.main(["demo", "--check", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "verdict": "pbxnb demo: FAILED, a cell raised ZeroDivisionError: division by zero",
    }


def asked(url: str, seconds: float = 20.0) -> Any:
    """What JupyterLab answers; it tells its address a moment before it listens there."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the test's own server
                return json.load(answer)
        except urllib.error.URLError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


@pytest.mark.kernel
@pytest.mark.skipif(os.name != "posix", reason="interrupts are sent as signals")
def test_demo_serves_the_copied_notebooks_until_it_is_interrupted(folder: Path) -> None:
    pytest.importorskip("jupyterlab", reason="the lab extra is not installed")
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data")}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pbxnb", "demo", "--no-browser", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, cwd=folder, start_new_session=True
    ) as running:
        assert running.stderr is not None
        try:
            assert running.stderr.readline() == f"The notebooks are in {folder / 'pbxnb-demo'}.\n"
            url = next(line.split()[-1] for line in running.stderr if "//127.0.0.1" in line and "token=" in line)
            page, token = url.split("/lab/tree/")[0], url.split("token=")[1]
            assert f"/lab/tree/{demo.FIRST}" in url
            listed = asked(f"{page}/api/contents?token={token}")
            assert {entry["name"] for entry in listed["content"]} >= {path.name for path in demo.notebooks()}
            running.send_signal(signal.SIGINT)
            running.stderr.read()
            assert running.wait(20) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):  # JupyterLab goes too
                os.killpg(running.pid, signal.SIGKILL)

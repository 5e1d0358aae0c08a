"""A real JupyterLab in a real Chromium, for what only a browser can show. Loopback only; everything started is stopped.

`JupyterPage` opens a notebook, runs it as a user would, and notes every console error and every request that leaves
the machine. Playwright drives the system's Chromium; nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]  # cells may ask for `tests`
CHROMIUM = os.environ.get("PBXNB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # a headless page must not be throttled as if it were hidden
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)
QUIET = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}
KNOWN = (
    "Failed to load resource",  # JupyterLab probing for optional files of its own
    # anywidget's alarm after 2 s: for a model closed before it had loaded, or plotly's 5 MB on a busy machine. A panel
    # that really stays dead fails the test that waits for it to move.
    "[anywidget] Failed to initialize model",
)
READY = """() => { const w = window.jupyterapp?.shell?.currentWidget;
    return w && w.content?.model && w.sessionContext?.session?.kernel?.status === 'idle'; }"""
RUN_ALL = """() => { window.__ran = false;
    jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.__ran = true; }); }"""
OUTPUTS = """() => { const cells = jupyterapp.shell.currentWidget.content.model.cells, all = [];
    for (let i = 0; i < cells.length; i++) all.push(...(cells.get(i).toJSON().outputs || []));
    return all; }"""
EXECUTE = """code => { const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const run = window.__run = {text: '', error: '', done: false};
    const future = kernel.requestExecute({code, store_history: false});
    future.onIOPub = m => {
        if (m.header.msg_type === 'stream') run.text += m.content.text;
        if (m.header.msg_type === 'error') run.error = m.content.traceback.join('\\n'); };
    future.done.then(() => { run.done = true; }, e => { run.error ||= String(e); run.done = true; }); }"""


class Server:
    """JupyterLab with throw-away settings, on a free loopback port.

    Args:
        folder: holds everything it writes.
        options: more of the server's.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.root = folder / "root"
        self._options = options
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.opened = 0  # notebooks so far

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True)
        for name, value in QUIET.items():
            path = self._folder / "settings" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value))
        page = self._folder / "config" / "labconfig" / "page_config.json"
        page.parent.mkdir(parents=True)
        page.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        places = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
        places |= {"LAB_SETTINGS_DIR": "settings", "LAB_WORKSPACES_DIR": "workspaces"}
        environment = dict(os.environ, IPYTHONDIR=str(self._folder / "ipython"), PYTHONPATH=str(ROOT))
        environment |= {f"JUPYTER{'' if 'LAB' in k else '_'}{k}": str(self._folder / v) for k, v in places.items()}
        options = (
            "--no-browser",
            "--allow-root",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.root_dir={self.root}",
            "--IdentityProvider.token=",
            "--ServerApp.disable_check_xsrf=True",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            "--LabApp.news_url=",
            *self._options,
        )
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def _wait(self) -> None:
        assert self._process is not None
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(self.url + "api/status", timeout=2):  # noqa: S310 - our own http server
                    return
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None:
                    break
            time.sleep(0.1)  # another process' start: there is no event to wait for
        log = (self._folder / "server.log").read_text(errors="replace")
        raise RuntimeError(f"JupyterLab did not start:\n{log[-4000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)  # its own session: our server and its kernels only
                self._process.wait()


class Browser:
    """Chromium on a server.

    Args:
        server: where the notebooks are served.
        profile: folder of the browser's profile.
        flags: more of Chromium's.
    """

    def __init__(self, server: Server, profile: Path, flags: Sequence[str] = ()) -> None:
        self._server = server
        self._profile = profile
        self._flags = [*FLAGS, *flags]

    def __enter__(self) -> Self:
        self._playwright = sync_playwright().start()
        self._context = self._playwright.chromium.launch_persistent_context(
            str(self._profile), executable_path=CHROMIUM, headless=True, args=self._flags
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()
        self._playwright.stop()

    def open(
        self, notebook: Path | Sequence[str], *, width: int = 1400, height: int = 1000, script: str = ""
    ) -> JupyterPage:
        """Open a notebook file, or one made of these cells; ``script`` runs in the page before anything else."""
        self._server.opened += 1
        target = self._server.root / f"{self._server.opened:02d}" / "notebook.ipynb"
        target.parent.mkdir()
        if isinstance(notebook, Path):
            target = target.with_name(notebook.name)
            shutil.copyfile(notebook, target)
            if (data := notebook.parent / "data").is_dir():
                shutil.copytree(data, target.parent / "data")
        else:
            target.write_text(json.dumps(_notebook(notebook)))
        page = self._context.new_page()
        if script:
            page.add_init_script(script)
        page.set_viewport_size({"width": width, "height": height})
        opened = JupyterPage(page, self._server.url)
        where = target.relative_to(self._server.root).as_posix()
        page.goto(f"{self._server.url}lab/workspaces/w{self._server.opened}/tree/{where}")
        page.wait_for_function(READY, timeout=90_000)
        return opened


class JupyterPage:
    """One notebook on the page.

    Attributes:
        page: Playwright's.
        errors: console errors and page errors.
        offsite: requests that left the machine.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.offsite: list[str] = []
        home = (url, url.replace("http", "ws"), "data:", "blob:")

        def console(message: Any) -> None:
            if message.type == "error":
                note(message.text)

        def note(text: str) -> None:
            if not text.startswith(KNOWN):
                self.errors.append(text)

        page.on("console", console)
        page.on("pageerror", lambda error: note(error.message))
        page.on("request", lambda request: None if request.url.startswith(home) else self.offsite.append(request.url))

    def run_all(self, timeout: float = 120) -> list[str]:
        """Run every cell; returns the errors of cells.

        Args:
            timeout: seconds; a lost message of the kernel may leave a cell busy for ever.
        """
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("() => window.__ran", timeout=timeout * 1000)
        outputs = self.page.evaluate(OUTPUTS)
        return [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]

    def execute(self, code: str, timeout: float = 60) -> str:
        """Run code in the kernel without a cell; returns what it printed."""
        self.page.evaluate(EXECUTE, code)
        self.page.wait_for_function("() => window.__run.done", timeout=timeout * 1000)
        run = self.page.evaluate("() => window.__run")
        if run["error"]:
            raise RuntimeError(run["error"])
        return str(run["text"])

    def dark(self, on: bool = True) -> None:
        """Switch JupyterLab's theme."""
        name = "JupyterLab Dark" if on else "JupyterLab Light"
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg=str(not on).lower(), timeout=20_000
        )

    def close(self) -> None:
        """Shut the notebook's kernel down and close the page."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.page.close()


def _notebook(cells: Sequence[str]) -> dict[str, Any]:
    made = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for n, source in enumerate(cells)
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "cells": made, "metadata": {"kernelspec": spec}}

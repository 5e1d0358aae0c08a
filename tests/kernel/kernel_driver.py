"""Drives a real ipykernel over zmq: cells with ids, comms, interrupts, restarts. No browser.

    with Kernel() as kernel:
        kernel.run("1 + 1").text            # '2'
        cell = kernel.begin("import time; time.sleep(3)")
        kernel.interrupt()
        kernel.finish(cell).status          # 'error'

The kernel is the one of the interpreter that runs the tests, so a CI leg chooses its ipykernel by installing it.
"""

from __future__ import annotations

import os
import queue
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]


@dataclass
class Result:
    """What a cell printed, showed and raised."""

    status: str = "ok"
    out: str = ""
    err: str = ""
    data: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The last value shown, as text; for a cell that failed, its error."""
        return self.error or (self.data[-1].get("text/plain", "") if self.data else "")


class Kernel:
    """One kernel; use as a context manager."""

    def __init__(self, env: dict[str, str] | None = None) -> None:
        self._manager = KernelManager()
        self._manager._kernel_spec = KernelSpec(
            argv=[sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="test",
            language="python",
        )
        self._env = os.environ | {"PYTHONPATH": str(ROOT), "PYDEVD_DISABLE_FILE_VALIDATION": "1"} | (env or {})
        self._log: list[dict[str, Any]] = []

    def __enter__(self) -> Kernel:
        self._manager.start_kernel(env=self._env)
        self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def _connect(self) -> None:
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    # ---- cells ----

    def begin(self, code: str, cell: str | dict[str, Any] = "") -> str:
        """Send a cell, as JupyterLab does with its id, or with other metadata; returns the id of the request."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        metadata = {"cellId": cell} if cell and isinstance(cell, str) else cell or {}
        message = self._client.session.msg("execute_request", content, metadata=metadata)
        self._client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def finish(self, request: str, timeout: float = 60) -> Result:
        """Wait for a cell to end."""
        result, begin, i = Result(), time.monotonic(), 0
        while True:
            if i == len(self._log):
                assert time.monotonic() - begin < timeout, f"the cell did not end: {result}"
                self._pump(0.5)
                continue
            message = self._log[i]
            i += 1
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    if content["name"] == "stdout":
                        result.out += content["text"]
                    else:
                        result.err += content["text"]
                case "execute_result" | "display_data":
                    result.data.append(content["data"])
                case "error":
                    result.status, result.error = "error", f"{content['ename']}: {content['evalue']}"
                case "status" if content["execution_state"] == "idle":
                    result.seconds = time.monotonic() - begin
                    self._await_reply(request)
                    return result

    def await_out(self, request: str, text: str, timeout: float = 60) -> None:
        """Wait until a cell has printed this."""
        begin = time.monotonic()
        while not any(
            message["parent_header"].get("msg_id") == request and text in message["content"]["text"]
            for message in self._log
            if message["msg_type"] == "stream"
        ):
            assert time.monotonic() - begin < timeout, f"the cell did not print {text!r}"
            self._pump(0.5)

    def run(self, code: str, cell: str | dict[str, Any] = "", timeout: float = 60) -> Result:
        """Run a cell to its end."""
        return self.finish(self.begin(code, cell), timeout)

    def value(self, code: str, timeout: float = 60) -> str:
        """Run a cell that must not fail; its value as text."""
        result = self.run(code, timeout=timeout)
        assert result.status == "ok", result
        return result.text

    # ---- what else a front end does ----

    def interrupt(self) -> None:
        """The stop button."""
        self._manager.interrupt_kernel()

    def restart(self) -> None:
        """The restart button: asks the kernel to end, and starts another."""
        self._client.stop_channels()
        self._manager.restart_kernel(now=False)
        self._log.clear()
        self._connect()

    def subshell(self) -> str:
        """Make a subshell, as JupyterLab does for widget messages; its id, empty where the kernel knows none."""
        request = self._client.session.msg("create_subshell_request", {})
        self._client.control_channel.send(request)
        try:
            reply = self._client.get_control_msg(timeout=3)
        except queue.Empty:
            return ""  # ipykernel 6 does not answer what it does not know
        return str(reply["content"].get("subshell_id", ""))

    def comm(self, comm_id: str, data: dict[str, Any], subshell: str = "") -> None:
        """Send a widget message, to a subshell where one is named."""
        message = self._client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self._client.shell_channel.send(message)

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """Everything of this type that the kernel has sent so far."""
        while self._pump(0):
            pass
        return [message for message in self._log if message["msg_type"] == kind]

    def _await_reply(self, request: str) -> None:
        """A request sent while ipykernel <= 7.3 still writes the last reply may never be read (ipykernel #1554, #1529).

        That is so with any cell, ours or not; hence the next request goes out only after the last reply is here.
        """
        while self._client.get_shell_msg(timeout=10)["parent_header"].get("msg_id") != request:
            pass

    def _pump(self, timeout: float) -> bool:
        try:
            self._log.append(self._client.get_iopub_msg(timeout=timeout))
        except queue.Empty:
            return False
        return True

"""Panels while a cell blocks: painting goes on, with and without a subshell; clicks are heard where the kernel can."""

from __future__ import annotations

import ast
import time
from importlib.metadata import version
from typing import Any

import pytest

from tests.helpers.scripted_pbx import ScriptedPbx
from tests.kernel.kernel_driver import Kernel

pytestmark = pytest.mark.kernel

SETUP = "import pbxnb, time, ipywidgets\npbx = await pbxnb.connect(**{arguments!r}, control=True)"
SHOWN = """
deaf, heard = pbx.grid(), pbx.grid()
for grid in (deaf, heard): grid.expect_view()  # as when a cell shows it; no page says hello here
[grid.comm.comm_id for grid in (deaf, heard)]
"""
BLOCK = "begin = time.monotonic(); print('blocks'); time.sleep({seconds})"


def numbers_of_batches(kernel: Kernel, comm_id: str) -> list[tuple[float, int]]:
    """When the kernel sent each batch of a panel, and its number."""
    return [
        (message["header"]["date"].timestamp(), message["content"]["data"]["content"]["n"])
        for message in kernel.messages("comm_msg")
        if message["content"]["comm_id"] == comm_id and message["content"]["data"]["method"] == "custom"
    ]


def test_a_panel_paints_at_least_once_a_second_while_a_cell_blocks_for_10_s(kernel: Kernel, pbx: ScriptedPbx) -> None:
    """No acknowledgement gets through for one of two grids; the other's page answers on a subshell, if there is one."""
    assert kernel.run(SETUP.format(arguments=pbx.arguments)).status == "ok"
    deaf, heard = ast.literal_eval(kernel.value(SHOWN))
    subshell = kernel.subshell()
    begin = time.time()
    cell = kernel.begin(BLOCK.format(seconds=10))
    acknowledged = 0
    while time.time() - begin < 10:
        status = "online" if round(time.time() * 20) % 2 else "away"
        pbx.say({"action": "user-state", "account": "204", "type": "extensions", "chatstatus": status})
        batches = numbers_of_batches(kernel, heard)
        if batches and batches[-1][1] > acknowledged:
            acknowledged = batches[-1][1]
            kernel.comm(heard, {"method": "custom", "content": {"ack": acknowledged}}, subshell)
        time.sleep(0.05)  # the PBX's own pace
    assert kernel.finish(cell).status == "ok"
    for comm_id in (deaf, heard):
        painted = {int(at - begin) for at, _ in numbers_of_batches(kernel, comm_id)}
        assert painted >= set(range(10)), (comm_id == heard, sorted(painted))
    if subshell:  # its page kept up, so it was painted at the full rate
        assert len(numbers_of_batches(kernel, heard)) > 2 * len(numbers_of_batches(kernel, deaf))


def test_a_handle_shows_itself_as_a_badge_that_lives_until_its_cell_runs_again(
    kernel: Kernel, pbx: ScriptedPbx
) -> None:
    assert kernel.run(SETUP.format(arguments=pbx.arguments)).status == "ok"
    first, second = (kernel.run("pbx", cell="shows").data[-1] for _ in range(2))
    view = "application/vnd.jupyter.widget-view+json"
    assert first["text/plain"] == second["text/plain"] == kernel.value("pbx")
    assert "<b>live</b>" in first["text/html"]
    closed = {message["content"]["comm_id"] for message in kernel.messages("comm_close")}
    assert first[view]["model_id"] in closed
    assert second[view]["model_id"] not in closed


CLICKS = """
hits = []
bar = pbx.command_bar()
plain = ipywidgets.Button()
bar.observe(lambda change: hits.append(("ours", time.monotonic())), "to")
plain.on_click(lambda b: hits.append(("plain", time.monotonic())))
grid = pbx.grid()
stop = grid.on_action(lambda action, number, call: hits.append(("tile", time.monotonic())))
[widget.comm.comm_id for widget in (bar, plain, grid)]
"""


def test_clicks_are_heard_during_a_blocked_cell_where_the_kernel_has_subshells(
    kernel: Kernel, pbx: ScriptedPbx
) -> None:
    subshell = kernel.subshell()
    if not subshell:
        pytest.skip("This ipykernel has no subshells: a blocked cell holds every click back.")
    assert kernel.run(SETUP.format(arguments=pbx.arguments)).status == "ok"
    ours, plain, tile = ast.literal_eval(kernel.value(CLICKS))
    kernel.value("pbx.status.state == 'live'")
    cell = kernel.begin(BLOCK.format(seconds=3))
    kernel.await_out(cell, "blocks")
    click: dict[str, Any] = {"method": "custom", "content": {"event": "click"}}
    kernel.comm(ours, {"method": "update", "state": {"to": "204"}, "buffer_paths": []}, subshell)
    kernel.comm(plain, click, subshell)
    kernel.comm(tile, {"method": "custom", "content": {"action": "why", "number": "204"}}, subshell)
    assert kernel.finish(cell).status == "ok"
    waiting = "for _ in range(100):\n    if len(hits) == 3: break\n    time.sleep(0.05)\n"
    late = ast.literal_eval(kernel.value(waiting + "{name: at - begin > 2.9 for name, at in hits}"))
    assert (late["ours"], late["tile"]) == (False, False)
    if tuple(map(int, version("ipykernel").split(".")[:2])) == (7, 4):
        assert late["plain"], "ipykernel answers plain buttons by itself again: pbxnb.ui.kernel can go."

"""``asyncio.run(main())`` in a cell of a real kernel, and what becomes of widget messages that arrive meanwhile."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.kernel

SETUP = """
import asyncio, ipywidgets, warnings
clicks = []
button = ipywidgets.Button()
button.on_click(lambda _: clicks.append(1))
import pbxnb
used = pbxnb.enable_nested_run()
async def main():
    print('waiting', flush=True)
    await asyncio.sleep(1)
    return 42
"""
CLICK = {"method": "custom", "content": {"event": "click"}}


def click_during_a_nested_run(kernel) -> str:
    comm_id = kernel.value("button.comm.comm_id").strip("'")
    cell = kernel.begin("asyncio.run(main())")
    while not any("waiting" in m["content"]["text"] for m in kernel.messages("stream")):
        time.sleep(0.01)
    kernel.comm(comm_id, CLICK)
    result = kernel.finish(cell)
    assert result.status == "ok", result
    return result.text


def test_a_nested_run_works_and_loses_no_widget_message(kernel):
    pytest.importorskip("nest_asyncio2")
    assert kernel.run(SETUP).status == "ok"
    assert kernel.value("used") == "'nest_asyncio2'"
    assert click_during_a_nested_run(kernel) == "42"
    assert kernel.value("await asyncio.sleep(0.1)\nclicks") == "[1]"


def test_where_only_nest_asyncio_is_the_cell_shows_a_clear_warning(kernel):
    import ipykernel

    result = kernel.run("import sys; sys.modules['nest_asyncio2'] = None\n" + SETUP)
    assert result.status == "ok"
    assert kernel.value("used") == "'nest_asyncio'"
    if ipykernel.version_info[0] >= 7:
        assert "widget messages that arrive during a nested run are lost" in result.err
    assert kernel.value("asyncio.run(main())") == "42"


def test_the_line_survives_the_patch(kernel, pbx):
    code = f"import pbxnb, asyncio\npbx = await pbxnb.connect(**{pbx.arguments!r})\npbxnb.enable_nested_run();"
    assert kernel.run(code).status == "ok"
    assert (
        kernel.run("async def main(): return await pbx.until(lambda p: len(p.calls) == 1, timeout=20)").status == "ok"
    )
    cell = kernel.begin("asyncio.run(main())")
    time.sleep(0.1)
    pbx.say_calls({"id": "1", "from": "45", "to": "204", "state": "connected", "extension": ["45"]})
    assert kernel.finish(cell).text == "True"
    assert kernel.run(f"second = await pbxnb.connect(**{pbx.arguments!r}, name='second')").status == "ok"

"""The handle in a real kernel: re-run cells, reloads, interrupts, restarts. The PBX counts sockets and close frames."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.kernel


def only(*names: str) -> str:
    """Code that waits for just these threads of ours to be left, and says whether it took less than a second."""
    return f"""
import time, threading
left = lambda: sorted(t.name for t in threading.enumerate() if t.name.startswith('pbxnb-'))
begin = time.monotonic()
while left() != {[*names]} and time.monotonic() - begin < 5: time.sleep(0.01)
assert left() == {[*names]}, left()
time.monotonic() - begin < 1
"""


GONE = only()


def connect(server, extra: str = "") -> str:
    return f"import pbxnb\npbx = await pbxnb.connect(**{server.arguments!r}{extra})"


def one_left(server) -> None:
    server.wait(lambda s: len(s.open) == 1)


@pytest.mark.parametrize("last_line", ["", "\npbx"], ids=["bare", "kept in Out"])
def test_twenty_runs_of_the_connecting_cell_leave_one_socket_and_one_set_of_threads(kernel, pbx, last_line):
    for _ in range(20):
        result = kernel.run(connect(pbx) + last_line, cell="connecting")
        assert result.status == "ok", result
    one_left(pbx)
    assert len(pbx.peers) == 20
    assert kernel.value("pbx.status.state == 'live'") == "True"
    shown = ["pbxnb-ui"] if last_line else []  # a handle that is shown is a live badge
    assert kernel.value(only("pbxnb-io", *shown)) == "True"


def test_a_mistyped_run_in_between_leaves_the_old_line_alone(kernel, pbx):
    assert kernel.run(connect(pbx), cell="c").status == "ok"
    typo = kernel.run(connect(pbx, ", keepalife=30"), cell="c")
    assert "did you mean 'keepalive'" in typo.error
    wrong = kernel.run(f"await pbxnb.connect('ws://127.0.0.1:9', domain='{pbx.arguments['domain']}', user='45')", "c")
    assert "Unreachable" in wrong.error or "OpenTimeout" in wrong.error or "ConnectionFailed" in wrong.error
    assert kernel.value("pbx.status.state == 'live'") == "True"
    assert kernel.run(connect(pbx), cell="c").status == "ok"
    one_left(pbx)


def test_the_replaced_handle_says_so(kernel, pbx):
    kernel.run(connect(pbx) + "\nold = pbx", cell="c")
    kernel.run(connect(pbx), cell="c")
    one_left(pbx)
    assert "closed; run this cell again" in kernel.value(
        "import time\nwhile old.status.state != 'closed': time.sleep(0.01)\nold.status.why"
    )


def test_handlers_go_when_their_cell_runs_again_and_connections_do_not(kernel, pbx):
    kernel.run(connect(pbx), cell="c")
    kernel.run("heard = []")
    for _ in range(3):
        assert kernel.run("pbx.on('message', lambda e: heard.append(e.message.kind));", cell="handler").status == "ok"
    kernel.run("pbx.on('message', lambda e: heard.append('other'));", cell="another")
    pbx.say({"action": "numbered", "n": 1})
    kernel.value("await pbx.until(lambda p: len(heard) >= 2 or p.frames(), timeout=5);")
    assert kernel.value("import time\nwhile len(heard) < 2: time.sleep(0.01)\nlen(heard)") == "2"
    one_left(pbx)


COUNTS = "import ipywidgets; (len(ipywidgets.widgets.widget._instances), len(pbx._line.subscriptions._all))"
MAKES = """
for state in ("call.new", "call.ended"):
    pbx.on(state, lambda e: None)
stream = pbx.events("call.*")
board = pbx.dashboard(alerts=[pbxnb.widgets.Rule.waiting(orange=20, red=60)])
lines = [pbx.timeline(new=True), pbxnb.figures.live(pbxnb.figures.concurrency, pbx)]
badges = []
for _ in range(2):
    get_ipython().run_cell("badges.append(pbx.status_badge());")
[made.comm is not None for made in (board, *lines, *badges)]
"""


@pytest.mark.parametrize("metadata", [{}, {"cellId": "a"}, {"colab": {"cell_id": "a"}}], ids=["no id", "id", "Colab"])
def test_ten_runs_of_a_cell_leave_the_models_and_handlers_of_one(kernel, pbx, metadata):
    kernel.run(connect(pbx) + "\nimport pbxnb.figures, pbxnb.widgets")
    seen = set()
    for _ in range(10):
        assert kernel.run(MAKES, metadata).text == "[True, True, True, True, True]"
        seen.add(kernel.value(COUNTS))
    assert len(seen) == 1, seen


def test_without_ids_other_text_is_another_cell_and_a_click_is_none(kernel, pbx):
    kernel.run(connect(pbx))
    one, two = ("pbx.on('call.new', lambda e: None);", "pbx.on('call.new', lambda e: None);  # another")
    for code in (one, two, one, one, two):
        assert kernel.run(code).status == "ok"
    assert kernel.value(COUNTS + "[1]") == "2"
    kernel.run("import ipywidgets\nbutton = ipywidgets.Button()\nbutton.on_click(lambda b: pbx.on('gap', print))")
    comm_id = kernel.value("button.comm.comm_id").strip("'")
    for _ in range(2):
        kernel.comm(comm_id, {"method": "custom", "content": {"event": "click"}})
    assert kernel.value(COUNTS + "[1]") == "4"


def test_reloading_the_package_keeps_the_line_known(kernel, pbx):
    kernel.run(connect(pbx), cell="c")
    reload = (
        "import importlib, sys\nimportlib.reload(pbxnb)\n"
        "for name in sorted(n for n in sys.modules if n.startswith('pbxnb.session')):\n"
        "    importlib.reload(sys.modules[name])"
    )
    assert kernel.run(reload).status == "ok"
    assert kernel.run(connect(pbx), cell="c").status == "ok"
    one_left(pbx)
    assert len(pbx.peers) == 2


def test_an_interrupt_ends_an_awaiting_cell_at_once_and_the_line_goes_on(kernel, pbx):
    kernel.run(connect(pbx))
    cell = kernel.begin("print('waiting', flush=True)\nawait pbx.until(lambda p: False)")
    while not any("waiting" in m["content"]["text"] for m in kernel.messages("stream")):
        time.sleep(0.01)
    kernel.interrupt()
    result = kernel.finish(cell, timeout=5)  # without the heartbeat it would never end
    assert result.status == "error"
    assert kernel.value("pbx.status.state == 'live'") == "True"
    one_left(pbx)


def test_an_interrupt_ends_a_blocking_wait_too(kernel, pbx):
    kernel.run(connect(pbx))
    cell = kernel.begin("print('waiting', flush=True)\npbx.wait_for('gap').result()")
    while not any("waiting" in m["content"]["text"] for m in kernel.messages("stream")):
        time.sleep(0.01)
    kernel.interrupt()
    assert kernel.finish(cell, timeout=5).error.startswith("KeyboardInterrupt")
    assert kernel.value("pbx.status.state == 'live'") == "True"


def test_a_restart_sends_a_close_frame(kernel, pbx):
    kernel.run(connect(pbx))
    one_left(pbx)
    kernel.restart()
    pbx.wait(lambda s: s.closed)
    code, _ = pbx.closed[0]
    assert code in (1000, 1001)


def test_the_threads_are_gone_within_a_second_of_close(kernel, pbx):
    kernel.run(connect(pbx) + "\npbx.on('message', print);")
    pbx.say({"action": "numbered", "n": 1})
    assert kernel.value("pbx.close()" + GONE) == "True"
    pbx.wait(lambda s: not s.open)


def test_the_threads_are_gone_within_a_second_of_a_refusal(kernel, pbx):
    pbx.refuse_upgrade = 403
    result = kernel.run(connect(pbx))
    assert result.status == "error"
    assert kernel.value(GONE) == "True"


def test_the_handle_shows_itself_as_text_and_as_static_html(kernel, pbx):
    result = kernel.run(connect(pbx) + "\npbx")
    _twin, shown = result.data
    assert shown["text/plain"] == "<Pbx 45@acme.example on 127.0.0.1: live, 3 accounts, 0 calls>"
    assert "<script" not in shown["text/html"]
    assert "<b>live</b>" in shown["text/html"]


def test_what_a_handler_prints_lands_in_the_cell_that_subscribed_it(kernel, pbx):
    kernel.run(connect(pbx))
    cell = kernel.begin("pbx.on('message', lambda e: print('heard', e.message.kind, flush=True));")
    kernel.finish(cell)
    kernel.run("'another cell'")
    pbx.say({"action": "numbered", "n": 1})
    begin = time.monotonic()
    while not (heard := [m for m in kernel.messages("stream") if "heard" in m["content"]["text"]]):
        assert time.monotonic() - begin < 10
        time.sleep(0.01)
    if kernel.value("import ipykernel; ipykernel.version_info[0] >= 7") == "True":
        assert heard[0]["parent_header"]["msg_id"] == cell

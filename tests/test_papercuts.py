"""Small things that cost a newcomer minutes: completion, typos, help by ``?``, noise, leftovers."""

import asyncio
import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pbxnb
from pbxnb.widgets import Alerts, ExtensionGrid, Rule


@pytest.fixture(scope="module")
def pbx() -> Iterator[Any]:
    with pbxnb.simulate("empty", extensions=5, seed=1) as handle:
        handle.simulator.place_call("41", "42")
        handle.until(lambda handle: handle.calls, timeout=5).result()
        yield handle


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("pbxnb.conn", "connect"),
        ("pbxnb.sim", "simulate"),
        ("pbxnb.figures.conc", "concurrency"),
        ("pbx.ext", "extensions"),
        ("pbx.wait", "wait_for"),
        ("pbx.simulator.place", "place_call"),
        ("pbx.simulator.faults.part", "partial_snapshot"),
        ("pbx.status.rec", "reconnects"),
        ('pbx.extensions["4', "44"),
        ("pbx.calls['", "7001"),
        ("account.reg", "registered"),
        ("pbx.dial(acc", "account"),
        ("pbxnb.connect(dom", "domain"),
    ],
)
def test_tab_completes(pbx: Any, typed: str, meant: str) -> None:
    completer = pytest.importorskip("IPython.core.completer", reason="IPython is not installed")
    names = {"pbxnb": pbxnb, "pbx": pbx, "account": pbx.extensions["41"]}
    complete = completer.IPCompleter(namespace=names).completions
    with completer.provisionalcompleter():
        found = [completion.text for completion in complete(typed, len(typed))]
    assert [name for name in found if name.strip(".=\"']").endswith(meant)], found


TYPOS: list[tuple[Callable[[Any], object], str]] = [
    (lambda pbx: pbxnb.conect, "connect"),
    (lambda pbx: pbxnb.connect("ws://x", domian="a"), "domain"),  # type: ignore[call-arg]
    (lambda pbx: pbxnb.simulate("office", extension=5), "extensions"),
    (lambda pbx: pbxnb.simulate("offce"), "office"),
    (lambda pbx: pbx.dial("41", accout="40"), "account"),
    (lambda pbx: pbx.until(lambda pbx: True, timout=1), "timeout"),
    (lambda pbx: pbx.wait_for("call.nwe"), "call.new"),
    (lambda pbx: pbx.wait_for("call.new", form_="40"), "from_"),
    (lambda pbx: pbx.extensions.where(stat="busy"), "state"),
    (lambda pbx: pbx.extensions.where(state="bussy"), "busy"),
    (lambda pbx: pbx.wait_for("call.changed", state="conected"), "connected"),
    (lambda pbx: pbx.preview("hangpu"), "hangup"),
    (lambda pbx: pbx.grid(groupby="type"), "group_by"),
    (lambda pbx: pbx.call_list(fliter="x"), "filter"),
    (lambda pbx: pbx.command_bar(grd=None), "grid"),
    (lambda pbx: pbx.timeline(widow=60), "window"),
    (lambda pbx: pbx.dashboard(wallbord=True), "wallboard"),
    (lambda pbx: pbx.console(kind=["call-state"]), "kinds"),
    (lambda pbx: pbx.status_badge(them="dark"), "theme"),
    (lambda pbx: Alerts(pbx, rule=[]), "rules"),
    (lambda pbx: ExtensionGrid(pbx, groupby="type"), "group_by"),
    (lambda pbx: Rule.waiting(ornge=20), "orange"),
    (lambda pbx: pbx.simulator.scenario("trnasfer"), "transfer"),
    (lambda pbx: pbx.simulator.faults.start("drp"), "drop"),
]


@pytest.mark.parametrize(("typo", "meant"), TYPOS, ids=[meant for _, meant in TYPOS])
def test_a_typo_is_answered_with_the_nearest_name(pbx: Any, typo: Callable[[Any], object], meant: str) -> None:
    with pytest.raises((TypeError, AttributeError, pbxnb.errors.PbxError), match=f"(?i)did you mean '{meant}'"):
        typo(pbx)


MISUSES: list[tuple[Callable[[Any], object], str]] = [
    (lambda pbx: pbxnb.simulate(extensions="many"), "extensions must be a whole number from 2 to 7,500, not 'many'."),
    (lambda pbx: pbxnb.simulate(extensions=1), "extensions must be a whole number from 2 to 7,500, not 1."),
    (lambda pbx: pbxnb.simulate(speed="fast"), "speed must be a number from 0.1 to 1,000, not 'fast'."),
    (lambda pbx: pbxnb.simulate(port=99_999), "port must be a whole number from 0 to 65,535, not 99999."),
    (
        lambda pbx: pbxnb.connect("ws://x/", domain="a", user="4", keepalive="no"),
        "keepalive must be a number from 0 up",
    ),
    (
        lambda pbx: pbxnb.connect("ws://x/", domain="a", user="4", open_timeout=0),
        "open_timeout must be a number above 0",
    ),
    (
        lambda pbx: pbxnb.connect("ws://x/", domain="a", user="4", max_size=1e6),
        "max_size must be a whole number above 0",
    ),
    (
        lambda pbx: pbxnb.connect("ws://x/", domain="a", user="4", control="no"),  # type: ignore[arg-type]
        "control must be True or False, not 'no'.",
    ),
    (
        lambda pbx: pbxnb.connect("ws://x/", domain="a", user="4", name=4),  # type: ignore[arg-type]
        "name must be text, not 4.",
    ),
    (
        lambda pbx: pbxnb.connect("ws://x/", domain="a", user="4", proxy=8080),  # type: ignore[arg-type]
        "Only http proxies are supported.",
    ),
    (lambda pbx: pbx.on(None, print), "kind must be text, not None."),
    (lambda pbx: pbx.until(asyncio.sleep), "predicate must be a plain function, not `async def`."),
    (lambda pbx: pbx.calls.where(3), "predicate must be a function, not 3."),
    (lambda pbx: pbx.until(True), "predicate must be a function, not True. A lambda will do."),
    (lambda pbx: pbx.on("call.new", 3), "fn must be a function, not 3."),
    (lambda pbx: pbx.until(lambda pbx: False, timeout="1 s"), "timeout must be a number from 0 up, not '1 s'."),
    (lambda pbx: pbx.wait_for("call.new", timeout=-1), "timeout must be a number from 0 up, not -1."),
    (lambda pbx: pbx.wait_for("call.new").result(float("nan")), "timeout must be a number from 0 up, not nan."),
    (lambda pbx: pbx.dial("41", deadline="soon"), "deadline must be a number from 0 up, not 'soon'."),
    (lambda pbx: pbx.dial("41", account=40), "account= of dial needs a number as text, not 40. Write it as"),
]


@pytest.mark.parametrize(("misuse", "sentence"), MISUSES, ids=[sentence for _, sentence in MISUSES])
def test_a_value_of_the_wrong_kind_is_refused_at_the_call(
    pbx: Any, misuse: Callable[[Any], object], sentence: str
) -> None:
    with pytest.raises(pbxnb.errors.PbxError) as caught:
        misuse(pbx)
    assert sentence in str(caught.value)


def public(thing: Any) -> Iterator[tuple[str, Any]]:
    for name, value in inspect.getmembers_static(thing):
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property | type)):
            yield name, value


def test_everything_public_can_be_asked_with_a_question_mark() -> None:
    for name in pbxnb.__all__:
        assert inspect.getdoc(getattr(pbxnb, name)), name
    for kind in (pbxnb.Pbx, pbxnb.client.Client, pbxnb.simulator.Simulator, pbxnb.simulator.faults.Faults):
        for name, value in public(kind):
            assert inspect.getdoc(value), f"{kind.__name__}.{name}"
    for module in (pbxnb.figures, pbxnb.analysis):
        for name in module.__all__:
            assert inspect.getdoc(getattr(module, name)), name


@pytest.mark.parametrize("function", [pbxnb.connect, pbxnb.simulate])
def test_the_help_of_the_first_line_names_every_argument(function: Callable[..., object]) -> None:
    help_ = inspect.getdoc(function) or ""
    assert "Args:" in help_
    assert "Raises:" in help_
    assert "Example:" in help_
    named = {word.strip(",:") for word in help_.split()}
    taken = {name for name, p in inspect.signature(function).parameters.items() if p.kind is not p.VAR_KEYWORD}
    assert taken - {"args"} <= named


def test_versions_say_what_a_report_needs_and_nothing_private() -> None:
    versions = pbxnb.show_versions()
    assert versions["pbxnb"] == pbxnb.__version__
    assert {"python", "system", "websockets", "ipywidgets", "plotly", "jupyterlab"} <= versions.keys()
    assert str(Path.home()) not in repr(versions)


LIFE = """
import json, logging, threading
# What is slow on a busy machine is no fault; everything else that asyncio says in this mode is.
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing "))
import pbxnb
handle = pbxnb.simulate("quiet", extensions=5).result(20)
handle.close()
left = [thread.name for thread in threading.enumerate() if thread.name.startswith("pbxnb") and thread.is_alive()]
print(json.dumps(left))
"""


def test_a_life_prints_nothing_unasked_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", LIFE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == []
    assert not list(tmp_path.iterdir())


def test_importing_is_light() -> None:
    code = "import sys, asyncio; before = set(sys.modules); import pbxnb; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    loaded = json.loads(done.stdout.replace("'", '"'))
    assert set(loaded) <= {"pbxnb", "__future__"}, "nothing but names until they are used"

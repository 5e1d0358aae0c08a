"""One zone a handle: every time that is shown is written in it, by one module, and names it; values stay UTC."""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import comm
import pytest

import pbxnb
from pbxnb import figures
from pbxnb.analysis import calls_of
from pbxnb.errors import AnalysisError, ConfigError
from pbxnb.figures.plotting.widget import SpareFigures
from pbxnb.figures.timeline import Timeline
from pbxnb.figures.timeline.figure import _ticks
from pbxnb.model.changes import Changes, Event, Frame
from pbxnb.model.entities import AccountState, CallState, Evidence, LineState
from pbxnb.widgets import Rule
from pbxnb.zones import clock_text, kernel_zone, wall_axis, zone_of
from tests.history.session import KERNEL, Session, a_morning
from tests.widgets.fakes import FakeHandle, RecordingComm, account, call, until

BERLIN, NEW_YORK, KOLKATA = (ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata"))
BEGAN = datetime(2026, 10, 25, 0, 30, 7, tzinfo=UTC)  # in Berlin 02:30:07, as an hour later again
NOW = BEGAN + timedelta(hours=1)
PACKAGE = Path(pbxnb.__file__).parent


@pytest.fixture(params=[BERLIN, NEW_YORK, KOLKATA], ids=str)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """Of a handle, in a kernel that stands elsewhere."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


class Standing:
    """A clock that stands at `NOW`."""

    offset, rate = 0.0, 0.0

    def now(self) -> datetime:
        return NOW

    def at(self, moment: datetime) -> datetime:
        return moment


@pytest.fixture
def handle(zone: ZoneInfo, monkeypatch: pytest.MonkeyPatch) -> FakeHandle:
    """A call that began an hour ago, a frame and a line that say so."""
    RecordingComm.sent = []
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    monkeypatch.setattr(SpareFigures, "_kept", [])
    made = FakeHandle([account("207", AccountState.BUSY, since=BEGAN, first_seen=BEGAN)])
    made.tz, made.clock = zone, Standing()  # type: ignore[assignment]
    one = call("1", "+12025550101", "207", CallState.CONNECTED, since=BEGAN, started_at=BEGAN, conversation="1")
    made.calls["1"] = one
    made.tell(Changes(events=(Event(kind="call.new", call=one, at=BEGAN, received=BEGAN),), calls=frozenset("1")))
    made.frame(Frame(1, "in", BEGAN, 1.0, 1, '{"action":"x"}', None))
    made.evidence["207"] = (Evidence("state", "state.busy", 1, BEGAN),)
    made.become(LineState.LIVE, last_message_at=BEGAN)
    return made


def wall(moment: datetime, zone: ZoneInfo) -> str:
    """The clock on the wall, written independently of what is tested."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M:%S}" + ({7200: "+02:00", 3600: "+01:00"}[local.utcoffset().seconds] if zone is BERLIN else "")  # type: ignore[union-attr]


def times(text: str) -> set[str]:
    """Every time of day in a text, to the second, with its offset."""
    return {match[0] for match in re.finditer(r"\d\d:\d\d:\d\d(?=\D)(?:\.\d+)?(?:[+-]\d\d:\d\d)?", f"{text} ")}


def test_every_panel_tells_the_time_of_the_handle(handle: FakeHandle, zone: ZoneInfo) -> None:
    began, now = wall(BEGAN, zone), wall(NOW, zone)
    thousandths = began[:8] + ".000" + began[8:]
    alerts = pbxnb.widgets.Alerts(handle, [Rule("calls", lambda handle: len(handle.calls), orange=1)])
    until(lambda: bool(alerts.log))
    console, badge = pbxnb.widgets.Console(handle), pbxnb.widgets.StatusBadge(handle)
    console.why("207")
    timeline = Timeline(handle, window=7200.0)
    story = "\n".join(text for trace in timeline.figure.data for text in trace.hovertext or ())
    ticks = timeline.figure.layout.xaxis.ticktext
    state = json.dumps(console._state())
    assert alerts._state()["log"][0][0] == now
    assert times(state) == {thousandths}
    assert times(story) == {began}
    assert all(re.fullmatch(r"\d\d:\d\d([+-]\d\d:\d\d)?(<br>.*)?", tick) for tick in ticks)
    assert ticks[0].endswith(f" Oct, {zone.key}")
    assert times(timeline.describe()) == {
        wall(NOW - timedelta(hours=2), zone)[:8],
        wall(NOW + timedelta(seconds=144), zone),
    }
    for panel, shown in ((alerts, {now}), (console, {now, thousandths}), (badge, {now, began})):
        assert times(panel.snapshot()) == shown, panel
        assert f"times in {zone.key}" in panel.snapshot()
    for said in (alerts._state()["zone"], state, timeline.describe()):
        assert f"times in {zone.key}" in said
    assert (badge._facts()["zone"], badge._facts()["ahead"]) == (
        zone.key,
        NOW.astimezone(zone).utcoffset() / timedelta(minutes=1),
    )  # type: ignore[operator]
    for panel in (alerts, console, badge, timeline):
        panel.close()


def test_every_picture_tells_the_time_of_the_handle(zone: ZoneInfo) -> None:
    session = Session(offset=3600.0)
    session.tz = zone
    a_morning(session)
    begun, answered = (
        (KERNEL + timedelta(hours=1, seconds=seconds)).astimezone(zone).replace(tzinfo=None) for seconds in (-100, 10)
    )
    life = figures.call_life(session, "a")
    assert life.data[0].base[0] == answered
    assert f"from {answered:%H:%M:%S}<" in life.data[0].hovertemplate
    curve = figures.concurrency(session, start="started_at")
    assert curve.data[0].x[0] == begun
    assert (
        f"first at {max(zip(curve.data[0].y, curve.data[0].x, strict=True), key=lambda p: p[0])[1]},"
        in figures.describe(curve)
    )
    assert f"{begun:%Y-%m-%d %H:%M} to " in curve.layout.title.text
    week = figures.week(session)
    assert list(week.data[0].x) == [f"{hour:02d}:00" for hour in sorted({begun.hour, answered.hour})]
    assert f"times in {zone.key}" in figures.describe(week)
    shares = figures.state_shares(session)
    assert f"{answered:%Y-%m-%d %H:%M} to " in shares.layout.title.text
    frame = Frame(1, "in", KERNEL, 1.0, 1, '{"action":"x"}', None)
    line = SimpleNamespace(frames=lambda: (frame,), tz=zone, domain="acme.example", closed_calls=tuple)
    ladder = figures.ladder(line)
    assert f"from {KERNEL.astimezone(zone):%Y-%m-%d %H:%M:%S}.000, " in figures.describe(ladder)
    for figure in (life, curve, week, shares, ladder, figures.extensions(session), figures.compare(session, session)):
        assert f"times in {zone.key}" in figure.layout.title.text
    assert {row["tz"] for row in calls_of(session).to_pylist()} == {zone.key}
    assert figures.week(session, tz="Asia/Tokyo").layout.title.text.count("times in Asia/Tokyo") == 1


async def test_a_handle_has_the_zone_it_was_given_and_its_values_stay_utc(zone: ZoneInfo) -> None:
    async with pbxnb.simulate("office", extensions=5, tz=zone.key, start="2026-06-01T09:30", speed=10) as pbx:
        assert (pbx.tz, pbx.simulator.tz) == (zone, zone)
        assert pbx.clock.now().tzinfo is UTC
        assert pbx.clock.now().astimezone(zone).hour == 9
        assert f" in {zone.key}," in repr(pbx.clock)
        assert repr(pbx.clock).startswith("<clock 2026-06-01 09:3")
        assert repr(pbx.simulator.clock).startswith("<clock 2026-06-01 09:3")
        with pytest.raises(AttributeError):
            pbx.tz = BERLIN  # type: ignore[misc]
        assert all(row["since"] is None or row["since"].tzinfo is UTC for row in pbx.accounts.records())


async def test_without_one_it_is_that_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    async with pbxnb.simulate("office", extensions=5) as pbx:
        assert pbx.tz.key == "Asia/Tokyo"
        assert pbx.clock.now().astimezone(pbx.tz).hour == 9


@pytest.mark.parametrize(
    ("named", "key"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":America/New_York", "America/New_York"),
        (":/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ("Etc/UTC", "UTC"),
        ("CET-1CEST", "UTC"),  # rules without a name, which a page could not follow: said in the log
        ("posix/Europe/Berlin", "UTC"),
        ("Nowhere/Land", "UTC"),
    ],
)
def test_the_zone_of_the_kernel_has_a_name_that_browsers_know(
    named: str, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TZ", named)
    assert kernel_zone().key == key
    assert ("give tz=" in caplog.text) is (key == "UTC" and named != "Etc/UTC")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Berlin", "did you mean 'Europe/Berlin'?"),
        ("europe/berlin", "did you mean 'Europe/Berlin'?"),
        ("New York", "did you mean 'America/New_York'?"),
        ("../../etc/passwd", "'../../etc/passwd' is not a time zone."),
        ("\x1b[31m\u202e" * 9999, "Use a name such as Europe/Berlin or UTC."),
        ("localtime", "is not a time zone"),
        (UTC, "is not a time zone"),
        (3600, "3600 is not a time zone."),
        ("", "is not a time zone"),
    ],
)
def test_what_is_no_zone_is_refused_with_what_was_meant(given: Any, said: str) -> None:
    for make in (lambda: zone_of(given), lambda: pbxnb.connect("ws://127.0.0.1:9", domain="a", user="1", tz=given)):
        with pytest.raises(ConfigError) as refused:
            make()
        assert said in str(refused.value)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 200
    with pytest.raises(ConfigError):
        pbxnb.simulate(tz=given)


def test_times_that_come_twice_carry_their_offset() -> None:
    shown = [clock_text(BEGAN + timedelta(minutes=minutes), BERLIN, "minutes") for minutes in (-31, 0, 29, 30, 60, 90)]
    assert shown == ["01:59", "02:30+02:00", "02:59+02:00", "02:00+01:00", "02:30+01:00", "03:00"]
    assert [clock_text(datetime(2026, 3, 29, hour, tzinfo=UTC), BERLIN, "minutes", date=True) for hour in (0, 1)] == [
        "2026-03-29 01:00",
        "2026-03-29 03:00",
    ]
    assert clock_text(BEGAN.timestamp(), KOLKATA, "milliseconds") == "06:00:07.000"


def test_the_ticks_of_the_timeline_tell_them_apart_and_stay_round_after_it() -> None:
    start = datetime(2026, 10, 24, 23, tzinfo=UTC).timestamp()
    texts = [text.partition("<br>")[0] for _, text in _ticks(start, start + 3.5 * 3600, BERLIN)]
    assert texts == ["01:00", "01:30", "02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00", "03:00", "03:30"]
    _, *later = _ticks(start - 12 * 3600, start + 12 * 3600, BERLIN)
    assert [text for _, text in later] == ["20:00", "00:00", "04:00", "08:00", "12:00"]
    year = _ticks(start, start + 300 * 86_400, ZoneInfo("America/New_York"))
    assert {text.partition("<br>")[0] for _, text in year} == {"00:00"}
    assert _ticks(start, start, BERLIN) == []


def test_an_axis_of_dates_over_a_change_of_clocks_keeps_one_offset_and_says_which() -> None:
    place, said = wall_axis(BEGAN, NOW, BERLIN)
    assert said == "axis at UTC+02:00 throughout"
    assert [place(moment) for moment in (BEGAN, NOW.timestamp())] == [
        datetime.fromisoformat("2026-10-25T02:30:07"),
        datetime.fromisoformat("2026-10-25T03:30:07"),
    ]
    assert wall_axis(BEGAN, NOW, NEW_YORK)[1] == ""
    assert wall_axis(NOW, NOW + timedelta(days=20), NEW_YORK)[1] == "axis at UTC-04:00 throughout"


@pytest.mark.parametrize(
    ("column", "key"), [("Asia/Tokyo", "Asia/Tokyo"), (None, "UTC"), ("<img src=x>", "UTC"), ("../UTC", "UTC")]
)
def test_a_table_is_told_in_the_zone_it_names_itself(column: str | None, key: str) -> None:
    pandas = pytest.importorskip("pandas")
    row = {"started_at": datetime(2026, 6, 1, 0, 30), "dow": 0, "hour": 9, "day": "2026-06-01", "tz": column}  # noqa: DTZ001
    figure = figures.week(pandas.DataFrame([row]))
    assert f"times in {key}" in figure.layout.title.text
    if column == "Asia/Tokyo":
        assert "2026-06-01 09:30 to" in figure.layout.title.text
    del row["tz"]
    assert "times in Asia/Tokyo" in figures.week(pandas.DataFrame([row]), tz="Asia/Tokyo").layout.title.text
    with pytest.raises(AnalysisError, match="not a time zone"):
        figures.week(pandas.DataFrame([row]), tz="Tokyo")


# ---- one way to write a time ----

WRITERS = {"strftime", "isoformat", "ctime", "gmtime", "localtime", "asctime", "utcfromtimestamp"}
DATA = {
    "analysis/calls.py": 1,
    "analysis/planning/unusual.py": 2,
    "analysis/questions/busy.py": 3,
    "analysis/questions/handling.py": 2,
    "client/records.py": 2,
    "journal/retention.py": 1,
    "phone/phone.py": 1,
}
"""Where a date is written as a value of a table or a request, or in the name of a file, not as a time of day."""


def writes(node: ast.AST) -> bool:
    """Whether code makes text of a time, or asks for the kernel's zone, past `pbxnb.zones`."""
    if isinstance(node, ast.FormattedValue):
        return node.format_spec is not None and re.search(r"%[-:]?[a-zA-Z]", ast.unparse(node.format_spec)) is not None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    name = node.func.attr
    naive = name in ("now", "fromtimestamp") and ast.unparse(node.func.value) == "datetime"
    return (
        name in WRITERS or (name == "astimezone" and not node.args) or (naive and len(node.args) < 1 + (name != "now"))
    )


def test_only_one_module_writes_times() -> None:
    found = {
        str(path.relative_to(PACKAGE)): count
        for path in PACKAGE.rglob("*.py")
        if (count := sum(map(writes, ast.walk(ast.parse(path.read_text("utf-8"))))))
    }
    assert found.pop("zones.py") == 3
    assert found == DATA


def test_the_rule_finds_what_it_forbids() -> None:
    for code in ("f'{t:%H:%M}'", "t.isoformat()", "t.astimezone()", "datetime.now()", "time.strftime('%H')"):
        assert any(map(writes, ast.walk(ast.parse(code)))), code
    for code in ("f'{share:.1%}'", "f'{name:>8}'", "t.astimezone(zone)", "datetime.now(UTC)"):
        assert not any(map(writes, ast.walk(ast.parse(code)))), code


def test_pages_write_no_times_and_only_their_base_knows_the_browser_s_zone() -> None:
    wild = re.compile(
        r"toLocale|toISO|toUTC|toTime|toDateS|new Date\b|DateTimeFormat|get(UTC)?(Hours|Minutes|Date|Timezone)"
    )
    found = {path.name: len(wild.findall(path.read_text("utf-8"))) for path in PACKAGE.rglob("*.js")}
    assert {name: count for name, count in found.items() if count} == {"base.js": 3}

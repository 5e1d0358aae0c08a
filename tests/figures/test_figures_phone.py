"""Pictures of a call of a phone: a stand-in whose moments and seconds are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pbxnb import figures
from pbxnb.errors import AnalysisError, MissingColumn
from pbxnb.figures.phone_call import spells
from pbxnb.media.wire import Quality as Counted
from pbxnb.phone.leg import Leg, MediaState, Signalling, Step
from pbxnb.phone.moments import Moments
from pbxnb.phone.quality import Quality
from pbxnb.protocol import messages as m
from pbxnb.protocol.parties import Party
from tests.phone.test_phone_leg import CANDIDATE, sdp
from tests.protocol.test_protocol_sdp import BROWSER

from .test_figures_session import Session, there

BEGIN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class PhoneCall:
    """A call of 30 s since version 69: rings 2 s, talks, loses much from second 10 to 15, has no figures 20 to 24."""

    tz = ZoneInfo("UTC")
    domain = "acme.example"

    def __init__(self, codec: str = "PCMU", name: str = "Jo", *, ended: bool = True, begin: datetime = BEGIN) -> None:
        self.party, self.call = Party("207", name), None
        self.quality, self._now = Quality(codec), begin
        self._leg = Leg(Signalling.MODERN, to="207", callid="5b20@kit")
        self._moments = Moments(lambda: self._now)
        self._run(self._leg.dial())
        self._moments.described(BROWSER)
        self._run(self._leg.described(BROWSER))
        self._told(sdp(183, "99@pbx"))
        self._run(self._leg.described(BROWSER))
        self._told(CANDIDATE)
        self._run(self._leg.sounds(MediaState.CHECKING))
        self._now += timedelta(seconds=2)
        self._told(sdp(200, "99@pbx", ""))
        self._run(self._leg.sounds(MediaState.FLOWING))
        received = lost = 0
        for second in range(28):
            self._now += timedelta(seconds=1)
            bad = 10 if 10 <= second < 15 else 0
            received, lost = received + 50 - bad, lost + bad
            if not 20 <= second < 24:
                self.quality.add(
                    Counted(
                        sent=50 * second, received=received, lost=lost, late=0, jitter=0.004, delay=0.06,
                        round_trip=0.03, level_in=-20.0, level_out=-30.0,
                    ),
                    self._now,
                )  # fmt: skip
        if ended:
            self._told(m.Bye(callid="99@pbx"))

    @property
    def moments(self) -> Any:
        return self._moments()

    def _run(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self._moments.step(step)
        self._moments.follow(self._leg)

    def _told(self, message: m.Message) -> None:
        self._moments.message(message)
        self._run(self._leg.told(message))


def test_the_quality_of_a_call_is_told_as_it_was() -> None:
    text = figures.describe(figures.call_quality(PhoneCall()))
    assert text.startswith("The call with 207 from 2026-03-02 09:30:00, times in UTC. States: dialling 0.0 s")
    assert "early 2.0 s, connecting 0.0 s, talking 28.0 s, ended (hung up there). " in text
    assert "Sound: gathering 0.0 s, checking 2.0 s, flowing 28.0 s. " in text
    assert "Jitter 4 ms in the middle, 4 ms at most. Round trip 30 ms in the middle, 30 ms at most. 3.6% lost. " in text
    assert "MOS 4.4 in the middle, 2.6 at worst. " in text
    assert "No figures for 5 s from 09:30:22. " in text
    assert "Warning of mos from 09:30:15 to 09:30:22. " in text
    assert "Warning of loss from 09:30:14 " in text


def test_all_rows_share_one_axis_of_time() -> None:
    call = PhoneCall()
    figure = figures.call_quality(call)
    assert {trace.xaxis for trace in figure.data} == {None}
    assert {trace.yaxis for trace in figure.data} == {None, "y2", "y3", "y4", "y5", "y6"}
    domains = [figure.layout[f"yaxis{number}"].domain for number in ("", 2, 3, 4, 5, 6)]
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))
    levels = {trace.name: trace for trace in figure.data if trace.name in ("heard", "said")}
    assert [y for y in levels["heard"].y if y is not None] == [-20.0] * 24
    assert levels["heard"].y.count(None) == 1  # the hole breaks the curve
    bars = {trace.y[0]: [] for trace in figure.data if trace.orientation == "h"}  # type: ignore[var-annotated]
    for trace in figure.data:
        if trace.orientation == "h":
            bars[trace.y[0]].append(trace.text)
    assert bars == {"sound": ["checking", "flowing"], "leg": ["early", "talking"]}


def test_a_call_that_goes_on_has_no_end_and_one_without_figures_says_so() -> None:
    assert "talking, goes on. Sound: gathering" in figures.describe(figures.call_quality(PhoneCall(ended=False)))
    bare = PhoneCall()
    bare.quality = Quality()
    assert "No second of it has figures." in figures.describe(figures.call_quality(bare))


@pytest.mark.parametrize(("codec", "estimated"), [("PCMU", False), ("opus", True)])
def test_an_estimate_is_called_one(codec: str, estimated: bool) -> None:
    assert ("an estimate" in figures.describe(figures.call_quality(PhoneCall(codec)))) is estimated


def test_a_zone_is_that_of_the_call_unless_another_is_given() -> None:
    figure = figures.call_quality(PhoneCall(), tz="Europe/Berlin")
    assert "10:30:00, times in Europe/Berlin" in figure.layout.title.text
    with pytest.raises(AnalysisError, match="Mars"):
        figures.call_quality(PhoneCall(), tz="Mars/Olympus")


def test_a_strangers_name_is_no_markup() -> None:
    call = PhoneCall(name="<b>x</b><img src=x onerror=alert(1)>")
    call.party = Party("", call.party.name)
    for figure in (figures.call_quality(call), figures.ladder(call)):
        assert "<img" not in str(figure.to_json())
        assert "<b>x" not in str(figure.to_json())


def test_what_is_no_call_of_a_phone_is_refused() -> None:
    with pytest.raises(AnalysisError, match="no call of a phone"):
        figures.call_quality("7022")  # type: ignore[arg-type]
    empty = SimpleNamespace(moments=(), quality=Quality(), party=Party("1"), call=None)
    with pytest.raises(AnalysisError, match="no moments of this call"):
        figures.call_quality(empty)
    with pytest.raises(AnalysisError, match="no frames"):
        figures.ladder(empty)


def test_of_a_call_that_is_a_table_its_seconds_are_drawn_as_they_were() -> None:
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    call = PhoneCall()
    whole = figures.describe(figures.call_quality(call))
    rows = [{**row, "callid": "1", "party": "207"} for row in call.quality.records()]
    for table in (pd.DataFrame(rows), pa.Table.from_pylist(rows)):
        text = figures.describe(figures.call_quality(table))
        assert text.startswith("The call with 207 from 2026-03-02 09:30:03, times in UTC. States: none. Sound: none. ")
        assert text.partition("Jitter")[2] == whole.partition("Jitter")[2]
    assert "3.6% lost" in figures.describe(figures.call_quality(call.quality.df))
    two = pd.DataFrame([*rows, {**rows[0], "callid": "2"}])
    with pytest.raises(AnalysisError, match="several calls"):
        figures.call_quality(two)
    with pytest.raises(MissingColumn, match="no column 'jitter'"):
        figures.call_quality(pd.DataFrame(rows).drop(columns="jitter"))


def test_the_ladder_of_a_call_shows_how_its_media_were_set_up_and_no_secret() -> None:
    figure = figures.ladder(PhoneCall())
    text = figures.describe(figure)
    wanted = [
        "notebook -> media: make an offer",
        "media -> notebook: described: opus",
        "notebook -> PBX: sdp-packet callid 5b20@kit, to 207",
        "PBX -> notebook: sdp 183 opus",
        "notebook -> media: answer the offer",
        "notebook -> PBX: sdp-200ok",
        "PBX -> notebook: candidate 192.0.2.1:40000",
        "notebook -> media: take 1 address",
        "media -> notebook: addresses are tried (ICE)",
        "media -> notebook: the first packets of sound",
        "PBX -> notebook: bye",
    ]
    places = [text.index(each) for each in wanted]
    assert places == sorted(places)
    secrets = [line.partition(":")[2] for line in BROWSER.splitlines() if "ice-" in line or "fingerprint" in line]
    assert not [secret for secret in secrets if secret in str(figure.to_json())]


def test_the_life_of_a_call_has_the_sound_of_its_phone() -> None:
    session: Any = Session()
    call = PhoneCall(begin=there(8))
    call.call = session.records[0].call
    figure = figures.call_life(session, call)
    assert "sound of the phone: gathering 0 s, checking 2 s, flowing 28 s." in figures.describe(figure)
    assert figure.layout.yaxis.categoryarray[0] == "sound of the phone"
    assert "sound of the phone" not in figures.describe(figures.call_life(session, call.call))
    call.call = None
    with pytest.raises(AnalysisError, match="no call '207' in it"):
        figures.call_life(session, call)


def test_a_sound_ends_with_its_call() -> None:
    assert spells(PhoneCall().moments, "sound")[-1].end == BEGIN + timedelta(seconds=30)
    assert spells(PhoneCall(ended=False).moments, "sound")[-1].end is None

"""The simulated load agrees with its parameters: distributions, days, and the queueing formulas it must obey.

Everything runs in virtual time without a socket and with fixed seeds, so a figure either agrees for ever or never does.
Tolerances are three standard errors of the quantity measured, by theory or by batch means.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from random import Random
from statistics import fmean, pvariance

import msgspec
import pytest

from pbxnb.errors import ConfigError
from pbxnb.simulator.distributions import (
    Distribution,
    Lognormal,
    Mixture,
    Profile,
    Survival,
    Uniform,
    day_level,
)
from pbxnb.simulator.engine.accounts import SimOrbit
from pbxnb.simulator.engine.calls import Cause, ChangeKind, SimCall, SimCallRecord, SimChange
from pbxnb.simulator.engine.clock import SimClock
from pbxnb.simulator.engine.pbx import SimPbx
from pbxnb.simulator.presets import (
    BANK_DAY,
    BANK_PATIENCE,
    BANK_TALK,
    OFFICE_DAY,
    PRESETS,
    Habits,
    Load,
    Preset,
    preset,
)
from pbxnb.simulator.traffic import Traffic


class Constant(msgspec.Struct, frozen=True):
    mean: float

    def sample(self, rng: Random) -> float:
        return self.mean


class Exponential(msgspec.Struct, frozen=True):
    mean: float

    def sample(self, rng: Random) -> float:
        return rng.expovariate(1 / self.mean)


def busy_hour_share(day: Profile) -> float:
    return max(day.hours) / sum(day.hours)


MIDNIGHT = 1_790_035_200.0  # 2026-09-22 00:00 UTC, a Tuesday
HOUR = 3600.0
PLAIN = Habits(ring=Constant(0), unanswered=0, held=0, transferred=0, parked=0, recorded=0)
NO_DAY = {"profile": Profile.flat(), "day_spread": 0.0}


# -- the formulas (Erlang 1917; Palm) ----------------------------------------------------------------------------------


def erlang_b(load: float, lines: int) -> float:
    """Share of calls refused by ``lines`` lines offered ``load`` erlang."""
    blocked = 1.0
    for n in range(1, lines + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(load: float, agents: int) -> float:
    """Share of callers who wait for one of ``agents`` agents offered ``load`` erlang."""
    blocked = erlang_b(load, agents)
    return blocked / (1 - load / agents * (1 - blocked))


def erlang_a(per_second: float, talk: float, patience: float, agents: int) -> tuple[float, float, float]:
    """Share who wait, mean wait of all, share who leave; by summing the birth-and-death chain."""
    weights = [1.0]
    while weights[-1] > 1e-15 * sum(weights) or len(weights) <= agents:
        n = len(weights)
        weights.append(weights[-1] * per_second / (min(n, agents) / talk + max(0, n - agents) / patience))
    total = sum(weights)
    waiting = sum((n - agents) * w for n, w in enumerate(weights) if n > agents) / total
    return sum(weights[agents:]) / total, waiting / per_second, waiting / patience / per_second


def test_the_formulas_give_the_published_values() -> None:
    assert erlang_b(5, 10) == pytest.approx(0.0184, abs=5e-5)
    assert erlang_b(8.33, 15) == pytest.approx(0.0120, abs=5e-5)
    assert erlang_c(10, 14) == pytest.approx(0.1741319, abs=1e-6)
    waits, mean, lost = erlang_a(120 / HOUR, 183, 390, 8)
    assert (waits, mean, lost) == (
        pytest.approx(0.303, abs=5e-4),
        pytest.approx(15.2, abs=0.05),
        pytest.approx(0.039, abs=5e-4),
    )


# -- distributions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "distribution",
    [
        Constant(3),
        Uniform(20, 30),
        Exponential(180),
        Lognormal(4.795, 0.926),
        Lognormal.of(180, 0.926),
        Lognormal(1.0, 0.5, shift=4),
        BANK_TALK,
        BANK_PATIENCE,
    ],
    ids=repr,
)
def test_the_mean_of_the_draws_is_the_mean(distribution: Distribution) -> None:
    rng = Random(7)
    draws = [distribution.sample(rng) for _ in range(40_000)]
    error = math.sqrt(pvariance(draws) / len(draws))
    assert fmean(draws) == pytest.approx(distribution.mean, abs=3 * error + 1e-9)
    assert min(draws) >= 0


def test_bank_talk_has_its_spike_of_short_calls_and_its_median() -> None:
    rng = Random(1)
    draws = sorted(BANK_TALK.sample(rng) for _ in range(40_000))
    assert sum(d < 10 for d in draws) / len(draws) == pytest.approx(0.045 + 0.955 * 0.0036, abs=0.003)
    assert draws[len(draws) // 2] == pytest.approx(115, rel=0.03)


def test_bank_patience_follows_the_kaplan_meier_points() -> None:
    assert [round(BANK_PATIENCE.share(t), 6) for t in (0, 60, 120, 300, 330)] == [1, 0.84, 0.73, 0.53, 0.5]
    rng = Random(3)
    draws = [BANK_PATIENCE.sample(rng) for _ in range(40_000)]
    for seconds in (30, 60, 120, 300, 600):
        assert sum(d > seconds for d in draws) / 40_000 == pytest.approx(BANK_PATIENCE.share(seconds), abs=0.0075)


@pytest.mark.parametrize("points", [(), ((0, 1),), ((60, 0.5), (50, 0.4)), ((60, 0.5), (70, 0.6)), ((60, 0),)])
def test_a_survival_curve_that_does_not_fall_is_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ConfigError, match="survival curve"):
        Survival(points)


def test_a_mixture_weighs_its_parts() -> None:
    mixture = Mixture(((1, Constant(0)), (3, Constant(100))))
    rng = Random(1)
    assert mixture.mean == 75
    assert fmean(mixture.sample(rng) for _ in range(10_000)) == pytest.approx(75, abs=1.3)


def test_the_days_have_the_busy_hours_they_should() -> None:
    assert busy_hour_share(BANK_DAY) == pytest.approx(0.088, abs=0.001)
    assert busy_hour_share(OFFICE_DAY) == pytest.approx(0.15, abs=0.001)
    with pytest.raises(ConfigError, match="24 levels"):
        Profile((1.0,) * 23)


def test_a_silent_profile_hour_is_stepped_over() -> None:
    only_noon = Profile(tuple(float(hour == 12) for hour in range(24)))
    assert 12 * HOUR <= only_noon.wait(Random(1), 0.0, 1000) < 13 * HOUR
    assert only_noon.wait(Random(1), 0.0, 0) == math.inf


def test_days_differ_as_the_gamma_mixing_says() -> None:
    rng = Random(5)
    levels = [day_level(rng, 0.24) for _ in range(20_000)]
    assert fmean(levels) == pytest.approx(1, abs=0.006)
    assert math.sqrt(pvariance(levels)) == pytest.approx(0.24, abs=0.006)
    assert day_level(rng, 0) == 1


# -- the PBX under load ------------------------------------------------------------------------------------------------


class Day:
    """A PBX with a load, observed: every finished call's record, whatever the length of the PBX's own history."""

    def __init__(
        self, load: Preset, *, extensions: int = 0, start: float = MIDNIGHT, seed: int = 1, user: str = ""
    ) -> None:
        self.clock = SimClock(start)
        count = extensions or load.extensions
        self.pbx = SimPbx(clock=self.clock, seed=seed, channels=load.trunks or count + 10)
        numbers = [str(200 + n) for n in range(count)]
        for number in numbers:
            self.pbx.directory.add_extension(number)
        for orbit in ("9901", "9902", "9903"):
            self.pbx.directory.add(SimOrbit(orbit, orbit))
        if load.agents:
            self.pbx.directory.add_queue(
                "9910", "Service", numbers[: load.agents], ring_for=60, wrap_up=load.habits.wrap_up
            )
        self.records: list[SimCallRecord] = []
        self.changes: list[tuple[float, SimChange]] = []
        self.pbx.changed.add(self._note)
        self.traffic = Traffic(self.pbx, load, seed=seed, user=user)
        self.traffic.start()

    def _note(self, change: SimChange) -> None:
        self.changes.append((self.clock.now, change))
        if change.record is not None:
            self.records.append(change.record)

    def hours(self, hours: float) -> Day:
        self.clock.advance(hours * HOUR)
        return self

    def script(self) -> list[tuple[object, ...]]:
        """What happened, comparable: time, kind, accounts and, for an end, its record."""
        return [(at, c.kind, c.accounts, c.record) for at, c in self.changes]


def simple(load: Load, **fields: object) -> Preset:
    return Preset(name="test", text="", load=load, **{**NO_DAY, **fields})  # type: ignore[arg-type]


def by_batches(day: Day, value: Callable[[SimCallRecord], float], batches: int = 20) -> tuple[float, float]:
    """Mean of a value over all calls and its standard error, by batch means: neighbouring waits resemble each other."""
    length = (day.clock.now - MIDNIGHT) / batches
    parts: dict[int, list[float]] = defaultdict(list)
    for record in day.records:
        parts[int((record.started - MIDNIGHT) // length)].append(value(record))
    means = [fmean(part) for part in parts.values()]
    return fmean(means), math.sqrt(pvariance(means) / (batches - 1))


def agree(measured: tuple[float, float], expected: float, *, resolution: float) -> None:
    """Three standard errors hold the expected value, and they are small enough to say something."""
    mean, error = measured
    assert error <= resolution
    assert mean == pytest.approx(expected, abs=3 * error)


@pytest.mark.parametrize("talk", [Exponential(180), Lognormal.of(180, 0.926)], ids=["exponential", "lognormal"])
def test_blocking_agrees_with_erlang_b_whatever_the_shape_of_talk(talk: Distribution) -> None:
    """10 erlang on 13 trunks: 8.4 % of 20,000 calls refused."""
    habits = msgspec.structs.replace(PLAIN, talk=talk)
    load = Load(inbound=200, per_extension=False)
    day = Day(simple(load, habits=habits, trunks=13), extensions=2000).hours(100)
    refused = by_batches(day, lambda r: r.cause is Cause.NO_CHANNEL)
    agree(refused, erlang_b(10, 13), resolution=0.005)


def queueing(patience: Distribution, hours: float) -> Day:
    """120 calls an hour of 183 s on 8 agents: the check values of telephony.md 2."""
    habits = msgspec.structs.replace(PLAIN, talk=Exponential(183), patience=patience)
    load = Load(queued=120, per_extension=False)
    return Day(simple(load, habits=habits, agents=8, extensions=8, trunks=5000)).hours(hours)


def test_waiting_agrees_with_erlang_c_when_nobody_gives_up() -> None:
    """0.381 of 36,000 callers wait, 36.7 s on average."""
    day = queueing(Constant(1e9), 300)
    load = 120 * 183 / HOUR
    agree(by_batches(day, lambda r: r.wait > 0), erlang_c(load, 8), resolution=0.02)
    agree(by_batches(day, lambda r: r.wait), erlang_c(load, 8) * 183 / (8 - load), resolution=5)


def test_waiting_and_giving_up_agree_with_erlang_a() -> None:
    """0.303 of 30,000 callers wait, 15.2 s on average, 3.9 % leave."""
    day = queueing(Exponential(390), 250)
    share, mean, lost = erlang_a(120 / HOUR, 183, 390, 8)
    agree(by_batches(day, lambda r: r.wait > 0), share, resolution=0.015)
    agree(by_batches(day, lambda r: r.wait), mean, resolution=1.2)
    agree(by_batches(day, lambda r: r.cause is Cause.CANCELLED), lost, resolution=0.003)


def test_a_moderate_office_has_the_calls_it_should_and_littles_law_holds() -> None:
    """50 extensions: 75 calls in a busy hour of ring and talk: over 200 such hours within 3 standard errors."""
    load = Load(internal=0.5, outbound=0.5, inbound=0.5)
    day = Day(simple(load, habits=Habits(unanswered=0, held=0.2, transferred=0, parked=0)), extensions=50).hours(200)
    offered = sum(day.traffic.offered.values())
    assert offered == pytest.approx(75 * 200, abs=3 * math.sqrt(75 * 200))
    spoken = [r.talk + r.hold for r in day.records if r.talked and r.called.extension]
    assert fmean(spoken) == pytest.approx(180, rel=0.05)  # 10,000 lognormal draws, sd about 210 s

    at_once, started = Counter[str](), {}
    area = 0.0
    for at, change in day.changes:
        if change.call is None:
            continue
        if change.kind is ChangeKind.CALL_NEW:
            started[change.call.id] = at
        elif change.kind is ChangeKind.CALL_ENDED:
            area += at - started[change.call.id]
            at_once["ended"] += 1
    seconds = [r.ended - r.started for r in day.records if r.cause is not Cause.NO_CHANNEL]
    assert area / (200 * HOUR) == pytest.approx(at_once["ended"] / (200 * HOUR) * fmean(seconds), rel=1e-6)
    assert area / (200 * HOUR) == pytest.approx(75 / HOUR * (180 + 8.4), rel=0.08)


def test_arrivals_follow_the_hours_of_the_day_and_are_locally_poisson() -> None:
    quick = Habits(ring=Constant(0), talk=Constant(10), menu=Constant(1), held=0, recorded=0)
    day = Day(preset("callcentre").but(day_spread=0.0, habits=quick), start=MIDNIGHT).hours(24 * 10)
    starts = sorted(r.started for r in day.records)
    by_hour = Counter(int((s - MIDNIGHT) % 86_400 // HOUR) for s in starts)
    for hour in range(24):
        expected = 10 * 123 * BANK_DAY.hours[hour]
        assert by_hour[hour] == pytest.approx(expected, abs=4 * math.sqrt(expected) + 0.5)
    gaps = [b - a for a, b in pairwise(s for s in starts if 10 <= (s - MIDNIGHT) % 86_400 / HOUR < 11) if b - a < HOUR]
    assert math.sqrt(pvariance(gaps)) / fmean(gaps) == pytest.approx(1, abs=0.08)


def test_days_of_a_call_centre_vary_more_than_poisson() -> None:
    quick = Habits(ring=Constant(0), talk=Constant(10), menu=Constant(1), held=0, recorded=0)
    load = Load(queued=30, per_extension=False)
    day = Day(preset("callcentre").but(habits=quick, load=load), start=MIDNIGHT).hours(24 * 60)
    per_day = Counter(int((r.started - MIDNIGHT) // 86_400) for r in day.records)
    counts = [per_day[d] for d in range(60)]
    assert fmean(counts) == pytest.approx(30 / busy_hour_share(BANK_DAY), rel=0.1)
    assert math.sqrt(pvariance(counts)) / fmean(counts) == pytest.approx(0.24, abs=0.07)


def test_agents_of_a_call_centre_rest_now_and_then_and_never_too_many_at_once() -> None:
    day = Day(preset("callcentre"), start=MIDNIGHT)
    queue = day.pbx.queues[0]
    most = [0]
    day.pbx.changed.add(lambda change: most.append(sum(agent.paused for agent in queue.agents.values())))
    day.hours(24)
    breaks = [each for agent in queue.agents.values() for each in agent.breaks]
    assert 15 <= len(breaks) <= 60
    assert all(300 <= each.end - each.begin <= 900 and each.reason for each in breaks)
    assert max(most) == 2


def test_the_profile_follows_the_clock_on_the_wall() -> None:
    """22:00 UTC on a PBX two hours ahead is midnight: the bank is closed there."""
    clock = SimClock(MIDNIGHT - 2 * HOUR)
    pbx = SimPbx(clock=clock)
    pbx.directory.add_extension("200")
    pbx.directory.add_queue("910", "Service", ["200"])
    traffic = Traffic(pbx, preset("callcentre"), utc_offset=2 * HOUR)
    traffic.start()
    clock.advance(6.9 * HOUR)
    assert not traffic.offered
    clock.advance(2 * HOUR)
    assert traffic.offered["queued"] > 10


# -- presets, people, determinism --------------------------------------------------------------------------------------


@pytest.fixture(params=sorted(PRESETS))
def each_preset(request: pytest.FixtureRequest) -> Preset:
    return PRESETS[request.param]


def test_every_preset_runs_and_the_same_seed_makes_the_same_history(each_preset: Preset) -> None:
    half_an_hour = 0.5 if each_preset.extensions < 100 else 0.01
    one, two, other = (
        Day(each_preset, start=MIDNIGHT + 9.5 * HOUR, seed=seed).hours(half_an_hour) for seed in (4, 4, 5)
    )
    assert one.script() == two.script()
    if each_preset.people:
        assert one.script() != other.script()
        assert one.records
    else:
        assert not one.changes


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no preset 'ofice'; did you mean 'office'"):
        preset("ofice")


def test_storm_grows_with_the_pbx_to_a_thousand_messages_a_second() -> None:
    """Messages: a list for each change of a call, an update for each account it shows at and each presence change."""

    def per_second(extensions: int, seconds: float) -> tuple[float, float]:
        day = Day(preset("storm"), extensions=extensions)
        day.clock.advance(10)
        del day.changes[:]
        day.clock.advance(seconds)
        calls = sum(c.kind is ChangeKind.CALL_NEW for _, c in day.changes)
        messages = sum(
            len(c.accounts) + (c.call is not None and c.kind is not ChangeKind.MISSED) for _, c in day.changes
        )
        return calls / seconds, messages / seconds

    calls, messages = per_second(1000, 60)
    assert calls == pytest.approx(5, abs=0.9)
    assert 180 <= messages <= 260
    _, messages = per_second(5000, 10)
    assert 950 <= messages <= 1250


def test_stopped_traffic_lets_calls_end_and_leaves_nothing_behind() -> None:
    day = Day(preset("classroom"))
    day.clock.advance(600)
    assert day.pbx.calls
    day.traffic.stop()
    assert not day.traffic.running
    offered = day.traffic.offered.total()
    day.clock.advance(2 * HOUR)
    assert day.traffic.offered.total() == offered
    assert not day.pbx.calls
    assert day.pbx.switch.channels_used == 0
    assert day.clock.next_due is None


def test_a_share_of_the_traffic() -> None:
    load = Load(internal=600, per_extension=False)
    day = Day(simple(load, habits=PLAIN), extensions=100)
    day.traffic.share = 0.5
    day.hours(10)
    assert day.traffic.offered["internal"] == pytest.approx(3000, abs=170)


def test_classroom_shows_everything_within_a_quarter_of_an_hour() -> None:
    day = Day(preset("classroom"))
    seen: set[str] = set()

    def note(change: SimChange) -> None:
        if isinstance(change.call, SimCall):
            seen.add(str(change.call.phase))
            if change.call.recording:
                seen.add("recording")

    day.pbx.changed.add(note)
    day.clock.advance(900)
    assert {"ringing", "connected", "held", "parked", "queued", "voicemail", "recording", "ended"} <= seen


def test_the_user_is_called_but_never_acts() -> None:
    day = Day(simple(Load()), extensions=3, user="200")
    call = day.pbx.dial("201", "200")
    day.clock.advance(19)
    assert day.pbx.calls[call].phase == "ringing"
    assert day.pbx.answer(call, "200")
    day.hours(3)
    assert call not in day.pbx.calls  # the other one hung up
    assert day.records[-1].ended_by == "201"


def test_reserved_numbers_are_left_to_the_script() -> None:
    day = Day(simple(Load(internal=3600, per_extension=False)), extensions=6)
    day.clock.advance(0.001)
    release = day.traffic.users.reserve("200", "201")
    call = day.pbx.dial("200", "201")
    day.clock.advance(15)
    assert day.pbx.calls[call].phase == "ringing"
    day.pbx.answer(call)
    day.hours(5)
    assert day.pbx.calls[call].phase == "connected"
    assert not [r for r in day.records if {r.caller.number, r.called.number} & {"200", "201"}]
    release()
    release()
    assert day.traffic.users.acts("200")


def test_a_talking_person_does_not_pick_up_a_second_call() -> None:
    day = Day(simple(Load(), habits=Habits(talk=Constant(500), ring=Constant(3), unanswered=0, held=0)), extensions=3)
    day.pbx.dial("201", "200")
    day.clock.advance(5)
    second = day.pbx.dial("202", "200")
    day.clock.advance(19)
    assert day.pbx.calls[second].phase == "ringing"
    day.clock.advance(2)
    assert day.pbx.calls[second].phase == "voicemail"

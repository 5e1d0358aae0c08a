"""The PBX's clock: what readings say of it, and that every time of the model is on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.model.changes import Event
from pbxnb.model.clock import Clock
from pbxnb.model.entities import Conversation, Orbit
from pbxnb.model.store import Scope, Store
from pbxnb.protocol.decode import account_entry, call_entry, decode
from tests.model.model_kit import START, T0, at, call
from tests.model.test_model_reference import INSIDE, histories

OFFSETS = (2.0, -2.0, 300.0, -300.0, -34_000.0)
YEARS = 50 * 365 * 86_400.0


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def cut(moment: datetime) -> datetime:
    """As a ``Date`` header shows it."""
    return moment.replace(microsecond=0)


class TestReadings:
    def test_a_clock_that_was_never_read_shows_kernel_time_and_says_that_it_knows_nothing(self):
        clock = Clock()
        assert (clock.at(T0), clock.offset, clock.known, clock.uncertainty) == (T0, 0.0, False, float("inf"))

    def test_an_offset_that_is_given_is_exact_and_no_reading_changes_it(self):
        clock = Clock(300.0)
        clock.read_date(T0, T0, T0)
        clock.read_start(T0 + seconds(9000), T0)
        assert (clock.at(T0), clock.uncertainty, clock.known) == (T0 + seconds(300), 0.0, True)

    def test_a_date_is_right_within_a_second(self):
        clock = Clock()
        clock.read_date(T0 + seconds(300), T0, T0)
        assert (clock.offset, clock.uncertainty) == (300.5, 0.5)

    def test_what_the_request_took_makes_it_less_certain(self):
        clock = Clock()
        clock.read_date(T0 + seconds(300), T0, T0 + seconds(2))
        assert (clock.offset, clock.uncertainty) == (299.5, 1.5)

    def test_two_dates_are_better_than_one(self):
        clock = Clock()
        clock.read_date(T0 + seconds(300), T0, T0)  # 300 to 301
        clock.read_date(T0 + seconds(300), T0 + seconds(0.6), T0 + seconds(0.6))  # 299.4 to 300.4
        assert clock.offset == pytest.approx(300.2, abs=0.001)
        assert clock.uncertainty == pytest.approx(0.2, abs=0.001)

    def test_the_start_of_a_call_sharpens_it(self):
        clock = Clock()
        clock.read_date(T0 + seconds(300), T0, T0)
        clock.read_start(T0 + seconds(300.7), T0 + seconds(0.005))  # the frame took 5 ms
        assert clock.offset == pytest.approx(300.695)
        clock.read_date(T0 + seconds(301), T0 + seconds(0.9), T0 + seconds(0.9))  # and a Date leaves it where it is
        assert clock.offset == pytest.approx(300.695)
        assert clock.uncertainty < 0.5

    def test_a_call_that_is_shown_late_says_nothing(self):
        clock = Clock()
        clock.read_date(T0 + seconds(300), T0, T0)
        before = clock.offset
        clock.read_start(T0 + seconds(200), T0)
        assert clock.offset == before

    def test_a_start_alone_says_nothing(self):
        clock = Clock()
        clock.read_start(T0 + seconds(300), T0)
        assert not clock.known

    def test_a_clock_that_was_set_is_read_anew(self):
        clock = Clock()
        clock.read_date(T0, T0, T0)
        clock.read_date(T0 - seconds(34_000), T0, T0)
        assert clock.offset == -33_999.5
        clock.read_start(T0 + seconds(60), T0)  # set forward, and no Date since
        assert (clock.offset, clock.uncertainty) == (60.0, 1.0)
        clock.read_date(T0 - seconds(5), T0, T0)
        assert (clock.offset, clock.uncertainty) == (-4.5, 0.5)

    def test_a_kernel_clock_that_is_set_back_during_a_request_says_nothing(self):
        clock = Clock()
        clock.read_date(T0, T0, T0 - seconds(3600))
        assert not clock.known

    @pytest.mark.parametrize("year", [1, 1969, 9000, 9999])
    def test_a_date_that_no_clock_shows_makes_it_unknown(self, year: int):
        clock = Clock()
        clock.read_date(T0 + seconds(300), T0, T0)
        clock.read_date(datetime(year, 6, 1, tzinfo=UTC), T0, T0)
        assert (clock.known, clock.at(T0)) == (False, T0)

    @pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
    @pytest.mark.parametrize("offset", [YEARS, -YEARS])
    def test_a_moment_at_the_end_of_time_is_no_exception(self, moment: datetime, offset: float):
        assert Clock(offset).at(moment).tzinfo is UTC

    @pytest.mark.parametrize("ahead", [1.7, 60.0, 34_000.0, -1.7, -60.0])
    def test_a_proxy_that_writes_its_own_date_does_not_make_the_clock_jump(self, ahead: float, caplog):
        clock, jumps = Clock(), 0
        for minute in range(600):
            now = T0 + seconds(60 * minute + minute % 7 / 7)
            before = clock.offset
            if minute % 3:
                clock.read_start(now + seconds(ahead - 0.005), now)
            else:
                clock.read_date(cut(now), now, now)
            jumps += abs(clock.offset - before) > 1
        assert jumps <= 3
        assert clock.offset == pytest.approx(max(ahead, 0.0), abs=1.0)
        assert clock.uncertainty < 2
        assert len(caplog.records) == (ahead > 0)

    def test_a_proxy_whose_clock_is_set_right_is_believed_again(self):
        clock = Clock()
        for now in (T0, T0 + seconds(10)):
            clock.read_date(now, now, now)
            clock.read_start(now + seconds(60), now)
        clock.read_date(T0 + seconds(20), T0 + seconds(20), T0 + seconds(20))
        assert clock.offset == 60.0
        clock.read_date(T0 + seconds(80), T0 + seconds(20), T0 + seconds(20))
        clock.read_date(T0 + seconds(7), T0 + seconds(21), T0 + seconds(21))
        assert clock.offset == -13.5

    def test_a_clock_that_is_set_forward_and_back_is_followed(self):
        clock = Clock()
        for now, offset in ((T0, 0.0), (T0 + seconds(10), 60.0), (T0 + seconds(20), 0.0), (T0 + seconds(30), 300.0)):
            clock.read_start(now + seconds(offset), now)
            clock.read_date(now + seconds(offset), now, now)
            assert clock.offset == pytest.approx(offset, abs=0.6)

    def test_a_clock_that_drifts_is_followed_without_a_jump(self):
        clock = Clock()
        offset = 300.2
        clock.read_date(cut(T0 + seconds(offset)), T0, T0)
        clock.read_start(T0 + seconds(offset), T0)
        for minute in range(1, 600):  # ten hours in which the PBX loses 100 ppm, read every minute
            now = T0 + seconds(60 * minute + minute % 7 / 7)
            offset -= 0.006
            before = clock.offset
            clock.read_date(cut(now + seconds(offset)), now, now)
            if minute % 20 == 0:
                clock.read_start(now + seconds(offset), now)
            assert abs(clock.offset - before) < 0.2
            assert abs(clock.offset - offset) < 0.2


@st.composite
def readings(draw: st.DrawFn) -> tuple[float, list[tuple[str, float, float, float]]]:
    """A true offset, and readings: kind, kernel time, seconds before the answer or frame, seconds after the request."""
    offset = draw(st.one_of(st.floats(-400, 400), st.floats(-YEARS, YEARS)))
    found = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["date", "start"]))
        found.append((kind, draw(st.floats(0, 600)), draw(st.floats(0, 0.5)), draw(st.floats(0, 0.5))))
    return offset, sorted(found, key=lambda reading: reading[1])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(readings())
def test_the_true_offset_is_within_the_uncertainty(case: tuple[float, list[tuple[str, float, float, float]]]):
    offset, found = case
    clock, best = Clock(), float("inf")
    for kind, when, late, early in found:
        now = at(when)
        if kind == "date":
            clock.read_date(cut(now + seconds(offset)), now - seconds(early), now + seconds(late))
        elif clock.known:
            clock.read_start(now + seconds(offset), now + seconds(late))
            if clock.offset == pytest.approx(offset - late, abs=1e-6):  # taken: not less than is known already
                best = min(best, late)
        if clock.known:
            error = abs(clock.offset - offset)
            assert error <= clock.uncertainty + 1e-5
            assert error <= best + 0.31  # a start is as good as its frame was quick; 0.3 s: 500 ppm of 600 s


# --- every time of the model is on the PBX's clock -------------------------------------------------------------------


def played(history: Any, offset: float) -> Store:
    """A session: the PBX's time is what the steps say, and the kernel's is ``offset`` seconds behind."""
    store = Store(user="204", clock=Clock(offset))
    now = 0.0
    for seq, ((kind, value), after) in enumerate(history, 1):
        now += after
        moment = at(now) - seconds(offset)
        if kind == "frame":
            store.apply(decode(json.dumps(value)), moment, seq=seq)
        elif kind == "resync":
            accounts = None if value[0] is None else [account_entry(a) for a in value[0]]
            calls = None if value[1] is None else [call_entry(c) for c in value[1]]
            store.resync(accounts, calls, moment, seq=seq)
        elif kind == "put":
            (store.put_orbit if isinstance(value, Orbit) else store.put_queue)(value, moment)
        elif kind == "scope":
            store.scope = Scope.OWN if value else Scope.DOMAIN
        else:
            store.tick(moment)
    return store


def on_its_clock(store: Store) -> Iterator[Any]:
    """All that the store says in PBX time; evidence, which is in kernel time, apart."""
    yield from store.accounts.values()
    yield from store.calls.values()
    yield from (msgspec.structs.replace(one, evidence=()) for one in store.conversations.values())
    yield from store.closed_calls()
    yield from store.presence()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(histories, st.sampled_from(OFFSETS))
def test_the_same_session_is_the_same_at_every_offset(history: Any, offset: float):
    one, other = played(history, 0.0), played(history, offset)
    assert list(on_its_clock(one)) == list(on_its_clock(other))
    for number in INSIDE:
        kernel = [evidence.received + seconds(offset) for evidence in other.explain(number)]
        assert kernel == [evidence.received for evidence in one.explain(number)]


class Kernel:
    """A session whose PBX stands ``offset`` seconds ahead of the kernel; steps are in PBX time, from `START` on."""

    def __init__(self, offset: float, clock: Clock | None = None) -> None:
        self.offset = offset
        self.store = Store(clock=Clock(offset) if clock is None else clock)
        self.events: list[Event] = []

    def there(self, after: float) -> datetime:
        """A moment on the PBX's clock."""
        return datetime.fromtimestamp(START + after, UTC)

    def here(self, after: float) -> datetime:
        """The same on the kernel's."""
        return self.there(after) - seconds(self.offset)

    def calls(self, after: float, *calls: dict[str, Any]) -> None:
        message = decode(json.dumps({"action": "call-state", "calls": calls}))
        self.events += self.store.apply(message, self.here(after)).events

    def read(self, after: float) -> None:
        """A REST answer with a ``Date``."""
        self.store.clock.read_date(cut(self.there(after)), self.here(after), self.here(after + 0.01))

    def talk(self) -> Conversation:
        return self.store.conversations["1"]


@pytest.mark.parametrize("offset", [0.0, *OFFSETS, YEARS])
def test_a_call_begins_changes_and_ends_when_the_pbx_says(offset: float):
    session = Kernel(offset)
    session.calls(0.04, call("1", "204", "208", "alerting", start=START))
    session.calls(12.04, call("1", "204", "208", connect=START + 12))
    session.calls(30.0, call("1", "204", "208", "onhold", connect=START + 12))
    session.calls(52.0)
    assert [(event.kind, event.at) for event in session.events if event.call is not None] == [
        ("call.new", session.there(0)),
        ("call.changed", session.there(12)),
        ("call.changed", session.there(30)),
        ("call.ended", session.there(52)),
    ]
    assert [event.received for event in session.events if event.call is not None] == [
        session.here(when) for when in (0.04, 12.04, 30, 52)
    ]
    (record,) = session.store.closed_calls()
    assert record.ended_at == session.there(52)
    assert [(state.value, start, end) for state, start, end in record.phases] == [
        ("ringing", session.there(0), session.there(12)),
        ("connected", session.there(12), session.there(30)),
        ("held", session.there(30), session.there(52)),
    ]
    assert (record.ring, record.talk, record.hold) == (12.0, 18.0, 22.0)
    talk = session.talk()
    assert (talk.ring, talk.talk, talk.hold, talk.ended_at) == (12.0, 18.0, 22.0, session.there(52))


@pytest.mark.parametrize("offset", [0.0, *OFFSETS, YEARS])
def test_a_clock_that_is_read_from_the_line_is_as_good_as_it_says(offset: float):
    """± half a second from a ``Date``; from the first new call on, as good as its frame was quick."""
    session = Kernel(offset, Clock())
    session.read(-10.3)
    session.calls(-10, call("0", "204", "207", "alerting", start=START - 10.0))
    first = session.store.calls["0"]
    assert abs((first.first_seen - session.there(-10)).total_seconds()) <= session.store.clock.uncertainty
    session.calls(-5)
    session.calls(0.04, call("1", "204", "208", "onhold", start=START))
    (held,) = session.store.calls.values()
    assert abs((held.first_seen - session.there(0.04)).total_seconds()) < 0.05
    session.calls(40.0)
    ended = [*session.store.closed_calls()][-1]
    assert abs((ended.ended_at - session.there(40)).total_seconds()) < 0.05
    assert ended.hold == pytest.approx(40.0, abs=0.05)


def test_the_call_that_teaches_the_clock_is_itself_on_the_clock_it_taught():
    session = Kernel(300.0, Clock())
    session.read(-10.9)
    before = session.store.clock.offset
    session.calls(0.0, call("1", "204", "208", "onhold", start=START))
    assert session.store.clock.offset == pytest.approx(300.0) != before
    assert session.store.calls["1"].first_seen == session.there(0)
    assert session.events[0].at == session.there(0)


def test_a_clock_that_was_set_during_a_call_costs_no_negative_time():
    session = Kernel(300.0, Clock())
    session.read(-1)
    session.calls(0.0, call("1", "204", "208", start=START, connect=START))
    session.offset = -34_000.0
    session.store.clock.read_date(cut(session.there(5) - seconds(34_300)), session.here(5), session.here(5))
    session.calls(10.0)
    (record,) = session.store.closed_calls()
    assert (record.ring, record.talk, record.hold) == (0.0, 0.0, 0.0)
    assert all(start <= end for _, start, end in record.phases)


def test_links_and_what_is_remembered_go_by_the_kernels_clock_whatever_the_pbx_sets_its_own_to():
    session = Kernel(0.0, Clock())
    session.read(-1)
    session.calls(0.0, call("1", "+15550100", "204", start=START))
    session.calls(10.0)
    session.store.clock.read_date(cut(session.there(3600)), session.here(10), session.here(10))
    session.store.tick(session.here(30))
    assert "1" in session.store.conversations  # not an hour
    session.store.tick(session.here(71))
    assert "1" not in session.store.conversations

"""The back-off, without a clock: jitter, cap, limit, reset, and which ends are final."""

from __future__ import annotations

import random

import pytest

from pbxnb.client.supervisor import Supervisor
from pbxnb.client.timing import Timing
from pbxnb.client.transport import LineLost, Loss
from pbxnb.errors import (
    ApiAccessOff,
    FrameTooBig,
    LoginRefused,
    NotAPbx,
    Refused,
    SecondFactorRequired,
    SessionExpired,
    TlsError,
    Unreachable,
    UpgradeRefused,
)

AWAY = Unreachable("away")
DROPPED = LineLost(Loss.DROPPED)


def closed(code: int) -> LineLost:
    return LineLost(Loss.CLOSED, code=code)


def supervisor(*, jitter: float = 1.0, **options: object) -> Supervisor:
    return Supervisor(Timing(), lambda: jitter, **options)  # type: ignore[arg-type]


def waits(guard: Supervisor, failure: Unreachable | LineLost, count: int, *, was_live: bool = False) -> list[float]:
    return [guard.wait(failure, was_live=was_live, now=0.0) for _ in range(count)]


def test_waits_double_up_to_the_cap():
    assert waits(supervisor(), AWAY, 8) == [1, 2, 4, 8, 16, 30, 30, 30]


def test_full_jitter_draws_from_nothing_to_the_bound():
    assert waits(supervisor(jitter=0.0), AWAY, 5) == [0, 0, 0, 0, 0]
    assert waits(supervisor(jitter=0.5), AWAY, 3) == [0.5, 1, 2]


def test_it_never_gives_up_on_a_pbx_that_is_away():
    assert waits(supervisor(), AWAY, 2000)[-1] == 30


def test_stability_resets_the_waits():
    guard = supervisor()
    waits(guard, AWAY, 6)
    guard.stable()
    assert waits(guard, AWAY, 1) == [1]


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_restart_is_followed_within_a_second_the_first_time_then_with_jitter(code):
    guard = supervisor()
    assert guard.wait(closed(code), was_live=True, now=0.0) <= 1
    assert guard.wait(closed(code), was_live=True, now=0.0) == 2


@pytest.mark.parametrize("seed", range(50))
def test_accept_then_drop_makes_at_most_8_attempts_in_any_10_seconds(seed):
    guard = Supervisor(Timing(), random.Random(seed).random)
    now, attempts = 0.0, []
    for _ in range(40):
        attempts.append(now)
        guard.attempt(now)
        now += guard.wait(DROPPED, was_live=False, now=now)
    assert all(sum(start <= other < start + 10 for other in attempts) <= 8 for start in attempts)


def test_the_limit_holds_even_when_every_draw_is_zero():
    guard = supervisor(jitter=0.0)
    now = 0.0
    for _ in range(9):
        guard.attempt(now)
        now += guard.wait(DROPPED, was_live=True, now=now)
    assert now >= 10


@pytest.mark.parametrize("error", [TlsError("no"), UpgradeRefused("no"), LoginRefused("no")])
def test_before_the_first_live_a_refusal_is_final(error):
    with pytest.raises(type(error)):
        supervisor().wait(error, was_live=False, now=0.0)


@pytest.mark.parametrize(
    "error", [NotAPbx("a web page"), UpgradeRefused("404", status=404), TlsError("does not speak TLS"), Refused("no")]
)
def test_a_line_that_was_live_outlives_every_answer_that_may_be_passing(error):
    guard = supervisor()
    guard.wait(DROPPED, was_live=True, now=0.0)
    assert [guard.wait(error, was_live=False, now=100.0 * n) for n in range(20)][-1] == 30


@pytest.mark.parametrize("login", ["none", "once", "renews"])
@pytest.mark.parametrize(
    "failure", [LoginRefused("no"), LoginRefused("no", status=401), ApiAccessOff("403"), closed(4401)]
)
def test_a_line_that_was_live_is_refused_three_times_over_a_minute_before_that_is_believed(login, failure):
    guard = supervisor(login=login)
    guard.wait(DROPPED, was_live=True, now=0.0)
    for now in (10.0, 69.0, 69.5, 69.9):  # often, but not for a minute
        guard.wait(failure, was_live=False, now=now)
    with pytest.raises(LoginRefused):
        guard.wait(failure, was_live=False, now=70.0)


def test_a_login_refused_twice_over_hours_is_not_believed():
    guard = supervisor()
    guard.wait(LoginRefused("no"), was_live=True, now=0.0)
    guard.wait(LoginRefused("no"), was_live=False, now=9999.0)
    guard.stable()
    guard.wait(LoginRefused("no"), was_live=False, now=19999.0)


@pytest.mark.parametrize("error", [TlsError("another one", verify_code=0), SecondFactorRequired("no")])
def test_another_certificate_and_a_second_factor_are_final_at_once(error):
    with pytest.raises(type(error)):
        supervisor().wait(error, was_live=True, now=0.0)


def test_4403_is_final():
    with pytest.raises(Refused, match="4403"):
        supervisor().wait(closed(4403), was_live=True, now=0.0)


@pytest.mark.parametrize("code", [1008, 4401])
def test_a_demand_to_log_in_is_met_twice_and_then_believed(code):
    guard = supervisor()
    waits(guard, closed(code), 2)
    with pytest.raises(LoginRefused):
        guard.wait(closed(code), was_live=False, now=0.0)


@pytest.mark.parametrize(
    ("login", "error", "words"), [("once", SessionExpired, "no longer valid"), ("none", LoginRefused, "wants a login")]
)
@pytest.mark.parametrize("failure", [closed(4401), closed(1008), LoginRefused("no", status=401)])
def test_without_a_login_that_renews_the_demand_is_final_at_once(login, error, words, failure):
    with pytest.raises(error, match=words):
        supervisor(login=login).wait(failure, was_live=False, now=0.0)


def test_our_own_1009_is_tried_once_more():
    guard = supervisor(max_size=1234)
    too_big = LineLost(Loss.TOO_BIG)
    guard.wait(too_big, was_live=True, now=0.0)
    with pytest.raises(FrameTooBig, match="max_size=1234"):
        guard.wait(too_big, was_live=True, now=0.0)


def test_the_servers_1009_is_an_ordinary_end():
    assert len(waits(supervisor(), closed(1009), 3)) == 3

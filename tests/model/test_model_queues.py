"""Who waits in a queue: the PBX's list and the model's calls, brought together; and every shape a queue is told in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pbxnb.model.answers import ListedCaller, callers_in, queue_in
from pbxnb.model.entities import Call, Phase, Waiting
from pbxnb.protocol.parties import Party, parse_party

NOW = datetime.fromtimestamp(1790000020, UTC)
JO, AL = Party("+12025550101", "Jo"), Party("+12025550102", "Al")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def waits(id_: str, party: Party, start: float, queue: str = "600", phase: Phase = Phase.QUEUED) -> Call:
    return Call(id=id_, from_=party, to=Party(queue), phase=phase, started_at=at(start), queue=queue)


def found(*listed: ListedCaller, calls: tuple[Call, ...] = ()) -> list[tuple[int, str, str]]:
    callers = callers_in("600", listed, {call.id: call for call in calls})
    return [(each.position, each.call, each.party.number) for each in callers]


def test_who_came_first_is_first_and_who_has_no_time_last() -> None:
    listed = [ListedCaller("", JO, None), ListedCaller("", AL, at(5)), ListedCaller("", JO, at(1))]
    assert [each.since for each in callers_in("600", listed, {})] == [at(1), at(5), None]


def test_the_id_that_the_pbx_tells_is_taken_where_the_model_has_such_a_call() -> None:
    calls = (waits("7", JO, 0), waits("8", JO, 1))
    assert found(ListedCaller("8", JO, at(1)), calls=calls) == [(1, "8", JO.number)]
    assert found(ListedCaller("9", JO, at(0)), calls=calls[:1]) == [(1, "7", JO.number)]


def test_without_an_id_the_caller_and_the_time_tell_the_call() -> None:
    calls = (waits("7", JO, 0), waits("8", AL, 1), waits("9", JO, 60))
    listed = [ListedCaller("", JO, at(61)), ListedCaller("", AL, at(10)), ListedCaller("", JO, at(12))]
    assert found(*listed, calls=calls) == [(1, "8", AL.number), (2, "7", JO.number), (3, "9", JO.number)]
    assert found(*[each._replace(since=None) for each in listed], calls=calls) == [
        (1, "7", JO.number), (2, "8", AL.number), (3, "9", JO.number),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "call",
    [
        waits("7", JO, 0, queue="601"),
        waits("7", JO, 0, phase=Phase.TALKING),
        waits("7", AL, 0),
        waits("7", JO, 100),
    ],
)
def test_another_call_is_not_the_callers(call: Call) -> None:
    assert found(ListedCaller("", JO, at(1)), calls=(call,)) == [(1, "", JO.number)]


def test_one_call_is_of_one_caller() -> None:
    twice = [ListedCaller("", JO, at(5)), ListedCaller("", JO, at(6))]
    assert [call for _, call, _ in found(*twice, calls=(waits("7", JO, 0),))] == ["7", ""]


def test_a_wallboard_of_several_queues_tells_of_each() -> None:
    board = {
        "acds": {"600": {"calls": {"count": 1}}, "601": {"calls": {"count": 2}}},
        "current": [{"start": "1790000000.0", "from": "<sip:41@a>", "acd": number} for number in ("600", "601", "601")],
        "logged_agents": [43, "44"],
        "agents": [{"account": "43", "reason": "lunch", "work": {"since": 1790000000.0}}, {"account": 44}],
    }
    queue = queue_in("601", "Sales", board, NOW)
    assert (queue.waiting, queue.stats["calls"]["count"]) == (2, 2)
    assert queue.callers[0] == Waiting(party=parse_party("<sip:41@a>"), since=at(-20))
    assert [(a.number, a.logged_in, a.reason) for a in queue.agents] == [("43", True, "lunch"), ("44", True, "")]


@pytest.mark.parametrize(
    "statistics",
    [
        {"agents": [{"agent": "43", "calls": 2}], "hangup_waiting": 1},
        {"agents": {"43": {"calls": 2}}, "hangup_waiting": 1},
    ],
)
def test_the_statistics_of_a_day_are_a_queue_too(statistics: dict[str, Any]) -> None:
    queue = queue_in("600", "", statistics, NOW)
    assert [a.number for a in queue.agents] == ["43"]
    assert (queue.waiting, queue.callers, queue.stats["hangup_waiting"]) == (None, (), 1)

"""The nearest event of a recording is the one that going through all of it would name, in both directions."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pbxnb.journal import Journals
from pbxnb.model.kept.inputs import Input
from pbxnb.session.scrubbing.events import nearest_event
from tests.journal.journal_kit import Recorded, busy, frame, recorded
from tests.model.model_kit import T0

KINDS = ("call.new", "call.changed", "call.ended", "account.changed")


def life(seq: int) -> Input:
    """Calls that come, change and go, and accounts that change; calls are rare, so that a search has a way to go."""
    if seq % 700 in (1, 2):
        call = {"id": str(seq // 700), "from": "45", "to": "207", "state": ("alerting", "connected")[seq % 700 - 1]}
        return frame(seq, {"action": "call-state", "calls": [call]})
    if seq % 700 == 3:
        return frame(seq, {"action": "call-state", "calls": []})
    return busy(seq) if seq % 50 == 0 else frame(seq, {"action": "tick-tock"})


def every(journal: Journals) -> list[tuple[str, datetime]]:
    """All events of the recording with their moments, by going through it once."""
    store, found = journal.store(0), []
    for _, one in journal.inputs():
        at = store.clock.at(one.at)
        found += [(event.kind, at) for event in one.apply_to(store).events]
    return found


def nearest(journal: Journals, kind: str, t: datetime, *, forward: bool) -> datetime | None:
    return next(filter(None, nearest_event(journal, kind, t, forward=forward)), None)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journals:
    path = tmp_path_factory.mktemp("events") / "monday.pbx"
    recorded(path, map(life, range(1, 6_000)))
    return Journals(path)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_one_that_going_through_all_of_it_names(journal: Journals, kind: str) -> None:
    there = sorted(at for of, at in every(journal) if of == kind)
    assert len(there) > 5
    for seconds in (-5, 0, 1, 2, 3, 49.5, 50, 699, 701, 701.5, 2_345, 5_998, 5_999, 9_999):
        t = T0 + timedelta(seconds=seconds)
        assert nearest(journal, kind, t, forward=True) == min((at for at in there if at > t), default=None)
        assert nearest(journal, kind, t, forward=False) == max((at for at in there if at < t), default=None)


def test_from_event_to_event_each_comes_once_there_and_back(journal: Journals) -> None:
    there = sorted({at for of, at in every(journal) if of == "call.new"})
    for forward, path in ((True, there), (False, there[::-1])):
        t, walked = T0 + timedelta(seconds=-1 if forward else 10_000), []
        while (found := nearest(journal, "call.new", t, forward=forward)) is not None:
            walked.append(t := found)
        assert walked == path


def test_the_model_of_the_moment_has_seen_the_event(journal: Journals) -> None:
    began = nearest(journal, "call.new", T0, forward=True)
    assert began is not None
    assert journal.at(began).calls
    ended = nearest(journal, "call.ended", began, forward=True)
    assert ended is not None
    assert not journal.at(ended).calls


def test_a_search_breathes(journal: Journals) -> None:
    looks = [found is None for found in nearest_event(journal, "call.none", T0, forward=True)]
    assert all(looks)
    assert len(looks) > 50


def test_what_follows_a_hole_is_no_event(tmp_path: Path) -> None:
    path = tmp_path / "holed.pbx"
    recorded(path, [busy(2), busy(3)])
    there = {"id": "9", "from": "45", "to": "207", "state": "connected"}
    again = Recorded(path, start=False)
    call = frame(5, {"action": "call-state", "calls": [there]})
    call.apply_to(again.store)  # a model that knows the call before it is recorded
    again.recorder.start().result(20)
    again.take([frame(6, {"action": "call-state", "calls": [there]}), busy(8, "46")]).stop()
    with Journals(path) as journal:
        assert nearest(journal, "call.new", T0, forward=True) is None
        assert nearest(journal, "account.changed", T0 + timedelta(seconds=6), forward=True) == T0 + timedelta(seconds=8)

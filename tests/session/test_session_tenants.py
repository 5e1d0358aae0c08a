"""Two tenants in one notebook: what either handle shows, tells, tables and records is its own, and says whose it is."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest

import pbxnb
from pbxnb.session.registry import REGISTRY
from pbxnb.ui.handle import handle_of

A, B = "a.example", "b.example"
OTHER = {A: B, B: A}
TOKEN = {A: "Quxalpha", B: "Zotbeta"}
OUTSIDE = {A: "+13035550111", B: "+14045550122"}


@contextlib.contextmanager
def two(preset: str = "empty", speed: float = 1.0) -> Iterator[dict[str, pbxnb.Pbx]]:
    """Handles of two tenants of one PBX whose every name is marked."""
    with pbxnb.simulate(preset, extensions=8, domains=(A, B), speed=speed, start="2026-03-02T09:30", held=False) as pbx:
        sim = pbx.simulator
        for domain in (A, B):
            for account in sim.tenants[domain].pbx.accounts.values():
                account.name = f"{TOKEN[domain]} {account.number}"
        with (
            pbxnb.connect(**sim.connection(A, "41"), name="x") as one,
            pbxnb.connect(**sim.connection(B, "41"), name="y") as other,
        ):
            one.simulated_by = other.simulated_by = sim  # type: ignore[attr-defined]
            yield {A: one, B: other}


def test_what_either_hears_and_keeps_is_its_own():
    with two("classroom", speed=20.0) as both:
        sim = both[A].simulated_by  # type: ignore[attr-defined]
        for domain in (A, B):
            sim.place_call(OUTSIDE[domain], "42", name=f"{TOKEN[domain]} caller", people=True, domain=domain)
            sim.chat("40", "41", f"{TOKEN[domain]} says", domain=domain)
        events = {domain: [] for domain in both}
        for domain, pbx in both.items():
            pbx.on("*", events[domain].append)
        for pbx in both.values():
            pbx.until(lambda pbx: len(pbx.closed_calls()) >= 3, timeout=60).result()
        sim.pause()
        ids = {d: {*each.pbx.calls, *(r.id for r in each.pbx.history)} for d, each in sim.tenants.items()}
        for domain, pbx in both.items():
            mine, theirs = TOKEN[domain], (TOKEN[OTHER[domain]], OUTSIDE[OTHER[domain]])
            told = [frame.text for frame in pbx.frames() if frame.direction == "in"]
            kept = [pbx.snapshot(), pbx.closed_calls(), pbx.presence(), events[domain], pbx.queues.records()]
            everything = "\n".join([*told, repr(kept)])
            assert mine in everything
            assert not [mark for mark in theirs if mark in everything]
            assert not ids[OTHER[domain]] & {*pbx.calls, *(record.call.id for record in pbx.closed_calls())}
            named = [f'"domain":"{OTHER[domain]}"', f"@{OTHER[domain]}>"]
            assert not [mark for mark in named if mark in "\n".join(told)]
            assert {record.domain for record in pbx.closed_calls()} == {domain}
            assert {interval.domain for interval in pbx.presence()} == {domain}


def test_a_command_on_a_call_of_the_other_does_nothing_there():
    with two() as both:
        sim = both[A].simulated_by  # type: ignore[attr-defined]
        call = sim.place_call("40", "42", domain=B)
        both[B].until(lambda pbx: call in pbx.calls, timeout=10).result()
        theirs = both[B].calls[call]
        for send in (
            lambda: both[A].hangup(theirs, account="41", deadline=0.2),
            lambda: both[A].pickup(theirs, account="41", deadline=0.2),
            lambda: both[A].transfer(theirs, f"42@{B}", account="41", deadline=0.2),
        ):
            with contextlib.suppress(pbxnb.errors.PbxError):
                outcome = send().result(10)
                assert outcome.status != "confirmed" or not outcome.sent, (
                    "it has ended already, for who does not see it"
                )
        assert sim.tenants[B].pbx.calls[call].phase == "ringing"
        assert not sim.pbx.calls


def test_tables_of_both_go_together_and_say_whose_each_row_is():
    pandas = pytest.importorskip("pandas")
    from pbxnb import analysis

    with two() as both:
        sim = both[A].simulated_by  # type: ignore[attr-defined]
        for domain in (A, B):
            sim.answer(sim.place_call("40", "42", domain=domain))
        for pbx in both.values():
            pbx.until(lambda pbx: pbx.calls.where(state="connected"), timeout=10).result()
        for tables in (
            [pbx.calls.df for pbx in both.values()],
            [pbx.extensions.df for pbx in both.values()],
            [pbx.conversations.df for pbx in both.values()],
            [pandas.DataFrame(pbx.calls.records()) for pbx in both.values()],
            [analysis.calls_of(pbx).to_pandas() for pbx in both.values()],
        ):
            table = pandas.concat(tables)
            assert table.columns[0] == "domain"
            assert set(table["domain"]) == {A, B}
            assert [*table.groupby("domain").size()] == [len(each) for each in tables]


def test_a_picture_says_whose_it_is():
    pandas = pytest.importorskip("pandas")
    from pbxnb import analysis, figures

    with two() as both:
        sim = both[A].simulated_by  # type: ignore[attr-defined]
        calls = {domain: sim.place_call("40", "42", domain=domain) for domain in (A, B)}
        for domain, pbx in both.items():
            sim.answer(calls[domain])
            pbx.until(lambda pbx: pbx.calls.where(state="connected"), timeout=10).result()
            table = analysis.calls_of(pbx)
            drawn = [
                figures.concurrency(pbx),
                figures.concurrency(table),
                figures.state_shares(pbx),
                figures.ladder(pbx),
                figures.call_life(pbx, calls[domain]),
            ]
            assert [domain in figure.layout.title.text for figure in drawn] == [True] * len(drawn)
        every = pandas.concat([analysis.calls_of(pbx).to_pandas() for pbx in both.values()])
        assert f"{A} to {B}" in figures.concurrency(every).layout.title.text


def test_a_panel_says_its_tenant_where_several_are_open_and_only_then():
    with two() as both:
        for domain, pbx in both.items():
            assert handle_of(pbx).tenant == domain
            for name in ("grid", "call_list", "command_bar", "console", "timeline", "dashboard", "status_badge"):
                panel = getattr(pbx, name)()
                try:
                    assert re.search(rf"\b{re.escape(domain)}\b", panel._plain()), name
                    assert OTHER[domain] not in panel._plain()
                    if hasattr(panel, "snapshot"):
                        still = panel.snapshot()
                        assert domain in (still.layout.title.text if name == "timeline" else still), name
                finally:
                    panel.close()
    with (
        pbxnb.simulate("empty", extensions=4) as pbx,
        pbxnb.connect(**pbx.simulator.connection(pbx.domain, "41"), name="x") as other,
    ):
        assert not REGISTRY.several, "two lines to one tenant"
        assert handle_of(other).tenant == ""

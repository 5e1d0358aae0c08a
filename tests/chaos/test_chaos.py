"""Sequences of faults between the client and an embedded PBX; `pytest -m long tests/chaos` plays all of them.

A breach names its seed; ``python -m tests.chaos SEED`` plays that one again.
"""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

from tests.chaos.run import breaches
from tests.chaos.sequences import PLACES, SAMPLE, SEQUENCES, sequence
from tests.chaos.subjects import watched_client
from tests.helpers.chaos_faults import ANSWER_FAULTS, FRAME_FAULTS, ODD_ANSWERS, STAGES

IN_A_CHUNK = 25


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, sequences: list) -> None:
    monkeypatch.setattr("pbxnb.session.connect.Client", watched_client)
    wrong = breaches(sequences, str(folder), collections.Counter())
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, SEQUENCES, IN_A_CHUNK))
def test_after_any_sequence_the_model_is_the_pbx_and_nothing_is_left_over(first, monkeypatch, tmp_path):
    run(monkeypatch, tmp_path, [sequence(seed) for seed in range(first, first + IN_A_CHUNK)])


def test_a_sample_with_every_fault_in_it(monkeypatch, tmp_path):
    faults = [step.fault for one in SAMPLE for step in one.steps]
    assert {fault.name for fault in faults} >= {*FRAME_FAULTS, *ANSWER_FAULTS, *PLACES}
    assert {fault.odd for fault in faults} >= ODD_ANSWERS.keys()
    assert {fault.at for fault in faults} >= set(STAGES)
    run(monkeypatch, tmp_path, SAMPLE)

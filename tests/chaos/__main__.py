"""Play sequences by hand and print the figures: ``python -m tests.chaos 17`` or ``python -m tests.chaos 0 500``."""

from __future__ import annotations

import collections
import sys
import tempfile
import time
from unittest.mock import patch

from tests.chaos.run import Figures, breaches
from tests.chaos.sequences import sequence
from tests.chaos.subjects import watched_client

first = int(sys.argv[1])
last = int(sys.argv[2]) if len(sys.argv) > 2 else first + 1
figures: Figures = collections.Counter()
began = time.monotonic()
with tempfile.TemporaryDirectory() as folder, patch("pbxnb.session.connect.Client", watched_client):
    wrong = breaches([sequence(seed) for seed in range(first, last)], folder, figures)
if last == first + 1:
    print(sequence(first))
print("\n".join(wrong) or "nothing is wrong")
print(f"{last - first} sequences in {time.monotonic() - began:.1f} s")
print(", ".join(f"{name} {count}" for name, count in sorted(figures.items())))
sys.exit(bool(wrong))

"""Recordings: every input of a model, durably, in one file; and from there any moment again.

`Recorder` writes beside a live line, on a thread of its own; `Journal` reads, also while another process writes.
"""

from .reader import Break, Journal
from .recorder import Recorder
from .retention import daily, file_name, prune

__all__ = ["Break", "Journal", "Recorder", "daily", "file_name", "prune"]

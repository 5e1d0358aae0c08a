"""Recordings: every input of a model, durably, in one file; and from there any moment again.

`Recorder` writes beside a live line, on a thread of its own; `Journal` reads one file, also while another process
writes it, `Journals` a folder of them; `Replayed` is the model that has taken in all of it.
"""

from .journals import Journals
from .reader import Break, Journal
from .recorder import Recorder
from .replayed import Replayed
from .retention import daily, file_name, prune

__all__ = ["Break", "Journal", "Journals", "Recorder", "Replayed", "daily", "file_name", "prune"]

"""Ring 1, sans-IO: bytes to messages, commands to frames, parties, times. No loop, no socket, no UI.

Reading is `decode`; steering is `commands.plan`; `messages` and `requests` name everything that crosses the line.
"""

from __future__ import annotations

from .decode import account_entry, call_entry, decode
from .parties import NOBODY, Party, format_party, parse_party, split_party
from .times import Moment, parse_millis, parse_moment

__all__ = [
    "NOBODY",
    "Moment",
    "Party",
    "account_entry",
    "call_entry",
    "decode",
    "format_party",
    "parse_millis",
    "parse_moment",
    "parse_party",
    "split_party",
]

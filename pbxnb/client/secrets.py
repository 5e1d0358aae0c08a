"""Where secrets live between being given and being sent: a box that does not show them, and a log that forgets them.

Knows no protocol; `Secret.reveal` is called only in the line that puts the value on the wire, and what is raised below
that line leaves as `pbxnb.errors.without_frames`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NoReturn

from pbxnb.protocol.redact import redact
from pbxnb.text import LONGEST, clean, clean_lines

__all__ = ["Secret", "redacting_logger"]


class Secret:
    """A piece of text that no repr, log record, traceback or pickle shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; call it only where it goes onto the wire."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is never pickled: it would end up in a file.")


class _Redact(logging.Filter):
    """Rewrites each record before any handler sees it."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        secrets = [secret.reveal() for secret in self._secrets if secret]
        record.msg, record.args = clean(redact(record.getMessage(), secrets), LONGEST), ()
        if record.exc_info:
            # A formatter prints this text instead of formatting the exception itself.
            record.exc_text = clean_lines(redact(logging.Formatter().formatException(record.exc_info), secrets), "    ")
        return True


def redacting_logger(name: str, secrets: Iterable[Secret]) -> logging.Logger:
    """A logger below ``pbxnb`` for a library that logs headers (websockets does, at DEBUG).

    It is made for one connection and never registered, so nothing of it outlives the connection.

    Args:
        name: last part of the logger's name.
        secrets: values to strike out, beside everything that looks like a cookie or an authorization header.
    """
    logger = logging.Logger(f"pbxnb.{name}")  # noqa: LOG001 - not registered, on purpose
    logger.parent = logging.getLogger("pbxnb")
    logger.addFilter(_Redact(secrets))
    return logger

"""A mistyped name is answered with the nearest right one. Everything may import it."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

__all__ = ["helpful_keywords", "nearest", "unknown_keyword"]

P = ParamSpec("P")
R = TypeVar("R")


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about ``name``, which is not among the ``known``."""
    known = tuple(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there is {', '.join(known[:20])}{' …' if len(known) > 20 else '.'}" if known else "; there is none."


def unknown_keyword(function: str, name: str, known: Iterable[str]) -> TypeError:
    """The error for the keyword ``name`` that ``function`` does not take."""
    return TypeError(f"{function}() takes no keyword {name!r}{nearest(name, known)}")


def helpful_keywords(fn: Callable[P, R]) -> Callable[P, R]:
    """Make ``fn`` answer an unknown keyword with the nearest it has; its signature stays as it is."""
    known = tuple(
        name
        for name, p in inspect.signature(fn).parameters.items()
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
    )

    @functools.wraps(fn)
    def checked(*args: P.args, **kw: P.kwargs) -> R:
        for name in kw:
            if name not in known:
                raise unknown_keyword(fn.__name__, name, known)
        return fn(*args, **kw)

    return checked

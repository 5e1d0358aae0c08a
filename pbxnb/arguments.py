"""What a caller gave: a mistyped name is answered with the nearest there is, an impossible value with what is possible.

Everything may import it.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import traceback
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import ParamSpec, TypeVar

from pbxnb.errors import ConfigError, PbxError, without_frames

__all__ = [
    "check_function",
    "check_number",
    "check_text",
    "check_truth",
    "forget_arguments",
    "helpful_keywords",
    "meant",
    "nearest",
    "unknown_keyword",
]

P = ParamSpec("P")
R = TypeVar("R")


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about ``name``, which is not among the ``known``."""
    known = tuple(known)
    if near := meant(name, known):
        return near
    return f"; there is {', '.join(known[:20])}{' …' if len(known) > 20 else '.'}" if known else "; there is none."


def meant(name: str, known: Iterable[str]) -> str:
    """The question that ends such a sentence, where something known is near; else an empty text."""
    near = difflib.get_close_matches(name, tuple(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def unknown_keyword(function: str, name: str, known: Iterable[str]) -> TypeError:
    """The error for the keyword ``name`` that ``function`` does not take."""
    return TypeError(f"{function}() takes no keyword {name!r}{nearest(name, known)}")


def helpful_keywords(fn: Callable[P, R]) -> Callable[P, R]:
    """Make ``fn`` answer an unknown keyword with the nearest it has; its signature stays as it is."""
    known = tuple(
        name
        for name, p in inspect.signature(fn).parameters.items()
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) and name != "self"
    )
    said = fn.__qualname__.removesuffix(".__init__").rpartition(".")[2]  # of a class, what its maker is called by

    @functools.wraps(fn)
    def checked(*args: P.args, **kw: P.kwargs) -> R:
        for name in kw:
            if name not in known:
                raise unknown_keyword(said, name, known)
        return fn(*args, **kw)

    return checked


def forget_arguments(fn: Callable[P, R]) -> Callable[P, R]:
    """Make what ``fn`` refuses leave without what it was given.

    A verbose traceback shows the arguments in every frame, and a password may be among them, also in the wrong place.
    """

    @functools.wraps(fn)
    def called(*args: P.args, **kw: P.kwargs) -> R:
        try:
            return fn(*args, **kw)
        except (PbxError, TypeError) as error:
            if isinstance(error, TypeError) and not _of_the_call(error):
                raise  # a fault of ours
            refused = error
        del args, kw
        without_frames(refused)
        raise refused

    return called


def _of_the_call(error: BaseException) -> bool:
    """Whether a call itself failed, for the names or the number of its arguments: no frame but of this file."""
    return all(frame.f_code.co_filename == __file__ for frame, _ in traceback.walk_tb(error.__traceback__))


def check_number(
    name: str,
    value: object,
    least: float = 0,
    most: float = math.inf,
    *,
    above: bool = False,
    whole: bool = False,
    error: type[PbxError] = ConfigError,
) -> None:
    """Refuse what is no number from ``least`` to ``most``, or no finite one.

    Args:
        name: of the argument, for the sentence.
        above: it has to be more than ``least``.
        whole: it has to be a whole number.
        error: what to raise.
    """
    given = float(value) if isinstance(value, Integral if whole else Real) and not isinstance(value, bool) else math.nan
    if (least < given if above else least <= given) and given <= most and given < math.inf:
        return
    kind = "a whole number" if whole else "a number"
    begin = f"above {least:,g}" if above else f"from {least:,g}"
    end = f" to {most:,g}" if most < math.inf else "" if above else " up"
    raise error(f"{name} must be {kind} {begin}{end}, not {value!r}.", argument=name, value=value)


def check_function(name: str, value: object, *, plain: bool = False) -> None:
    """Refuse what cannot be called.

    Args:
        plain: refuse a coroutine function too, whose unawaited coroutine would count as true.
    """
    if not callable(value):
        raise ConfigError(f"{name} must be a function, not {value!r}.", hint="A lambda will do.", argument=name)
    if plain and inspect.iscoroutinefunction(value):
        raise ConfigError(f"{name} must be a plain function, not `async def`.", argument=name)


def check_text(name: str, value: object) -> None:
    """Refuse what is no text."""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be text, not {value!r}.", argument=name)


def check_truth(name: str, value: object) -> None:
    """Refuse what is neither True nor False: the word ``"no"`` would count as yes."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be True or False, not {value!r}.", argument=name)

"""`enable_nested_run`: make teaching code that says ``asyncio.run(main())`` work in a cell.

Opt-in, called by the user, never at import: it patches asyncio for the whole process, and there is no way back.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.metadata import PackageNotFoundError, version

from pbxnb.errors import ConfigError, MissingExtra, install_hint

__all__ = ["enable_nested_run"]

INSTALL = install_hint("pbxnb[nested]")


def enable_nested_run() -> str:
    """Let ``asyncio.run(main())`` and ``loop.run_until_complete(...)`` work where a loop already runs, as in a cell.

    While such a call waits, buttons and other widget messages wait too; ``await main()`` is the better way. Takes
    nest_asyncio2 where it is installed, else nest_asyncio, with a warning where that one does harm: on ipykernel 7
    and later it loses widget messages for good, on Python 3.14 and later timeouts fail.

    Returns:
        The name of the module that did it.

    Raises:
        MissingExtra: neither is installed.
        ConfigError: the loop that runs cannot be patched (uvloop).
    """
    for name in ("nest_asyncio2", "nest_asyncio"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if name == "nest_asyncio":
            _warn()
        try:
            module.apply()
        except ValueError as error:
            raise ConfigError(
                f"The running event loop cannot be patched: {error}.", hint="Use `await main()` instead."
            ) from error
        return name
    raise MissingExtra("Neither nest_asyncio2 nor nest_asyncio is installed.", hint=INSTALL)


def _warn() -> None:
    harm = []
    if _ipykernel_major() >= 7:
        harm.append("on this ipykernel, widget messages that arrive during a nested run are lost for good")
    if sys.version_info >= (3, 14):
        harm.append("on this Python, asyncio.timeout fails inside a nested run")
    if harm:
        warnings.warn(
            f"Only nest_asyncio is installed: {'; '.join(harm)}. nest_asyncio2 does no such harm. {INSTALL}",
            UserWarning,
            stacklevel=3,
        )


def _ipykernel_major() -> int:
    if "ipykernel" not in sys.modules:
        return 0  # a script: no widget messages to lose
    try:
        return int(version("ipykernel").partition(".")[0])
    except (PackageNotFoundError, ValueError):
        return 0

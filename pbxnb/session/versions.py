"""`show_versions`: what a bug report needs, and nothing that a stranger should not read: no host, user or secret."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

__all__ = ["Versions", "show_versions"]

PACKAGES = (
    "pbxnb", "websockets", "msgspec", "aiohttp", "ipywidgets", "anywidget", "plotly", "tzlocal", "tzdata", "ipykernel",
    "ipython", "jupyterlab", "notebook", "nest-asyncio", "nest-asyncio2", "pandas", "pyarrow", "narwhals", "duckdb",
    "polars",
)  # fmt: skip


class Versions(dict[str, str]):
    """Names and versions; shown as a small table."""

    def __repr__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in self.items())


def show_versions() -> Versions:
    """The versions of Python, of pbxnb and of the packages it works with; ``-`` where one is not installed.

    Example:
        >>> "python" in show_versions()
        True
    """
    found = Versions(python=platform.python_version(), system=f"{platform.system()} {platform.machine()}")
    found["frontend"] = "kernel" if "ipykernel" in sys.modules else "none"
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "-"
    return found

"""Where the Parquet files of a table lie, here or behind a URL, and what the names of their folders say."""

from __future__ import annotations

import glob
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pbxnb.errors import AnalysisError, MissingExtra, install_hint

__all__ = ["Files", "base", "find", "shown"]


class Files(NamedTuple):
    """The files of one table."""

    path: str
    """The file, or the folder that holds them, as ``filesystem`` names it."""
    pattern: str
    """The same as a pattern that every one of them meets."""
    keys: tuple[str, ...]
    """What the names of folders hold, ``domain`` and ``month`` where they are ``domain=…/month=…``."""
    filesystem: Any
    """fsspec's; None where the files are on this machine."""


def find(path: str) -> Files:
    """The Parquet files at a path or URL.

    Raises:
        AnalysisError: there is nothing, or nothing of Parquet.
        MissingExtra: what reads this kind of URL is not installed.
    """
    if "://" in path:
        return _find_remote(path)
    place = Path(path).expanduser().absolute()
    if place.is_dir():
        first = next(place.rglob("*.parquet"), None)
        pattern = str(Path(glob.escape(str(place)), "**", "*.parquet"))
    else:
        first, pattern = place if place.exists() else None, glob.escape(str(place))
    return Files(str(place), pattern, _keys(_one(first, path, there=place.exists()).as_posix()), None)


def base(path: str) -> str | None:
    """The part of a path above its folders ``key=value``; None where it has none."""
    parts = PurePosixPath(path).parts
    named = next((place for place, part in enumerate(parts) if "=" in part), None)
    return None if named is None else path[: path.index(parts[named])]


def shown(path: str) -> str:
    """A path as sentences name it: without what a URL may hold of secrets."""
    if "://" not in path:
        return path
    parts = urlsplit(path)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.partition(';')[0]}"


def _find_remote(url: str) -> Files:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise _missing(url) from None
    try:
        filesystem, place = url_to_fs(url)
    except ImportError:
        raise _missing(url) from None
    except ValueError:
        raise AnalysisError(f"{shown(url)} is of no kind of URL that fsspec knows.") from None
    if filesystem.isdir(place):
        pattern = f"{place}/**/*.parquet"
        first = next(iter(filesystem.glob(pattern)), None)
    else:
        pattern, first = place, place if filesystem.exists(place) else None
    keys = _keys(_one(first, url, there=filesystem.exists(place)))
    return Files(place, filesystem.unstrip_protocol(pattern), keys, filesystem)


def _one(first: Any, path: str, *, there: bool) -> Any:
    if first is not None:
        return first
    if there:
        raise AnalysisError(
            f"There is no Parquet file below {shown(path)}.",
            hint="`pbxnb record` with tables = true writes them to tables/calls of its folder.",
        )
    raise AnalysisError(f"There is nothing at {shown(path)}.", hint="Look at the path once more.")


def _keys(path: str) -> tuple[str, ...]:
    return tuple(part.partition("=")[0] for part in PurePosixPath(path).parent.parts if "=" in part)


def _missing(url: str) -> MissingExtra:
    return MissingExtra(f"What reads {urlsplit(url).scheme}:// is not installed.", hint=install_hint("pbxnb[cloud]"))

"""Moments as text: one time zone a handle, and the only functions that write a time of day. Everything may import it.

Values stay moments: aware UTC datetimes, or seconds since 1970. What people read is written here, in the zone of the
handle, so that a panel, a picture and its text say the same, wherever the kernel and the browser stand.
"""

from __future__ import annotations

import difflib
import functools
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pbxnb.errors import ConfigError, PbxError
from pbxnb.text import clean, clean_logger

__all__ = ["clock_text", "day_text", "kernel_zone", "offset_of", "times_in", "wall_axis", "zone_of"]

_log = clean_logger("pbxnb.zones")
Moment = datetime | float
"""Aware, or without a zone in UTC, as tables hold it; or seconds since 1970."""
_SAMPLES = 60


@functools.cache
def _names() -> frozenset[str]:
    """What a browser knows too; hundreds of files are looked at."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def zone_of(tz: str | ZoneInfo, *, error: type[PbxError] = ConfigError) -> ZoneInfo:
    """The zone that somebody asks for.

    Args:
        tz: a name such as ``Europe/Berlin``, or a zone with such a name.
        error: what to raise.

    Raises:
        ConfigError: no known zone has this name.

    Example:
        >>> zone_of("Europe/Berlin")
        zoneinfo.ZoneInfo(key='Europe/Berlin')
    """
    key = tz.key if isinstance(tz, ZoneInfo) else tz
    # Looked up, not tried: `ZoneInfo` opens a file of that name, and knows names that no browser does.
    if isinstance(key, str) and key in _names():
        return tz if isinstance(tz, ZoneInfo) else ZoneInfo(key)
    cities = {name.rpartition("/")[2]: name for name in sorted(_names())}
    near = difflib.get_close_matches(key[:60].rpartition("/")[2], cities, 1) if isinstance(key, str) else []
    asked = f"; did you mean {cities[near[0]]!r}?" if near else "."
    raise error(f"{clean(repr(tz), 60)} is not a time zone{asked}", hint="Use a name such as Europe/Berlin or UTC.")


def kernel_zone() -> ZoneInfo:
    """The zone of this machine by its name: ``TZ``, else what the system is set to; UTC where it has no name."""
    import tzlocal

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # files that disagree: it says so, and takes one
            found = tzlocal.reload_localzone()
    except (LookupError, ValueError, OSError):
        found = None
    key = getattr(found, "key", None)
    if key not in _names():
        _log.warning("The time zone of this machine has no name, times are in UTC: give tz=, such as 'Europe/Berlin'.")
        key = "UTC"
    return ZoneInfo("UTC" if key == "Etc/UTC" else key)  # of the two names the one that people write


def clock_text(
    moment: Moment,
    zone: ZoneInfo,
    timespec: Literal["minutes", "seconds", "milliseconds"] = "seconds",
    *,
    date: bool = False,
) -> str:
    """The time of day in a zone. Where clocks are set back, the times that come twice carry their offset.

    Args:
        moment: when.
        zone: of the handle.
        timespec: how exact.
        date: with the day before it.

    Example:
        >>> clock_text(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"), "minutes", date=True)
        '2026-10-25 02:30+01:00'
    """
    local = _local(moment, zone)
    plain = local.replace(tzinfo=None)
    # Of a time that comes twice the fold tells which it is; no moment has the local times that are left out.
    twice = local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset()
    text = (local if twice else plain).isoformat(" ", timespec)
    return text if date else text.partition(" ")[2]


def day_text(moment: Moment, zone: ZoneInfo) -> str:
    """The day in a zone, in a few letters: ``Sun 25 Oct``."""
    return f"{_local(moment, zone):%a %d %b}"


def times_in(zone: ZoneInfo) -> str:
    """What says of which zone the times beside it are."""
    return f"times in {zone.key}"


def offset_of(moment: Moment, zone: ZoneInfo) -> timedelta:
    """How far the zone's clocks are ahead of UTC at a moment."""
    return _local(moment, zone).utcoffset() or timedelta()


def wall_axis(first: Moment, last: Moment, zone: ZoneInfo) -> tuple[Callable[[Moment], datetime], str]:
    """For an axis of dates, which knows no zones: what puts a moment on it, and what is to be said of it.

    It shows the clock on the wall. Where that changes between ``first`` and ``last``, an axis with two times at one
    place would mislead: it keeps the offset it begins with, and the words say which.
    """
    offset, first, last = offset_of(first, zone), _utc(first), _utc(last)
    changes = any(offset_of(first + (last - first) * n / _SAMPLES, zone) != offset for n in range(1, _SAMPLES + 1))
    words = f"axis at UTC{_local(first, zone).isoformat()[-6:]} throughout" if changes else ""
    return lambda moment: _utc(moment).replace(tzinfo=None) + offset, words


def _local(moment: Moment, zone: ZoneInfo) -> datetime:
    return _utc(moment).astimezone(zone)


def _utc(moment: Moment) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

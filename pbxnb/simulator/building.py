"""From a preset and a few choices to a furnished PBX with its clock, its traffic and its server, not yet listening."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pbxnb.arguments import check_number
from pbxnb.errors import SimulatorError

from .clock import Clock, Pace
from .login import Login
from .office import MOST_EXTENSIONS, furnish
from .pbx import Pbx
from .presets import Preset, preset
from .quirks import Dialect, Manners
from .server import Server
from .traffic import Traffic

__all__ = ["Plan", "Plant", "build"]

EARLIEST = 1971
"""The first year a clock may start in: times before 1970 are none on the wire."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to build; the arguments of `run.start`, where they are described."""

    preset: str | Preset = "office"
    extensions: int | None = None
    seed: int = 1
    speed: float = 1.0
    start: datetime | str | float | None = None
    dialect: str = "modern"
    version: str | None = None
    quirks: str | Iterable[str] = ()
    domain: str = "acme.example"
    user: str = ""
    password: str = ""
    open_cookie: bool = False
    held: bool | None = None

    def __repr__(self) -> str:
        return f"<Plan {self.preset} seed={self.seed}>"


@dataclass(frozen=True)
class Plant:
    """What was built."""

    preset: Preset
    pbxs: dict[str, Pbx]
    pbx: Pbx
    pace: Pace
    traffic: Traffic
    login: Login
    server: Server
    user: str
    password: str
    seed: int

    def __repr__(self) -> str:
        return f"<Plant {self.preset.name} {self.pbx.domain}>"


def build(plan: Plan) -> Plant:
    """Build it, and let the traffic warm up so that nobody finds an empty PBX.

    Raises:
        SimulatorError: an unknown dialect, quirk, user, version or start; fewer than 2 extensions or more than 7,500.
        ConfigError: an unknown preset.
    """
    chosen = preset(plan.preset)
    dialect = _dialect(plan.dialect)
    version = str(plan.version or dialect.version)
    if not version.split(".")[0].isdigit():
        raise SimulatorError(f"{version!r} is not a version.", hint="Give one like '70.1'.")
    begin, offset = _begin(plan.start)
    clock = Clock(begin - chosen.warm_up)
    extensions = chosen.extensions if plan.extensions is None else plan.extensions
    check_number("extensions", extensions, 2, MOST_EXTENSIONS, whole=True, error=SimulatorError)
    channels = extensions + 10 if chosen.trunks is None else chosen.trunks
    pbx = Pbx(plan.domain, clock=clock, seed=plan.seed, channels=channels)
    away = 0.05 if chosen.people else 0.0
    furnish(pbx, extensions, seed=plan.seed, agents=chosen.agents, wrap_up=chosen.habits.wrap_up, away=away)
    user = plan.user or pbx.extensions[0].number
    me = pbx.extension(user)
    if me is None:
        numbers = f"{pbx.extensions[0].number} to {pbx.extensions[-1].number}"
        raise SimulatorError(f"There is no extension {user!r}.", hint=f"There are {numbers}.")
    me.supervises = True  # so that a notebook can play every part; all others command their own calls only
    traffic = Traffic(pbx, chosen, seed=plan.seed, user=user, utc_offset=offset)
    traffic.start()
    clock.advance_to(begin)
    pbxs = {plan.domain: pbx}
    password = plan.password or secrets.token_urlsafe(9)
    login = Login(pbxs, password)
    pace = Pace(clock, plan.speed)
    server = Server(
        pbxs,
        pace,
        login,
        dialect=dialect,
        version=version,
        manners=Manners(plan.quirks, seed=plan.seed),
        open_cookie=plan.open_cookie,
        held=plan.start is not None if plan.held is None else plan.held,
    )
    return Plant(chosen, pbxs, pbx, pace, traffic, login, server, user, password, plan.seed)


def _dialect(name: str) -> Dialect:
    try:
        return Dialect(name)
    except ValueError:
        raise SimulatorError(f"There is no dialect {name!r}.", hint="Choose 'modern' or '2016'.") from None


def _begin(start: datetime | str | float | None) -> tuple[float, float]:
    """Seconds since 1970 and the PBX's offset from UTC; by default 09:30 of today where this machine stands."""
    if start is None:
        moment = datetime.now().astimezone().replace(hour=9, minute=30, second=0, microsecond=0)
    else:
        try:
            moment = _moment(start)
        except (ValueError, TypeError, OverflowError, OSError):
            raise SimulatorError(f"{start!r} is no time.", hint="Write it like '2026-03-02T09:30'.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment.year < EARLIEST:
        raise SimulatorError(f"{start!r} is too long ago.", hint=f"Choose a time in {EARLIEST} or later.")
    return moment.timestamp(), (moment.utcoffset() or timedelta()).total_seconds()


def _moment(start: datetime | str | float) -> datetime:
    if isinstance(start, datetime):
        return start
    return datetime.fromisoformat(start) if isinstance(start, str) else datetime.fromtimestamp(start, UTC)

"""Builds an embedded PBX from a preset and a few choices, and starts it."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from pbxnb.arguments import check_number, forget_arguments
from pbxnb.errors import SimulatorError
from pbxnb.zones import kernel_zone, zone_of

from .engine.accounts import SimAttendant, SimConference, SimHuntGroup, SimOrbit, SimServiceFlag
from .engine.clock import Pace, SimClock
from .engine.pbx import SimPbx
from .handle import Simulator
from .media import SimMedia
from .presets import Preset, preset
from .rest.routes import rest_routes
from .server.addresses import foreign
from .server.frames import Dialect, Variants
from .server.http import SimServer
from .server.security import SimLogin
from .steering import steering_routes
from .tenants import Tenant, Tenants, checked_domains
from .traffic import Traffic

__all__ = ["Settings", "build", "populate", "serve", "start"]

MOST_EXTENSIONS = 7_500
EARLIEST = 1971
"""The first year a clock may start in: times before 1970 are none on the wire."""
DEPARTMENTS = ("Sales", "Support", "Accounts", "Warehouse", "Management", "Development")
FIRST = (
    "Ann Bob Chloé Dmitri Esra Fatma Goran Hana Ibrahim Jo Katarzyna Liam Mei Noor Olu Pia Quentin Rosa Sven Yara Zoë"
)
LAST = (
    "Field Müller Okafor Tanaka Silva Novák Haddad Larsen O'Brien Rossi Petrov Kaya Moreau Nguyen Quispe Weiss Yılmaz"
)


def populate(
    pbx: SimPbx, extensions: int, *, seed: int = 1, agents: int = 0, wrap_up: float = 10.0, away: float = 0.05
) -> None:
    """Fill an empty PBX.

    Args:
        pbx: the PBX.
        extensions: how many, from 2 to 7,500; numbered from 40, above 50 of them from 200, above 300 from 2000.
        seed: of the names.
        agents: how many extensions, from the second on, serve the queue 600; without any, three serve it if there are.
        wrap_up: seconds an agent rests after a queue call.
        away: share of extensions without a phone today; twice as many are offline for chats.
    """
    rng = Random(f"office {seed}")
    given, family = FIRST.split(), LAST.split()
    first = 40 if extensions <= 50 else 200 if extensions <= 300 else 2000
    numbers = [str(first + i) for i in range(extensions)]
    for i, number in enumerate(numbers):
        extension = pbx.directory.add_extension(
            number,
            f"{rng.choice(given)} {rng.choice(family)}",
            DEPARTMENTS[i * len(DEPARTMENTS) // extensions],
            # The first extension is the user's own and always has a phone; a few others are away today.
            registered=i == 0 or rng.random() >= away,
        )
        if i and extension.registered and rng.random() < 2 * away:
            extension.chat_status = "offline"
    pbx.directory.add(SimHuntGroup("500", "Reception", tuple(numbers[1:4])))
    agent_numbers = numbers[1 : 1 + agents] if agents else numbers[-3:]
    for number in agent_numbers:
        if (agent := pbx.extension(number)) is not None and not agent.registered:
            pbx.register(number)
    pbx.directory.add_queue(
        "600", "Support line", agent_numbers, now=pbx.clock.now, wrap_up=wrap_up, managers=(numbers[0],)
    )
    pbx.directory.add(SimAttendant("100", "Main menu", {"1": "600", "2": "500", "0": numbers[0]}))
    for orbit in range(700, 705):
        pbx.directory.add(SimOrbit(str(orbit), f"Orbit {orbit}"))
    pbx.directory.add(SimConference("800", "Meeting room"))
    pbx.directory.add(SimServiceFlag("900", "Night mode"))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to build; the arguments of `start`, where they are described."""

    preset: str | Preset = "office"
    extensions: int | None = None
    seed: int = 1
    speed: float = 1.0
    start: datetime | str | float | None = None
    dialect: str = "modern"
    version: str | None = None
    quirks: str | Iterable[str] = ()
    domain: str = "acme.example"
    domains: Iterable[str] = ()
    user: str = ""
    password: str = ""
    open_cookie: bool = False
    held: bool | None = None
    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = False
    mailboxes: bool = True
    media: bool = False
    tz: str | ZoneInfo | None = None

    def __repr__(self) -> str:
        return f"<Settings {self.preset} seed={self.seed}>"


def build(settings: Settings) -> Simulator:
    """Build it, not yet listening, and let the traffic warm up so that nobody finds an empty PBX.

    Raises:
        SimulatorError: an unknown dialect, quirk, user, version or start; a wrong port or domain; fewer than 2
            extensions, or more than 7,500 in all domains together.
        ConfigError: an unknown preset, or a zone that is none.
    """
    check_number("port", settings.port, 0, 65_535, whole=True, error=SimulatorError)
    chosen = preset(settings.preset)
    dialect = _dialect(settings.dialect)
    version = str(settings.version or dialect.version)
    if not version.split(".")[0].isdigit():
        raise SimulatorError(f"{version!r} is not a version.", hint="Give one like '70.1'.")
    zone = kernel_zone() if settings.tz is None else zone_of(settings.tz)
    begin, offset = _begin(settings.start, zone, given=settings.tz is not None)
    clock = SimClock(begin - chosen.warm_up)
    extensions = chosen.extensions if settings.extensions is None else settings.extensions
    check_number("extensions", extensions, 2, MOST_EXTENSIONS, whole=True, error=SimulatorError)
    domains = checked_domains(settings.domain, settings.domains)
    if extensions * len(domains) > MOST_EXTENSIONS:
        raise SimulatorError(
            f"{len(domains)} domains of {extensions:,} extensions are more than {MOST_EXTENSIONS:,} together.",
            hint=f"Give extensions={MOST_EXTENSIONS // len(domains)} or fewer: it counts for each domain.",
        )
    ids = itertools.count(7001)
    tenants = Tenants()
    for place, domain in enumerate(domains):
        # Each tenant has the next seed: names, calls and days of its own, and the first is as it would be alone.
        tenants[domain] = _tenant(domain, settings.seed + place, chosen, extensions, settings.user, clock, ids, offset)
        for extension in tenants[domain].pbx.extensions:
            extension.mailbox = settings.mailboxes
    user = tenants.of().traffic.users.user
    clock.advance_to(begin)
    password = settings.password or secrets.token_urlsafe(9)
    server = SimServer(
        Pace(clock, settings.speed, held=settings.start is not None if settings.held is None else settings.held),
        SimLogin(password),
        dialect=dialect,
        version=version,
        variants=Variants(settings.quirks, seed=settings.seed),
        open_cookie=settings.open_cookie,
    )
    for tenant in tenants.values():
        server.add(tenant.pbx)
    simulator = Simulator(
        server,
        tenants,
        user=user,
        password=password,
        seed=settings.seed,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
        tz=zone,
    )
    if settings.media:
        server.media = SimMedia(server)
    if settings.open_cookie:
        server.gates.append(lambda request: foreign(request, settings.host))
    server.routes += [*rest_routes(server), *steering_routes(simulator)]
    return simulator


def _tenant(
    domain: str,
    seed: int,
    chosen: Preset,
    extensions: int,
    user: str,
    clock: SimClock,
    ids: Iterator[int],
    offset: float,
) -> Tenant:
    """One tenant as its preset says, its traffic begun."""
    channels = extensions + 10 if chosen.trunks is None else chosen.trunks
    pbx = SimPbx(domain, clock=clock, seed=seed, channels=channels, ids=ids, utc_offset=offset)
    away = 0.05 if chosen.people else 0.0
    populate(pbx, extensions, seed=seed, agents=chosen.agents, wrap_up=chosen.habits.wrap_up, away=away)
    user = user or pbx.extensions[0].number
    me = pbx.extension(user)
    if me is None:
        numbers = f"{pbx.extensions[0].number} to {pbx.extensions[-1].number}"
        raise SimulatorError(f"There is no extension {user!r}.", hint=f"There are {numbers}.")
    me.supervises = True  # so that a notebook can play every part; all others command their own calls only
    traffic = Traffic(pbx, chosen, seed=seed, user=user, utc_offset=offset)
    traffic.start()
    return Tenant(pbx, traffic)


def _dialect(name: str) -> Dialect:
    try:
        return Dialect(name)
    except ValueError:
        raise SimulatorError(f"There is no dialect {name!r}.", hint="Choose 'modern' or '2016'.") from None


def _begin(start: datetime | str | float | None, zone: ZoneInfo, *, given: bool) -> tuple[float, float]:
    """Seconds since 1970 and the PBX's offset from UTC: in its zone where one was given; by default 09:30 of today."""
    if start is None:
        moment = datetime.now(zone).replace(hour=9, minute=30, second=0, microsecond=0)
    else:
        try:
            moment = _moment(start)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=zone if given else UTC)
            elif given:
                moment = moment.astimezone(zone)
        except (ValueError, TypeError, OverflowError, OSError):
            raise SimulatorError(f"{start!r} is no time.", hint="Write it like '2026-03-02T09:30'.") from None
    if moment.year < EARLIEST:
        raise SimulatorError(f"{start!r} is too long ago.", hint=f"Choose a time in {EARLIEST} or later.")
    return moment.timestamp(), (moment.utcoffset() or timedelta()).total_seconds()


def _moment(start: datetime | str | float) -> datetime:
    if isinstance(start, datetime):
        return start
    return datetime.fromisoformat(start) if isinstance(start, str) else datetime.fromtimestamp(start, UTC)


@forget_arguments
def start(
    preset: str | Preset = "office",
    *,
    extensions: int | None = None,
    seed: int = 1,
    speed: float = 1.0,
    start: datetime | str | float | None = None,
    dialect: str = "modern",
    version: str | None = None,
    quirks: str | Iterable[str] = (),
    port: int = 0,
    host: str = "127.0.0.1",
    tls: bool = False,
    domain: str = "acme.example",
    domains: Iterable[str] = (),
    user: str = "",
    password: str = "",
    open_cookie: bool = False,
    held: bool | None = None,
    mailboxes: bool = True,
    media: bool = False,
    tz: str | ZoneInfo | None = None,
) -> Simulator:
    """Start an embedded PBX on a thread of its own; it listens when this returns.

    Args:
        preset: a name of `PRESETS`, or a preset.
        extensions: how many in each domain, 2 to 7,500 in all together; the preset's number by default.
        seed: the same seed makes the same users, calls and mixture of quirks; each further domain has the next one.
        speed: virtual seconds per real second, 0.1 to 1000.
        start: the first reading of the clock; 09:30 of today by default. Without a zone it is in that of ``tz``, in
            UTC where none is given.
        dialect: ``modern`` or ``2016``.
        version: of the PBX; fits the dialect by default. Below 69 its WebRTC is the old one.
        quirks: variants of protocol.md 9, by their names in `server.frames.VARIANTS`, or ``all`` for a
            random mixture.
        port: 0 takes any free one.
        tls: serve ``wss`` and ``https`` with a certificate made on the fly.
        domain: name of the only tenant.
        domains: names of several tenants instead, on one port and one clock, each with its own users and calls under
            the same numbers; methods of the handle mean the first unless they are given another.
        user: the client's extension, a supervisor that does nothing by itself; the first by default. One in each
            domain.
        password: of every extension; a random one by default. The administrator's is `Simulator.admin_password`.
        open_cookie: sockets need no login; requests of other pages of a browser are refused (403).
        held: time stands still until the first client has its lists, so that the frames that follow are the same for
            the same seed, to the byte; by default where ``start`` is given.
        mailboxes: a call that nobody takes, or that a phone rejects, is answered by the extension's mailbox; False: it
            ends, and its caller gets the code (480, 486, 603). A setting of each extension, ``mb_enable`` over REST.
        media: browser phones have sound, over WebRTC on 127.0.0.1 alone: ringing, music, each other, and the numbers of
            `media.SERVICES`; needs the ``phone`` extra.
        tz: the zone the PBX stands in, which its day of traffic follows; None for the kernel's.

    Raises:
        SimulatorError: an argument cannot be used, or the port is taken.
        ConfigError: no known zone has this name.
        MissingExtra: there is to be sound, and the ``phone`` extra is not installed.

    Example:
        >>> with start("quiet", extensions=10) as sim:
        ...     sim.url.startswith("ws://127.0.0.1:")
        True
    """
    simulator = build(Settings(**locals()))
    simulator.in_thread()
    return simulator


@contextlib.asynccontextmanager
async def serve(
    preset: str | Preset = "office",
    *,
    extensions: int | None = None,
    seed: int = 1,
    speed: float = 1.0,
    start: datetime | str | float | None = None,
    dialect: str = "modern",
    version: str | None = None,
    quirks: str | Iterable[str] = (),
    port: int = 0,
    host: str = "127.0.0.1",
    tls: bool = False,
    domain: str = "acme.example",
    domains: Iterable[str] = (),
    user: str = "",
    password: str = "",
    open_cookie: bool = False,
    held: bool | None = None,
    mailboxes: bool = True,
    media: bool = False,
    tz: str | ZoneInfo | None = None,
) -> AsyncIterator[Simulator]:
    """An embedded PBX on the running loop, for as long as the block lasts; options as for `start`.

    Example:
        >>> async def main():
        ...     async with serve("quiet", extensions=10) as sim:
        ...         return sim.port > 0
        >>> import asyncio
        >>> asyncio.run(main())
        True
    """
    async with build(Settings(**locals())) as simulator:
        yield simulator

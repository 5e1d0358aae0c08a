"""`connect` and `simulate`: check the arguments in the caller's thread, then start the line on its own and return."""

from __future__ import annotations

import functools
import ssl
import threading
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Literal

from pbxnb.arguments import check_number, check_text, check_truth, forget_arguments, helpful_keywords
from pbxnb.client.client import Client
from pbxnb.client.endpoint import Endpoint
from pbxnb.client.logins import Login, Password, resolve_login
from pbxnb.client.tls import Pin
from pbxnb.forks import free_in_child
from pbxnb.model.clock import Clock
from pbxnb.zones import kernel_zone, zone_of

from .clock import PbxClock
from .line import Line
from .pbx import Pbx
from .recordings.live import facts_of, path_of
from .registry import REGISTRY

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pbxnb.simulator.presets import Preset

__all__ = ["connect", "simulate"]


@forget_arguments
@helpful_keywords
def connect(
    url: str,
    *,
    domain: str | None = None,
    user: str | None = None,
    login: Login | Literal["ask"] | None = None,
    control: bool = False,
    name: str | None = None,
    dialect: Literal["auto", "modern", "2016"] = "auto",
    tls: str | Path | Pin | ssl.SSLContext | None = None,
    keepalive: float = 30.0,
    open_timeout: float = 10.0,
    ping_interval: float = 20.0,
    ping_timeout: float = 20.0,
    max_size: int = 64 * 2**20,
    proxy: str | bool | None = None,
    tz: str | ZoneInfo | None = None,
    record: str | Path | None = None,
    memory: int = 512 * 2**20,
) -> Pbx:
    """Connect to a PBX. Returns at once, already connecting on pbxnb's own thread.

    A second `connect` with the same url, domain, user and name replaces the first once it is live.

    Args:
        url: ``ws://host[:port]``, ``wss://host[:port]``, with the path of a PBX behind a reverse proxy
            (``wss://host/pbx/``), or the full ``/websocket`` URL with its query; ``http`` and ``https`` do too.
        domain: the tenant; may be left out when the URL has it.
        user: the extension whose view this is; may be left out when the URL has it.
        login: `Password`, `AdminToken`, `Session`, ``"ask"`` for a hidden prompt now, or None to send nothing.
        control: allow commands. Without it the handle only looks.
        name: keeps deliberate siblings of the same url, domain and user apart.
        dialect: the vocabulary of commands; ``auto`` decides by what the PBX is.
        tls: None for the system's trust, a path to a CA or certificate, a `Pin`, an `ssl.SSLContext`, or
            ``"insecure"``, which warns each time.
        keepalive: seconds between two ``avoid-disconnect``.
        open_timeout: seconds until the first live moment, after which the handle gives up.
        ping_interval: seconds between two WebSocket pings.
        ping_timeout: seconds a pong may take.
        max_size: bytes of the largest frame taken.
        proxy: an HTTP proxy's URL, False (none), True (the environment's); None: True, but none on private addresses.
        tz: the zone of every time that is shown, such as ``Europe/Berlin``; None for the kernel's, as a PBX tells none
            (rest.md 2.0). Values stay in UTC.
        record: a file to record to, such as ``monday.pbx``; one that is there is appended to. See `Pbx.record_to`.
        memory: bytes that the session's past may take: ended calls, about 120 bytes each, and states of accounts; the
            oldest go first, which `Pbx.history` counts and every picture says.

    Raises:
        ConfigError: an argument cannot be used. What goes wrong on the line is raised by waiting.
        RecordingError: the file cannot be recorded to: another process does, or it is something else.

    Example:
        >>> pbx = await pbxnb.connect("wss://pbx.example.com", domain="acme.example", user="45", login=pbxnb.Password())
        >>> await pbx.aclose()
    """
    endpoint = Endpoint.parse(url, domain, user)
    check_truth("control", control)
    if name is not None:
        check_text("name", name)
    zone = kernel_zone() if tz is None else zone_of(tz)
    path = None if record is None else path_of(record)
    lock = free_in_child(threading.RLock())
    make = functools.partial(
        Client,
        endpoint.ws_root,
        domain=endpoint.domain,
        login=resolve_login(login, endpoint.account),  # which asks now, in this thread, if it is to ask
        dialect=dialect,
        tls=tls,
        keepalive=keepalive,
        open_timeout=open_timeout,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        max_size=max_size,
        proxy=proxy,
        memory=memory,
    )
    client = make(user=endpoint.user, lock=lock)
    key: Hashable = (endpoint.ws_url, name)  # the URL holds domain and user
    line = Line(client, lock, key=key, record=None if path is None else (path, facts_of(client, zone)))
    clock = PbxClock(lambda: client.store.clock, zone, ended=lambda: line.ended_at)
    pbx = Pbx(line, name=name or endpoint.account, control=control, clock=clock, another=make)
    line.start()
    return pbx


@forget_arguments
@helpful_keywords
def simulate(
    preset: str | Preset = "office",
    *,
    extensions: int | None = 50,
    seed: int = 1,
    speed: float = 1.0,
    domains: Iterable[str] = (),
    media: bool = False,
    name: str | None = None,
    start: datetime | str | float | None = None,
    dialect: Literal["modern", "2016"] = "modern",
    version: str | None = None,
    quirks: str | Iterable[str] = (),
    port: int = 0,
    host: str = "127.0.0.1",
    tls: bool = False,
    domain: str = "acme.example",
    user: str = "",
    password: str = "",
    open_cookie: bool = False,
    held: bool | None = None,
    mailboxes: bool = True,
    tz: str | ZoneInfo | None = None,
    record: str | Path | None = None,
    memory: int = 512 * 2**20,
) -> Pbx:
    """Start an embedded PBX and connect to it over a real loopback socket, with control. Closing stops both.

    The same call again, in a re-run cell, replaces the first once it is live; with a ``port`` of its own, at once.

    Args:
        preset: the traffic: ``office`` and others of `pbxnb.simulator`.
        extensions: how many in each domain; None for the preset's number.
        seed: the same seed gives the same history.
        speed: PBX seconds per real second.
        domains: names of several tenants on one PBX: the handle is of the first, and
            ``pbxnb.connect(**pbx.simulator.connection("b.example"))`` is one of another.
        media: browser phones have sound, on 127.0.0.1 alone; needs the ``phone`` extra. See `pbxnb.simulator.start`.
        name: keeps deliberate siblings of the same call apart.
        start: the first reading of the PBX's clock; 09:30 of today by default.
        dialect: ``modern`` or ``2016``.
        version: of the PBX; None for one that fits the dialect.
        quirks: names of variants of what it sends, or ``all`` for a random mixture.
        port: 0 takes any free one.
        host: the address it listens on.
        tls: serve ``wss`` and ``https`` with a certificate made on the fly.
        domain: name of the only tenant.
        user: the extension of the handle; the first by default.
        password: of every extension; a random one by default.
        open_cookie: sockets need no login.
        held: time stands still until the first client has its lists; by default where ``start`` is given.
        mailboxes: a call that nobody takes is answered by a mailbox.
        tz: the zone of the PBX and of every time that is shown, such as ``Europe/Berlin``; None for the kernel's.
        record: a file to record to, as for `connect`.
        memory: as for `connect`.

    Raises:
        ConfigError: no known zone has this name, ``record`` is no path, or ``memory`` is no number of bytes.
        RecordingError: the file cannot be recorded to.
        SimulatorError: an argument cannot be used, or the port is taken.
        MissingExtra: there is to be sound, and the ``phone`` extra is not installed.

    Example:
        >>> pbx = await pbxnb.simulate("office", extensions=20, seed=1)
        >>> await pbx.aclose()
    """
    check_number("memory", memory, whole=True)
    domains = domains if isinstance(domains, str) else tuple(domains)
    given = {key: value for key, value in locals().items() if key not in ("name", "record", "memory")}
    path = None if record is None else path_of(record)
    from pbxnb import simulator

    key: Hashable = ("simulate", repr(given), name)
    if port:  # only one can listen there
        REGISTRY.vacate(key)
    embedded = simulator.start(**given)
    lock = free_in_child(threading.RLock())
    make = functools.partial(
        Client,
        embedded.url,
        domain=embedded.domain,
        login=Password(embedded.password),
        tls=embedded.tls_certificate or None,
        memory=memory,
        now=embedded.clock.now,
        clock=Clock(offset=0.0),  # what it stamps is PBX time already
    )
    client = make(user=embedded.user, lock=lock)
    try:
        record_to = None if path is None else (path, facts_of(client, embedded.tz))
        line = Line(client, lock, key=key, finish=embedded.close, record=record_to)
    except BaseException:
        embedded.close()
        raise
    clock = PbxClock(
        lambda: client.store.clock,
        embedded.tz,
        now=embedded.clock.now,
        rate=lambda: embedded.clock.rate,
        ended=lambda: line.ended_at,
    )
    pbx = Pbx(line, name=name or str(preset), control=True, clock=clock, another=make, simulator=embedded)
    line.start()
    return pbx

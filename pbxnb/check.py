"""A connection walked through step by step, each said in plain words: what ``pbxnb check`` prints.

The steps are those of every connection (rest.md 1.9), then what the PBX shows us; the first that fails ends the walk
with what to try.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec

from pbxnb.arguments import check_number
from pbxnb.client.client import Client
from pbxnb.client.endpoint import Endpoint
from pbxnb.client.logins import resolve_login
from pbxnb.client.rest import Rest, unreachable
from pbxnb.client.tls import Trust
from pbxnb.client.writing.sync import dialect_of
from pbxnb.errors import PbxError, Unreachable
from pbxnb.text import LONGEST, clean

__all__ = ["CheckStep", "check"]

_SETTLED = timedelta(seconds=1)  # an account may show its call a moment before the list has it
_EVIDENCE = timedelta(seconds=10)  # what `Store.scope_evidence` waits for; a check does not


class CheckStep(msgspec.Struct, frozen=True):
    """One step: its name, whether it went well, what was found, and what to try when it did not."""

    name: str
    ok: bool
    said: str
    hint: str = ""

    def __post_init__(self) -> None:
        for name in ("said", "hint"):
            msgspec.structs.force_setattr(self, name, clean(getattr(self, name), LONGEST))


async def check(
    url: str,
    *,
    domain: str | None = None,
    user: str | None = None,
    login: object = None,
    tls: object = None,
    open_timeout: float = 10.0,
) -> AsyncIterator[CheckStep]:
    """Walk through a connection: address, reachability, TLS, version, login, socket, first messages, rights.

    Args:
        url, domain, user, login, tls, open_timeout: as for `Client`.

    Yields:
        One `CheckStep` each, in order; the last one failed, or everything went well.

    Raises:
        ConfigError: ``open_timeout`` is no time.

    Example:
        >>> steps = check("wss://pbx.example.com", domain="acme.example", user="45", login=pbxnb.Password())
        >>> async for step in steps:
        ...     print(f"{step.name}: {step.said}")
        address: ...
        socket: ...
    """
    check_number("open_timeout", open_timeout, above=True)
    name = "address"
    http: Rest | None = None
    try:
        endpoint = Endpoint.parse(url, domain, user)
        trust = Trust(tls, endpoint)
        whose = resolve_login(login, endpoint.account)
        yield CheckStep(name, True, f"{endpoint.authority}, domain {endpoint.domain}, extension {endpoint.user}")

        name = "reachable"
        await _reach(endpoint, open_timeout)
        yield CheckStep(name, True, f"something listens at {endpoint.authority}")

        name = "tls" if endpoint.secure else "web server"
        http = Rest(endpoint, trust, timeout=open_timeout)
        await http.probe()
        yield CheckStep(
            name, True, "the certificate is accepted" if endpoint.secure else "it answers plain HTTP; no TLS"
        )

        version = f"PBX {http.version}" if http.version else "not told; a PBX of our kind names itself"
        yield CheckStep("version", True, f"{version}; dialect {dialect_of('auto', http.version)}")

        name = "login"
        if whose is None:
            yield CheckStep(name, True, "none given; most PBXs want one")
        else:
            await whose.cookie(http)
            yield CheckStep(name, True, f"{whose!r} gives a session")

        name = "socket"
        options: dict[str, Any] = {"login": whose, "tls": tls, "open_timeout": open_timeout}
        async with Client(url, domain=endpoint.domain, user=endpoint.user, **options) as client:
            yield CheckStep(name, True, "the WebSocket is open and live")
            first = _first_messages(client)
            yield first
            if first.ok:
                yield await _rights(client)
    except PbxError as error:
        yield CheckStep(name, False, error.message, error.hint)
    finally:
        if http is not None:
            await http.aclose()


async def _reach(endpoint: Endpoint, timeout: float) -> None:
    """Name lookup and TCP connection alone: tells a wrong host from a closed port from a firewall."""
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except (OSError, TimeoutError) as error:
        raise unreachable(error, endpoint.authority) from None
    except UnicodeError:
        raise Unreachable(f"The name in {endpoint.authority} is malformed.", hint="Check the host name.") from None
    writer.close()


def _first_messages(client: Client) -> CheckStep:
    """What the PBX let us see."""
    missing = client.status.missing
    seen = f"{len(client.store.accounts)} accounts, {len(client.store.calls)} calls"
    if not missing:
        return CheckStep("first messages", True, seen)
    lacking = " and ".join(missing)
    return CheckStep(
        "first messages",
        False,
        f"{seen}; the PBX sends no {lacking}",
        f"Give the extension {client.endpoint.user} the right to see the domain's {lacking}.",
    )


async def _rights(client: Client) -> CheckStep:
    """Whether we are shown the calls of others. The PBX does not say no: it shows less (protocol.md 4.1)."""
    name, me, store = "rights", client.endpoint.user, client.store
    if any(me not in (call.from_.number, call.to.number, *call.extensions) for call in store.calls.values()):
        return CheckStep(name, True, "the calls of the whole domain are shown")
    await asyncio.sleep(_SETTLED.total_seconds())
    if store.scope_evidence(client.now() + _EVIDENCE - _SETTLED):
        return CheckStep(
            name,
            False,
            "Extensions are in calls that the PBX does not list for us.",
            f"Give the extension {me} the right to see the domain's calls.",
        )
    return CheckStep(name, True, "nobody else is in a call now, so whether their calls would be shown is not known")

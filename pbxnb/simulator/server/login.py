"""Who is who on the embedded PBX: passwords, tokens that live ten seconds, session cookies (protocol.md 2.3).

It decides and remembers; it knows no HTTP. Secrets are compared in constant time and never appear in a repr.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from ..engine.pbx import SimPbx
from .timing import TIMING, Timing

__all__ = ["Identity", "SimLogin"]

MOST_SESSIONS = 10_000


class Identity(NamedTuple):
    """Whom a session belongs to: the system's administrator, a tenant, or an extension of it."""

    kind: Literal["admin", "domain", "user"]
    domain: str = ""
    user: str = ""

    def may_act_for(self, domain: str, user: str = "") -> bool:
        """Administrators act for all, a tenant for its accounts, an extension for itself."""
        if self.kind == "admin":
            return True
        return self.domain == domain and (self.kind == "domain" or self.user == user)


class SimLogin:
    """Credentials and sessions of all tenants.

    Args:
        password: of every extension and administrator.
        admin: login name of the system's administrator.
        wall: a monotonic clock, for tests.

    Attributes:
        tenants: by domain.
        api_access: the administrator's "Enable API Access" switch; off answers 403.
        token_life: seconds a token can be exchanged.
    """

    def __init__(
        self,
        password: str,
        *,
        admin: str = "admin",
        wall: Callable[[], float] = time.monotonic,
        timing: Timing = TIMING,
    ) -> None:
        self.admin = admin
        self.api_access = True
        self.token_life = timing.token_life
        self.tenants: dict[str, SimPbx] = {}
        self._session_life = timing.session_life
        self._password = password
        self._wall = wall
        self._tokens: OrderedDict[str, tuple[Identity, float]] = OrderedDict()
        self._sessions: OrderedDict[str, tuple[Identity, float]] = OrderedDict()

    def identity(self, name: str) -> Identity | None:
        """Who logs in under that name: ``admin``, ``admin@domain``, ``204@domain``, or ``204`` with a single tenant."""
        user, _, domain = name.partition("@")
        if name == self.admin:
            return Identity("admin")
        if not domain and len(self.tenants) == 1:
            domain = next(iter(self.tenants))
        if domain not in self.tenants:
            return None
        if user == self.admin:
            return Identity("domain", domain)
        return Identity("user", domain, user) if self.tenants[domain].extension(user) else None

    def by_hash(self, value: str) -> Identity | None:
        """``<login> <md5 of the password>``, an empty password as an empty hash."""
        name, _, given = value.strip().rpartition(" ") if " " in value.strip() else (value.strip(), "", "")
        # MD5 is what the PBX's login page sends; it protects nothing here.
        right = hashlib.md5(self._password.encode(), usedforsecurity=False).hexdigest() if self._password else ""
        matches = hmac.compare_digest(given.lower().encode(), right.encode())
        return self.identity(name) if matches else None

    def basic(self, header: str) -> Identity | None:
        """The value of an ``Authorization: Basic`` header."""
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self.identity(name) if hmac.compare_digest(password.encode(), self._password.encode()) else None

    def third_party(self, body: Mapping[str, object]) -> Identity | None:
        """Whom a ``3rd`` request is for; None when there is no such domain or extension (protocol.md 2.3 b)."""
        domain, user = str(body.get("domain") or ""), str(body.get("username") or "")
        if not domain and body.get("admin"):
            return Identity("admin")
        if domain not in self.tenants:
            return None
        if not user or user == self.admin:
            return Identity("domain", domain)
        return Identity("user", domain, user) if self.tenants[domain].extension(user) else None

    def token(self, identity: Identity) -> str:
        """A token of 20 characters, for one exchange."""
        token = secrets.token_hex(10)
        self._keep(self._tokens, token, identity, self.token_life)
        return token

    def exchange(self, token: str) -> str:
        """A session id for a token; empty when it is wrong, used or too old."""
        identity, until = self._tokens.pop(token, (None, 0.0))
        return self.session(identity) if identity is not None and until > self._wall() else ""

    def session(self, identity: Identity) -> str:
        """A new session."""
        session = secrets.token_hex(10)
        self._keep(self._sessions, session, identity, self._session_life)
        return session

    def whose(self, session: str) -> Identity | None:
        """The owner of a session that is still good; looking prolongs it."""
        identity, until = self._sessions.get(session, (None, 0.0))
        if identity is None or until <= self._wall():
            return None
        self._sessions[session] = (identity, self._wall() + self._session_life)
        return identity

    def logout(self, session: str) -> None:
        """End one session."""
        self._sessions.pop(session, None)

    def forget_all(self) -> None:
        """End every session and token, as a restart does."""
        self._sessions.clear()
        self._tokens.clear()

    def _keep(self, store: OrderedDict[str, tuple[Identity, float]], key: str, identity: Identity, life: float) -> None:
        store[key] = (identity, self._wall() + life)
        while len(store) > MOST_SESSIONS:
            store.popitem(last=False)

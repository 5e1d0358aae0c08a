"""Who may log in: passwords, tokens that live ten seconds, session cookies (protocol.md 2.3); and the certificate.

It knows no HTTP. Secrets are compared in constant time and never appear in a repr; the private key touches the disk
only while OpenSSL reads it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import ipaddress
import os
import secrets
import shutil
import ssl
import tempfile
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pbxnb.errors import SimulatorError, install_hint

from ..engine.clock import TIMING, Timing
from ..engine.pbx import SimPbx

__all__ = ["CertificateFile", "Identity", "SimLogin", "make_certificate"]

MOST_SESSIONS = 10_000


class Identity(NamedTuple):
    """Whom a session belongs to: the system's administrator, a tenant, or an extension of it."""

    kind: Literal["admin", "domain", "user"]
    domain: str = ""
    user: str = ""

    def belongs_to(self, domain: str) -> bool:
        """Whether there is anything for it in a tenant; the system's administrator is at home in all."""
        return self.kind == "admin" or self.domain == domain

    def may_act_for(self, domain: str, user: str = "") -> bool:
        """Administrators act for all, a tenant for its accounts, an extension for itself."""
        if self.kind == "admin":
            return True
        return self.domain == domain and (self.kind == "domain" or self.user == user)


class SimLogin:
    """Credentials and sessions of all tenants.

    Args:
        password: of every extension.
        admin: login name of the system's administrator.
        wall: a monotonic clock, for tests.

    Attributes:
        tenants: by domain.
        admin_password: of the administrators, the system's and each tenant's; random, no extension knows it.
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
        self.admin_password: Final = secrets.token_urlsafe(9)
        self.api_access = True
        self.token_life: float = timing.token_life
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
        right = self._secret(name)
        # MD5 is what the PBX's login page sends; it protects nothing here.
        right = hashlib.md5(right.encode(), usedforsecurity=False).hexdigest() if right else ""
        matches = hmac.compare_digest(given.lower().encode(), right.encode())
        return self.identity(name) if matches else None

    def basic(self, header: str) -> Identity | None:
        """The value of an ``Authorization: Basic`` header."""
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            return self.by_password(base64.b64decode(encoded, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            return None

    def by_password(self, given: str) -> Identity | None:
        """``<login>:<password>``."""
        name, _, password = given.partition(":")
        return self.identity(name) if hmac.compare_digest(password.encode(), self._secret(name).encode()) else None

    def by_link(self, user: str, dest: str, time: str, duration: str, given: str) -> Identity | None:
        """The MD5 of all this with the password: what a link to dial with carries (rest.md 2.7)."""
        right = f"{user}{self._secret(user)}{dest}{time}{duration}".encode()
        right_hash = hashlib.md5(right, usedforsecurity=False).hexdigest()
        return self.identity(user) if hmac.compare_digest(given.lower().encode(), right_hash.encode()) else None

    def _secret(self, name: str) -> str:
        """What has to be given with a login name."""
        return self.admin_password if name.partition("@")[0] == self.admin else self._password

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
        """The owner of a session that is still good; each use prolongs it."""
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


class CertificateFile:
    """The certificate in use, its public half in a temporary file.

    Attributes:
        path: of the file (PEM); empty before the first certificate.
        fingerprint: ``sha256:...``; likewise.
    """

    def __init__(self) -> None:
        self.path: str = ""
        self.fingerprint: str = ""
        self._remove: Callable[[], object] | None = None

    def renew(self, host: str) -> ssl.SSLContext:
        """Make a certificate (again) and write it to ``path``; see `make_certificate`."""
        pem, context = make_certificate(host)
        if self._remove is None:
            folder = tempfile.mkdtemp(prefix="pbxnb-simulator-")
            self.path = str(Path(folder, "certificate.pem"))
            self._remove = weakref.finalize(self, _remove, folder, os.getpid())
        Path(self.path).write_text(pem, encoding="ascii")
        self.fingerprint = f"sha256:{hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()}"
        return context

    def close(self) -> None:
        """Remove the file."""
        if self._remove is not None:
            self._remove()


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:  # a forked child ends too, and leaves it to us
        shutil.rmtree(folder, ignore_errors=True)


def make_certificate(host: str) -> tuple[str, ssl.SSLContext]:
    """A fresh self-signed certificate (PEM) for ``localhost``, 127.0.0.1 and ``host``, and a context that uses it.

    Raises:
        SimulatorError: the ``cryptography`` package is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError as error:
        raise SimulatorError(
            "A certificate cannot be made because the package 'cryptography' is missing.",
            hint=f"{install_hint('cryptography')}; or leave tls off.",
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbxnb simulator")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    try:
        address = ipaddress.ip_address(host)
        names += [] if str(address) == "127.0.0.1" else [x509.IPAddress(address)]
    except ValueError:
        names += [] if host == "localhost" else [x509.DNSName(host)]
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(prefix="pbxnb-") as folder:
        path = Path(folder, "server.pem")
        path.touch(mode=0o600)
        path.write_bytes(pem + secret)
        context.load_cert_chain(path)
    return pem.decode(), context

"""What the client's tests share: a quick clock, a client that is watched, certificates made on the fly."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pbxnb.client import Client, Timing
from pbxnb.model.changes import Event, Frame
from pbxnb.model.entities import Status
from tests.helpers.fault_server import DOMAIN, USER, FaultServer

QUICK = Timing(
    ask_after=0.05,
    rest_after=0.05,
    live_after=0.4,
    stable_after=0.05,
    backoff_base=0.02,
    backoff_cap=0.05,
    restart_within=0.02,
    attempts=100,
    attempts_within=1.0,
    close_timeout=0.2,
    tick=0.05,
    read_every=0.05,
    read_gap=0.02,
    read_apart=0.001,
)


class Watched:
    """A client whose every word is kept, and can be waited for."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.events: list[Event] = []
        self.frames: list[Frame] = []
        self.statuses: list[Status] = []
        self._changed = asyncio.Event()
        client.on_event = lambda event: self._keep(self.events, event)
        client.on_frame = lambda frame: self._keep(self.frames, frame)
        client.on_status = lambda status: self._keep(self.statuses, status)
        client.on_changes = lambda _changes: self._changed.set()

    def _keep(self, into: list[Any], value: Any) -> None:
        into.append(value)
        self._changed.set()

    @property
    def states(self) -> list[str]:
        return [status.state.value for status in self.statuses]

    def kinds(self) -> list[str]:
        """The events but for ``message``, in order."""
        return [event.kind for event in self.events if event.kind != "message"]

    async def until(self, predicate: Callable[[], object], timeout: float = 30.0) -> None:
        """Wait until the predicate holds; tried whenever the client says something."""
        async with asyncio.timeout(timeout):
            while not predicate():
                self._changed.clear()
                await self._changed.wait()

    async def live(self, connection: int = 1) -> None:
        """Wait until the line is live on its n-th time."""
        await self.until(lambda: self.states.count("live") >= connection and self.client.status.state == "live")


def make_client(server: FaultServer, **options: Any) -> Client:
    options = {"domain": DOMAIN, "user": USER, "timing": QUICK, "open_timeout": 3.0, **options}
    return Client(server.url, **options)


@asynccontextmanager
async def watching(server: FaultServer, **options: Any) -> AsyncIterator[Watched]:
    """A started, watched client of this server."""
    client = make_client(server, **options)
    watched = Watched(client)
    async with client:
        yield watched


class Certificate:
    """A self-signed certificate for 127.0.0.1, as a PBX makes its own; without `cryptography` the test is skipped."""

    def __init__(self, folder: Path, name: str = "pbx", *, address: str = "127.0.0.1") -> None:
        pytest.importorskip("cryptography", reason="certificates are made with the package cryptography")
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.fingerprint = "sha256:" + certificate.fingerprint(hashes.SHA256()).hex()
        key_path = folder / f"{name}.key"
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self._key_path = key_path
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.load(self.context)

    def load(self, context: ssl.SSLContext) -> None:
        """Let a running server show this certificate from now on."""
        context.load_cert_chain(self.path, self._key_path)

"""Trust: the five ways of ``tls=``, what each refuses, and that nothing is sent to a stranger."""

from __future__ import annotations

import asyncio
import os
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest

from pbxnb.client import AdminToken, Client, Pin
from pbxnb.errors import ConfigError, TlsError
from tests.client.client_kit import Certificate, make_client, watching
from tests.helpers.fault_server import ADMIN, FaultServer, clean_close, healthy


async def test_a_self_signed_certificate_is_refused_with_what_to_do(certificate):
    async with FaultServer(tls=certificate.context) as server:
        client = make_client(server)
        with pytest.raises(TlsError, match=r"not trusted.*Pin"):
            await client.start()
        assert client.status.state == "refused"
        assert not server.requests, "a certificate error is final and comes before anything is sent"


async def test_the_certificate_itself_may_be_named(certificate):
    async with FaultServer(tls=certificate.context) as server, watching(server, tls=certificate.path) as watched:
        assert watched.client.status.state == "live"
    async with FaultServer(tls=certificate.context) as server, watching(server, tls=str(certificate.path)) as watched:
        assert watched.client.status.state == "live"


async def test_an_ip_address_that_is_not_in_the_certificate(tmp_path):
    other = Certificate(tmp_path, address="192.168.1.11")
    async with FaultServer(tls=other.context) as server:
        with pytest.raises(TlsError, match="To an IP address a PBX shows its system certificate"):
            await make_client(server, tls=other.path).start()


async def test_a_pin_trusts_one_certificate_whatever_names_are_in_it(tmp_path):
    other = Certificate(tmp_path, address="192.168.1.11")
    pin = Pin(other.fingerprint.upper().replace("SHA256", "sha256"))
    async with FaultServer(tls=other.context) as server, watching(server, tls=pin) as watched:
        assert watched.client.status.state == "live"


async def test_certificate_changed_is_final_and_nothing_is_sent(tmp_path):
    old, new = Certificate(tmp_path, "old"), Certificate(tmp_path, "new")
    async with (
        FaultServer(clean_close(1001), tls=old.context, login=True) as server,
        watching(server, tls=Pin(old.fingerprint), login=AdminToken(*ADMIN)) as watched,
    ):
        new.load(old.context)
        server.requests.clear()
        server.go()
        await watched.until(lambda: watched.client.status.state == "refused")
        assert new.fingerprint in watched.client.status.why
        assert not [path for _, path, _ in server.requests if path in ("/", "/rest/system/session")]


async def test_an_ssl_context_is_used_as_it_is(certificate):
    context = ssl.create_default_context(cafile=certificate.path)
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    async with FaultServer(tls=certificate.context) as server, watching(server, tls=context) as watched:
        assert watched.client.status.state == "live"


async def test_insecure_warns_every_time(certificate, caplog):
    async with FaultServer(tls=certificate.context) as server:
        for _ in range(2):
            with pytest.warns(UserWarning, match="not checked"):
                client = make_client(server, tls="insecure")
            async with client:
                assert client.status.state == "live"
    assert caplog.text.count("is not checked") == 2


@pytest.mark.parametrize("fingerprint", ["", "sha256:", "sha256:zz", "sha1:" + "a" * 40, "a" * 63])
def test_what_is_no_fingerprint(fingerprint):
    with pytest.raises(ConfigError, match="SHA-256"):
        Pin(fingerprint)


def test_a_pin_may_be_written_with_colons():
    colons = ":".join(["AB"] * 32)
    assert repr(Pin(f"SHA256:{colons}")) == f"Pin('sha256:{'ab' * 32}')"


@pytest.mark.parametrize("tls", [5, True, "no-such-file.pem", Path("no-such-file.pem")])
def test_what_is_no_trust(tls):
    with pytest.raises(ConfigError):
        Client("wss://127.0.0.1", domain="acme.example", user="45", tls=tls)


def test_trust_without_tls_is_a_mistake():
    with pytest.raises(ConfigError, match="ws://"):
        Client("ws://127.0.0.1", domain="acme.example", user="45", tls=Pin("a" * 64))


async def test_a_plain_port_spoken_to_in_tls(certificate):
    async with FaultServer(healthy) as server:
        client = Client(server.url.replace("ws:", "wss:"), domain="acme.example", user="45", open_timeout=2.0)
        with pytest.raises(TlsError, match="Use ws://"):
            await client.start()


class OldTls:
    """The first messages of a TLS 1.2 server without secure renegotiation, as PBX 67 sends them (protocol.md 2.5).

    OpenSSL cannot be told to be such a server, so its hello and its certificate are written by hand. That is as far as
    a client gets that verifies: it must turn the certificate down.
    """

    def __init__(self, certificate: bytes) -> None:
        cipher = b"\xc0\x2b"  # ECDHE-ECDSA-AES128-GCM-SHA256
        hello = b"\x03\x03" + os.urandom(32) + b"\x00" + cipher + b"\x00"
        chain = self._u24(certificate) + certificate
        self._flight = self._message(2, hello) + self._message(11, self._u24(chain) + chain)
        self.hellos = 0

    @staticmethod
    def _u24(data: bytes) -> bytes:
        return len(data).to_bytes(3, "big")

    def _message(self, kind: int, body: bytes) -> bytes:
        handshake = bytes([kind]) + self._u24(body) + body
        return struct.pack(">BHH", 22, 0x0303, len(handshake)) + handshake

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readexactly(5)
        await reader.readexactly(int.from_bytes(header[3:], "big"))
        self.hellos += 1
        writer.write(self._flight)
        await reader.read()
        writer.close()


async def run_against_old_tls(old: OldTls, **options: Any) -> None:
    listener = await asyncio.start_server(old.serve, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        client = Client(f"wss://127.0.0.1:{port}", domain="acme.example", user="45", open_timeout=3.0, **options)
        await client.run()


async def test_old_tls_is_retried_once_in_legacy_mode_with_verification_left_on(certificate):
    old = OldTls(certificate.der)
    with pytest.raises(TlsError, match="not trusted"):  # the hello was accepted this time, the certificate was not
        await run_against_old_tls(old)
    assert old.hellos == 2


async def test_an_ssl_context_that_was_given_is_not_weakened(certificate):
    context = ssl.create_default_context()
    old = OldTls(certificate.der)
    with pytest.raises(TlsError, match=r"options \|= 0x4"):
        await run_against_old_tls(old, tls=context)
    assert old.hellos == 1
    assert not context.options & 0x4

"""Certificates made on the fly, for ``tls=True``. The private key touches the disk only while OpenSSL reads it."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import ssl
import tempfile
from pathlib import Path
from typing import NamedTuple

from pbxnb.errors import SimulatorError

__all__ = ["Certificate", "CertificateFile", "make_certificate"]


class Certificate(NamedTuple):
    """A self-signed certificate (``pem``, public) and a server context that uses it."""

    pem: str
    context: ssl.SSLContext


class CertificateFile:
    """The certificate in use, its public half in a temporary file.

    Attributes:
        path: of the file (PEM); empty before the first certificate.
        fingerprint: ``sha256:...``; likewise.
    """

    def __init__(self) -> None:
        self.path = ""
        self.fingerprint = ""
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def renew(self, host: str) -> ssl.SSLContext:
        """Make a certificate (again) and write it to ``path``; see `make_certificate`."""
        certificate = make_certificate(host)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="pbxnb-simulator-", ignore_cleanup_errors=True)
        path = Path(self._folder.name, "certificate.pem")
        path.write_text(certificate.pem, encoding="ascii")
        self.path = str(path)
        self.fingerprint = f"sha256:{hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.pem)).hexdigest()}"
        return certificate.context

    def close(self) -> None:
        """Remove the file."""
        if self._folder is not None:
            self._folder.cleanup()


def make_certificate(host: str, *, days: int = 30) -> Certificate:
    """A fresh self-signed certificate for ``localhost``, 127.0.0.1 and ``host``.

    Args:
        host: name or address the server listens on.
        days: how long it is valid.

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
            hint="Install it with: pip install cryptography; or leave tls off.",
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
        .not_valid_after(now + dt.timedelta(days=days))
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
    return Certificate(pem.decode(), context)

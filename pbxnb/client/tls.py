"""Whom to trust: the five ways of ``tls=`` as one SSL context, and TLS failures in plain words (rest.md 1.7).

A certificate error is final. The one exception to strictness, servers without secure renegotiation (protocol.md 2.5),
is granted only after exactly that failure and leaves verification on.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import warnings
from pathlib import Path
from typing import Final

from pbxnb.errors import ConfigError, ConnectionFailed, TlsError, Unreachable
from pbxnb.text import clean_logger

from .endpoint import Endpoint

__all__ = ["Pin", "Trust", "needs_legacy"]

_LOG = clean_logger("pbxnb.client")
_OP_LEGACY_SERVER_CONNECT = 0x4  # named in Python only from 3.12
_LEGACY_REASON = "UNSAFE_LEGACY_RENEGOTIATION_DISABLED"
_PLAIN_REASONS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_HOST_MISMATCH, _IP_MISMATCH = 62, 64  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH


class Pin:
    """Trust exactly one certificate, self-signed or not, whatever names are in it.

    Args:
        fingerprint: ``"sha256:"`` and the 64 hexadecimal digits of the certificate's SHA-256, colons allowed.

    Raises:
        ConfigError: the text is no SHA-256 fingerprint.
    """

    def __init__(self, fingerprint: str) -> None:
        digits = re.sub(r"[:\s]", "", str(fingerprint).lower().removeprefix("sha256:"))
        if not re.fullmatch(r"[0-9a-f]{64}", digits):
            raise ConfigError(
                "A pin is the SHA-256 of a certificate: 64 hexadecimal digits.",
                hint='Write Pin("sha256:…"); openssl x509 -in cert.pem -noout -fingerprint -sha256 prints it.',
            )
        self.fingerprint: Final = f"sha256:{digits}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pin) and other.fingerprint == self.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"Pin({self.fingerprint!r})"

    def context(self) -> ssl.SSLContext:
        """A context whose handshake fails unless the server shows this certificate; nothing is sent before that."""
        pinned = self.fingerprint

        class PinnedObject(ssl.SSLObject):
            def do_handshake(self) -> None:
                super().do_handshake()
                shown = "sha256:" + hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
                if shown != pinned:
                    raise ssl.SSLCertVerificationError(f"the certificate shown is {shown}, not {pinned}")

        context = _unverified()
        context.sslobject_class = PinnedObject
        return context


class Trust:
    """The SSL context of one client.

    Args:
        tls: None (system trust), a path to a CA or certificate, a `Pin`, an ``ssl.SSLContext``, or ``"insecure"``.
        endpoint: whom we connect to; over ``ws://`` nothing is built.

    Raises:
        ConfigError: ``tls`` is none of these, or the file cannot be used.
    """

    def __init__(self, tls: object, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._own = not isinstance(tls, ssl.SSLContext)
        self.context: ssl.SSLContext | None = None
        if endpoint.secure:
            self.context = _context(tls, endpoint)
        elif tls is not None:
            raise ConfigError("tls= is given for a ws:// URL, which has no TLS.", hint="Use wss://, or leave it out.")

    def allow_legacy(self) -> bool:
        """Let the context talk to servers without secure renegotiation; False if it already may, or is not ours."""
        if self.context is None or not self._own or self.context.options & _OP_LEGACY_SERVER_CONNECT:
            return False
        self.context.options |= ssl.Options(_OP_LEGACY_SERVER_CONNECT)
        _LOG.info("The PBX at %s has an old TLS stack; trying once more in legacy mode.", self._endpoint.authority)
        return True

    def failure(self, exc: ssl.SSLError) -> ConnectionFailed:
        """The error to raise for a failed handshake: a `TlsError`, final, or `Unreachable` for a broken line."""
        where = self._endpoint.authority
        reason = getattr(exc, "reason", None) or ""
        if isinstance(exc, ssl.SSLCertVerificationError):
            return self._untrusted(exc)
        if needs_legacy(exc):
            return TlsError(
                f"The PBX at {where} has an old TLS stack without secure renegotiation.",
                hint="Set context.options |= 0x4 on the SSLContext you gave.",
            )
        if any(word in reason for word in _PLAIN_REASONS):
            return TlsError(
                f"{where} does not speak TLS.", hint="Use ws:// for this port, or the port of the PBX's https pages."
            )
        if isinstance(exc, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
            return Unreachable(f"{where} hung up during the TLS handshake.", hint="Is the PBX restarting?")
        return TlsError(f"No TLS connection to {where}: {reason.replace('_', ' ').lower() or 'the handshake failed'}.")

    def _untrusted(self, exc: ssl.SSLCertVerificationError) -> TlsError:
        where, code = self._endpoint.authority, getattr(exc, "verify_code", 0)
        if not code:  # raised by our own pin check
            return TlsError(
                f"{where} shows another certificate than the pinned one: {exc.args[-1]}.",
                hint="If the PBX got a new certificate, check it and pin the new fingerprint.",
                verify_code=code,
            )
        hint = 'Give the certificate or its CA as tls="path.pem", or pin it with tls=pbxnb.Pin("sha256:…").'
        if code in (_HOST_MISMATCH, _IP_MISMATCH):
            hint = "Use a name that is in the certificate, or pin it with tls=pbxnb.Pin(…)."
            if self._endpoint.is_ip:
                hint = "To an IP address a PBX shows its system certificate. " + hint
        return TlsError(
            f"The certificate of {where} is not trusted: {exc.verify_message}.", hint=hint, verify_code=code
        )


def needs_legacy(exc: BaseException | None) -> bool:
    """Whether a handshake failed for lack of secure renegotiation, and for nothing else (protocol.md 2.5)."""
    return isinstance(exc, ssl.SSLError) and getattr(exc, "reason", None) == _LEGACY_REASON


def _context(tls: object, endpoint: Endpoint) -> ssl.SSLContext:
    if tls is None:
        return ssl.create_default_context()
    if isinstance(tls, ssl.SSLContext):
        return tls
    if isinstance(tls, Pin):
        return tls.context()
    if tls == "insecure":
        _warn_insecure(endpoint)
        return _unverified()
    if isinstance(tls, str | os.PathLike):
        return _from_file(Path(os.fspath(tls)).expanduser())
    raise ConfigError(
        f"tls= cannot be {type(tls).__name__}.",
        hint='Give None, a path, pbxnb.Pin("sha256:…"), an ssl.SSLContext or "insecure".',
    )


def _from_file(path: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # The person named this very certificate: it may be the PBX's own, no CA's, and as plain as PBXs make them.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(cafile=path if path.is_file() else None, capath=path if path.is_dir() else None)
    except (OSError, TypeError):  # TypeError: neither file nor folder. ssl.SSLError is an OSError.
        raise ConfigError(f"No certificate can be read from {path}.", hint="tls= wants a PEM file.") from None
    return context


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _warn_insecure(endpoint: Endpoint) -> None:
    """Warn every time: a registry of its own keeps Python from showing the warning only once."""
    text = (
        f"The certificate of {endpoint.authority} is not checked: anyone on the way can read the password and "
        f'place calls. Use tls=pbxnb.Pin("sha256:…") instead.'
    )
    _LOG.warning("%s", text)
    warnings.warn_explicit(text, UserWarning, __name__, 1, registry={})

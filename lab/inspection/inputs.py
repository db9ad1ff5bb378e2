"""The inputs of `activation verify`: tokens, key sets, device keys and times, from arguments and files."""

import datetime
import re
import sys
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from joserfc.jwk import ECKey, OKPKey

from agent.verification import keys as algorithms
from agent.verification import strict_json
from agent.verification.keyset import KeySet, KeySetError
from text_input.files import UnusableFileError, UserInputError, is_file, read_bytes
from wire import limits

_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_FILE_MAX: Final = 1024 * 1024
"""Longest file that is read."""
_KEY_MAX: Final = 16 * 1024
"""Longest file of a device key or its certificate."""
_PATH_MAX: Final = 256
"""A shorter argument with a slash is taken for the name of a file."""
_DEVICE_KEY_FORMS: Final = (
    "a JWK or PEM file with an Ed25519 or P-256 key, or an RFC 7638 thumbprint (43 characters)"
)


class InputError(UserInputError, ValueError):
    """An input is invalid. The message says what, where, and what to do."""


def read_token(argument: str) -> bytes:
    """The token: from standard input if it is `-`, from a file if one has this name, else the argument itself.

    White space around the content of a file or of standard input is dropped; editors and `echo` add it.
    Raises InputError for a file that cannot be read, and for a short argument with a slash that is not the name of a
    file: tokens have no slash.
    """
    if argument == "-":
        return sys.stdin.buffer.read(2 * limits.VERDICT_MAX).strip()
    if is_file(argument):
        return read_file(Path(argument)).strip()
    if "/" in argument and len(argument) < _PATH_MAX:
        raise InputError(
            f"no file is called {argument!r}; give a token, a file with one, or - for standard input"
        )
    return argument.encode("utf-8", "surrogateescape")


def read_file(path: Path) -> bytes:
    """The content of a file of at most 1 MiB. Raises InputError."""
    try:
        return read_bytes(path, _FILE_MAX)
    except UnusableFileError as error:
        advice = "; give the name of a readable file" if error.missing else ""
        raise InputError(f"{error}{advice}") from error


def read_keys(path: Path) -> KeySet:
    """The key set in a JWK Set file. Raises InputError."""
    try:
        return KeySet.from_jwks(read_file(path))
    except KeySetError as error:
        raise InputError(f"{path} is not a valid JWK Set: {error}") from error


def read_device_key(argument: str) -> str:
    """The thumbprint (RFC 7638) of the device key, from a thumbprint or a file with the key. Raises InputError."""
    if is_file(argument):
        return _thumbprint(read_file(Path(argument)), argument)
    if _THUMBPRINT.fullmatch(argument):
        return argument
    raise InputError(f"{argument!r} is neither a file nor a thumbprint; give {_DEVICE_KEY_FORMS}")


def read_time(argument: str, option: str, *, utc: bool = False) -> int:
    """Seconds since the epoch, from a number or an ISO 8601 time. Raises InputError, which names `option`.

    The years are 1970 to 9999, which is what a calendar can show. A time without an offset is one in UTC with `utc`,
    as in certificates, and otherwise an error.

    >>> read_time("2021-09-29T07:20:00Z", "--at") == read_time("1632900000", "--at")
    True
    >>> read_time("2026-02-25", "--at", utc=True)
    1771977600
    """
    if _DIGITS.fullmatch(argument):
        seconds = int(argument) if len(argument) <= _DIGITS_MAX else _TIME_MAX + 1
    else:
        try:
            moment = datetime.datetime.fromisoformat(argument)
        except ValueError as error:
            raise InputError(f"{option}: {argument!r} is not a time; {_TIME_FORMS}") from error
        if moment.tzinfo is None and utc:
            moment = moment.replace(tzinfo=datetime.UTC)
        if moment.tzinfo is None:
            raise InputError(f"{option}: {argument!r} has no offset from UTC; {_TIME_FORMS}")
        seconds = int(moment.timestamp())
    if not 0 <= seconds <= _TIME_MAX:
        raise InputError(f"{option}: {argument!r} is not a time in the years 1970 to 9999; {_TIME_FORMS}")
    return seconds


_DIGITS: Final = re.compile(r"[0-9]+")
_DIGITS_MAX: Final = 12
_TIME_MAX: Final = int(datetime.datetime.max.replace(microsecond=0, tzinfo=datetime.UTC).timestamp())
_TIME_FORMS: Final = "give seconds since 1970 or a time such as 2021-09-29T07:20:00Z"


def _thumbprint(content: bytes, name: str) -> str:
    try:
        key = _public_key(content)
        if isinstance(key, Ed25519PublicKey):
            return OKPKey.import_key(key).thumbprint()
        if isinstance(key, EllipticCurvePublicKey) and key.curve.name == SECP256R1.name:
            return ECKey.import_key(key).thumbprint()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"{name} contains no valid device key; give {_DEVICE_KEY_FORMS}") from error
    raise InputError(f"{name} contains neither an Ed25519 nor a P-256 key; give {_DEVICE_KEY_FORMS}")


def _public_key(content: bytes) -> object:
    """The public key in PEM or JWK. A JWK is read by the agent's strict reader, which accepts only canonical keys.

    Numbers of an RSA key are not checked, which is slow for long ones: no such key is accepted.
    """
    if len(content) > _KEY_MAX:
        raise ValueError("too long for a key or its certificate")
    if b"-----BEGIN CERTIFICATE-----" in content:
        return x509.load_pem_x509_certificate(content).public_key()
    if b"PRIVATE KEY-----" in content:
        private = load_pem_private_key(content, password=None, unsafe_skip_rsa_key_validation=True)
        return (
            private.public_key()
            if isinstance(private, (Ed25519PrivateKey, EllipticCurvePrivateKey))
            else None
        )
    if b"-----BEGIN " in content:
        return load_pem_public_key(content)
    jwk = strict_json.loads(content)
    key = algorithms.read("device", {name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk})
    return key.public if isinstance(key, algorithms.Ed25519Key | algorithms.Es256Key) else None

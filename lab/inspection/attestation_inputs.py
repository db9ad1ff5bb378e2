"""What `activation appraise` is given: chains, roots, challenges and status lists, from arguments and files."""

import binascii
import datetime
import json
import re
import sys
from pathlib import Path
from typing import Final

from cryptography import x509

from lab.inspection.inputs import InputError, read_file
from server_stub.attestation.chain import MALFORMED
from server_stub.attestation.revocation import StatusList, StatusListError

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_STDIN_MAX: Final = 1024 * 1024
_CHAIN_MAX: Final = 16
_IMEI: Final = re.compile(r"\d{14,16}", re.ASCII)
_UTC: Final = datetime.UTC
_SECONDS: Final = re.compile(r"\d{1,11}", re.ASCII)
"""Until the year 5138."""


def read_chain(argument: str) -> tuple[bytes, ...]:
    """Certificates, DER, leaf first, from a PEM file or `-` for standard input. Raises InputError.

    What is inside the PEM is left to the verifier: a certificate that is malformed is a finding about the chain.
    """
    octets = sys.stdin.buffer.read(_STDIN_MAX) if argument == "-" else read_file(Path(argument))
    name = "standard input" if argument == "-" else argument
    chain = tuple(_der(block, name) for block in _PEM.findall(octets))
    if not chain:
        raise InputError(f"{name} holds no certificate in PEM; give the chain, leaf first")
    if len(chain) > _CHAIN_MAX:
        raise InputError(f"{name} holds {len(chain)} certificates; a chain has at most {_CHAIN_MAX}")
    return chain


def _der(block: bytes, name: str) -> bytes:
    try:
        return binascii.a2b_base64(b"".join(block.split()), strict_mode=True)
    except binascii.Error as error:
        raise InputError(f"{name} holds a certificate that is not base64; was the file cut?") from error


def read_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """Roots: a JSON array of PEM texts, as Android publishes them, or a PEM file. Raises InputError."""
    octets = read_file(path)
    pems = _json_array(octets, path) if octets.lstrip()[:1] == b"[" else _PEM.findall(octets)
    if not pems:
        raise InputError(f"{path} holds no root; give a JSON array of PEM texts, or a PEM file")
    return tuple(_root(_whole(pem), place, path) for place, pem in enumerate(pems))


def _json_array(octets: bytes, path: Path) -> list[str]:
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON: {error}") from error
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{path} must be a JSON array of PEM texts")
    return value


def _whole(pem: str | bytes) -> bytes:
    if isinstance(pem, str):
        return pem.encode("utf-8", "surrogatepass")
    return b"-----BEGIN CERTIFICATE-----" + pem + b"-----END CERTIFICATE-----\n"


def _root(pem: bytes, place: int, path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except MALFORMED as error:
        raise InputError(f"{path}, root {place}: no X.509 certificate in PEM") from error


def read_moment(argument: str) -> int:
    """Seconds since the epoch, given as such or in ISO 8601; UTC where no offset is given, as in certificates.

    >>> read_moment("2026-02-25") == read_moment("2026-02-25T01:00:00+01:00") == 1771977600
    True

    Raises InputError.
    """
    if _SECONDS.fullmatch(argument):
        return int(argument)
    try:
        moment = datetime.datetime.fromisoformat(argument)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=_UTC)).astimezone(_UTC).timestamp())
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"--at {argument!r} is no time; give seconds since 1970, a day or a time such as 2026-02-25T12:00:00Z"
        ) from error


def read_challenge(text: str) -> bytes:
    """Octets in base64 or base64url, padded or not. Raises InputError."""
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except ValueError as error:  # of which `binascii.Error` is one, and text beyond ASCII another
        raise InputError(
            f"--challenge {text!r} is not base64; give the octets of the challenge so"
        ) from error


def read_imei(text: str) -> str:
    """The 14 digits of an IMEI without its check digit. Raises InputError."""
    if not _IMEI.fullmatch(text):
        raise InputError(f"--imei {text!r} is no IMEI; give its 15 digits")
    return text[:14]


def read_status_list(path: Path) -> StatusList:
    """A revocation status list. Raises InputError: what cannot be read in full is not used in part."""
    try:
        return StatusList.parse(read_file(path))
    except StatusListError as error:
        raise InputError(f"{path} cannot be used: {error}") from error

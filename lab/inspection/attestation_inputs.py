"""The inputs of `activation appraise`: chains, roots, challenges and status lists, from arguments and files."""

import binascii
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.inspection.inputs import InputError, read_file, read_time
from server_stub.attestation.certificate import parse
from server_stub.attestation.revocation import StatusEntry, StatusList, StatusListError

_PEM_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_PEM_END: Final = b"-----END CERTIFICATE-----"
_ROOTS_MAX: Final = 64
_STDIN_MAX: Final = 1024 * 1024
_CHAIN_MAX: Final = 16
_IMEI: Final = re.compile(r"\d{14,16}", re.ASCII)


def read_chain(argument: str) -> tuple[bytes, ...]:
    """Certificates, DER, leaf first, from a PEM file or `-` for standard input. Raises InputError.

    A malformed certificate is not an error here: the verifier reports it as a property of the chain.
    """
    content = sys.stdin.buffer.read(_STDIN_MAX) if argument == "-" else read_file(Path(argument))
    name = "standard input" if argument == "-" else argument
    blocks = [block.removeprefix(_PEM_BEGIN).removesuffix(_PEM_END) for block in _pem_blocks(content)]
    if not blocks:
        raise InputError(f"{name} contains no certificate in PEM; give the chain, leaf first")
    if len(blocks) > _CHAIN_MAX:
        raise InputError(f"{name} contains {len(blocks)} certificates; a chain has at most {_CHAIN_MAX}")
    return tuple(_certificate(block, f"{name}, certificate {place}") for place, block in enumerate(blocks))


def _pem_blocks(content: bytes) -> Iterator[bytes]:
    """Each certificate with its marks. Found in one pass, also if there are many marks without their ends."""
    end = 0
    while (begin := content.find(_PEM_BEGIN, end)) >= 0:
        end = content.find(_PEM_END, begin)
        if end < 0:
            return
        end += len(_PEM_END)
        yield content[begin:end]


def _certificate(block: bytes, name: str) -> bytes:
    try:
        return binascii.a2b_base64(b"".join(block.split()), strict_mode=True)
    except binascii.Error as error:
        raise InputError(f"{name}: not base64; is the file complete?") from error


def read_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """Roots: a JSON array of PEM texts, as Android publishes them, or a PEM file. Raises InputError."""
    content = read_file(path)
    pems = _json_texts(content, path) if content.lstrip()[:1] == b"[" else [*_pem_blocks(content)]
    if not pems:
        raise InputError(f"{path} contains no root; give a JSON array of PEM texts, or a PEM file")
    if len(pems) > _ROOTS_MAX:
        raise InputError(f"{path} contains {len(pems)} roots; give at most {_ROOTS_MAX}")
    roots = []
    for place, pem in enumerate(pems):
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            parse(certificate.public_bytes(Encoding.DER)).key()
        except (ValueError, x509.InvalidVersion) as error:  # ValueError includes CertificateError
            raise InputError(
                f"{path}, root {place}: not an X.509 certificate in PEM with a usable key"
            ) from error
        roots.append(certificate)
    return tuple(roots)


def _json_texts(content: bytes, path: Path) -> list[bytes]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{path} must be a JSON array of PEM texts")
    return [item.encode("utf-8", "surrogatepass") for item in value]


def read_challenge(text: str) -> bytes:
    """Bytes in base64 or base64url, padded or not. Raises InputError."""
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except ValueError as error:  # includes `binascii.Error`; also raised for text that is not ASCII
        raise InputError(
            f"--challenge {text!r} is not base64; give the bytes of the challenge in base64"
        ) from error


def read_imei(text: str) -> str:
    """The 14 digits of an IMEI without its check digit. Raises InputError."""
    if not _IMEI.fullmatch(text):
        raise InputError(f"--imei {text!r} is not an IMEI; give its 15 digits")
    return text[:14]


@dataclass(frozen=True, slots=True)
class ReadStatusList:
    """A revocation status list, and its time in seconds since the epoch."""

    entries: Mapping[int, StatusEntry]
    fetched_at: int


def read_status_list(path: Path, fetched_at: str | None) -> ReadStatusList:
    """A revocation status list. Its time is `fetched_at`, or when the file last changed on this machine.

    Raises InputError if any part of it is invalid.
    """
    fetched = None if fetched_at is None else read_time(fetched_at, "--status-list-fetched-at", utc=True)
    try:
        entries = StatusList.parse(read_file(path)).entries
    except StatusListError as error:
        raise InputError(f"{path} cannot be used: {error}") from error
    return ReadStatusList(entries, int(path.stat().st_ctime) if fetched is None else fetched)

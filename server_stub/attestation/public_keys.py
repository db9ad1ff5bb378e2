"""Public keys of certificates (RFC 5280 section 4.1.2.7), judged by their numbers before anything computes with them.

The sender of a chain chooses its keys, and with them the cost of a signature check: one with an RSA modulus of 16,384
bits and an exponent of the same length takes a second. Keys beyond the bounds are not loaded.
"""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from server_stub.attestation import der
from server_stub.attestation.certificate_fields import (
    BIT_STRING,
    OBJECT_IDENTIFIER,
    CertificateError,
    oid,
    spans,
    values,
)
from server_stub.attestation.der import DerError

RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 4096
RSA_EXPONENTS: Final = frozenset({3, 65537})

_RSA: Final = frozenset({oid("1.2.840.113549.1.1.1"), oid("1.2.840.113549.1.1.10")})
_EC: Final = oid("1.2.840.10045.2.1")
_FIELD_BYTES: Final = {oid("1.2.840.10045.3.1.7"): 32, oid("1.3.132.0.34"): 48}
"""The named curves P-256 and P-384 (RFC 5480 section 2.1.1.1), and the bytes of a coordinate."""

_LEAF_ONLY: Final = frozenset({oid("1.3.101.112"), oid("2.16.840.1.101.3.4.3.18")})
"""Ed25519 and ML-DSA-65: one size and one cost each."""

KeyNumbers = tuple[bytes, int, int]
"""What makes two keys the same: for RSA the modulus and the exponent; for EC the curve, X and the parity of Y."""


class KeyRefusedError(CertificateError):
    """A key with other parameters than the allowed ones, which nothing computes with."""


def load(spki: bytes) -> PublicKeyTypes:
    """The key of a SubjectPublicKeyInfo. Raises KeyRefusedError, or another CertificateError if it cannot be read."""
    key_numbers(spki)
    try:
        return load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError("its public key cannot be read") from error


def key_numbers(spki: bytes) -> KeyNumbers | None:
    """The numbers of an RSA or EC key, None for Ed25519 and ML-DSA-65. Raises CertificateError as `load` does."""
    try:
        (content,) = values(spki, set(), der.SEQUENCE)
        algorithm, bits = values(content, set(), der.SEQUENCE, BIT_STRING)
        parts = spans(algorithm, 0, len(algorithm), set(), most=2)
        kind, *parameters = (algorithm[part.start : part.end] for part in parts)
        if parts[0].tag != OBJECT_IDENTIFIER or bits[:1] != b"\0":
            raise CertificateError("its public key cannot be read")
        if kind in _RSA:
            return _rsa_numbers(bits[1:])
        if kind == _EC:
            named = parts[1].tag == OBJECT_IDENTIFIER
            return _point_numbers(parameters[0] if named else b"", bits[1:])
    except (
        DerError,
        ValueError,
        IndexError,
    ) as error:  # ValueError and IndexError: no algorithm, no parameters
        if isinstance(error, CertificateError):
            raise
        raise CertificateError("its public key cannot be read") from error
    if kind not in _LEAF_ONLY:
        raise KeyRefusedError("its public key has an unsupported algorithm")
    return None


def may_certify(numbers: KeyNumbers | None) -> bool:
    """Whether a key with these numbers may issue certificates of hardware."""
    return numbers is not None and (bool(numbers[0]) or numbers[1].bit_length() >= RSA_BITS_MIN)


def _rsa_numbers(content: bytes) -> KeyNumbers:
    (numbers,) = values(content, set(), der.SEQUENCE)
    modulus, exponent = values(numbers, set(), der.INTEGER, der.INTEGER)
    if len(modulus) > RSA_BITS_MAX // 8 + 1 or modulus[:1] >= b"\x80":
        raise KeyRefusedError(f"its public key has more than {RSA_BITS_MAX} bits")
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent[:9], "big")
    if n.bit_length() > RSA_BITS_MAX:
        raise KeyRefusedError(f"its public key has more than {RSA_BITS_MAX} bits")
    if len(exponent) > 8 or e not in RSA_EXPONENTS:
        raise KeyRefusedError("its public key has an exponent other than 3 and 65537")
    return b"", n, e


def _point_numbers(curve: bytes, point: bytes) -> KeyNumbers:
    """A point of a named curve, compressed or not (SEC 1 section 2.3.4)."""
    size = _FIELD_BYTES.get(curve)
    if size is None:
        raise KeyRefusedError("its public key is on another curve than P-256 and P-384")
    form = point[:1]
    if form == b"\x04" and len(point) == 1 + 2 * size:
        parity = point[-1] & 1
    elif form in (b"\x02", b"\x03") and len(point) == 1 + size:
        parity = form[0] & 1
    else:
        raise CertificateError("its public key cannot be read")
    return curve, int.from_bytes(point[1 : 1 + size], "big"), parity

"""The signature algorithms of attestation chains, and the verification of a certificate's signature."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from server_stub.attestation.certificate import ParsedCertificate
from server_stub.attestation.certificate_fields import OBJECT_IDENTIFIER, CertificateError, oid, spans
from server_stub.attestation.der import DerError

_NULL: Final = b"\x05\x00"
_STRONG: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_Scheme = ECDSA | PKCS1v15 | PSS


def _ecdsa(hash_algorithm: hashes.HashAlgorithm) -> tuple[_Scheme, hashes.HashAlgorithm]:
    return ECDSA(hash_algorithm), hash_algorithm


def _rsa(hash_algorithm: hashes.HashAlgorithm) -> tuple[_Scheme, hashes.HashAlgorithm]:
    return PKCS1v15(), hash_algorithm


_SCHEMES: Final = {
    oid("1.2.840.10045.4.1"): _ecdsa(hashes.SHA1()),  # noqa: S303 - weak, see `SignatureAlgorithm.strong`
    oid("1.2.840.10045.4.3.1"): _ecdsa(hashes.SHA224()),
    oid("1.2.840.10045.4.3.2"): _ecdsa(hashes.SHA256()),
    oid("1.2.840.10045.4.3.3"): _ecdsa(hashes.SHA384()),
    oid("1.2.840.10045.4.3.4"): _ecdsa(hashes.SHA512()),
    oid("1.2.840.113549.1.1.5"): _rsa(hashes.SHA1()),  # noqa: S303 - as above
    oid("1.2.840.113549.1.1.14"): _rsa(hashes.SHA224()),
    oid("1.2.840.113549.1.1.11"): _rsa(hashes.SHA256()),
    oid("1.2.840.113549.1.1.12"): _rsa(hashes.SHA384()),
    oid("1.2.840.113549.1.1.13"): _rsa(hashes.SHA512()),
}
"""RFC 3279, 4055 and 5758."""

_PSS: Final = oid("1.2.840.113549.1.1.10")
_PSS_HASHES: Final = {
    oid("2.16.840.1.101.3.4.2.1"): hashes.SHA256(),
    oid("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
    oid("2.16.840.1.101.3.4.2.3"): hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """An AlgorithmIdentifier. `scheme` and `hash` are None if the algorithm is unknown.

    `parameters` is empty if they are absent or NULL: for RSA both mean the same (RFC 4055 section 5).
    """

    identifier: bytes
    parameters: bytes
    scheme: _Scheme | None
    hash: hashes.HashAlgorithm | None

    @property
    def strong(self) -> bool:
        """Whether the hash is of the SHA-2 family, with 256 bits or more."""
        return isinstance(self.hash, _STRONG)


@lru_cache(maxsize=64)
def read_algorithm(content: bytes) -> SignatureAlgorithm:
    """The content of an AlgorithmIdentifier. Raises CertificateError."""
    try:
        identifier, *_ = parts = spans(content, 0, len(content), set())
        if identifier.tag != OBJECT_IDENTIFIER or len(parts) > 2:
            raise CertificateError("its signature algorithm cannot be read")
        kind, parameters = content[identifier.start : identifier.end], content[identifier.end :]
        parameters = b"" if parameters == _NULL else parameters
        scheme, hash_algorithm = _SCHEMES.get(kind) or (_pss(parameters) if kind == _PSS else (None, None))
    except (DerError, ValueError) as error:  # ValueError also if it is empty
        raise CertificateError("its signature algorithm cannot be read") from error
    return SignatureAlgorithm(kind, parameters, scheme, hash_algorithm)


def _pss(parameters: bytes) -> tuple[_Scheme | None, hashes.HashAlgorithm | None]:
    """RSASSA-PSS (RFC 4055 section 3.1) with one hash of the SHA-2 family, any length of salt. Raises DerError."""
    named = {identifier: found for identifier, found in _PSS_HASHES.items() if identifier in parameters}
    if len(named) != 1:
        return None, None
    (hash_algorithm,) = named.values()
    return PSS(MGF1(hash_algorithm), PSS.AUTO), hash_algorithm


def is_signed_by(certificate: ParsedCertificate, key: PublicKeyTypes) -> bool:
    """Whether `key` made the signature of `certificate`, also with a weak hash. Raises CertificateError.

    By the algorithm in the signed part: anyone can change the one outside.
    """
    algorithm = read_algorithm(certificate.algorithm)
    scheme, signature, signed = algorithm.scheme, certificate.signature, certificate.signed
    try:
        if isinstance(key, EllipticCurvePublicKey) and isinstance(scheme, ECDSA):
            key.verify(signature, signed, scheme)
        elif isinstance(key, RSAPublicKey) and isinstance(scheme, PKCS1v15 | PSS) and algorithm.hash:
            key.verify(signature, signed, scheme, algorithm.hash)
        else:
            return False
    except (
        InvalidSignature,
        UnsupportedAlgorithm,
        ValueError,
    ):  # ValueError: the key is too short for the hash
        return False
    return True


class VerifiedSignatures:
    """Signatures of certificates that were valid before, so that a chain with them is not verified again and again.

    Only certificates that a trusted key signed are added. When `most` are stored, the oldest is evicted.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._valid: OrderedDict[bytes, None] = OrderedDict()

    def is_signed_by(self, certificate: ParsedCertificate, key: PublicKeyTypes, spki: bytes) -> bool:
        """As `is_signed_by`, for a key with these encoded bytes. Raises CertificateError."""
        parts = (certificate.algorithm, certificate.signature, spki, certificate.signed)
        digest = hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
        if digest in self._valid:
            return True
        if not is_signed_by(certificate, key):
            return False
        self._valid[digest] = None
        while len(self._valid) > self._most:
            self._valid.popitem(last=False)
        return True

    def __len__(self) -> int:
        return len(self._valid)

"""Reading evidence: a compact JWS (RFC 7515) with the device's certificate chain in `x5c`.

It is verified with `cryptography` and not with the library that signs verdicts, so that a bug in one is not hidden by
the other; the agent's verifier shares no code with this one. There are two steps, `read` and then
`EvidenceToken.verify_signature`, because the costly signature is checked only if this server issued the nonce.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from server_stub.evidence.errors import EvidenceError
from server_stub.evidence.strict_json import JsonError, read_object
from wire import limits, media
from wire.codes import ProblemCode
from wire.evidence import Evidence

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")
_HEADER: Final = frozenset({"alg", "typ", "x5c"})
_HEADER_PARTS_MAX: Final = 32
_PATHS_MAX: Final = 16
"""Most claims that break the contract and are named; the cost of an error grows with their number."""
_ALGORITHMS: Final = ("ES256", "Ed25519", "ML-DSA-65")
_ECDSA: Final = ECDSA(hashes.SHA256())
_MALFORMED: Final = ProblemCode.EVIDENCE_MALFORMED
_SIGNATURE: Final = ProblemCode.EVIDENCE_SIGNATURE_INVALID

_ML_DSA_65_SEED: Final = 32
"""Bytes of the seed of the matrix, which precedes the vector t1 in a public key (FIPS 204 algorithm 22)."""


@dataclass(frozen=True, slots=True, repr=False)
class EvidenceToken:
    """Well-formed evidence whose signature is not yet verified. `chain` is DER, leaf first.

    `claims` is the JSON object that `evidence` was read from.
    """

    evidence: Evidence
    claims: dict[str, Any]
    chain: tuple[bytes, ...]
    algorithm: str
    _signed: bytes
    _signature: bytes

    def verify_signature(self, key: PublicKeyTypes) -> None:
        """Verify the signature with the leaf's key. Raises EvidenceError."""
        try:
            if self.algorithm == "ES256" and isinstance(key, EllipticCurvePublicKey):
                self._verify_es256(key)
            elif self.algorithm == "Ed25519" and isinstance(key, Ed25519PublicKey):
                key.verify(self._signature, self._signed)
            elif self.algorithm == "ML-DSA-65" and isinstance(key, MLDSA65PublicKey):
                self._verify_ml_dsa_65(key)
            else:
                raise EvidenceError(_SIGNATURE, f"the leaf's key is not for {self.algorithm}")
        except InvalidSignature as error:
            raise EvidenceError(_SIGNATURE, "the leaf's key did not sign this evidence") from error

    def _verify_es256(self, key: EllipticCurvePublicKey) -> None:
        """RFC 7518 section 3.4: R and S have 32 bytes each."""
        if key.curve.name != SECP256R1.name or len(self._signature) != 64:
            raise EvidenceError(_SIGNATURE, "ES256 needs a P-256 key and a signature of 64 bytes")
        r, s = int.from_bytes(self._signature[:32], "big"), int.from_bytes(self._signature[32:], "big")
        key.verify(encode_dss_signature(r, s), self._signed, _ECDSA)

    def _verify_ml_dsa_65(self, key: MLDSA65PublicKey) -> None:
        """Pure ML-DSA with an empty context (RFC 9964). With a zero vector t1, anyone could sign."""
        if not any(key.public_bytes_raw()[_ML_DSA_65_SEED:]):
            raise EvidenceError(_SIGNATURE, "the leaf's ML-DSA-65 key is degenerate")
        key.verify(self._signature, self._signed)


def read(token: bytes) -> EvidenceToken:
    """Parse evidence and check everything except the signature. Raises EvidenceError."""
    if len(token) > limits.TOKEN_MAX:
        raise EvidenceError(_MALFORMED, f"evidence is longer than {limits.TOKEN_MAX} bytes")
    segments = token.split(b".")
    if len(segments) != 3:
        raise EvidenceError(_MALFORMED, f"a compact JWS has 3 segments, this has {len(segments)}")
    header, payload, signature = map(_decode_segment, segments)
    algorithm, chain = _read_header(header)
    signed = token[: -len(segments[2]) - 1]
    claims = _object(payload, "payload", limits.CLAIMS_PARTS_MAX)
    if b"null" in payload:  # the model would read it as an absent claim
        _reject(_null_members(claims, ()))
    return EvidenceToken(_validate(claims), claims, chain, algorithm, signed, signature)


def thumbprint(key: PublicKeyTypes) -> str:
    """RFC 7638 thumbprint of a P-256, Ed25519 or ML-DSA-65 public key, base64url. Raises EvidenceError for another.

    The `alg` of an ML-DSA key, of type AKP, is part of its thumbprint (RFC 9964 section 6).
    """
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name == SECP256R1.name:
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        members = f'"crv":"P-256","kty":"EC","x":"{_base64url(point[1:33])}","y":"{_base64url(point[33:])}"'
    elif isinstance(key, Ed25519PublicKey):
        members = f'"crv":"Ed25519","kty":"OKP","x":"{_base64url(key.public_bytes_raw())}"'
    elif isinstance(key, MLDSA65PublicKey):
        members = f'"alg":"ML-DSA-65","kty":"AKP","pub":"{_base64url(key.public_bytes_raw())}"'
    else:
        raise EvidenceError(_SIGNATURE, "evidence is signed by a P-256, an Ed25519 or an ML-DSA-65 key")
    return _base64url(hashlib.sha256(f"{{{members}}}".encode()).digest())


def _decode_segment(segment: bytes) -> bytes:
    """Unpadded canonical base64url (RFC 7515 section 2)."""
    spare = len(segment) % 4
    if not segment or segment.translate(None, delete=_ALPHABET) or spare == 1:
        raise EvidenceError(_MALFORMED, "a segment is not unpadded base64url")
    # The last character has unused bits: four of them after two characters, two after three.
    if spare and _ALPHABET.index(segment[-1]) & (0x0F if spare == 2 else 0x03):
        raise EvidenceError(_MALFORMED, "a segment is not canonical base64url")
    return binascii.a2b_base64(segment.translate(_TO_BASE64) + b"=" * (-len(segment) % 4))


def _read_header(content: bytes) -> tuple[str, tuple[bytes, ...]]:
    if len(content) > limits.HEADER_MAX:
        raise EvidenceError(_MALFORMED, f"the header is longer than {limits.HEADER_MAX} bytes")
    header = _object(content, "header", _HEADER_PARTS_MAX)
    if header.keys() != _HEADER:
        raise EvidenceError(_MALFORMED, "the header must have exactly alg, typ and x5c")
    if header["typ"] != media.EVIDENCE_TYP or header["alg"] not in _ALGORITHMS:
        raise EvidenceError(
            _MALFORMED, f"typ must be {media.EVIDENCE_TYP}, alg one of {', '.join(_ALGORITHMS)}"
        )
    return header["alg"], _read_chain(header["x5c"])


def _read_chain(x5c: object) -> tuple[bytes, ...]:
    """RFC 7515 section 4.1.6: standard base64 of DER, leaf first."""
    if not isinstance(x5c, list) or not 1 <= len(x5c) <= limits.CHAIN_MAX:
        raise EvidenceError(_MALFORMED, f"x5c must be an array of 1 to {limits.CHAIN_MAX} certificates")
    certificates = []
    for item in x5c:
        try:
            if not isinstance(item, str):
                raise ValueError  # noqa: TRY004, TRY301 - the sender's error, not the caller's
            certificates.append(binascii.a2b_base64(item.encode("ascii"), strict_mode=True))
        except ValueError as error:
            raise EvidenceError(_MALFORMED, "x5c contains an item that is not base64") from error
    return tuple(certificates)


def _validate(claims: dict[str, Any]) -> Evidence:
    try:
        return Evidence.model_validate(claims)
    except ValidationError as error:
        if error.error_count() > _PATHS_MAX:
            detail = f"more than {_PATHS_MAX} claims break the contract"
            raise EvidenceError(ProblemCode.EVIDENCE_CLAIMS_INVALID, detail) from None
        found = error.errors(include_url=False, include_context=False, include_input=False)
    _reject(each["loc"] for each in found)
    raise AssertionError("claims that break the contract have a path")


def _reject(wrong: Iterable[tuple[int | str, ...]]) -> None:
    """Raises EvidenceError if there are paths of claims in `wrong`."""
    # The names of unknown members come from the sender and are not repeated.
    known = (
        takewhile(lambda part: isinstance(part, int) or part in _CLAIM_NAMES, path)
        for path in islice(wrong, _PATHS_MAX)
    )
    paths = {".".join(map(str, path)) for path in known}
    if paths:
        where = ", ".join(sorted(path or "unknown" for path in paths))[:300]
        detail = f"claims that break the contract: {where}"
        raise EvidenceError(ProblemCode.EVIDENCE_CLAIMS_INVALID, detail)


def _null_members(value: Any, path: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """The paths of all nulls in a JSON value, whose depth is bounded."""
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _null_members(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _null_members(part, (*path, index))


def _names(schema: object) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_names, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", {})).union(*map(_names, schema.values()))


_CLAIM_NAMES: Final = frozenset(_names(Evidence.model_json_schema()))


def _object(content: bytes, part: str, most: int) -> dict[str, Any]:
    try:
        return read_object(content, most)
    except JsonError as error:
        raise EvidenceError(_MALFORMED, f"the {part} is {error}") from error


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

"""One class for each algorithm: it reads the JWK and verifies signatures.

To add an algorithm, add a class to `ALGORITHMS`; the steps that use a key do not change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, Protocol, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from agent.verification import base64url, edwards25519
from agent.verification.errors import Code
from agent.verification.validity import ALWAYS, Validity


class KeyRejection(StrEnum):
    """Why a key of a JWK Set is not used."""

    NOT_AN_OBJECT = "not-an-object"
    KID_MISSING = "kid-missing"
    KID_MALFORMED = "kid-malformed"
    KID_DUPLICATE = "kid-duplicate"
    USE_NOT_SIGNATURE = "use-not-signature"
    KEY_OPS_WITHOUT_VERIFY = "key-ops-without-verify"
    PRIVATE_MATERIAL = "private-material"
    STATUS_UNKNOWN = "status-unknown"
    VALIDITY_MALFORMED = "validity-malformed"
    KEY_TYPE_UNSUPPORTED = "key-type-unsupported"
    ALG_CONTRADICTS_KEY = "alg-contradicts-key"
    COORDINATE_MALFORMED = "coordinate-malformed"
    POINT_INVALID = "point-invalid"
    PUBLIC_KEY_MALFORMED = "public-key-malformed"
    PUBLIC_KEY_DEGENERATE = "public-key-degenerate"


class VerdictKey(Protocol):
    """A public key that verifies verdicts."""

    ALG: ClassVar[str]
    """The only JOSE algorithm of the key."""

    @property
    def kid(self) -> str:
        """The name of the key in the header of a token."""

    @property
    def validity(self) -> Validity:
        """The validity period of the key."""

    def check(self, signature: bytes, signing_input: bytes) -> Code | None:
        """None if the signature over `signing_input` is valid, else the reason."""


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """Ed25519 (RFC 8032, RFC 8037, named as in RFC 9864).

    OpenSSL checks that S is below the group order and R is canonical; tests verify this.
    """

    ALG: ClassVar[str] = "Ed25519"
    KTY: ClassVar[str] = "OKP"
    CRV: ClassVar[str] = "Ed25519"

    kid: str
    public: ed25519.Ed25519PublicKey
    validity: Validity = ALWAYS

    @classmethod
    def from_jwk(cls, kid: str, jwk: Mapping[str, object], validity: Validity) -> Self | KeyRejection:
        """Read `x` (RFC 8037 section 2)."""
        data = _decoded(jwk.get("x"), 32)
        if data is None or "y" in jwk:
            return KeyRejection.COORDINATE_MALFORMED
        if not edwards25519.is_trustworthy(data):
            return KeyRejection.POINT_INVALID
        return cls(kid, ed25519.Ed25519PublicKey.from_public_bytes(data), validity)

    def check(self, signature: bytes, signing_input: bytes) -> Code | None:
        """Verify as in RFC 8032 section 5.1.7."""
        if len(signature) != 64:
            return Code.SIGNATURE_LENGTH
        try:
            self.public.verify(signature, signing_input)
        except InvalidSignature:
            return Code.SIGNATURE_INVALID
        return None


P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of the group of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3)."""

_ES256: Final = ec.ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class Es256Key:
    """ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).

    Both signatures (r, s) and (r, n - s) are accepted, as by RFC 7515 and its implementations. Replay is prevented by
    nonce and serial and does not depend on unique bytes of a token.
    """

    ALG: ClassVar[str] = "ES256"
    KTY: ClassVar[str] = "EC"
    CRV: ClassVar[str] = "P-256"

    kid: str
    public: ec.EllipticCurvePublicKey
    validity: Validity = ALWAYS

    @classmethod
    def from_jwk(cls, kid: str, jwk: Mapping[str, object], validity: Validity) -> Self | KeyRejection:
        """Read `x` and `y`, 32 bytes each (RFC 7518 section 6.2.1). The point must be on the curve."""
        x, y = _decoded(jwk.get("x"), 32), _decoded(jwk.get("y"), 32)
        if x is None or y is None:
            return KeyRejection.COORDINATE_MALFORMED
        try:
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
        except ValueError:
            return KeyRejection.POINT_INVALID
        return cls(kid, public, validity)

    def check(self, signature: bytes, signing_input: bytes) -> Code | None:
        """Verify R and S, 32 bytes each, big endian (RFC 7518 section 3.4)."""
        if len(signature) != 64:
            return Code.SIGNATURE_LENGTH
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
            return Code.SIGNATURE_RANGE
        try:
            self.public.verify(utils.encode_dss_signature(r, s), signing_input, _ES256)
        except InvalidSignature:
            return Code.SIGNATURE_INVALID
        return None


_ML_DSA_65_RHO: Final = 32
"""Length in bytes of the seed of the matrix, which precedes the vector t1 (FIPS 204 algorithm 22)."""


@dataclass(frozen=True, slots=True)
class MlDsa65Key:
    """ML-DSA-65 (FIPS 204) as in RFC 9964: pure, with an empty context, in a key of type AKP.

    All bytes of the right length decode to a public key (FIPS 204 algorithm 23), so only the length is checked. A key
    with a zero vector t1 is rejected: its equation does not contain the secret, so anyone could sign with it, as with
    an Ed25519 point of small order.
    """

    ALG: ClassVar[str] = "ML-DSA-65"
    KTY: ClassVar[str] = "AKP"
    CRV: ClassVar[None] = None
    PUBLIC_KEY_LENGTH: ClassVar[int] = 1952
    SIGNATURE_LENGTH: ClassVar[int] = 3309

    kid: str
    public: mldsa.MLDSA65PublicKey
    validity: Validity = ALWAYS

    @classmethod
    def from_jwk(cls, kid: str, jwk: Mapping[str, object], validity: Validity) -> Self | KeyRejection:
        """Read `pub` (RFC 9964 section 3)."""
        data = _decoded(jwk.get("pub"), cls.PUBLIC_KEY_LENGTH)
        if data is None:
            return KeyRejection.PUBLIC_KEY_MALFORMED
        if not any(data[_ML_DSA_65_RHO:]):
            return KeyRejection.PUBLIC_KEY_DEGENERATE
        try:
            public = mldsa.MLDSA65PublicKey.from_public_bytes(data)
        except UnsupportedAlgorithm:  # cryptography was built against a library without ML-DSA
            return KeyRejection.KEY_TYPE_UNSUPPORTED
        return cls(kid, public, validity)

    def check(self, signature: bytes, signing_input: bytes) -> Code | None:
        """Verify as in FIPS 204 algorithm 3, including the canonical encoding of the hints (algorithm 21)."""
        if len(signature) != self.SIGNATURE_LENGTH:
            return Code.SIGNATURE_LENGTH
        try:
            self.public.verify(signature, signing_input)
        except InvalidSignature:
            return Code.SIGNATURE_INVALID
        return None


def _decoded(value: object, length: int) -> bytes | None:
    """`length` bytes in canonical base64url, or None."""
    if not isinstance(value, str) or not value.isascii():
        return None
    data = base64url.decode(value.encode())
    return data if data is not None and len(data) == length else None


ALGORITHMS: Final = (Ed25519Key, Es256Key, MlDsa65Key)
"""All algorithms of the verifier."""


def read(kid: str, jwk: Mapping[str, object], validity: Validity = ALWAYS) -> VerdictKey | KeyRejection:
    """The key, read by the class with its `kty` and `crv`. If `alg` is present, it must be that of the class.

    For keys of type AKP, `alg` is required (RFC 9964 section 3).
    """
    for kind in ALGORITHMS:
        if (jwk.get("kty"), jwk.get("crv")) == (kind.KTY, kind.CRV):
            # "EdDSA" does not specify the curve (RFC 9864 section 1), so it is rejected.
            fallback = None if kind.KTY == "AKP" else kind.ALG
            fits = jwk.get("alg", fallback) == kind.ALG
            return kind.from_jwk(kid, jwk, validity) if fits else KeyRejection.ALG_CONTRADICTS_KEY
    return KeyRejection.KEY_TYPE_UNSUPPORTED

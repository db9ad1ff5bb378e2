"""Keys of a client of one's own: P-256, Ed25519 or ML-DSA-65, in PEM (RFC 7468) or as JWK (RFC 7517, 8037, 9964)."""

import base64
import binascii
import json
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from lab.handset.keystore import KeyAlgorithm, algorithm_of
from lab.world.jose import AttestablePrivateKey, AttestablePublicKey

KEY_TEXT_MAX: Final = 16_384
"""The longest text of a key. An ML-DSA-65 key has 4,000 to 6,000 bytes."""

_KINDS: Final = "a P-256, Ed25519 or ML-DSA-65 key"


class ClientKeyError(ValueError):
    """The text is no key that a keystore of the lab can attest. The message says why, and repeats no part of it."""


def read_public_key(text: str) -> AttestablePublicKey:
    """The public key in PEM or a JWK. Raises ClientKeyError."""
    if text.lstrip().startswith("{"):
        return public_jwk(_object(text))
    if "PRIVATE KEY" in text:
        raise ClientKeyError("this is a private key; give its public key")
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ClientKeyError(f"this is not {_KINDS} in PEM (BEGIN PUBLIC KEY) or as JWK") from error
    return _attestable(key)


def read_private_key(text: str) -> AttestablePrivateKey:
    """The private key in PEM without a password, or a JWK. Raises ClientKeyError."""
    if text.lstrip().startswith("{"):
        return _private_jwk(_object(text))
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except TypeError as error:
        raise ClientKeyError("this private key has a password; give it without one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ClientKeyError(f"this is not {_KINDS} in PEM (BEGIN PRIVATE KEY) or as JWK") from error
    if not isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey | MLDSA65PrivateKey):
        raise ClientKeyError(f"a keystore does not attest this kind of key; give {_KINDS}")
    _attestable(key.public_key())
    return key


def public_jwk(jwk: dict[str, Any]) -> AttestablePublicKey:
    """The public key in a JWK. Raises ClientKeyError."""
    if "d" in jwk or "priv" in jwk:
        raise ClientKeyError("this is a private key; give its public key")
    return _public_members(jwk)


def _public_members(jwk: dict[str, Any]) -> AttestablePublicKey:
    algorithm = _algorithm(jwk)
    try:
        match algorithm:
            case KeyAlgorithm.ES256:
                x, y = (int.from_bytes(_decoded(jwk, name)) for name in ("x", "y"))
                return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
            case KeyAlgorithm.ED25519:
                return Ed25519PublicKey.from_public_bytes(_decoded(jwk, "x"))
            case KeyAlgorithm.ML_DSA_65:
                return MLDSA65PublicKey.from_public_bytes(_decoded(jwk, "pub"))
    except ValueError as error:
        raise ClientKeyError("the members of this JWK are no public key") from error


def _private_jwk(jwk: dict[str, Any]) -> AttestablePrivateKey:
    key: AttestablePrivateKey
    algorithm = _algorithm(jwk)
    try:
        match algorithm:
            case KeyAlgorithm.ES256:
                key = derive_private_key(int.from_bytes(_decoded(jwk, "d")), SECP256R1())
            case KeyAlgorithm.ED25519:
                key = Ed25519PrivateKey.from_private_bytes(_decoded(jwk, "d"))
            case KeyAlgorithm.ML_DSA_65:
                key = MLDSA65PrivateKey.from_seed_bytes(_decoded(jwk, "priv"))
    except ValueError as error:
        raise ClientKeyError("the members of this JWK are no private key") from error
    if key.public_key() != _public_members(jwk):
        raise ClientKeyError("the private key in this JWK is not that of its public key")
    return key


def _algorithm(jwk: dict[str, Any]) -> KeyAlgorithm:
    match jwk.get("kty"), jwk.get("crv"), jwk.get("alg"):
        case "EC", "P-256", _:
            return KeyAlgorithm.ES256
        case "OKP", "Ed25519", _:
            return KeyAlgorithm.ED25519
        case "AKP", _, "ML-DSA-65":
            return KeyAlgorithm.ML_DSA_65
    raise ClientKeyError(f"this JWK is not {_KINDS}")


def _decoded(jwk: dict[str, Any], member: str) -> bytes:
    """The base64url value of a member. Raises ValueError."""
    value = jwk.get(member)
    if not isinstance(value, str) or not value.isascii():
        raise ValueError(f"{member} is missing")
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(f"{member} is not base64url") from error


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClientKeyError("this is not a JWK: it is not JSON") from error
    if not isinstance(value, dict):
        raise ClientKeyError("this is not a JWK: it is no object")
    return value


def _attestable(key: object) -> AttestablePublicKey:
    if not isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey | MLDSA65PublicKey):
        raise ClientKeyError(f"a keystore does not attest this kind of key; give {_KINDS}")
    try:
        algorithm_of(key)
    except ValueError as error:
        raise ClientKeyError(str(error)) from error
    return key

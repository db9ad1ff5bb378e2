"""JOSE for keys of the lab: base64url, the public members of a JWK, and signatures. Nothing is verified here."""

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

AttestablePublicKey = EllipticCurvePublicKey | Ed25519PublicKey | MLDSA65PublicKey
AttestablePrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey | MLDSA65PrivateKey
"""The keys that a keystore can attest. The curve is P-256."""

# RFC 6979: the same seed gives the same bytes, including certificates and tokens.
_ECDSA: Final = ECDSA(SHA256(), deterministic_signing=True)


def b64(data: bytes) -> bytes:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unb64(encoded: bytes) -> bytes:
    """The bytes of base64url without padding. Raises ValueError."""
    return base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))


def public_members(key: AttestablePublicKey) -> dict[str, str]:
    """The members of a JWK that its thumbprint requires (RFC 7638; RFC 9964 section 6 for ML-DSA)."""
    if isinstance(key, EllipticCurvePublicKey):
        point = key.public_numbers()
        x, y = (b64(number.to_bytes(32, "big")).decode() for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    raw = b64(key.public_bytes_raw()).decode()
    if isinstance(key, MLDSA65PublicKey):
        return {"kty": "AKP", "alg": "ML-DSA-65", "pub": raw}
    return {"kty": "OKP", "crv": "Ed25519", "x": raw}


def signature(key: AttestablePrivateKey, message: bytes) -> bytes:
    """The JOSE signature. ML-DSA-65 gives another one at each call: the library has the hedged variant only."""
    if not isinstance(key, EllipticCurvePrivateKey):
        return key.sign(message)
    r, s = decode_dss_signature(key.sign(message, _ECDSA))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")

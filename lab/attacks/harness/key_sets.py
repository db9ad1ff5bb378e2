"""The keys of attacks, and the key set of the manufacturer: valid keys, and others that must be rejected."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from lab.attacks.harness.token_forge import AttackKeys, Signer
from lab.world.clock import START
from lab.world.jose import b64
from lab.world.seed import Seed
from wire import limits

FAR_FUTURE: Final = 4_000_000_000
"""In 2096, in seconds since the epoch: the beginning of validity of the key `future`."""

_P: Final = 2**255 - 19

DEGENERATE_KID: Final = "degenerate"
SMALL_ORDER_KID: Final = "small-order"
NONCANONICAL_KID: Final = "non-canonical"
IDENTITY: Final = (1).to_bytes(32, "little")
"""The neutral element of edwards25519: under it as a key, R = S·B holds for any message (RFC 8032 section 5.1.7)."""

NONCANONICAL_IDENTITY: Final = (_P + 1).to_bytes(32, "little")
"""The same point with the prime of the field added to y (RFC 8032 section 5.1.3 rejects this encoding)."""


def attack_keys(seed: Seed) -> AttackKeys:
    """Every key that attacks use, derived from the seed."""
    return AttackKeys(
        genuine=Signer.of(seed.ed25519("vendor")),
        genuine_es256=Signer.of(seed.p256("vendor es256")),
        own=Signer.of(seed.ed25519("own")),
        own_es256=Signer.of(seed.p256("own es256")),
        revoked=Signer.of(seed.ed25519("revoked")),
        encryption=Signer.of(seed.p256("encryption")),
        cannot_verify=Signer.of(seed.ed25519("cannot verify")),
        future=Signer.of(seed.ed25519("future")),
        expired=Signer.of(seed.ed25519("expired")),
        lapsed=Signer.of(seed.ed25519("lapsed")),
        published=Signer.of(seed.ed25519("published")),
        twin=Signer.of(seed.ed25519("twin")),
        ml_dsa=Signer.of(MLDSA65PrivateKey.from_seed_bytes(seed.bytes("ml-dsa"))),
    )


def published_keys(keys: AttackKeys) -> tuple[dict[str, object], ...]:
    """The published key set: valid keys, and entries that a mistake or an attack may add."""
    return (
        keys.genuine.jwk(),
        keys.genuine_es256.jwk(),
        keys.revoked.jwk(status="revoked"),
        keys.encryption.jwk(use="enc"),
        keys.cannot_verify.jwk(key_ops=["sign"]),
        keys.future.jwk(nbf=FAR_FUTURE),
        keys.expired.jwk(exp=START - 2 * limits.LIFETIME_MAX),
        keys.lapsed.jwk(exp=START - 3600),
        keys.published.jwk(d=b64(bytes(32)).decode()),
        keys.twin.jwk(),
        keys.own.jwk(kid=keys.twin.kid),
        keys.ml_dsa.jwk(),
        keys.ml_dsa.jwk(kid=DEGENERATE_KID, pub=b64(bytes(1952)).decode()),
        _point(SMALL_ORDER_KID, IDENTITY),
        _point(NONCANONICAL_KID, NONCANONICAL_IDENTITY),
    )


def _point(kid: str, encoded: bytes) -> dict[str, object]:
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64(encoded).decode(),
        "kid": kid,
        "alg": "Ed25519",
        "use": "sig",
        "status": "active",
    }

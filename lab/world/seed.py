"""All random values of the lab, derived from one seed with HKDF-SHA256 (RFC 5869) by label.

The same seed and label give the same value on every machine; different labels give independent values.
"""

import hashlib
import hmac
from dataclasses import dataclass
from random import Random
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the P-256 group (SEC 2 section 2.4.2)."""


@dataclass(frozen=True, slots=True)
class Seed:
    """The pseudorandom key from which all values of one lab are derived.

    >>> Seed.of("demo").bytes("nonce", 4) == Seed.of("demo").bytes("nonce", 4)
    True
    """

    key: bytes

    @classmethod
    def of(cls, seed: int | str) -> "Seed":
        """The seed for a number or text from the user; 7 and "7" are the same."""
        return cls(hmac.digest(b"activation lab", str(seed).encode(), hashlib.sha256))

    def bytes(self, label: str, length: int = 32) -> bytes:
        """`length` bytes, at most 8160. Raises ValueError for more."""
        if not 0 <= length <= 255 * 32:
            raise ValueError(f"cannot derive {length} bytes from one label; request at most 8160")
        block = output = b""
        info = label.encode()
        for counter in range(1, -(-length // 32) + 1):
            block = hmac.digest(self.key, block + info + bytes((counter,)), hashlib.sha256)
            output += block
        return output[:length]

    def child(self, label: str) -> "Seed":
        """An independent seed for a part of the lab."""
        return Seed(self.bytes(f"child/{label}"))

    def integer(self, label: str, bound: int) -> int:
        """A number in [0, bound); its bias is below 2**-64 for a bound up to 2**256."""
        if bound < 1:
            raise ValueError(f"no number is in [0, {bound}); give a bound of at least 1")
        return int.from_bytes(self.bytes(label, 40), "big") % bound

    def random(self, label: str) -> Random:
        """A generator for simulation, not for keys."""
        return Random(self.bytes(label))  # noqa: S311 - simulations need repeatable randomness

    def p256(self, label: str) -> EllipticCurvePrivateKey:
        """A P-256 private key."""
        return derive_private_key(1 + self.integer(label, _P256_ORDER - 1), SECP256R1())

    def ml_dsa_65(self, label: str) -> MLDSA65PrivateKey:
        """An ML-DSA-65 private key (FIPS 204), from its seed of 32 bytes."""
        return MLDSA65PrivateKey.from_seed_bytes(self.bytes(label))

    def ed25519(self, label: str) -> Ed25519PrivateKey:
        """An Ed25519 private key (RFC 8032)."""
        return Ed25519PrivateKey.from_private_bytes(self.bytes(label))

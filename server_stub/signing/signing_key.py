"""Signing verdicts as compact JWS with Ed25519 (RFC 9864), ES256 (RFC 7518) or ML-DSA-65 (RFC 9964).

joserfc signs with the first two. It does not support keys of type AKP and has no public way to add one, so ML-DSA-65
uses `cryptography` directly; header, payload and encoding are the same for all three.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, thumbprint
from joserfc.util import json_b64encode, urlsafe_b64encode

from server_stub.signing import Algorithm
from wire import media
from wire.verdict import Verdict

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | MLDSA65PrivateKey


_REGISTRY: Final = jws.JWSRegistry(algorithms=[Algorithm.ED25519, Algorithm.ES256])


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key that signs verdicts. `kid` is its RFC 7638 thumbprint."""

    algorithm: Algorithm
    kid: str
    _public: Mapping[str, str] = field(compare=False)
    _header: bytes = field(compare=False)
    _sign: Callable[[bytes], bytes] = field(compare=False)

    @classmethod
    def of(cls, private_key: PrivateKey) -> "SigningKey":
        """The signing key for an Ed25519, P-256 or ML-DSA-65 key. Raises ValueError for another curve."""
        if isinstance(private_key, Ed25519PrivateKey):
            return cls._by_joserfc(Algorithm.ED25519, OKPKey.import_key(private_key))
        if isinstance(private_key, MLDSA65PrivateKey):
            return cls._by_cryptography(private_key)
        if (curve := private_key.curve.name) != SECP256R1.name:
            raise ValueError(f"curve {curve} cannot sign verdicts; use Ed25519, P-256 or ML-DSA-65")
        return cls._by_joserfc(Algorithm.ES256, ECKey.import_key(private_key))

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm}, kid={self.kid})"

    def public_jwk(self) -> dict[str, str]:
        """The public JWK (RFC 7517) with `kid`, `alg`, `use` and `status`."""
        return {
            **self._public,
            "kid": self.kid,
            "alg": self.algorithm.value,
            "use": "sig",
            "status": "active",
        }

    def sign(self, verdict: Verdict) -> str:
        """The token. Absent claims are omitted; the header is exactly `alg`, `kid` and `typ`."""
        payload = verdict.model_dump_json(exclude_none=True).encode()
        signed = self._header + b"." + urlsafe_b64encode(payload)
        return (signed + b"." + urlsafe_b64encode(self._sign(signed))).decode()

    @classmethod
    def _by_joserfc(cls, algorithm: Algorithm, key: OKPKey | ECKey) -> "SigningKey":
        """`jws.serialize_compact` would check the key and encode the header again for every verdict."""
        model = _REGISTRY.get_alg(algorithm)
        model.check_key(key)
        public = {name: str(value) for name, value in key.as_dict(private=False).items()}
        return cls._make(algorithm, public, lambda message: model.sign(message, key))

    @classmethod
    def _by_cryptography(cls, key: MLDSA65PrivateKey) -> "SigningKey":
        """The `alg` of an AKP key is part of its thumbprint (RFC 9964 sections 3 and 6)."""
        public = {
            "kty": "AKP",
            "alg": Algorithm.ML_DSA_65.value,
            "pub": urlsafe_b64encode(key.public_key().public_bytes_raw()).decode(),
        }
        return cls._make(Algorithm.ML_DSA_65, public, key.sign)

    @classmethod
    def _make(
        cls, algorithm: Algorithm, public: Mapping[str, str], sign: Callable[[bytes], bytes]
    ) -> "SigningKey":
        kid = thumbprint(dict(public))
        header = json_b64encode({"alg": algorithm.value, "kid": kid, "typ": media.VERDICT_TYP})
        return cls(algorithm, kid, public, header, sign)

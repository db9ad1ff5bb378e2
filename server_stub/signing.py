"""Signing verdicts: compact JWS by joserfc, Ed25519 (RFC 9864) or ES256 (RFC 7518) as the key demands."""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey
from joserfc.util import json_b64encode, urlsafe_b64encode

from wire import media
from wire.verdict import Verdict

_REGISTRY: Final = jws.JWSRegistry(algorithms=["Ed25519", "ES256"])


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key that signs verdicts. `kid` is its RFC 7638 thumbprint."""

    algorithm: str
    kid: str
    _key: OKPKey | ECKey
    _header: bytes

    @classmethod
    def of(cls, private_key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> "SigningKey":
        """The signing key for an Ed25519 or a P-256 key. Raises ValueError for another curve."""
        if isinstance(private_key, Ed25519PrivateKey):
            okp = OKPKey.import_key(private_key)
            return cls._make("Ed25519", okp)
        if (curve := private_key.curve.name) != SECP256R1.name:
            raise ValueError(f"curve {curve} cannot sign verdicts; use Ed25519 or P-256")
        ec = ECKey.import_key(private_key)
        return cls._make("ES256", ec)

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm}, kid={self.kid})"

    def public_jwk(self) -> dict[str, str]:
        """The public JWK (RFC 7517) with `kid`, `alg`, `use` and `status`."""
        public = {name: str(value) for name, value in self._key.as_dict(private=False).items()}
        return public | {"kid": self.kid, "alg": self.algorithm, "use": "sig", "status": "active"}

    def sign(self, verdict: Verdict) -> str:
        """The token: claims that do not apply are left out, the header is exactly `alg`, `kid` and `typ`."""
        payload = verdict.model_dump_json(exclude_none=True).encode()
        signed = self._header + b"." + urlsafe_b64encode(payload)
        signature = _REGISTRY.get_alg(self.algorithm).sign(signed, self._key)
        return (signed + b"." + urlsafe_b64encode(signature)).decode()

    @classmethod
    def _make(cls, algorithm: str, key: OKPKey | ECKey) -> "SigningKey":
        """`jws.serialize_compact` would check the key and encode the header anew for every verdict."""
        header = {"alg": algorithm, "kid": key.thumbprint(), "typ": media.VERDICT_TYP}
        _REGISTRY.get_alg(algorithm).check_key(key)
        return cls(algorithm, key.thumbprint(), key, json_b64encode(header))

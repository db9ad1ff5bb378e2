"""Solvane, the fictional manufacturer: the keys and certificates of its factory, its server and its images.

All are derived from the seed, so the same seed gives the same manufacturer. No key here protects anything real.
"""

from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.manufacturer.factory import Factory
from lab.manufacturer.key_ceremony import Ceremony
from lab.world.seed import Seed
from server_stub.admin.tokens import FIRST_NAME, make_token
from server_stub.signing import Algorithm
from server_stub.signing.key_material import Secrets
from server_stub.signing.signing_key import SigningKey

ISSUER: Final = "https://verdicts.solvane.example"
AUDIENCE: Final = "solvane-phones"


class Manufacturer(Factory):
    """The manufacturer of one lab: its factory, and the keys of its server."""

    issuer: Final = ISSUER
    audience: Final = AUDIENCE

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, seed: Seed) -> "Manufacturer":
        """The manufacturer that `seed` selects. It does not change, so simulations of one seed share it."""
        return cls(seed)

    @cached_property
    def signing_key(self) -> SigningKey:
        """The key that signs verdicts: Ed25519."""
        return SigningKey.of(self._verdict_key)

    @cached_property
    def second_signing_key(self) -> SigningKey:
        """A second verdict key, ES256, published with the first."""
        return SigningKey.of(self._seed.p256("verdict key es256"))

    @cached_property
    def post_quantum_signing_key(self) -> SigningKey:
        """A third verdict key, ML-DSA-65. It is large, so it is published only if it signs."""
        return SigningKey.of(self._seed.ml_dsa_65("verdict key ml-dsa-65"))

    def verdict_key(self, algorithm: Algorithm, generation: int) -> SigningKey:
        """The verdict key of `algorithm` after `generation` rotations."""
        label = f"verdict key {algorithm} {generation}"
        if algorithm is Algorithm.ES256:
            return SigningKey.of(self._seed.p256(label))
        if algorithm is Algorithm.ML_DSA_65:
            return SigningKey.of(self._seed.ml_dsa_65(label))
        return SigningKey.of(self._seed.ed25519(label))

    @cached_property
    def admin_token(self) -> str:
        """The admin token of servers in the lab. `activation serve` creates a random one."""
        return make_token(FIRST_NAME, self._seed.bytes("admin token"))

    @cached_property
    def ceremony(self) -> Ceremony:
        """The root and online keys of the repository that publishes the verdict keys."""
        return Ceremony(self._seed)

    @cached_property
    def pinned_jwks(self) -> dict[str, object]:
        """The first JWK Set of the repository (RFC 7517): the public verdict keys."""
        return {"keys": [self.signing_key.public_jwk(), self.second_signing_key.public_jwk()]}

    @cached_property
    def secrets(self) -> Secrets:
        """The secrets of this manufacturer's verdict server."""
        return Secrets(
            signing_keys=(self.signing_key, self.second_signing_key),
            nonce_key=self._seed.bytes("nonce key"),
            identifier_key=self._seed.bytes("identifier key"),
            attestation_roots=(self.attestation_root,),
            software_roots=(self.software_root,),
        )

    def secrets_signing_by(self, algorithm: Algorithm) -> Secrets:
        """The secrets of a verdict server that signs with `algorithm`."""
        keys = self.secrets.signing_keys
        if algorithm is Algorithm.ML_DSA_65:
            keys = (*keys, self.post_quantum_signing_key)
        return replace(self.secrets, signing_keys=keys).signing_by(algorithm)

    @property
    def _verdict_key(self) -> Ed25519PrivateKey:
        return self._seed.ed25519("verdict key")

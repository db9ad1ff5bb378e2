"""The secrets of a server: keys, and the roots that it trusts."""

from dataclasses import dataclass, field, replace

from cryptography import x509

from server_stub.attestation.chain import Statuses
from server_stub.signing import Algorithm
from server_stub.signing.signing_key import SigningKey


@dataclass(frozen=True, slots=True)
class Secrets:
    """Key material of one server.

    The first of `signing_keys` signs; all are published. `nonce_key` authenticates challenges and
    `identifier_key` turns identifiers into pseudonyms; both have at least 32 bytes. `revoked_certificates` are
    the serial numbers of revoked attestation certificates, and `statuses` returns those of a published status list.
    `software_roots` are known roots of software keystores, whose chains are reported as such.
    """

    signing_keys: tuple[SigningKey, ...]
    nonce_key: bytes = field(repr=False)
    identifier_key: bytes = field(repr=False)
    attestation_roots: tuple[x509.Certificate, ...]
    revoked_certificates: frozenset[int] = frozenset()
    software_roots: tuple[x509.Certificate, ...] = ()
    statuses: Statuses | None = None

    def __post_init__(self) -> None:
        if not self.signing_keys or not self.attestation_roots:
            raise ValueError("a server needs a signing key and an attestation root")
        if len(self.nonce_key) < 32 or len(self.identifier_key) < 32:
            raise ValueError("nonce_key and identifier_key need at least 32 bytes")

    def signing_by(self, algorithm: Algorithm) -> "Secrets":
        """The same key material, but the first key of `algorithm` signs. Raises ValueError if there is none."""
        ordered = sorted(self.signing_keys, key=lambda key: key.algorithm is not algorithm)
        if ordered[0].algorithm is not algorithm:
            known = ", ".join(sorted({key.algorithm.value for key in self.signing_keys}))
            raise ValueError(f"no signing key is of algorithm {algorithm}; this server has keys of: {known}")
        return replace(self, signing_keys=tuple(ordered))

    def jwks(self) -> dict[str, object]:
        """The public JWK Set of the verdict keys (RFC 7517 section 5)."""
        return {"keys": [key.public_jwk() for key in self.signing_keys]}

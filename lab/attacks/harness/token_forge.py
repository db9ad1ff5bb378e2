"""Making tokens that a server would never make, with `cryptography` alone."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from server_stub.signing.signing_key import PrivateKey, SigningKey
from wire import media
from wire.codes import Decision

_ECDSA: Final = ECDSA(SHA256(), deterministic_signing=True)
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493

_OPTIONAL: Final = (
    "territory", "message", "case", "check_in", "offline_limit", "not_before_lock", "retry_after",
)  # fmt: skip

WANTED: Final[dict[Decision, dict[str, Any]]] = {
    Decision.ALLOW: {"reason": "territory-eligible", "check_in": 604800, "offline_limit": 7776000},
    Decision.DENY: {
        "reason": "territory-prohibited",
        "message": {"key": "not-sold-here", "args": {"case": "FORGED-1", "territory": "CU"}},
        "case": "FORGED-1",
        "check_in": 86400,
    },
    Decision.RELEASE: {"reason": "given-up"},
}
"""What a complete verdict of each decision says, beside what ties it to its exchange."""


def b64(octets: bytes) -> bytes:
    """base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def unb64(text: bytes) -> bytes:
    """The octets of base64url without padding."""
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def text(value: object) -> bytes:
    """JSON as an issuer writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """A private key that can sign anything, and the server's own view of it."""

    private: PrivateKey
    key: SigningKey

    @classmethod
    def of(cls, private: PrivateKey) -> "Signer":
        """The signer with `private`."""
        return cls(private, SigningKey.of(private))

    @property
    def kid(self) -> str:
        """Its name in key sets: the RFC 7638 thumbprint."""
        return self.key.kid

    @property
    def alg(self) -> str:
        """Its JOSE algorithm."""
        return self.key.algorithm

    def jwk(self, **changes: object) -> dict[str, object]:
        """The public JWK as the vendor publishes it, with members added or replaced."""
        return {**self.key.public_jwk(), **changes}

    def header(self, **changes: object) -> dict[str, object]:
        """The header of a verdict of this key; a change to None takes the member out."""
        members = {"alg": self.alg, "kid": self.kid, "typ": media.VERDICT_TYP} | changes
        return {name: value for name, value in members.items() if value is not None}

    def sign(self, message: bytes) -> bytes:
        """The JOSE signature, the same each time but for ML-DSA-65, which hedges."""
        if not isinstance(self.private, EllipticCurvePrivateKey):
            return self.private.sign(message)
        r, s = decode_dss_signature(self.private.sign(message, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True, slots=True)
class AttackKeys:
    """The keys that attacks use, by who holds them.

    `vendor` and `vendor_es256` are good verdict keys, `own` and `own_es256` the attacker's. The others stand in
    the vendor's key set as what their names say, and no verdict under them counts.
    """

    vendor: Signer
    vendor_es256: Signer
    own: Signer
    own_es256: Signer
    revoked: Signer
    encryption: Signer
    cannot_verify: Signer
    future: Signer
    expired: Signer
    published: Signer
    twin: Signer
    ml_dsa: Signer


@dataclass(frozen=True, slots=True)
class TokenForge:
    """What an attacker has at hand when the phone waits for its verdict.

    `genuine` is what the server answers now, `earlier` what this phone took before, `evidence` what the phone
    just sent. `wanted` is the decision that the attacker would like the phone to take.
    """

    ring: AttackKeys
    genuine: bytes
    earlier: bytes
    evidence: bytes
    wanted: Decision

    @property
    def parts(self) -> tuple[bytes, bytes, bytes]:
        """The segments of the genuine token."""
        header, payload, signature = self.genuine.split(b".")
        return header, payload, signature

    @property
    def said(self) -> dict[str, Any]:
        """The genuine claims."""
        claims: dict[str, Any] = json.loads(unb64(self.parts[1]))
        return claims

    def claims(self, like: str | None = None, /, **changes: object) -> dict[str, Any]:
        """The genuine claims turned into the wanted decision, then changed; a change to None takes a claim out."""
        wanted = self.wanted if like is None else Decision(like)
        tied = {name: value for name, value in self.said.items() if name not in _OPTIONAL}
        claims = tied | {"decision": wanted.value} | WANTED[wanted] | changes
        return {name: value for name, value in claims.items() if value is not None}

    def literal(self, **literals: str) -> bytes:
        """The wanted claims as JSON text in which some claims have a value that no encoder writes."""
        marks = {name: f"@{name}@" for name in literals}
        written = text(self.claims() | marks)
        for name, literal in literals.items():
            written = written.replace(f'"@{name}@"'.encode(), literal.encode())
        return written

    def signed(self, payload: object = None, header: object = None, *, by: Signer | None = None) -> bytes:
        """A compact JWS by the vendor's key, or by another. Octets are taken as they are, the rest as JSON."""
        signer = by or self.ring.vendor
        members = signer.header() if header is None else header
        claims = self.claims() if payload is None else payload
        message = b".".join(
            b64(part if isinstance(part, bytes) else text(part)) for part in (members, claims)
        )
        return message + b"." + b64(signer.sign(message))

    def by_own(self, **changes: object) -> bytes:
        """The wanted verdict by the attacker's own key, under the vendor's key id unless changed."""
        header = self.ring.vendor.header(**changes)
        return self.signed(header=header, by=self.ring.own)

    def with_signature(self, signature: bytes, signer: Signer | None = None) -> bytes:
        """The wanted verdict with these octets in the place of a signature."""
        header = (signer or self.ring.vendor).header()
        return b".".join(map(b64, (text(header), text(self.claims()), signature)))

"""Makes verdicts that a server would never make, and evidence that a device would never make."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509

from lab.world.jose import b64, signature, unb64
from server_stub.evidence.evidence_token import thumbprint
from server_stub.signing.signing_key import PrivateKey, SigningKey
from wire import media
from wire.codes import Decision

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
"""The claims of a complete verdict of each decision, apart from those that bind it to its exchange."""


def to_json(value: object) -> bytes:
    """JSON without white space, as the server writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """A private key that can sign anything, and the server's object for it."""

    private: PrivateKey
    key: SigningKey

    @classmethod
    def of(cls, private: PrivateKey) -> "Signer":
        """The signer with `private`."""
        return cls(private, SigningKey.of(private))

    @property
    def kid(self) -> str:
        """Its id in key sets: the RFC 7638 thumbprint."""
        return self.key.kid

    @property
    def alg(self) -> str:
        """Its JOSE algorithm."""
        return self.key.algorithm

    def jwk(self, **changes: object) -> dict[str, object]:
        """The public JWK as the manufacturer publishes it, with members added or replaced."""
        return {**self.key.public_jwk(), **changes}

    def header(self, **changes: object) -> dict[str, object]:
        """The header of a verdict of this key; a change to None removes the member."""
        members = {"alg": self.alg, "kid": self.kid, "typ": media.VERDICT_TYP} | changes
        return {name: value for name, value in members.items() if value is not None}

    def sign(self, message: bytes) -> bytes:
        """The JOSE signature; deterministic except for ML-DSA-65 (FIPS 204 section 3.4, hedged variant)."""
        return signature(self.private, message)


@dataclass(frozen=True, slots=True)
class AttackKeys:
    """The keys that attacks use.

    `genuine` and `genuine_es256` are valid verdict keys, `own` and `own_es256` the attacker's. The others are in the
    manufacturer's key set in the role of their name, and no verdict under them may be accepted.
    """

    genuine: Signer
    genuine_es256: Signer
    own: Signer
    own_es256: Signer
    revoked: Signer
    encryption: Signer
    cannot_verify: Signer
    future: Signer
    expired: Signer
    lapsed: Signer
    published: Signer
    twin: Signer
    ml_dsa: Signer


@dataclass(frozen=True, slots=True)
class TokenForge:
    """What an attacker has when the device waits for its verdict.

    `genuine` is the server's verdict, `earlier` the one that this device accepted before, `evidence` what the device
    just sent. `wanted` is the decision that the attacker wants for the device.
    """

    keys: AttackKeys
    genuine: bytes
    earlier: bytes
    evidence: bytes
    wanted: Decision

    @property
    def parts(self) -> tuple[bytes, bytes, bytes]:
        """The segments of the genuine verdict."""
        header, payload, signature = self.genuine.split(b".")
        return header, payload, signature

    @property
    def genuine_claims(self) -> dict[str, Any]:
        """The claims of the genuine verdict."""
        claims: dict[str, Any] = json.loads(unb64(self.parts[1]))
        return claims

    def claims(self, decision: str | None = None, /, **changes: object) -> dict[str, Any]:
        """The genuine claims with the wanted or given decision, then changed; a change to None removes a claim."""
        wanted = self.wanted if decision is None else Decision(decision)
        bound = {name: value for name, value in self.genuine_claims.items() if name not in _OPTIONAL}
        claims = bound | {"decision": wanted.value} | WANTED[wanted] | changes
        return {name: value for name, value in claims.items() if value is not None}

    def literal(self, **literals: str) -> bytes:
        """The wanted claims as JSON text, some of them with literal text as their value that no encoder writes."""
        marks = {name: f"@{name}@" for name in literals}
        written = to_json(self.claims() | marks)
        for name, literal in literals.items():
            written = written.replace(f'"@{name}@"'.encode(), literal.encode())
        return written

    def signed(self, payload: object = None, header: object = None, *, by: Signer | None = None) -> bytes:
        """A compact JWS by the manufacturer's key, or by another. Bytes are used unchanged, other values as JSON."""
        signer = by or self.keys.genuine
        members = signer.header() if header is None else header
        claims = self.claims() if payload is None else payload
        message = b".".join(
            b64(part if isinstance(part, bytes) else to_json(part)) for part in (members, claims)
        )
        return message + b"." + b64(signer.sign(message))

    def with_signature(self, signature: bytes, signer: Signer | None = None) -> bytes:
        """The wanted verdict with these bytes as its signature."""
        return self.joined((signer or self.keys.genuine).header(), signature)

    def joined(self, header: dict[str, object], signature: bytes) -> bytes:
        """The wanted claims under this header, with these bytes as the signature."""
        return b".".join(map(b64, (to_json(header), to_json(self.claims()), signature)))


def claims_of(evidence: bytes) -> dict[str, Any]:
    """The claims."""
    claims: dict[str, Any] = json.loads(unb64(evidence.split(b".")[1]))
    return claims


def header_of(evidence: bytes) -> dict[str, Any]:
    """The header, with the chain in `x5c`."""
    header: dict[str, Any] = json.loads(unb64(evidence.split(b".")[0]))
    return header


def thumbprint_of(evidence: bytes) -> str:
    """RFC 7638 thumbprint of the key that the leaf certifies."""
    leaf = base64.b64decode(header_of(evidence)["x5c"][0])
    return thumbprint(x509.load_der_x509_certificate(leaf).public_key())


def with_claims(evidence: bytes, **changes: object) -> bytes:
    """The evidence with claims changed after it was signed; a change to None takes the claim out."""
    header, _, signature = evidence.split(b".")
    claims = {name: value for name, value in (claims_of(evidence) | changes).items() if value is not None}
    return b".".join((header, b64(to_json(claims)), signature))


def with_header(evidence: bytes, **changes: object) -> bytes:
    """The evidence with members of its header changed after it was signed."""
    _, payload, signature = evidence.split(b".")
    return b".".join((b64(to_json(header_of(evidence) | changes)), payload, signature))

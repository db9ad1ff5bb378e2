"""Keys, key sets and tokens for tests, made only with `cryptography` so that bad ones can be made too."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, VerifiedVerdict, verify
from wire import media

NOW: Final = 1_632_900_000
"""29 September 2021, in seconds since the epoch: the time at which tests take place."""

ISSUER: Final = "https://activation.solvane.example"
AUDIENCE: Final = "solvane-activation-agent"
THUMBPRINT: Final = "Zr9H7mWUPz4mYOEjmZQ2Qd2iS7dMHK2DZ3bHq1vQ4nA"
NONCE: Final = "bm9uY2UtZm9yLXRlc3RzLTAx"

EXPECTED: Final = Expected(ISSUER, AUDIENCE, THUMBPRINT, NONCE, 6, 3)
"""What `make_verdict()` matches: serial 7 follows 6, policy version 3 is not lower than 3."""


def encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value: object) -> bytes:
    """JSON as an issuer writes it: no white space, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Signer:
    """A private verdict key with its name."""

    kid: str
    alg: str
    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | mldsa.MLDSA65PrivateKey

    def sign(self, message: bytes) -> bytes:
        """The JOSE signature: for ES256 the 64 bytes R and S."""
        if not isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(message)
        r, s = utils.decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def jwk(self, **changes: object) -> dict[str, Any]:
        """The public JWK, as the server publishes it; a change to None takes the member out."""
        jwk = {"kid": self.kid, "use": "sig", "alg": self.alg, "status": "active"} | self._public() | changes
        return {name: value for name, value in jwk.items() if value is not None}

    def _public(self) -> dict[str, str]:
        if isinstance(self.private, mldsa.MLDSA65PrivateKey):
            return {"kty": "AKP", "pub": encode(self.private.public_key().public_bytes_raw())}
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": encode(self.private.public_key().public_bytes_raw())}
        point = self.private.public_key().public_numbers()
        x, y = (encode(number.to_bytes(32, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def ed25519_signer(kid: str = "verdict-ed25519", seed: int = 1) -> Signer:
    """An Ed25519 key, the same for the same seed."""
    return Signer(kid, "Ed25519", ed25519.Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big")))


def es256_signer(kid: str = "verdict-es256", seed: int = 1) -> Signer:
    """A P-256 key, the same for the same seed."""
    return Signer(kid, "ES256", ec.derive_private_key(0x5EED0000 + seed, ec.SECP256R1()))


def ml_dsa_65_signer(kid: str = "verdict-ml-dsa-65", seed: int = 1) -> Signer:
    """An ML-DSA-65 key, the same for the same seed."""
    return Signer(kid, "ML-DSA-65", mldsa.MLDSA65PrivateKey.from_seed_bytes(seed.to_bytes(32, "big")))


ED25519: Final = ed25519_signer()
ES256: Final = es256_signer()
ML_DSA_65: Final = ml_dsa_65_signer()
SIGNERS: Final = (ED25519, ES256, ML_DSA_65)


def jwks(*signers: Signer) -> dict[str, Any]:
    """The JWK Set of `signers`."""
    return {"keys": [signer.jwk() for signer in signers]}


KEYS: Final = KeySet.from_jwks(jwks(*SIGNERS))


def header_of(signer: Signer, typ: str | None = media.VERDICT_TYP, **changes: object) -> dict[str, Any]:
    """The header that belongs to a verdict of `signer`; a change to None takes the member out."""
    header = {"alg": signer.alg, "kid": signer.kid, "typ": typ} | changes
    return {name: value for name, value in header.items() if value is not None}


def sign(
    payload: object, signer: Signer = ED25519, header: Mapping[str, object] | bytes | None = None
) -> str:
    """A compact JWS. `payload` and `header` are used unchanged if they are bytes, else written as JSON."""
    members = header_of(signer) if header is None else header
    parts = [part if isinstance(part, bytes) else compact(part) for part in (members, payload)]
    signing_input = ".".join(map(encode, parts)).encode()
    return f"{signing_input.decode()}.{encode(signer.sign(signing_input))}"


_COMMON: Final[dict[str, Any]] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "device-5f1c2a",
    "cnf": {"jkt": THUMBPRINT},
    "eat_nonce": NONCE,
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 3600,
    "jti": "verdict-0007",
    "serial": 7,
}
_POLICY: Final[dict[str, Any]] = {
    "policy": {"id": "export-2021-09", "version": 3, "rule": "prohibited"},
    "trust": "affirming",
}
_MESSAGE: Final = {"key": "not-sold-here", "args": {"territory": "CU"}}

CLAIMS: Final[dict[str, dict[str, Any]]] = {
    "allow": {"reason": "territory-eligible", "territory": "FR", "check_in": 86400, "offline_limit": 2592000},
    "notice": {
        "reason": "activated-in-prohibited-territory",
        "territory": "CU",
        "message": {"key": "notice-of-lock", "args": {}},
        "case": "SV-2021-0042",
        "check_in": 86400,
        "offline_limit": 604800,
        "not_before_lock": NOW + 172800,
    },
    "deny": {
        "reason": "territory-prohibited",
        "territory": "CU",
        "message": _MESSAGE,
        "case": "SV-2021-0042",
        "check_in": 86400,
    },
    "defer": {"reason": "territory-unknown", "retry_after": 600},
    "release": {"reason": "given-up"},
}
"""The claims that differ by decision: a complete example of each."""


def make_verdict(decision: str = "deny", /, **changes: object) -> dict[str, Any]:
    """Claims of a good verdict in the contract's order; a change to None takes the claim out.

    >>> make_verdict("allow", serial=9)["serial"]
    9
    """
    own = dict(CLAIMS[decision])
    claims = _COMMON | {"decision": decision, "reason": own.pop("reason")} | _POLICY | own | changes
    return {name: value for name, value in claims.items() if value is not None}


def spelt_out(claims: dict[str, Any]) -> dict[str, Any]:
    """Claims of an accepted payload as `Claims.members` has them: a message without `args` has none."""
    message = claims.get("message")
    return claims if message is None else claims | {"message": {"args": {}} | message}


def verified(
    decision: str = "deny", /, *, expected: Expected = EXPECTED, now: int = NOW, **changes: object
) -> VerifiedVerdict:
    """A verdict that really went through the verifier, for tests of what acts on it."""
    return verify(sign(make_verdict(decision, **changes)), KEYS, expected=expected, now=now)

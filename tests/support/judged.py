"""Real verdicts for the tests of the machine: signed by a key of the test and passed through the verifier."""

import base64
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.events import VerdictReceived
from agent.verification.bounds import TimestampBounds
from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, VerifiedVerdict, verify
from wire.codes import Decision

NOW = 1_631_100_000
NONCE = "bm9uY2Utb2YtdGhlLXRlc3Q"
THUMBPRINT = "t" * 43

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

COMPLETE: dict[Decision, dict[str, Any]] = {
    Decision.ALLOW: {"check_in": 86_400, "offline_limit": 30 * 86_400},
    Decision.NOTICE: {
        "message": {"key": "notice-of-lock"},
        "case": "C-1",
        "check_in": 86_400,
        "offline_limit": 30 * 86_400,
        "not_before_lock": NOW + 3 * 86_400,
    },
    Decision.DENY: {"message": {"key": "not-sold-here"}, "case": "C-1", "check_in": 3600},
    Decision.DEFER: {"retry_after": 600},
    Decision.RELEASE: {},
}


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@cache
def keys() -> KeySet:
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "Ed25519",
        "use": "sig",
        "kid": "test-1",
        "x": b64(_KEY.public_key().public_bytes_raw()),
    }
    return KeySet.from_jwks({"keys": [jwk]})


def token(decision: Decision, **changes: Any) -> str:
    claims = {
        "iss": "https://verdicts.example",
        "aud": "phones",
        "sub": "device-1",
        "cnf": {"jkt": THUMBPRINT},
        "eat_nonce": NONCE,
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
        "jti": "verdict-1",
        "serial": 1,
        "decision": decision.value,
        "reason": "territory-eligible",
        "policy": {"id": "test", "version": 1, "rule": "rule-1"},
        "trust": "affirming",
        **COMPLETE[decision],
        **changes,
    }
    header = b64(json.dumps({"alg": "Ed25519", "kid": "test-1", "typ": "activation-verdict+jwt"}).encode())
    signing_input = f"{header}.{b64(json.dumps(claims).encode())}"
    return f"{signing_input}.{b64(_KEY.sign(signing_input.encode()))}"


def verified(decision: Decision, **changes: Any) -> VerifiedVerdict:
    expected = Expected(
        issuer="https://verdicts.example",
        audience="phones",
        thumbprint=THUMBPRINT,
        nonce=NONCE,
        serial=0,
        policy_version=0,
    )
    return verify(token(decision, **changes), keys(), expected=expected, now=0)


@cache
def judged(decision: Decision) -> VerdictReceived:
    """In an exchange whose key repository showed nothing new."""
    return VerdictReceived(verified(decision), TimestampBounds())

"""One verdict through all fourteen steps, compared with one bare Ed25519 verification of the same signing input.

The peers check signature, issuer, audience, times and required claims of the same token. None of them checks the claims
that only a verdict has.
"""

import base64
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import OKPKey
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT
from jwt.algorithms import OKPAlgorithm

from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, verify
from benchmarks.report import BudgetRow
from benchmarks.timing import Timings, interleaved, ratio
from wire import media

BUDGET = 1.30
ISSUER, AUDIENCE, NONCE, THUMBPRINT = "https://activation.solvane.example", "agent", "n" * 43, "t" * 43
REQUIRED = [
    "iss",
    "aud",
    "sub",
    "cnf",
    "eat_nonce",
    "iat",
    "nbf",
    "exp",
    "jti",
    "serial",
    "decision",
    "reason",
]


def measure() -> BudgetRow:
    """Time the verifier, the bare verification and the peers in turns."""
    now = int(time.time())
    private = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).rstrip(b"=").decode()
    jwk = {"kty": "OKP", "crv": "Ed25519", "kid": "verdict-1", "use": "sig", "alg": "Ed25519", "x": x}
    header = {"alg": "Ed25519", "kid": "verdict-1", "typ": media.VERDICT_TYP}
    signing_input = f"{_encode(header)}.{_encode(_claims(now))}".encode()
    signature = private.sign(signing_input)
    token = f"{signing_input.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    public, keys = private.public_key(), KeySet.from_jwks({"keys": [jwk]})
    expected = Expected(ISSUER, AUDIENCE, THUMBPRINT, NONCE, 6, 3)

    def bare() -> None:
        public.verify(signature, signing_input)

    timings = _pair(bare, lambda: verify(token, keys, expected=expected, now=now, latest=now + 86_400))
    peers = {name: ratio(_pair(bare, work), "work", "bare") for name, work in _peers(token, jwk).items()}
    return BudgetRow(
        "verify one verdict, 14 steps",
        "one bare Ed25519 verification",
        BUDGET,
        ratio(timings, "work", "bare"),
        median(timings["bare"]),
        peers,
    )


def _pair(bare: Callable[[], None], work: Callable[[], Any]) -> Timings:
    """Only the two in turns, because a third would replace their code and data in the caches of the processor."""
    return interleaved({"bare": bare, "work": work}, rounds=150, calls=20, clock=time.process_time_ns)


def _peers(token: str, jwk: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    jwt.register_algorithm("Ed25519", OKPAlgorithm())
    pyjwt_key: Any = OKPAlgorithm.from_jwk(jwk)
    joserfc_key = OKPKey.import_key(jwk)
    essential: Any = {
        "iss": {"essential": True, "value": ISSUER},
        "aud": {"essential": True, "value": AUDIENCE},
    }
    others: Any = {name: {"essential": True} for name in REQUIRED if name not in essential}
    registry = joserfc_jwt.JWTClaimsRegistry(leeway=300, **essential, **others)
    jwcrypto_key = JWK.from_json(json.dumps(jwk))
    checks = {"iss": ISSUER, "aud": AUDIENCE, **dict.fromkeys(REQUIRED[2:])}
    checks = {name: value for name, value in checks.items() if name not in {"iat", "nbf", "exp"}}

    def by_pyjwt() -> None:
        options: Any = {"require": REQUIRED}
        jwt.decode(
            token,
            pyjwt_key,
            algorithms=["Ed25519"],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=300,
            options=options,
        )

    def by_joserfc() -> None:
        registry.validate(joserfc_jwt.decode(token, joserfc_key, algorithms=["Ed25519"]).claims)

    def by_jwcrypto() -> None:
        JWT(jwt=token, key=jwcrypto_key, algs=["Ed25519"], check_claims=checks, expected_type="JWS")

    return {"PyJWT": by_pyjwt, "joserfc": by_joserfc, "jwcrypto": by_jwcrypto}


def _encode(members: dict[str, Any]) -> str:
    text = json.dumps(members, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _claims(now: int) -> dict[str, Any]:
    """A deny: the common verdict with the most claims."""
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "5f1c2a77e01b4c9d",
        "cnf": {"jkt": THUMBPRINT},
        "eat_nonce": NONCE,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "jti": "verdict-0007",
        "serial": 7,
        "decision": "deny",
        "reason": "territory-prohibited",
        "policy": {"id": "export-2021-09", "version": 3, "rule": "prohibited-territory"},
        "trust": "affirming",
        "territory": "CU",
        "message": {"key": "not-sold-here", "args": {"territory": "CU"}},
        "case": "SV-2021-0042",
        "check_in": 86400,
    }

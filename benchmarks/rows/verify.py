"""One verdict through all fourteen steps, compared with one bare Ed25519 verification of the same signing input.

The peers check signature, issuer, audience, times and required claims of the same token. None of them checks the claims
that only a verdict has.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import OKPKey
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT
from jwt.algorithms import OKPAlgorithm

from benchmarks.report import BudgetRow
from benchmarks.rows.algorithms import EXPECTED, AlgorithmUnderTest
from benchmarks.timing import Timings, interleaved, ratio
from server_stub.signing.signing_key import SigningKey
from wire.verdict import Verdict

REQUIRED = [name for name, claim in Verdict.model_fields.items() if claim.is_required()]


def measure() -> BudgetRow:
    """Time the verifier, the bare verification and the peers in turns."""
    private = Ed25519PrivateKey.generate()
    subject = AlgorithmUnderTest.of(SigningKey.of(private))
    signed, _, signature = subject.token.rpartition(".")
    public, signing_input = private.public_key(), signed.encode()
    raw = base64.urlsafe_b64decode(f"{signature}==")

    def bare() -> None:
        public.verify(raw, signing_input)

    timings = _pair(bare, subject.verify)
    jwk = subject.key.public_jwk()
    peers = {
        name: ratio(_pair(bare, work), "work", "bare") for name, work in _peers(subject.token, jwk).items()
    }
    row = BudgetRow("verify one verdict, 14 steps", "one bare Ed25519 verification", 1.30)
    return row.measured(timings, "work", "bare", peers=peers)


def _pair(bare: Callable[[], None], work: Callable[[], Any]) -> Timings:
    """Only the two in turns, because a third would replace their code and data in the caches of the processor."""
    return interleaved({"bare": bare, "work": work}, rounds=150, calls=20, clock=time.process_time_ns)


def _peers(token: str, jwk: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    jwt.register_algorithm("Ed25519", OKPAlgorithm())
    pyjwt_key: Any = OKPAlgorithm.from_jwk(jwk)
    joserfc_key = OKPKey.import_key(jwk)
    known = {"iss": EXPECTED.issuer, "aud": EXPECTED.audience}
    essential: Any = {name: {"essential": True, "value": value} for name, value in known.items()}
    others: Any = {name: {"essential": True} for name in REQUIRED if name not in essential}
    registry = joserfc_jwt.JWTClaimsRegistry(leeway=300, **essential, **others)
    jwcrypto_key = JWK.from_json(json.dumps(jwk))
    checks = {name: known.get(name) for name in REQUIRED if name not in {"iat", "nbf", "exp"}}

    def by_pyjwt() -> None:
        options: Any = {"require": REQUIRED}
        jwt.decode(
            token,
            pyjwt_key,
            algorithms=["Ed25519"],
            issuer=EXPECTED.issuer,
            audience=EXPECTED.audience,
            leeway=300,
            options=options,
        )

    def by_joserfc() -> None:
        registry.validate(joserfc_jwt.decode(token, joserfc_key, algorithms=["Ed25519"]).claims)

    def by_jwcrypto() -> None:
        JWT(jwt=token, key=jwcrypto_key, algs=["Ed25519"], check_claims=checks, expected_type="JWS")

    return {"PyJWT": by_pyjwt, "joserfc": by_joserfc, "jwcrypto": by_jwcrypto}

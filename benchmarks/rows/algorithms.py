"""ES256 and ML-DSA-65 beside Ed25519: one verdict signed by the server's code and verified in fourteen steps.

The budgets say what an operator has to expect, measured over the same work with Ed25519.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, TimeCertainty, verify
from benchmarks.report import Row
from benchmarks.timing import interleaved, ratio
from server_stub.signing.signing_key import Algorithm, SigningKey
from wire.verdict import Verdict

SIGNING, VERIFYING = 40.0, 2.5
"""Budgets. ML-DSA-65 rejects some four candidates for a signature on average, each time more or fewer."""

NOW: Final = 1_632_900_000
NONCE, THUMBPRINT = "n" * 43, "t" * 43
EXPECTED: Final = Expected("issuer", "audience", THUMBPRINT, NONCE, 6, 3, TimeCertainty.EXACT)


@dataclass(frozen=True, slots=True)
class Subject:
    """One algorithm at work."""

    key: SigningKey
    keys: KeySet
    token: str

    @classmethod
    def of(cls, key: SigningKey) -> "Subject":
        """The key with its published form and a verdict that it signed."""
        return cls(key, KeySet.from_jwks({"keys": [key.public_jwk()]}), key.sign(VERDICT))

    def work(self) -> dict[str, Callable[[], object]]:
        """What is timed, by name."""
        name = self.key.algorithm
        return {
            f"sign {name}": lambda: self.key.sign(VERDICT),
            f"verify {name}": lambda: verify(self.token, self.keys, expected=EXPECTED, now=NOW),
        }


def measure_signing() -> Row:
    """What the server pays for ML-DSA-65."""
    return _row("sign", SIGNING)


def measure_verification() -> Row:
    """What the phone pays for ML-DSA-65, all fourteen steps included."""
    return _row("verify", VERIFYING)


def _row(what: str, budget: float) -> Row:
    """One row: ML-DSA-65 over Ed25519, with ES256 as the peer. All three run in turns."""
    subjects = [Subject.of(SigningKey.of(private)) for private in PRIVATE]
    work = {name: call for subject in subjects for name, call in subject.work().items() if what in name}
    timings = interleaved(work, rounds=60, calls=10)
    limit = f"{what} {Algorithm.ED25519}"
    ratios = {
        str(subject.key.algorithm): ratio(timings, f"{what} {subject.key.algorithm}", limit)
        for subject in subjects
    }
    sizes = ", ".join(f"{subject.key.algorithm} {len(subject.token)}" for subject in subjects)
    return Row(
        f"{what} one verdict with ML-DSA-65 (octets of a token: {sizes})",
        "the same with Ed25519",
        budget,
        ratios[Algorithm.ML_DSA_65],
        median(timings[limit]),
        {"ES256": ratios[Algorithm.ES256]},
    )


PRIVATE: Final = (
    Ed25519PrivateKey.from_private_bytes(bytes(32)),
    derive_private_key(7, SECP256R1()),
    MLDSA65PrivateKey.from_seed_bytes(bytes(32)),
)

VERDICT: Final = Verdict.model_validate(
    {
        "iss": "issuer",
        "aud": "audience",
        "sub": "5f1c2a77e01b4c9d",
        "cnf": {"jkt": THUMBPRINT},
        "eat_nonce": NONCE,
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
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
)

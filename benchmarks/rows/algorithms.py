"""ES256 and ML-DSA-65 compared with Ed25519: one verdict signed by the server and verified in fourteen steps.

The budgets are the cost that an operator must expect, as multiples of the same work with Ed25519.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, verify
from benchmarks.report import BudgetRow
from benchmarks.timing import interleaved, ratio
from server_stub.signing import Algorithm
from server_stub.signing.signing_key import SigningKey
from wire.verdict import Verdict

SIGNING, VERIFYING = 40.0, 2.5
"""ML-DSA-65 rejects a varying number of candidates for a signature, four on average."""

NOW: Final = 1_632_900_000
NONCE, THUMBPRINT = "n" * 43, "t" * 43
EXPECTED: Final = Expected("issuer", "audience", THUMBPRINT, NONCE, 6, 3)


@dataclass(frozen=True, slots=True)
class AlgorithmUnderTest:
    """A key of one algorithm, its published form, and a verdict that it signed."""

    key: SigningKey
    keys: KeySet
    token: str

    @classmethod
    def of(cls, key: SigningKey) -> "AlgorithmUnderTest":
        """Publish the key and sign a verdict."""
        return cls(key, KeySet.from_jwks({"keys": [key.public_jwk()]}), key.sign(VERDICT))

    def work(self) -> dict[str, Callable[[], object]]:
        """The functions to time, by name."""
        name = self.key.algorithm
        return {
            f"sign {name}": lambda: self.key.sign(VERDICT),
            f"verify {name}": lambda: verify(
                self.token, self.keys, expected=EXPECTED, now=NOW, latest=NOW + 86_400
            ),
        }


def measure_signing() -> BudgetRow:
    """The cost of ML-DSA-65 for the server."""
    return _row("sign", SIGNING)


def measure_verification() -> BudgetRow:
    """The cost of ML-DSA-65 for the device, with all fourteen steps."""
    return _row("verify", VERIFYING)


def _row(what: str, budget: float) -> BudgetRow:
    """ML-DSA-65 divided by Ed25519, with ES256 as the peer. All three run in turns."""
    subjects = [AlgorithmUnderTest.of(SigningKey.of(private)) for private in PRIVATE]
    work = {name: call for subject in subjects for name, call in subject.work().items() if what in name}
    timings = interleaved(work, rounds=60, calls=10)
    limit = f"{what} {Algorithm.ED25519}"
    ratios = {
        str(subject.key.algorithm): ratio(timings, f"{what} {subject.key.algorithm}", limit)
        for subject in subjects
    }
    sizes = ", ".join(f"{subject.key.algorithm} {len(subject.token)}" for subject in subjects)
    return BudgetRow(
        f"{what} one verdict with ML-DSA-65",
        "the same with Ed25519",
        budget,
        ratios[Algorithm.ML_DSA_65],
        median(timings[limit]),
        {"ES256": ratios[Algorithm.ES256]},
        f"bytes of a token: {sizes}",
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

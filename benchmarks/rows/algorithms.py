"""ES256 and ML-DSA-65 compared with Ed25519: one verdict signed by the server and verified in fourteen steps.

The budgets are the cost that an operator must expect, as multiples of the same work with Ed25519.
"""

import time
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, verify
from benchmarks.report import BudgetRow
from benchmarks.timing import interleaved, ratio
from server_stub.api.openapi import examples
from server_stub.signing import Algorithm
from server_stub.signing.signing_key import SigningKey
from wire.verdict import Verdict

SIGNING, VERIFYING = 40.0, 2.5
"""The budgets. ML-DSA-65 rejects a varying number of candidates for a signature, four on average."""

NOW: Final = int(time.time())
NONCE, THUMBPRINT = "n" * 43, "t" * 43


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

    def sign(self) -> object:
        """Sign a verdict."""
        return self.key.sign(VERDICT)

    def verify(self) -> object:
        """Verify the token, all fourteen steps."""
        return verify(self.token, self.keys, expected=EXPECTED, now=NOW, latest=NOW + 86_400)


def measure(what: str, budget: float) -> BudgetRow:
    """ML-DSA-65 divided by Ed25519, with ES256 as the peer. All three run in turns.

    `what` is `sign`, the work of the server, or `verify`, that of the device with all fourteen steps.
    """
    subjects = [AlgorithmUnderTest.of(SigningKey.of(private)) for private in PRIVATE]
    work = {f"{what} {subject.key.algorithm}": getattr(subject, what) for subject in subjects}
    timings = interleaved(work, rounds=60, calls=10)
    limit = f"{what} {Algorithm.ED25519}"
    sizes = ", ".join(f"{subject.key.algorithm} {len(subject.token)}" for subject in subjects)
    row = BudgetRow(f"{what} one verdict with ML-DSA-65", "the same with Ed25519", budget)
    return row.measured(
        timings,
        f"{what} {Algorithm.ML_DSA_65}",
        limit,
        peers={"ES256": ratio(timings, f"{what} {Algorithm.ES256}", limit)},
        note=f"bytes of a token: {sizes}",
    )


PRIVATE: Final = (
    Ed25519PrivateKey.from_private_bytes(bytes(32)),
    derive_private_key(7, SECP256R1()),
    MLDSA65PrivateKey.from_seed_bytes(bytes(32)),
)

VERDICT: Final = Verdict.model_validate(
    examples()["Verdict"]
    | {"cnf": {"jkt": THUMBPRINT}, "eat_nonce": NONCE, "iat": NOW, "nbf": NOW, "exp": NOW + 3600, "serial": 7}
)
EXPECTED: Final = Expected(VERDICT.iss, VERDICT.aud, THUMBPRINT, NONCE, 6, 1)

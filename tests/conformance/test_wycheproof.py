"""Wycheproof's signature vectors, verified with the key that `KeySet.from_jwks` reads.

Every vector is judged as published, except by the rules of `Exempt`, each of which is stricter than the publisher.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from agent.verification import keys as algorithms
from agent.verification.errors import Code
from agent.verification.keys import KeyRejection, VerdictKey
from agent.verification.keyset import KeySet
from tests.support.tokens import encode


class Exempt(StrEnum):
    """Why a signature that is published as valid is rejected."""

    CONTEXT = "RFC 9964 section 4: the context of ML-DSA is empty"
    ZERO_KEY = "anyone can sign with an ML-DSA key whose vector t1 is zero"


@dataclass(frozen=True)
class VectorFile:
    """A file of vectors: what it holds, and the outcomes of the verifier by number."""

    name: str
    kind: type[VerdictKey]
    vectors: int
    outcomes: dict[Code | KeyRejection | None, int]
    exempt: dict[Exempt, int]


FILES = (
    VectorFile(
        "ed25519_test.json",
        algorithms.Ed25519Key,
        151,
        {None: 88, Code.SIGNATURE_INVALID: 51, Code.SIGNATURE_LENGTH: 12},
        {},
    ),
    VectorFile(
        "ecdsa_secp256r1_sha256_p1363_test.json",
        algorithms.Es256Key,
        262,
        {None: 173, Code.SIGNATURE_INVALID: 18, Code.SIGNATURE_LENGTH: 21, Code.SIGNATURE_RANGE: 50},
        {},
    ),
    VectorFile(
        "mldsa_65_verify_test.json",
        algorithms.MlDsa65Key,
        210,
        {
            None: 75,
            Code.SIGNATURE_INVALID: 77,
            Code.SIGNATURE_LENGTH: 3,
            KeyRejection.PUBLIC_KEY_MALFORMED: 4,
            KeyRejection.PUBLIC_KEY_DEGENERATE: 51,
        },
        {Exempt.CONTEXT: 2, Exempt.ZERO_KEY: 2},
    ),
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_vectors_are_judged_as_published_except_by_rule(file: VectorFile) -> None:
    outcomes: Counter[Code | KeyRejection | None] = Counter()
    exempt: Counter[Exempt] = Counter()
    wrong = []
    for vector, outcome in judged(file):
        outcomes[outcome] += 1
        published = vector["result"] == "valid"
        if rule := exemption(vector, outcome):
            exempt[rule] += 1
        elif published is not (outcome is None):
            wrong.append((vector["tcId"], vector["result"], outcome))
    assert not wrong
    assert outcomes.total() == file.vectors
    assert (outcomes, exempt) == (file.outcomes, file.exempt)


def test_all_algorithms_of_the_verifier_have_vectors() -> None:
    assert {file.kind for file in FILES} == set(algorithms.ALGORITHMS)


def exemption(vector: dict[str, Any], outcome: Code | KeyRejection | None) -> Exempt | None:
    """The rule by which a vector published as valid is rejected, or None."""
    if vector["result"] != "valid":
        return None
    if vector.get("ctx") and outcome is Code.SIGNATURE_INVALID:
        return Exempt.CONTEXT
    if "ZeroPublicKey" in vector["flags"] and outcome is KeyRejection.PUBLIC_KEY_DEGENERATE:
        return Exempt.ZERO_KEY
    return None


def judged(file: VectorFile) -> Iterator[tuple[dict[str, Any], Code | KeyRejection | None]]:
    """Each vector of the file, and None if the verifier accepts its signature, else the reason."""
    folder = os.environ.get("ACTIVATION_VECTORS")
    if folder is None:
        pytest.skip(f"ACTIVATION_VECTORS is unset: it names the folder with wycheproof/{file.name}")
    document = json.loads((Path(folder) / "wycheproof" / file.name).read_bytes())
    for group in document["testGroups"]:
        keys = KeySet.from_jwks(json.dumps({"keys": [jwk_of(group)]}))
        for vector in group["tests"]:
            yield vector, outcome_of(keys, file.kind, vector)


def outcome_of(keys: KeySet, kind: type[VerdictKey], vector: dict[str, Any]) -> Code | KeyRejection | None:
    if keys.left_out:
        return keys.left_out[0].reason
    (key,) = keys.keys
    assert type(key) is kind
    return key.check(bytes.fromhex(vector["sig"]), bytes.fromhex(vector["msg"]))


def jwk_of(group: dict[str, Any]) -> dict[str, str]:
    """The JWK as published. Where none is, its members from the raw bytes of the key."""
    key = group["publicKey"]
    if isinstance(key, str):
        return {"kty": "AKP", "alg": "ML-DSA-65", "kid": "a", "pub": encode(bytes.fromhex(key))}
    if "publicKeyJwk" in group:
        return dict(group["publicKeyJwk"])
    point = bytes.fromhex(key["uncompressed"])
    return {"kty": "EC", "crv": "P-256", "kid": "a", "x": encode(point[1:33]), "y": encode(point[33:])}

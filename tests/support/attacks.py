"""Attacks run by their ids, and vectors run back through the verifier."""

import base64
from collections.abc import Mapping
from typing import Any

from agent.verification.errors import VerificationError
from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, verify
from lab.attacks.catalogue import BY_ID
from lab.attacks.harness.environment import AttackEnvironment
from lab.attacks.runner import AttackResult, run_attack

SEED = "attacks under test"


def result_of(environment: AttackEnvironment, name: str) -> AttackResult:
    """The result of the attack of that id."""
    return AttackResult(BY_ID[name], run_attack(environment, BY_ID[name]))


def outcome_of(vector: Mapping[str, Any], key_sets: Mapping[str, Any]) -> dict[str, Any]:
    """The result of this project's verifier for a vector, with the members of its `expect`."""
    context = dict(vector["context"])
    floor, latest, _ = context.pop("floor"), context.pop("latest"), context.pop("now")
    expected = Expected(**context)
    token = vector["token"] if "token" in vector else base64.b64decode(vector["token_base64"])
    try:
        keys = KeySet.from_jwks(key_sets[vector["keys"]])
        verdict = verify(token, keys, expected=expected, now=floor, latest=latest)
    except VerificationError as error:
        return {"result": "refused", "step": error.step, "code": error.code.value}
    return {"result": "accepted", "decision": verdict.decision.value, "reason": verdict.reason.value}

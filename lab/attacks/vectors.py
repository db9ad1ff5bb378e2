"""The attacks on tokens as test vectors that another implementation can run; the format is in docs/security."""

import base64
import json
from collections.abc import Iterable
from typing import Any, Final

from agent.verification.errors import RULES, Code
from lab.attacks.harness.target_phone import CapturedToken
from lab.attacks.runner import Record, Run

FORMAT: Final = "activation-verdict-vectors"
VERSION: Final = 1
FILE: Final = "verdict-vectors.json"

_STEPS: Final = {code.value: RULES[code][0] for code in Code}


def document(seed: str, records: Iterable[Record]) -> dict[str, Any]:
    """All vectors of `records`. The same seed and records give the same document."""
    sets: dict[str, str] = {}
    vectors = [
        _vector(record, run, run.specimen, _name(sets, run.jwks))
        for record in records
        for run in record.runs
        if run.specimen is not None
    ]
    return {
        "format": FORMAT,
        "version": VERSION,
        "seed": seed,
        "key_sets": {name: json.loads(text) for text, name in sets.items()},
        "vectors": vectors,
    }


def to_text(vectors: dict[str, Any]) -> str:
    """The file: the same document gives the same octets."""
    return json.dumps(vectors, indent=1, ensure_ascii=True) + "\n"


def _name(sets: dict[str, str], jwks: dict[str, Any]) -> str:
    """The name under which a key set stands in the document; equal sets stand there once."""
    return sets.setdefault(json.dumps(jwks), f"keys-{len(sets) + 1}")


def _vector(record: Record, run: Run, specimen: CapturedToken, keys: str) -> dict[str, Any]:
    expected = specimen.expected
    return {
        "id": f"{record.attack.id}/{run.target.replace(' ', '-')}",
        "comment": record.attack.sentence,
        "class": record.attack.source,
        "means": [means.value for means in record.attack.means],
        "keys": keys,
        "context": {
            "issuer": expected.issuer,
            "audience": expected.audience,
            "thumbprint": expected.thumbprint,
            "nonce": expected.nonce,
            "serial": expected.serial,
            "policy_version": expected.policy_version,
            "reckoning": expected.reckoning.value,
            "now": specimen.now,
        },
        **_token(specimen.token),
        "expect": _expectation(run.expected.last_code),
    }


def _token(token: bytes) -> dict[str, str]:
    """As text where it is ASCII, else as base64."""
    if token.isascii():
        return {"token": token.decode("ascii")}
    return {"token_base64": base64.b64encode(token).decode()}


def _expectation(told: str) -> dict[str, Any]:
    if told in _STEPS:
        return {"result": "refused", "step": _STEPS[told], "code": told}
    decision, reason = told.split(" ")
    return {"result": "accepted", "decision": decision, "reason": reason}

"""The attacks on tokens as test vectors for other implementations; docs/security/vectors.md describes the format."""

import base64
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from lab.attacks.harness.target_device import CapturedToken
from lab.attacks.model import STEPS
from lab.attacks.runner import AttackResult, TrialResult

FORMAT: Final = "activation-verdict-vectors"
VERSION: Final = 1
FILE: Final = "verdict-vectors.json"


def document(seed: str, results: Iterable[AttackResult]) -> dict[str, Any]:
    """All vectors of `results`. The same seed and results give the same document; equal key sets are listed once."""
    names: dict[str, str] = {}
    vectors = [
        _vector(
            result, trial, trial.captured, names.setdefault(json.dumps(trial.jwks), f"keys-{len(names) + 1}")
        )
        for result in results
        for trial in result.trials
        if trial.captured is not None
    ]
    return {
        "format": FORMAT,
        "version": VERSION,
        "seed": seed,
        "key_sets": {name: json.loads(text) for text, name in names.items()},
        "vectors": vectors,
    }


def to_text(vectors: dict[str, Any]) -> str:
    """The content of the file: the same document gives the same bytes."""
    return json.dumps(vectors, indent=1, ensure_ascii=True) + "\n"


def _vector(result: AttackResult, trial: TrialResult, captured: CapturedToken, keys: str) -> dict[str, Any]:
    attack, expected, code = result.attack, captured.expected, trial.expected.last_code
    if captured.token.isascii():
        token = {"token": captured.token.decode("ascii")}
    else:
        token = {"token_base64": base64.b64encode(captured.token).decode()}
    if code in STEPS:
        expect = {"result": "refused", "step": STEPS[code], "code": code}
    else:
        decision, reason = code.split(" ")
        expect = {"result": "accepted", "decision": decision, "reason": reason}
    return {
        "id": f"{attack.id}/{trial.target.replace(' ', '-')}",
        "comment": attack.sentence,
        "class": attack.source,
        "means": [capability.value for capability in attack.capabilities],
        "keys": keys,
        "context": {
            **asdict(expected),
            "floor": captured.floor,
            "latest": captured.latest,
            "now": captured.now,
        },
        **token,
        "expect": expect,
    }

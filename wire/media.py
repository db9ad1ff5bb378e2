"""Media types and paths of the device API."""

from typing import Final

EVIDENCE: Final = "application/eat+jwt"
VERDICT: Final = "application/jwt"
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"

EVIDENCE_TYP: Final = "eat+jwt"
VERDICT_TYP: Final = "activation-verdict+jwt"

CHALLENGES_PATH: Final = "/v1/challenges"
VERDICTS_PATH: Final = "/v1/verdicts"

"""Keys that sign verdicts."""

from enum import StrEnum


class Algorithm(StrEnum):
    """The algorithms that sign verdicts, by their JOSE names."""

    ED25519 = "Ed25519"
    ES256 = "ES256"
    ML_DSA_65 = "ML-DSA-65"

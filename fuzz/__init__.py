"""Fuzzing of the readers of untrusted bytes: harnesses, seeds and the corpus.

`TARGETS` are the modules with a harness; those in `BOUNDED` also hold the cost of each input (see `fuzz.cost`).
"""

from typing import Final

BOUNDED: Final = (
    "policy_toml",
    "scenario_files",
    "http_requests",
    "modem_answers",
    "sim_profile",
    "certificate_chains",
)
TARGETS: Final = ("verifier", "sealing", "attestation", *BOUNDED)

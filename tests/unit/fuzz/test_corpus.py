"""What fuzzing has found, replayed: every input of the corpus, and every seed, through its harness."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import fuzz
from fuzz.fault import BrokenRuleError

CORPUS = Path(fuzz.__file__).parent / "corpus"
TARGETS = ("verifier", "sealing", "attestation")

# `cryptography` warns of odd serial numbers, names and versions before it, or the server, refuses the certificate.
pytestmark = pytest.mark.filterwarnings("ignore")


def harness(target: str) -> Any:
    return import_module(f"fuzz.{target}")


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_breaks_no_rule(target: str) -> None:
    """Only the documented errors come out, and whatever is accepted is what it says."""
    inputs = [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
    assert inputs
    for data in inputs:
        harness(target).fuzz_one(data)


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_break_no_rule(target: str) -> None:
    """They follow the formats of today, the corpus those of the day on which it was found."""
    for data in harness(target).seeds():
        harness(target).fuzz_one(data)


@pytest.mark.parametrize(
    ("target", "name"),
    [("verifier", "verify"), ("sealing", "recover"), ("attestation", "ChainVerifier")],
)
def test_each_harness_notices_an_undocumented_error(
    target: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A harness that swallows everything would find nothing in ten minutes or in ten years."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    seeds = list(harness(target).seeds())
    monkeypatch.setattr(harness(target), name, broken)
    with pytest.raises(ZeroDivisionError):
        list(map(harness(target).fuzz_one, seeds))


def test_the_verifiers_harness_notices_a_signature_that_is_not_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is raised where a check is missing: the rules of the harness must see it."""
    target = harness("verifier")
    good = next(data for data in target.seeds() if data.startswith(b"T"))
    monkeypatch.setattr("agent.verification.jws.check_signature", lambda segments, key: None)
    with pytest.raises(BrokenRuleError, match="nobody signed"):
        target.fuzz_one(good[:-2] + b"AA")


def test_the_seals_harness_notices_a_record_that_nobody_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, for the one rule that the seal has."""
    target = harness("sealing")
    monkeypatch.setattr(target, "unseal", lambda content, key: target.SealedState)
    with pytest.raises(BrokenRuleError, match="not opened"):
        target.fuzz_one(b"Frubbish")

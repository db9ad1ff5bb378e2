"""Replay of each input of the corpus, and of each seed, with its harness."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import fuzz
from fuzz.fault import BrokenRuleError

CORPUS = Path(fuzz.__file__).parent / "corpus"
TARGETS = ("verifier", "sealing", "attestation")

# `cryptography` warns of unusual serial numbers, names and versions before the certificate is rejected.
pytestmark = pytest.mark.filterwarnings("ignore")


def harness(target: str) -> Any:
    return import_module(f"fuzz.{target}")


@pytest.mark.parametrize("target", TARGETS)
def test_corpus_breaks_no_rule(target: str) -> None:
    inputs = [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
    assert inputs
    for data in inputs:
        harness(target).fuzz_one(data)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_break_no_rule(target: str) -> None:
    """Seeds have the current formats, the corpus those of the time when it was found."""
    for data in harness(target).seeds():
        harness(target).fuzz_one(data)


@pytest.mark.parametrize(
    ("target", "name"),
    [("verifier", "verify"), ("sealing", "recover"), ("attestation", "ChainVerifier")],
)
def test_harness_detects_an_undocumented_error(
    target: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    seeds = list(harness(target).seeds())
    monkeypatch.setattr(harness(target), name, broken)
    with pytest.raises(ZeroDivisionError):
        list(map(harness(target).fuzz_one, seeds))


def test_harness_of_the_verifier_detects_a_missing_check_of_the_signature(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = harness("verifier")
    good = next(data for data in target.seeds() if data.startswith(b"T"))
    monkeypatch.setattr("agent.verification.jws.check_signature", lambda segments, key: None)
    with pytest.raises(BrokenRuleError, match="without a valid signature"):
        target.fuzz_one(good[:-2] + b"AA")


def test_harness_of_the_seal_detects_an_opened_record_of_another_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = harness("sealing")
    monkeypatch.setattr(target, "unseal", lambda content, key: target.SealedState)
    with pytest.raises(BrokenRuleError, match="not opened"):
        target.fuzz_one(b"Frubbish")

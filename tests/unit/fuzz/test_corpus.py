"""Replay of each input of the corpus, and of each seed, with its harness; and inputs made of them."""

from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import fuzz
from fuzz import BOUNDED, TARGETS
from fuzz.fault import BrokenRuleError
from fuzz.mutated import dictionary, mutated

CORPUS = Path(fuzz.__file__).parent / "corpus"
WORDS = dictionary((CORPUS / "words.dict").read_text("ascii"))
MUTATED = 300
"""Mutated inputs for each target whose cost is held."""

# `cryptography` warns of unusual serial numbers, names and versions before the certificate is rejected.
pytestmark = pytest.mark.filterwarnings("ignore")


def harness(target: str) -> Any:
    return import_module(f"fuzz.{target}")


def corpus(target: str) -> list[bytes]:
    found = [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
    assert found
    return found


def without_cost(target: str) -> Any:
    fuzz_one = harness(target).fuzz_one
    return fuzz_one.replay if target in BOUNDED else fuzz_one


@pytest.mark.parametrize("target", TARGETS)
def test_corpus_breaks_no_rule(target: str) -> None:
    check_rules = without_cost(target)
    for data in corpus(target):
        check_rules(data)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_break_no_rule(target: str) -> None:
    """Seeds have the current formats, the corpus those of the time when it was found."""
    check_rules = without_cost(target)
    for data in harness(target).seeds():
        check_rules(data)


@pytest.mark.slow
@pytest.mark.parametrize("target", BOUNDED)
def test_inputs_cost_what_their_size_allows(target: str) -> None:
    check_cost = harness(target).fuzz_one
    for data in (*harness(target).seeds(), *corpus(target)):
        check_cost(data)


@pytest.mark.slow
@pytest.mark.parametrize("target", BOUNDED)
def test_mutated_inputs_break_no_rule(target: str) -> None:
    """A search without atheris, the same in every run."""
    inputs, check_cost = [*harness(target).seeds(), *corpus(target)], harness(target).fuzz_one
    for data in mutated(inputs, WORDS, seed=13, count=MUTATED):
        try:
            check_cost(data)
        except BaseException as error:
            error.add_note(f"input: {data!r}")
            raise


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("verifier", "verify"),
        ("sealing", "recover"),
        ("attestation", "ChainVerifier"),
        ("policy_toml", "parse"),
        ("scenario_files", "read_text"),
        ("http_requests", "_config"),
        ("modem_answers", "read_telephony"),
        ("sim_profile", "parse_icc_profile"),
        ("certificate_chains", "ChainVerifier"),
    ],
)
def test_harness_detects_an_undocumented_error(
    target: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = list(harness(target).seeds())
    monkeypatch.setattr(harness(target), name, Mock(side_effect=ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        list(map(without_cost(target), seeds))


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


def test_harness_of_http_detects_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server_stub.api.limits.requests._limit_of", lambda path: path.missing)
    with pytest.raises(BrokenRuleError, match="internal error"):
        without_cost("http_requests")(b"1GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")


def test_harness_of_chains_detects_a_missing_check_of_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    target = harness("certificate_chains")
    other_root = next(seed for seed in target.seeds() if seed.startswith(b"1On"))
    monkeypatch.setattr("server_stub.attestation.chain.is_signed_by", lambda certificate, key: True)
    monkeypatch.setattr(
        "server_stub.attestation.signature_algorithms.is_signed_by", lambda certificate, key: True
    )
    with pytest.raises(BrokenRuleError, match="of another root"):
        target.fuzz_one.replay(other_root)


def test_harness_of_the_modem_detects_a_reading_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    target = harness("modem_answers")
    monkeypatch.setattr(target, "_COMMANDS_MAX", 3)
    with pytest.raises(BrokenRuleError, match="bounded number of commands"):
        target.fuzz_one.replay(b"1\r\nOK\r\n")

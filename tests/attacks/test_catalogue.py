"""Every attack, run as the command runs it; every token that reached a phone, run again as a vector."""

import json
from collections.abc import Iterator

import pytest

from lab.attacks import vectors
from lab.attacks.catalogue import CATALOGUE
from lab.attacks.harness.environment import AttackEnvironment
from tests.support.attacks import SEED, outcome_of, record_of


@pytest.fixture(scope="module")
def theatre() -> Iterator[AttackEnvironment]:
    with AttackEnvironment.open(SEED) as opened:
        yield opened


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", [attack.id for attack in CATALOGUE])
def test_the_attack_ends_as_it_must(theatre: AttackEnvironment, name: str) -> None:
    """Lock, screen and code are exactly the stated ones, and its vectors hold for the bare verifier too."""
    record = record_of(theatre, name)
    assert record.met, record.happened
    document = json.loads(vectors.to_text(vectors.document(SEED, [record])))
    for vector in document["vectors"]:
        assert outcome_of(vector, document["key_sets"]) == vector["expect"]

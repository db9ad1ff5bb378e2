"""Every attack as the command runs it, and every token that reached a device as a vector."""

import json
from collections.abc import Iterator

import pytest

from lab.attacks import vectors
from lab.attacks.catalogue import CATALOGUE
from lab.attacks.harness.environment import AttackEnvironment
from tests.support.attacks import SEED, outcome_of, result_of


@pytest.fixture(scope="module")
def environment() -> Iterator[AttackEnvironment]:
    with AttackEnvironment.open(SEED) as opened:
        yield opened


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", [attack.id for attack in CATALOGUE])
def test_attack_has_the_expected_result_and_its_vectors_hold_for_the_verifier(
    environment: AttackEnvironment, name: str
) -> None:
    result = result_of(environment, name)
    assert result.met, result.happened
    document = json.loads(vectors.to_text(vectors.document(SEED, [result])))
    for vector in document["vectors"]:
        assert outcome_of(vector, document["key_sets"]) == vector["expect"]

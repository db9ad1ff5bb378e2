"""Every attack as the command runs it, and every token that reached a device as a committed vector."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.attacks import vectors
from lab.attacks.catalogue import BY_ID, CATALOGUE
from lab.attacks.harness.environment import AttackEnvironment
from tests.support.attacks import outcome_of, result_of

TEXT = (Path(__file__).parents[2] / "docs" / "security" / vectors.FILE).read_text("utf-8")
COMMITTED = json.loads(TEXT)
SEED = COMMITTED["seed"]


def vectors_of(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The vectors of an attack, each with its key set."""
    found = (vector for vector in document["vectors"] if vector["id"].partition("/")[0] == name)
    return [vector | {"keys": document["key_sets"][vector["keys"]]} for vector in found]


def test_the_committed_vectors_are_of_known_attacks_and_in_the_published_form() -> None:
    assert {vector["id"].partition("/")[0] for vector in COMMITTED["vectors"]} <= BY_ID.keys()
    assert vectors.to_text(COMMITTED) == TEXT
    assert SEED == "2021"


@pytest.fixture(scope="module")
def environment() -> Iterator[AttackEnvironment]:
    with AttackEnvironment.open(SEED) as opened:
        yield opened


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", [attack.id for attack in CATALOGUE])
def test_attack_has_the_expected_result_and_the_committed_vectors(
    environment: AttackEnvironment, name: str
) -> None:
    result = result_of(environment, name)
    assert result.met, result.happened
    document = json.loads(vectors.to_text(vectors.document(SEED, [result])))
    for vector in document["vectors"]:
        assert outcome_of(vector, document["key_sets"]) == vector["expect"]
    assert vectors_of(document, name) == vectors_of(COMMITTED, name), "run `make generate`"

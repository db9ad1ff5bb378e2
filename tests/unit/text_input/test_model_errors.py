"""Every wrong value in every kind of document is explained in words of the project, not in those of pydantic."""

import copy
import doctest
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from firmware_profiles.loader import FOLDER
from firmware_profiles.model import Profile
from lab.scenario.model.scenario import HandsetTable, WorldTable
from server_stub import policies
from server_stub.policy.document import PolicyDocument
from text_input import model_errors
from text_input.model_errors import TOML, YAML, mistakes

DOCUMENTS: dict[str, tuple[type[Any], Any]] = {
    "profile": (Profile, tomllib.loads((FOLDER / "custom-spoofing.toml").read_text("utf-8"))),
    "policy": (PolicyDocument, tomllib.loads(policies.read("export-2021-09"))),
    "handset": (
        HandsetTable,
        {
            "count": 3,
            "profile": "official-global",
            "model": "SV-1",
            "bands": ["LTE 1800"],
            "sims": [{"esim": {"home": {"operator": "208-01"}}, "enabled": "home"}, "208-01"],
            "locale": "fr",
            "keystore": {"level": "tee", "version": 300, "habits": ["set-unsorted"]},
        },
    ),
    "world": (
        WorldTable,
        {"network": "up", "seed": 1, "faults": [{"fault": "reset", "times": 1, "probability": 1.0}]},
    ),
}
WRONG: tuple[Any, ...] = ([], {}, -1, "", "é é", True, 10**9)
RAW = re.compile(
    r"Input|input|should|Value error|Field required|valid (string|integer|number)|matches|instance"
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value, tables and lists included; of the first item only of a list."""
    if path:
        yield path
    parts = (
        value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    )
    for key, part in parts:
        yield from leaves(part, (*path, key))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_wrong_value_is_explained_in_words_at_its_place(name: str) -> None:
    model, document = DOCUMENTS[name]
    model.model_validate(document)
    tried = 0
    for path in leaves(document):
        for wrong in WRONG:
            changed = copy.deepcopy(document)
            table = changed
            for part in path[:-1]:
                table = table[part]
            table[path[-1]] = wrong
            try:
                model.model_validate(changed)
            except ValidationError as error:
                found = mistakes(error, model, changed, YAML if name in ("handset", "world") else TOML)
                assert found
                for each in found:
                    assert not RAW.search(each.message), (path, wrong, each.message)
                    shorter = min(len(path), len(each.path))
                    assert each.path[:shorter] == path[:shorter], (path, each.path)
                tried += 1
    assert tried >= 20


def test_examples_in_the_docstrings_are_correct() -> None:
    result = doctest.testmod(model_errors)
    assert (result.attempted, result.failed) == (1, 0)

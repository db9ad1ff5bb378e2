"""Each shipped scenario detects a mutant, and each mutant is detected.

`make scenario-mutation` tries all mutants and records pairs in `tools/scenario_mutation/coverage.tsv`. These tests try
the recorded pairs again.
"""

from zlib import crc32

import pytest

from tools.scenario_mutation.mutants import all_mutants
from tools.scenario_mutation.search import detects_in_time, library, pairs

OF_MONTHS = ("wrong-", "stolen-", "code-while-")
"""Names of files whose scenarios last for months."""


def pair(case: str, mutant: str) -> object:
    """A recorded pair; `make test` runs an eighth of them (of long ones an 80th), by a hash of both names."""
    share = 80 if case.startswith(OF_MONTHS) else 8
    marks = () if crc32(f"{case} {mutant}".encode()) % share == 0 else pytest.mark.slow
    return pytest.param(case, mutant, id=f"{case}: {mutant}", marks=marks)


@pytest.mark.parametrize(("case", "mutant"), [pair(*each) for each in pairs()])
def test_scenario_detects_its_recorded_mutant(case: str, mutant: str) -> None:
    assert detects_in_time(library()[case], all_mutants()[mutant])


def test_each_scenario_has_a_recorded_mutant() -> None:
    assert {case for case, _ in pairs()} == set(library()), "run `make scenario-mutation`"


def test_each_mutant_has_a_recorded_scenario() -> None:
    assert {mutant for _, mutant in pairs()} == set(all_mutants()), "run `make scenario-mutation`"

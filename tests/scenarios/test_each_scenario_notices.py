"""Each shipped scenario fails when its subject is broken, and each break is noticed: shown by a witness for each.

`witnesses.tsv` is written by `make witnesses`, which tries every break; here each witness is heard again.
"""

import pytest

from tests.scenarios.breaks import all_breaks
from tests.scenarios.search import library, noticed_in_time
from tests.scenarios.witnesses import pairs


@pytest.mark.parametrize(("case", "broken"), pairs())
def test_a_scenario_notices_what_is_broken(case: str, broken: str) -> None:
    """A scenario that passes whatever happens shows nothing."""
    assert noticed_in_time(library()[case], all_breaks()[broken])


def test_every_scenario_has_a_witness() -> None:
    """Whoever adds a scenario shows what it would notice."""
    assert {case for case, _ in pairs()} == set(library()), "run `make witnesses`"


def test_every_break_has_a_witness() -> None:
    """Whoever adds a break finds a scenario that sees it, or writes one."""
    assert {broken for _, broken in pairs()} == set(all_breaks()), "run `make witnesses`"

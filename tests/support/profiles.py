"""How many examples Hypothesis draws, and with which seeds: the environment variable `TEST_PROFILE` selects one.

- `suite` (default, `make test`): the same examples in each run, a third of the full number.
- `all` (`make test-all`): the same examples in each run.
- `explore` (`make test-slow`): new examples in each run, three times the full number.
- `mutation` (`make mutation`): the same few examples in each run, without shrinking.
"""

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

NAME: Final = os.environ.get("TEST_PROFILE", "suite")
EXAMPLES: Final = 100


def examples(full: int) -> int:
    """The number of examples in this profile, for `settings(max_examples=...)`."""
    return {"suite": max(1, full // 3), "explore": 3 * full, "mutation": min(30, full)}.get(NAME, full)


def load() -> None:
    """Load the profile. No deadline, because the machines that run the tests are shared."""
    fixed = settings(deadline=None, database=None, derandomize=True, max_examples=examples(EXAMPLES))
    settings.register_profile("suite", fixed)
    settings.register_profile("all", fixed)
    settings.register_profile("explore", deadline=None, print_blob=True, max_examples=examples(EXAMPLES))
    settings.register_profile(
        "mutation",
        fixed,
        phases=[Phase.explicit, Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile(NAME)

"""`python -m tools.scenario_mutation [WORKERS]`: record a mutant that each shipped scenario detects.

Recorded pairs are tried first; a search from the start takes about 15 minutes. Exit code 1 if a scenario detects
no mutant, or no scenario detects a mutant.
"""

import sys

from tools.scenario_mutation.coverage import FILE, pairs, to_text
from tools.scenario_mutation.search import CoverageSearch


def main() -> int:
    """CoverageSearch, and write the file. Returns the exit code."""
    search = CoverageSearch()
    for progress in search.run(int(sys.argv[1]) if len(sys.argv) > 1 else 2, pairs()):
        _print(progress)
    FILE.write_text(to_text(search.found), encoding="utf-8")
    for case in search.ineffective():
        _print(f"{case} detects no mutant")
    for name in search.undetected():
        _print(f"no scenario detects: {name}")
    return 1 if search.ineffective() or search.undetected() else 0


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

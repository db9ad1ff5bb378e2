"""`python -m tools.scenario_mutation [WORKERS]`: record a mutant that each shipped scenario detects.

Recorded pairs are tried first; a search from the start takes about 15 minutes. Exit code 1 if a scenario detects
no mutant, or no scenario detects a mutant.
"""

import sys

from tools.scenario_mutation.search import FILE, CoverageSearch, pairs, to_text


def main() -> int:
    """Search, and write the file. Returns the exit code."""
    search = CoverageSearch()
    for progress in search.run(int(sys.argv[1]) if len(sys.argv) > 1 else 2, pairs()):
        print(progress, flush=True)
    FILE.write_text(to_text(search.found), encoding="utf-8")
    for case in search.ineffective():
        print(f"{case} detects no mutant")
    for name in search.undetected():
        print(f"no scenario detects: {name}")
    return 1 if search.ineffective() or search.undetected() else 0


if __name__ == "__main__":
    sys.exit(main())

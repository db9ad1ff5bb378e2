"""`python -m tests.scenarios [WORKERS]`: look for a break that each shipped scenario notices, and write them down.

Those that are written down already are tried again; from nothing it takes some fifteen minutes. Ends with 1 where a
scenario notices nothing, or nothing notices a break.
"""

import sys

from tests.scenarios.search import Search
from tests.scenarios.witnesses import FILE, pairs, written


def main() -> int:
    """Search, write, tell."""
    search = Search()
    for told in search.run(int(sys.argv[1]) if len(sys.argv) > 1 else 2, pairs()):
        say(told)
    FILE.write_text(written(search), encoding="utf-8")
    for case in search.blind():
        say(f"{case} notices nothing")
    for name in search.unnoticed():
        say(f"nothing notices: {name}")
    return 1 if search.blind() or search.unnoticed() else 0


def say(line: str) -> None:
    """A line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

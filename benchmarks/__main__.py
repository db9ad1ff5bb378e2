"""`python -m benchmarks [--only NAME]… [--json]`: measure each budget that can be measured here.

The exit code is 0 even if a budget is exceeded: timing on a shared machine is information, not a check.
"""

import argparse
import sys

from benchmarks.report import as_json, as_text
from benchmarks.rows import ROWS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    names = {measure: measure.__module__.rpartition(".")[2] for measure in ROWS}
    parser.add_argument(
        "--only",
        action="append",
        choices=sorted(set(names.values())),
        metavar="NAME",
        help="only these rows: %(choices)s",
    )
    arguments = parser.parse_args()
    rows = []
    for measure in ROWS:
        if arguments.only and names[measure] not in arguments.only:
            continue
        print(f"measuring: {names[measure]} …", file=sys.stderr)
        rows.append(measure())
    print(as_json(rows) if arguments.json else "\n".join(as_text(rows)))


if __name__ == "__main__":
    main()

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
    names = sorted({name for name, _ in ROWS})
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help="only these rows: %(choices)s"
    )
    arguments = parser.parse_args()
    rows = []
    for name, measure in ROWS:
        if arguments.only and name not in arguments.only:
            continue
        print(f"measuring: {name} …", file=sys.stderr)
        rows.append(measure())
    print(as_json(rows) if arguments.json else "\n".join(as_text(rows)))


if __name__ == "__main__":
    main()

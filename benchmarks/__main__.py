"""`python -m benchmarks [--only NAME]… [--json]`: measure every budget that can be measured here.

Exits with 0 also where a budget is exceeded: timing on a shared machine informs, it does not gate.
"""

import argparse
from collections.abc import Callable

from rich.console import Console

from benchmarks.report import Row, as_json, print_table
from benchmarks.rows import ROWS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    names = sorted({_name(measure) for measure in ROWS})
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"these rows alone: {', '.join(names)}"
    )
    asked = parser.parse_args()
    rows = []
    for measure in ROWS:
        if asked.only and _name(measure) not in asked.only:
            continue
        Console(stderr=True).print(f"measuring: {_name(measure)} …", style="dim")
        rows.append(measure())
    if asked.json:
        print(as_json(rows))
    else:
        print_table(rows, Console())


def _name(measure: Callable[[], Row]) -> str:
    """The module of a row."""
    return measure.__module__.rpartition(".")[2]


if __name__ == "__main__":
    main()

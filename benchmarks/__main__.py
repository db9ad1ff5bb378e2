"""`python -m benchmarks [--json]`: measure every budget that can be measured here.

Exits with 0 also where a budget is exceeded: timing on a shared machine informs, it does not gate.
"""

import argparse

from rich.console import Console

from benchmarks.report import as_json, print_table
from benchmarks.rows import ROWS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    as_machine = parser.parse_args().json
    rows = []
    for measure in ROWS:
        Console(stderr=True).print(f"measuring: {measure.__module__.rpartition('.')[2]} …", style="dim")
        rows.append(measure())
    if as_machine:
        print(as_json(rows))
    else:
        print_table(rows, Console())


if __name__ == "__main__":
    main()

"""`python -m tools.audit`: check the locked requirements for known vulnerabilities, and write the bill of materials.

Run from the project's folder. The exit code is 1 if a vulnerability is known, 0 also if no index answers: then a line
says so.
"""

import sys
from pathlib import Path
from typing import Final

from tools.audit import bill_of_materials, vulnerabilities

BILL: Final = Path("build/sbom.cdx.json")


def main() -> int:
    """Print the findings. Returns the exit code."""
    folder = Path.cwd()
    components = bill_of_materials.write(folder, folder / BILL)
    report = vulnerabilities.check(folder / "requirements" / "audit.txt")
    lines = [*report.lines(), f"bill of materials: {components} components in {BILL}"]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if report.found else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tools.class_names`: find class names that are defined in two modules of the repository, tests excluded.

Prints each name with its modules. The exit code is 1 if a name has two definitions and is not listed in `EXCEPTIONS`,
or is listed there and has only one.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

from tools.language.texts import tracked

EXCEPTIONS: Final[dict[str, str]] = {}
"""At most ten names that may have two definitions, with the reasons."""


def definitions(paths: list[Path]) -> dict[str, list[Path]]:
    """The modules that define each class at their top level."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found[name].append(path)
    return found


def main() -> int:
    """Print the findings. Returns the exit code."""
    code = [path for path in tracked() if path.suffix == ".py" and path.parts[0] != "tests"]
    doubles = {name: paths for name, paths in definitions(code).items() if len(paths) > 1}
    found = [f"{name}: {', '.join(map(str, paths))}" for name, paths in sorted(doubles.items())]
    lines = [line for line in found if line.partition(":")[0] not in EXCEPTIONS]
    lines += [f"{name}: remove the exception" for name in sorted(EXCEPTIONS.keys() - doubles.keys())]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

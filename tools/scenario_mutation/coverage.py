"""The recorded mutation coverage: for each scenario a mutant that it detects, and for each mutant a scenario."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("coverage.tsv")

Pair = tuple[str, str]
"""The id of a scenario, and the name of a mutant that it detects."""


def pairs() -> tuple[Pair, ...]:
    """The recorded pairs; none without the file."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return tuple((case, mutant) for case, _, mutant in (line.partition("\t") for line in lines))


def to_text(found: Mapping[str, Sequence[str]]) -> str:
    """The content of the file: each scenario with its most specific mutant, and one scenario for each other mutant."""
    kept = {(case, names[0]) for case, names in found.items() if names}
    for case, names in sorted(found.items()):
        kept |= {(case, name) for name in names if name not in {mutant for _, mutant in kept}}
    return "".join(f"{case}\t{name}\n" for case, name in sorted(kept))

"""The witnesses that were found: for each scenario a break that it notices, and for each break a scenario."""

from pathlib import Path
from typing import Final

from tests.scenarios.search import Pair, Search

FILE: Final = Path(__file__).with_name("witnesses.tsv")


def pairs() -> tuple[Pair, ...]:
    """What the file says."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return tuple((case, broken) for case, _, broken in (line.partition("\t") for line in lines))


def written(search: Search) -> str:
    """What the file is to say: for each scenario the break that says most, and one scenario for each other break."""
    every = {case: names[0] for case, names in search.found.items() if names}
    kept = set(every.items())
    for case, names in search.found.items():
        kept |= {(case, name) for name in names if name not in {broken for _, broken in kept}}
    return "".join(f"{case}\t{name}\n" for case, name in sorted(kept))

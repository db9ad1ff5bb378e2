"""`python -m fuzz TARGET SECONDS`: search with atheris from the kept corpus, then keep what covers more.

Prints libFuzzer's statistics. Exits with libFuzzer's status: not 0 where an input broke a rule; that input is then
a file `crash-…` in the current folder.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

import atheris

TARGETS: Final = ("verifier", "sealing", "attestation")
LENGTH_MAX: Final = 4096
"""Longest input, octets: four times a verdict, twice a certificate."""

_CORPUS: Final = Path(__file__).parent / "corpus"
_FOUND: Final = Path("build/fuzz")


def main(arguments: list[str]) -> NoReturn:
    """Run one target. The search writes to `build/fuzz`; `minimise` copies from there to the corpus."""
    match arguments:
        case [target, task] if target in TARGETS and (task == "minimise" or task.isdecimal()):
            _run(target, task)
        case _:
            sys.exit(f"usage: python -m fuzz {'|'.join(TARGETS)} SECONDS|minimise")


def _run(target: str, task: str) -> NoReturn:
    with atheris.instrument_imports(include=["agent", "wire", "server_stub", "fuzz"], enable_loader_override=False):
        harness = import_module(f"fuzz.{target}")
    kept, found = _CORPUS / target, _FOUND / target
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(harness.seeds()):
        (found / f"seed-{number:02}").write_bytes(seed)
    atheris.Setup(["fuzz", *_options(task), *_folders(task, kept, found)], harness.fuzz_one)
    atheris.Fuzz()
    sys.exit(0)


def _options(task: str) -> list[str]:
    common = [f"-max_len={LENGTH_MAX}", "-rss_limit_mb=2048", "-timeout=20"]
    if task == "minimise":
        return [*common, "-merge=1"]
    return [*common, f"-max_total_time={int(task)}", "-print_final_stats=1", f"-dict={_CORPUS / 'words.dict'}"]


def _folders(task: str, kept: Path, found: Path) -> list[str]:
    """libFuzzer writes to the first one."""
    return [str(folder) for folder in ((kept, found) if task == "minimise" else (found, kept))]


if __name__ == "__main__":
    main(sys.argv[1:])

"""`python -m fuzz TARGET SECONDS`: search with atheris from the seeds and the kept corpus, then keep what was found.

Prints libFuzzer's statistics. Exits with libFuzzer's status: not 0 where an input broke a rule; that input is then
a file `crash-…` in the current folder. libFuzzer replaces an input by a smaller one that covers the same as it goes,
so what is left is small; `python -m fuzz keep` copies what reaches more to the corpus that the tests replay.
"""

import sys
from hashlib import sha1
from importlib import import_module
from pathlib import Path
from shutil import copyfile
from typing import Final

import atheris  # type: ignore[import-untyped]  # it carries no types, and there are no stubs

from fuzz.keep import worth_keeping

TARGETS: Final = ("verifier", "sealing", "attestation")
LENGTH_MAX: Final = 4096
"""Longest input, octets: four times a verdict, twice a certificate."""

_CORPUS: Final = Path(__file__).parent / "corpus"
_FOUND: Final = Path("build/fuzz")


def main(arguments: list[str]) -> None:
    """Search, which never returns, or keep."""
    match arguments:
        case ["keep"]:
            _keep()
        case [target, seconds] if target in TARGETS and seconds.isdecimal():
            _search(target, seconds)
        case _:
            sys.exit(f"usage: python -m fuzz {'|'.join(TARGETS)} SECONDS, or python -m fuzz keep")


def _search(target: str, seconds: str) -> None:
    with atheris.instrument_imports(
        include=["agent", "wire", "server_stub", "fuzz"], enable_loader_override=False
    ):
        harness = import_module(f"fuzz.{target}")
    kept, found = _CORPUS / target, _FOUND / target
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in harness.seeds():
        (found / sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    # libFuzzer reads both folders and writes to the first.
    atheris.Setup(["fuzz", *_options(seconds), str(found), str(kept)], harness.fuzz_one)
    atheris.Fuzz()


def _options(seconds: str) -> list[str]:
    return [
        f"-max_total_time={seconds}",
        f"-max_len={LENGTH_MAX}",
        f"-dict={_CORPUS / 'words.dict'}",
        "-print_final_stats=1",
        "-rss_limit_mb=2048",
        "-timeout=20",
    ]


def _keep() -> None:
    for target in TARGETS:
        kept, harness = _CORPUS / target, import_module(f"fuzz.{target}")
        kept.mkdir(exist_ok=True)
        for path in worth_keeping([*kept.iterdir(), *(_FOUND / target).glob("*")], harness.fuzz_one):
            if path.parent != kept:
                copyfile(path, kept / path.name)


if __name__ == "__main__":
    main(sys.argv[1:])

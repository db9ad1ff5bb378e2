"""`python -m fuzz TARGET SECONDS`: search with atheris, starting with the seeds and the corpus.

Prints libFuzzer's statistics. The exit code is libFuzzer's: not 0 if an input broke a rule; that input is then in a
file `crash-…` in the current folder. libFuzzer replaces inputs by smaller ones with the same coverage.
`python -m fuzz keep` copies the inputs with new coverage to the corpus, which the tests replay.
"""

import sys
from hashlib import sha1
from importlib import import_module
from pathlib import Path
from shutil import copyfile
from typing import Final

import atheris  # type: ignore[import-untyped]  # it carries no types, and there are no stubs

from fuzz import BOUNDED, TARGETS
from fuzz.keep import with_new_coverage
from fuzz.mutated import LENGTH_MAX

_CORPUS: Final = Path(__file__).parent / "corpus"
_FOUND: Final = Path("build/fuzz")


def main(arguments: list[str]) -> None:
    """Search, which does not return, or copy to the corpus."""
    match arguments:
        case ["keep"]:
            for target in TARGETS:
                corpus, harness = _CORPUS / target, import_module(f"fuzz.{target}")
                fuzz_one = harness.fuzz_one.replay if target in BOUNDED else harness.fuzz_one
                inputs = [*corpus.glob("*"), *(_FOUND / target).glob("*")]
                corpus.mkdir(exist_ok=True)
                for path in with_new_coverage(inputs, fuzz_one):
                    if path.parent != corpus:
                        copyfile(path, corpus / path.name)
        case [target, seconds] if target in TARGETS and seconds.isdecimal():
            _search(target, seconds)
        case _:
            sys.exit(f"usage: python -m fuzz {'|'.join(TARGETS)} SECONDS, or python -m fuzz keep")


def _search(target: str, seconds: str) -> None:
    with atheris.instrument_imports(
        include=["agent", "wire", "text_input", "server_stub", "lab", "fuzz"], enable_loader_override=False
    ):
        harness = import_module(f"fuzz.{target}")
    fuzz_one = harness.fuzz_one
    if target in BOUNDED:
        fuzz_one = fuzz_one.instrumented()
    corpus, found = _CORPUS / target, _FOUND / target
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in harness.seeds():
        (found / sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    # libFuzzer reads both folders and writes to the first.
    options = (
        f"-max_total_time={seconds} -max_len={LENGTH_MAX} -print_final_stats=1 -rss_limit_mb=2048 -timeout=20"
    )
    dictionary = f"-dict={_CORPUS / 'words.dict'}"
    atheris.Setup(["fuzz", *options.split(), dictionary, str(found), str(corpus)], fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])

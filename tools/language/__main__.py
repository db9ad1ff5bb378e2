"""`python -m tools.language [PATH…]`: find words that texts of this project do not use.

Without paths it reads every tracked file with text. Prints `path:line: "word": write …` for each word that is listed
in `words.toml`, and ends with exit code 1 if there is one.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tools.language.texts import texts, tracked

SUFFIXES: Final = (".py", ".md", ".yaml", ".html", ".js", ".css", ".service")
NAMES: Final = ("Makefile", "Containerfile")
WORDS: Final = Path(__file__).with_name("words.toml")
UNCHECKED: Final = ("tools/language/", "tests/unit/tools/test_language.py", "fuzz/corpus/")
"""This check and its test name the words."""


def load_words(file: Path = WORDS) -> dict[re.Pattern[str], str]:
    """What to write instead of each listed word."""
    words = tomllib.loads(file.read_text(encoding="utf-8"))["words"]
    return {re.compile(rf"\b(?:{word})\b", re.IGNORECASE): advice for word, advice in words.items()}


def load_names(file: Path = WORDS) -> re.Pattern[str]:
    """The names of stable interfaces that contain listed words."""
    return re.compile("|".join(tomllib.loads(file.read_text(encoding="utf-8"))["names"]))


def findings(paths: Iterable[Path], words: dict[re.Pattern[str], str]) -> Iterator[str]:
    """One line for each listed word in the texts of `paths`."""
    names = load_names()
    for path in paths:
        for number, line in texts(path):
            prose = names.sub("", line)
            for pattern, advice in words.items():
                if found := pattern.search(prose):
                    yield f'{path}:{number}: "{found[0]}": write {advice}'


def main(arguments: list[str]) -> int:
    """Print what was found. Returns the exit code."""
    given = [Path(name) for name in arguments]
    checked = (path for path in tracked() if not str(path).startswith(UNCHECKED))
    paths = given or [path for path in checked if path.suffix in SUFFIXES or path.name in NAMES]
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    found = list(findings(files, load_words()))
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

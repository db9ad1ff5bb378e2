"""Mutated scenario files: the reader returns scenarios, or errors with their lines."""

from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.scenario.files.errors import FileError, ScenarioError
from lab.scenario.files.reader import SUFFIX, Case, read_text
from tests.support.profiles import examples

ROOT = Path(__file__).parents[2] / "scenarios"
TEXTS = [file.read_text("utf-8") for file in sorted(ROOT.rglob(f"*{SUFFIX}"))]
JUNK = (
    *(
        "null",
        "~",
        "5",
        "-1",
        "1e9",
        "true",
        "[]",
        "{}",
        "[[]]",
        "{a: 1}",
        "''",
        '"\\ud800"',
        "${place}",
        "${",
        "*a",
    ),
    *(
        "&a",
        "!!str x",
        "9" * 400,
        "1969-01-01",
        "400 days",
        "all-places",
        "\t",
        ":",
        "- -",
        "locked",
        "phone",
        "é",
        "\x01",
    ),
)
"""Typing errors, and values of an attacker."""


def mutated(text: str, random: Random) -> str:
    """A file with a few changed lines or values."""
    lines = text.splitlines()
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        kind = random.randrange(5)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[random.randrange(len(lines))])
        elif kind == 2:
            lines[at] = " " * random.randint(0, 6) + lines[at].lstrip()
        elif kind == 3:
            name, colon, _ = lines[at].partition(":")
            lines[at] = f"{name}{colon} {random.choice(JUNK)}"
        else:
            words = lines[at].split(" ")
            words[random.randrange(len(words))] = random.choice(JUNK)
            lines[at] = " ".join(words)
        lines = lines or [""]
    return "\n".join(lines)


def read(body: str) -> tuple[tuple[Case, ...], tuple[FileError, ...]]:
    """The scenarios in a file, or its errors."""
    try:
        return read_text(body, "folder/test.scenario.yaml"), ()
    except ScenarioError as error:
        return (), error.errors


@settings(max_examples=examples(500))
@given(st.sampled_from(TEXTS), st.integers(0, 2**32))
def test_randomly_changed_file_is_read_or_rejected(text: str, seed: int) -> None:
    """Each error names a line of the file; the reader raises no other exception."""
    body = mutated(text, Random(seed))
    found, errors = read(body)
    assert bool(found) != bool(errors)
    assert all(1 <= error.line <= body.count("\n") + 2 for error in errors)
    assert len({case.id for case in found}) == len(found)

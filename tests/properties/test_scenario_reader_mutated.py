"""Whatever becomes of a scenario file in an editor, the reader gives scenarios, or says what is wrong and where."""

from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.scenario.files.errors import Fault, ScenarioError
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
"""What stands in files by mistake, and what somebody would try on purpose."""


def mutated(text: str, random: Random) -> str:
    """A file in which a few lines or values are others."""
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


def told(body: str) -> tuple[tuple[Case, ...], tuple[Fault, ...]]:
    """The scenarios in a file, or what is wrong with it."""
    try:
        return read_text(body, "folder/test.scenario.yaml"), ()
    except ScenarioError as error:
        return (), error.faults


@settings(max_examples=examples(500))
@given(st.sampled_from(TEXTS), st.integers(0, 2**32))
def test_a_file_that_was_changed_by_chance_is_read_or_refused(text: str, seed: int) -> None:
    """Each refusal names a line of the file; a traceback would name one of the reader's instead."""
    body = mutated(text, Random(seed))
    found, faults = told(body)
    assert bool(found) != bool(faults)
    assert all(1 <= fault.line <= body.count("\n") + 2 for fault in faults)
    assert len({case.id for case in found}) == len(found)

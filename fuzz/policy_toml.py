"""Fuzzing of the reader of policy documents, and of the warnings about those that it accepts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fuzz.cost import BoundedTarget, CostBudget, repeated
from fuzz.fault import hold
from server_stub import policies
from server_stub.policy.document import PolicyDocument
from server_stub.policy.errors import PolicyError
from server_stub.policy.reading import parse
from text_input.documents import PROBLEMS_MAX

_SHIPPED: Final = sorted(Path(policies.__file__).parent.glob("*.toml"))
_SOURCE: Final = "draft.toml"


def read(document: bytes) -> None:
    """Read the document. It is valid, or the errors have lines."""
    text = document.decode("utf-8", "replace")
    try:
        policy = parse(text, _SOURCE)
    except PolicyError as error:
        hold("an error has a message", holds=0 < len(error.problems) <= PROBLEMS_MAX)
        lines = len(text.splitlines()) + 1
        hold(
            "an error has a line of the document",
            holds=all(each.line is None or 1 <= each.line <= lines for each in error.problems),
        )
        hold("an error is short", holds=all(len(str(each)) <= 2_000 for each in error.problems))
        return
    again = PolicyDocument.model_validate(policy.model_dump(by_alias=True))
    hold("an accepted policy is valid again", holds=again == policy)


fuzz_one: Final = BoundedTarget(read, CostBudget(0.05, 10e-6, 4_000_000, 1_000))


def seeds() -> Iterator[bytes]:
    """The shipped policies, and units of each kind of statement."""
    for path in _SHIPPED:
        yield b"1" + path.read_bytes()
    start = _SHIPPED[0].read_bytes()
    rule = b'[[rules]]\nid = "r\0"\ndecision = "allow"\nreason = "territory-eligible"\n'
    campaign = b'[[campaigns]]\nid = "c\0"\nfrom = 2021-01-01T00:00:00Z\nuntil = 2022-01-01T00:00:00Z\n'
    units = (
        (b"a = [", b"[1],", b"]\n"),
        (b"", b"k\0 = 1\n", b""),
        (b"", b"[t\0]\n", b""),
        (b"", b"[a\0.b.c]\nx = 1\n", b""),
        (b"a = '''", b"''\n", b"'''\n"),
        (start, rule, b""),
        (start, campaign, b""),
        (b"[territories]\nprohibited = [", b'"CU",', b"]\n"),
        (b"a = {", b"b\0 = 1,", b"c = 1}\n"),
    )
    yield from repeated(units)

"""Seeded mutation of inputs: a search without coverage, the same in every run."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

LENGTH_MAX: Final = 4096
"""Longest input, in bytes: four times a verdict, twice a certificate."""

_CHANGES_MAX: Final = 4


def mutated(inputs: Sequence[bytes], words: Sequence[bytes], seed: int, count: int) -> Iterator[bytes]:
    """`count` inputs made of one of `inputs` by a few changes. The first byte, which selects the use, often stays."""
    random = Random(seed)  # noqa: S311 - not for cryptography
    for _ in range(count):
        data = random.choice(inputs)
        for _ in range(random.randint(1, _CHANGES_MAX)):
            data = _changed(data, inputs, words, random)
        yield data[:LENGTH_MAX]


def _changed(data: bytes, inputs: Sequence[bytes], words: Sequence[bytes], random: Random) -> bytes:
    """One change: a part removed, repeated, moved, replaced by a word, by another input's part, or by another byte."""
    start = random.randint(min(1, len(data)), len(data))
    end = min(len(data), start + random.choice((0, 1, 2, 8, 32, 256)))
    part = data[start:end]
    other = random.choice(inputs)
    at = random.randint(0, len(other))
    there = random.randint(start, len(data))
    replacement = random.choice(
        (
            b"",
            part * random.choice((2, 3, 16)),
            random.choice(words),
            part + random.choice(words),
            other[at : at + random.choice((1, 8, 64))],
            bytes(byte ^ 1 << random.randrange(8) for byte in part),
            random.randbytes(len(part)),
            data[there : there + len(part)],
        )
    )
    return data[:start] + replacement + data[end:]


def dictionary(text: str) -> list[bytes]:
    """The words of a dictionary of libFuzzer.

    >>> dictionary('# words' + chr(10) + '"a' + chr(92) + 'x1e"')
    [b'a\\x1e']
    """
    lines = (line.strip() for line in text.splitlines())
    return [
        line[1:-1].encode("latin-1").decode("unicode_escape").encode("latin-1")
        for line in lines
        if line.startswith('"')
    ]

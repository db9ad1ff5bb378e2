"""Hypothesis strategies that modify a token: its characters, its segments, or its content before signing."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support import tokens
from tests.support.tokens import Signer, compact, encode, header_of, make_verdict, sign

ALPHABET = "ABCXYZabcxyz0189-_.+/= \n\x00é"

SIGNERS = st.sampled_from(tokens.SIGNERS)
DECISIONS = st.sampled_from(sorted(tokens.CLAIMS))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed_characters(draw: DrawFn, token: str) -> str:
    """A few characters replaced, inserted or removed."""
    characters = list(token)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(characters) - 1))
        replaced = draw(st.integers(0, 2))
        characters[place : place + replaced] = draw(st.text(ALPHABET, max_size=2))
    return "".join(characters)


@st.composite
def flipped_bit(draw: DrawFn, token: str) -> str:
    """One bit of one decoded segment flipped, and the segment encoded canonically again."""
    segments = [bytearray(tokens.decode(segment)) for segment in token.split(".")]
    segment = draw(st.sampled_from(segments))
    segment[draw(st.integers(0, len(segment) - 1))] ^= 1 << draw(st.integers(0, 7))
    return ".".join(encode(bytes(segment)) for segment in segments)


@st.composite
def rearranged(draw: DrawFn, token: str, other: str) -> str:
    """Segments of two valid tokens, joined in any order and number."""
    segments = [*token.split("."), *other.split("."), ""]
    return ".".join(draw(st.lists(st.sampled_from(segments), max_size=5)))


@st.composite
def respelled(draw: DrawFn, text: bytes) -> bytes:
    """JSON text with a few bytes replaced, inserted or removed, before it is signed."""
    pieces = [
        b" ",
        b",",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b"\\u0061",
        b"null",
        b"1",
        b"0",
        b".0",
        b"e1",
        b"-",
        b"\xff",
        b"\n",
    ]
    data = bytearray(text)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 1))] = draw(st.sampled_from(pieces))
    return bytes(data)


@st.composite
def members(draw: DrawFn, good: dict[str, Any]) -> dict[str, Any]:
    """The members of a header or payload, some removed, some replaced, some added."""
    names = st.sampled_from(sorted(good)) | st.sampled_from(
        ["crit", "jwk", "b64", "Alg", "exp ", "retry_after"]
    )
    changed = dict(good)
    for name in draw(st.lists(names, max_size=2)):
        if draw(st.booleans()):
            changed.pop(name, None)
        else:
            changed[name] = draw(JSON)
    return changed


@st.composite
def resigned(draw: DrawFn) -> tuple[Signer, str]:
    """A token with a modified header or payload and a valid signature."""
    signer = draw(SIGNERS)
    header, payload = header_of(signer), make_verdict(draw(DECISIONS))
    if draw(st.booleans()):
        return signer, sign(draw(respelled(compact(payload))), signer, draw(respelled(compact(header))))
    return signer, sign(draw(members(payload)), signer, compact(draw(members(header))))


@st.composite
def any_token(draw: DrawFn) -> tuple[Signer, str]:
    """Any of the above."""
    signer = draw(SIGNERS)
    good, other = (
        sign(make_verdict(draw(DECISIONS)), signer),
        sign(make_verdict("allow", jti="other"), signer),
    )
    kinds = (changed_characters(good), flipped_bit(good), rearranged(good, other))
    return draw(st.one_of(resigned(), *(st.tuples(st.just(signer), kind) for kind in kinds)))

"""Strict JSON, canonical base64url, curve points, typ."""

import itertools

import pytest

from agent.verification import base64url, edwards25519, jws, strict_json
from agent.verification.errors import Code, VerificationError
from agent.verification.strict_json import JsonFault, StrictJsonError
from tests.support.tokens import ED25519, KEYS, header_of, sign
from wire import limits

Point = tuple[int, int]


def test_typ_none_requires_a_header_without_typ() -> None:
    bare = sign(b"payload", header=header_of(ED25519, typ=None))
    assert jws.verify_compact(bare, KEYS, typ=None) == b"payload"
    for token, typ in ((bare, "JWT"), (sign(b"payload", header=header_of(ED25519, typ="JWT")), None)):
        with pytest.raises(VerificationError) as rejected:
            jws.verify_compact(token, KEYS, typ=typ)
        assert rejected.value.code is Code.TYP_MISMATCH


@pytest.mark.parametrize(("length", "kept"), [(1, 0), (2, 256), (3, 65536)])
def test_each_ending_has_exactly_one_canonical_encoding(length: int, kept: int) -> None:
    """Exhaustive: as many texts of a length are accepted as there are byte strings."""
    texts = map(bytes, itertools.product(base64url.ALPHABET, repeat=length))
    decoded = [data for data in map(base64url.decode, texts) if data is not None]
    assert len(decoded) == len(set(decoded)) == kept


def test_three_segments_are_decoded_like_single_ones() -> None:
    """All endings in all three places."""
    endings = [
        b"",
        b"A",
        b"AA",
        b"AQ",
        b"AR",
        b"_-",
        b"AAA",
        b"AAE",
        b"AAB",
        b"__8",
        b"AAAA",
        b"____",
        b"AAAAA",
    ]
    for parts in itertools.product(endings, repeat=3):
        alone = tuple(map(base64url.decode, parts))
        assert base64url.decode_three(b".".join(parts)) == (None if None in alone else alone)


@pytest.mark.parametrize("text", [b"", b"AQ==", b"AQ=", b"A+AA", b"A/AA", b"AA AA", b"AAA\n", b"\xff\xff"])
def test_characters_outside_the_alphabet_are_rejected(text: bytes) -> None:
    """Padding, white space and the other alphabet."""
    assert base64url.decode(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", JsonFault.NOT_JSON),
        (b"{", JsonFault.NOT_JSON),
        (b"[]", JsonFault.NOT_JSON),
        (b'{"a":1}}', JsonFault.NOT_JSON),
        (b'{"a":01}', JsonFault.NOT_JSON),
        (b'{"a":\xc3}', JsonFault.NOT_JSON),
        (b'{"a":"\xed\xa0\x80"}', JsonFault.NOT_JSON),
        (b'{"a":"\\ud800"}', JsonFault.NOT_JSON),
        (b'{"\\udc00":1}', JsonFault.NOT_JSON),
        (b'{"a":["\\ud800x"]}', JsonFault.NOT_JSON),
        (b'{"a":"\x00"}', JsonFault.NOT_JSON),
        (b'{"a":1,}', JsonFault.NOT_JSON),
        ('{"a":١}'.encode(), JsonFault.NOT_JSON),
        ('\u00a0{"a":1}'.encode(), JsonFault.NOT_JSON),
        (b'{"a":1,"a":1}', JsonFault.MEMBER_DUPLICATE),
        (b'{"b":{"a":1,"\\u0061":2}}', JsonFault.MEMBER_DUPLICATE),
        (b'{"a":1.0}', JsonFault.NUMBER),
        (b'{"a":-0.0}', JsonFault.NUMBER),
        (b'{"a":NaN}', JsonFault.NUMBER),
        (b'{"a":9007199254740992}', JsonFault.NUMBER),
        (b'{"a":-9007199254740992}', JsonFault.NUMBER),
        (b'{"a":' + b"9" * 5000 + b"}", JsonFault.NUMBER),
        (b'{"a":' * 9 + b"1" + b"}" * 9, JsonFault.TOO_DEEP),
        (b"[" * 100_000, JsonFault.TOO_DEEP),
    ],
)
def test_json_that_is_not_strict_is_rejected_with_its_fault(text: bytes, fault: JsonFault) -> None:
    with pytest.raises(StrictJsonError) as rejected:
        strict_json.loads(text)
    assert rejected.value.fault is fault


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", {}),
        (b' {"a" : [1, -7, null, true]}\r\n', {"a": [1, -7, None, True]}),
        (b'{"a":9007199254740991}', {"a": limits.INTEGER_MAX}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":"\\\\ud800"}', {"a": "\\ud800"}),
        (b'{"a":"[[[[[[[[[[\\"{{{{"}', {"a": '[[[[[[[[[["{{{{'}),
        (b'{"a":[[],[],[],[],[],[],[],[],[]]}', {"a": [[]] * 9}),
    ],
)
def test_other_forms_of_strict_json_are_read(text: bytes, value: object) -> None:
    """Brackets in strings, escapes."""
    assert strict_json.loads(text) == value


def add(one: Point, two: Point) -> Point:
    """The group law of edwards25519 (RFC 8032 section 5.1.4, affine)."""
    (x1, y1), (x2, y2), p = one, two, edwards25519.P
    product = edwards25519.D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + product, -1, p) % p, (y1 * y2 + x1 * x2) * pow(
        1 - product, -1, p
    ) % p


def x_of(y: int) -> int:
    """A square root modulo p (RFC 8032 section 5.1.3)."""
    p = edwards25519.P
    square = (y * y - 1) * pow(edwards25519.D * y * y + 1, -1, p) % p
    root = pow(square, (p + 3) // 8, p)
    return root if root * root % p == square else root * pow(2, (p - 1) // 4, p) % p


def test_listed_coordinates_are_those_of_the_eight_points_of_small_order() -> None:
    """Computed with the group law."""
    points = {(sign * x_of(y) % edwards25519.P, y) for y in edwards25519.SMALL_ORDER_Y for sign in (1, -1)}
    assert len(points) == 8
    for point in points:
        doubled = point
        for _ in range(3):
            doubled = add(doubled, doubled)
        assert doubled == (0, 1)


def test_point_of_large_order_is_accepted_only_in_canonical_form() -> None:
    """The base point is accepted; the same coordinate plus p, and a y without a point, are not."""
    base = 4 * pow(5, -1, edwards25519.P) % edwards25519.P
    assert edwards25519.is_trustworthy(base.to_bytes(32, "little"))
    assert not edwards25519.is_trustworthy((3 + edwards25519.P).to_bytes(32, "little"))
    no_point = next(y for y in range(2, 50) if not edwards25519.is_y_of_a_point(y))
    assert not edwards25519.is_trustworthy(no_point.to_bytes(32, "little"))

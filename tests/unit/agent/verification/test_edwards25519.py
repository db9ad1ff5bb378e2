"""Which bytes are an Ed25519 key: the canonical encoding of a point that is not of small order."""

import pytest

from agent.verification.edwards25519 import is_trustworthy, is_y_of_a_point
from tests.support.tokens import ed25519_signer

P = 2**255 - 19
SIGN = 1 << 255
ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL = (0, 1, P - 1, ORDER_8, P - ORDER_8)


def encoded(number: int) -> bytes:
    return number.to_bytes(32, "little")


def test_both_signs_of_x_are_accepted() -> None:
    """Half of all keys have the highest bit set (RFC 8032 section 5.1.2)."""
    keys = [ed25519_signer(seed=seed).private.public_key().public_bytes_raw() for seed in range(1, 33)]
    assert {key[31] >> 7 for key in keys} == {0, 1}
    assert all(map(is_trustworthy, keys))


@pytest.mark.parametrize("sign", [0, SIGN])
@pytest.mark.parametrize("y", SMALL)
def test_point_of_small_order_is_rejected(y: int, sign: int) -> None:
    assert is_y_of_a_point(y)
    assert not is_trustworthy(encoded(y | sign))


@pytest.mark.parametrize("sign", [0, SIGN])
@pytest.mark.parametrize("y", range(19))
def test_non_canonical_encoding_is_rejected(y: int, sign: int) -> None:
    """The 19 numbers from p on are the numbers from 0 on."""
    assert not is_trustworthy(encoded(P + y | sign))


@pytest.mark.parametrize("y", [3, 4, 5, 6, 9])
def test_small_y_of_a_point_of_large_order_is_accepted(y: int) -> None:
    assert is_trustworthy(encoded(y)) == is_y_of_a_point(y)

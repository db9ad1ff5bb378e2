"""Which octets are an Ed25519 key: one spelling for each point, either sign of x, no point of small order."""

import pytest

from agent.verification.edwards25519 import is_trustworthy, is_y_of_a_point
from tests.support.tokens import ed25519_signer

P = 2**255 - 19
SIGN = 1 << 255
ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL = (0, 1, P - 1, ORDER_8, P - ORDER_8)


def spelled(number: int) -> bytes:
    return number.to_bytes(32, "little")


def test_either_sign_of_x_is_taken() -> None:
    """Half of all keys have the highest bit set (RFC 8032 section 5.1.2)."""
    keys = [ed25519_signer(seed=seed).private.public_key().public_bytes_raw() for seed in range(1, 33)]
    assert {key[31] >> 7 for key in keys} == {0, 1}
    assert all(map(is_trustworthy, keys))


@pytest.mark.parametrize("sign", [0, SIGN])
@pytest.mark.parametrize("y", SMALL)
def test_a_point_of_small_order_is_no_key(y: int, sign: int) -> None:
    """It verifies a signature over any message, for anybody."""
    assert is_y_of_a_point(y)
    assert not is_trustworthy(spelled(y | sign))


@pytest.mark.parametrize("sign", [0, SIGN])
@pytest.mark.parametrize("y", range(19))
def test_a_second_spelling_is_no_key(y: int, sign: int) -> None:
    """The 19 numbers from p on would be names for the numbers from 0 on."""
    assert not is_trustworthy(spelled(P + y | sign))


@pytest.mark.parametrize("y", [3, 4, 5, 6, 9])
def test_a_small_y_of_large_order_is_a_key_where_it_is_of_a_point(y: int) -> None:
    """A small number is not a small order."""
    assert is_trustworthy(spelled(y)) == is_y_of_a_point(y)

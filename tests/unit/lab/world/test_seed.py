"""The lab's seed."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from lab.world.seed import Seed


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 200))
def test_bytes_equal_hkdf_expand(seed: str, label: str, length: int) -> None:
    key = Seed.of(seed)
    expected = HKDFExpand(hashes.SHA256(), length, label.encode()).derive(key.key) if length else b""
    assert key.bytes(label, length) == expected


def test_number_and_its_digits_give_the_same_seed() -> None:
    assert Seed.of(7) == Seed.of("7") != Seed.of(8)


@given(st.integers(1, 2**256), st.text(max_size=5))
def test_integer_is_below_its_bound(bound: int, label: str) -> None:
    assert 0 <= Seed.of(1).integer(label, bound) < bound


def test_keys_are_equal_only_for_the_same_label() -> None:
    seed = Seed.of("x")
    assert (
        seed.p256("a").private_numbers()
        == seed.p256("a").private_numbers()
        != seed.p256("b").private_numbers()
    )
    assert seed.ed25519("a").private_bytes_raw() == seed.ed25519("a").private_bytes_raw()
    assert seed.ed25519("a").private_bytes_raw() != seed.child("a").ed25519("a").private_bytes_raw()
    assert seed.random("r").random() == seed.random("r").random()


@pytest.mark.parametrize("length", [-1, 8161])
def test_more_bytes_than_hkdf_allows_are_rejected(length: int) -> None:
    """RFC 5869 allows 255 blocks."""
    with pytest.raises(ValueError, match="8160"):
        Seed.of(1).bytes("x", length)


def test_bound_below_one_is_rejected() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Seed.of(1).integer("x", 0)

"""The lab's seed."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from lab.world.seed import Seed


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 200))
def test_octets_are_hkdf_expand(seed: str, label: str, length: int) -> None:
    """The derivation is a standard one, so that another implementation can repeat it."""
    key = Seed.of(seed)
    expected = HKDFExpand(hashes.SHA256(), length, label.encode()).derive(key.key) if length else b""
    assert key.bytes(label, length) == expected


def test_a_number_and_its_digits_are_the_same_seed() -> None:
    """A command line cannot tell 7 from "7"."""
    assert Seed.of(7) == Seed.of("7") != Seed.of(8)


@given(st.integers(1, 2**256), st.text(max_size=5))
def test_an_integer_lies_below_its_bound(bound: int, label: str) -> None:
    """A bound that is passed would index outside of what it bounds."""
    assert 0 <= Seed.of(1).integer(label, bound) < bound


def test_keys_of_one_label_are_equal_and_of_two_labels_are_not() -> None:
    """Parts of the lab must not share keys by accident, and runs must share them on purpose."""
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
def test_more_octets_than_hkdf_gives_are_refused(length: int) -> None:
    """RFC 5869 ends after 255 blocks; going on would repeat them."""
    with pytest.raises(ValueError, match="8160"):
        Seed.of(1).bytes("x", length)


def test_a_bound_without_numbers_is_refused() -> None:
    """No number is below nothing."""
    with pytest.raises(ValueError, match="at least 1"):
        Seed.of(1).integer("x", 0)

"""The list of verdict keys: who may sign when, and what phones take at that time."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.key_repository import KeyList, KeyRepositoryError, RepositoryFault
from server_stub.key_repository.key_list import TAIL
from wire import limits

NOW = 1_631_000_000


def jwk(kid: str, /, **changes: Any) -> dict[str, Any]:
    return {
        "kid": kid,
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "A" * 43,
        "alg": "Ed25519",
        "use": "sig",
    } | changes


def published(keys: KeyList, kid: str) -> dict[str, Any]:
    """The key as a phone reads it."""
    return next(key for key in json.loads(keys.to_bytes())["keys"] if key["kid"] == kid)


@given(st.integers(0, 10 * limits.LIFETIME_MAX), st.integers(0, 20 * limits.LIFETIME_MAX))
def test_at_every_instant_of_a_rotation_exactly_one_key_signs_but_for_the_handover(
    delay: int, later: int
) -> None:
    """Neither a gap in which no verdict could be given, nor two keys for longer than the one second of the handover."""
    at = NOW + delay
    keys = KeyList.of(jwk("old")).retiring("old", at).with_key(jwk("new"), signs_from=at)
    signing = keys.signing(NOW + later)
    assert signing == (("old", "new") if NOW + later == at else ("old",) if NOW + later < at else ("new",))


@given(
    st.integers(0, limits.LIFETIME_MAX),
    st.integers(0, limits.LIFETIME_MAX),
    st.integers(-limits.SKEW, limits.SKEW),
)
def test_whatever_is_signed_is_within_the_keys_validity_for_all_its_life(
    delay: int, life: int, skew: int
) -> None:
    """A phone whose time is off by the skew takes it from the first second to the last."""
    at = NOW + delay
    keys = KeyList.of(jwk("old")).retiring("old", at).with_key(jwk("new"), signs_from=at)
    for kid, signed in (("old", at), ("new", at)):
        key = published(keys, kid)
        assert keys.may_sign(kid, signed)
        assert key.get("nbf", 0) <= signed + skew
        assert signed + life + skew <= key.get("exp", limits.INTEGER_MAX)


@given(st.integers(0, 3 * limits.LIFETIME_MAX))
def test_a_retired_key_is_listed_until_its_last_verdict_has_died_and_no_longer(later: int) -> None:
    """Verdicts that are out must stay verifiable; a list must not grow for ever."""
    keys = KeyList.of(jwk("old"), jwk("other")).retiring("old", NOW).pruned(NOW + later)
    assert ("old" in {key["kid"] for key in keys.keys}) is (later < TAIL)


def test_a_revoked_key_stays_listed_and_never_signs() -> None:
    """A phone refuses it by name, even one that would otherwise be pruned."""
    keys = KeyList.of(jwk("a"), jwk("b")).retiring("a", NOW).revoked("a").pruned(NOW + 10 * TAIL)
    assert published(keys, "a")["status"] == "revoked"
    assert not keys.may_sign("a", NOW)
    assert keys.signing(NOW) == ("b",)


def test_what_is_written_is_read_back_and_is_the_same_every_time() -> None:
    """A restart must not change what is published."""
    keys = KeyList.of(jwk("a"), jwk("b")).retiring("a", NOW).with_key(jwk("c"), signs_from=NOW).revoked("b")
    assert KeyList.from_bytes(keys.to_bytes()) == keys
    assert keys.to_bytes() == KeyList.from_bytes(keys.to_bytes()).to_bytes()


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (jwk("a", kid=None), RepositoryFault.KEY_MALFORMED),
        (jwk("a", use="enc"), RepositoryFault.KEY_MALFORMED),
        (jwk("a", kty=1), RepositoryFault.KEY_MALFORMED),
        (jwk("a", d="secret"), RepositoryFault.KEY_MALFORMED),
        (jwk("a", k="secret"), RepositoryFault.KEY_MALFORMED),
        (jwk("taken"), RepositoryFault.KEY_LISTED),
    ],
)
def test_a_key_that_must_not_be_published_is_refused(broken: dict[str, Any], fault: RepositoryFault) -> None:
    """A private member in the list would hand out the power to lock; two keys of one name verify nothing."""
    with pytest.raises(KeyRepositoryError) as refused:
        KeyList.of(jwk("taken"), broken)
    assert refused.value.fault is fault
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("change", ["retiring", "revoked"])
def test_an_unknown_key_cannot_be_changed(change: str) -> None:
    """A typing error must not pass for a revocation."""
    keys = KeyList.of(jwk("a"))
    with pytest.raises(KeyRepositoryError) as refused:
        keys.retiring("b", NOW) if change == "retiring" else keys.revoked("b")
    assert refused.value.fault is RepositoryFault.KEY_UNKNOWN


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys":1}', b'{"keys":[1]}', b"\xff"])
def test_a_list_that_is_none_is_named(content: bytes) -> None:
    """A damaged file ends in one error, whatever the damage."""
    with pytest.raises(KeyRepositoryError) as refused:
        KeyList.from_bytes(content)
    assert refused.value.fault is RepositoryFault.KEY_MALFORMED

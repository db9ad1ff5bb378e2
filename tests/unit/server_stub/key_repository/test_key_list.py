"""The list of verdict keys: when each may sign, and which verdicts devices accept then."""

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
    """The key as a device reads it."""
    return next(key for key in json.loads(keys.to_bytes())["keys"] if key["kid"] == kid)


@given(st.integers(0, 10 * limits.LIFETIME_MAX), st.integers(0, 20 * limits.LIFETIME_MAX))
def test_exactly_one_key_signs_during_a_rotation_except_at_the_handover(delay: int, later: int) -> None:
    """The handover takes one second, in which both may sign."""
    at = NOW + delay
    keys = KeyList.of(jwk("old")).retiring("old", at).with_key(jwk("new"), signs_from=at)
    signing = keys.signing(NOW + later)
    assert signing == (("old", "new") if NOW + later == at else ("old",) if NOW + later < at else ("new",))


@given(
    st.integers(0, limits.LIFETIME_MAX),
    st.integers(0, limits.LIFETIME_MAX),
    st.integers(-limits.SKEW, limits.SKEW),
)
def test_verdict_stays_within_the_validity_of_its_key(delay: int, life: int, skew: int) -> None:
    """Also for a device whose time is wrong by the skew."""
    at = NOW + delay
    keys = KeyList.of(jwk("old")).retiring("old", at).with_key(jwk("new"), signs_from=at)
    for kid, signed in (("old", at), ("new", at)):
        key = published(keys, kid)
        assert keys.may_sign(kid, signed)
        assert key.get("nbf", 0) <= signed + skew
        assert signed + life + skew <= key.get("exp", limits.INTEGER_MAX)


@given(st.integers(0, 3 * limits.LIFETIME_MAX))
def test_retired_key_is_listed_until_its_last_verdict_has_expired(later: int) -> None:
    keys = KeyList.of(jwk("old"), jwk("other")).retiring("old", NOW).pruned(NOW + later)
    assert ("old" in {key["kid"] for key in keys.keys}) is (later < TAIL)


def test_revoked_key_stays_listed_and_never_signs() -> None:
    keys = KeyList.of(jwk("a"), jwk("b")).retiring("a", NOW).revoked("a").pruned(NOW + 10 * TAIL)
    assert published(keys, "a")["status"] == "revoked"
    assert not keys.may_sign("a", NOW)
    assert keys.signing(NOW) == ("b",)


def test_list_is_read_back_unchanged_and_written_reproducibly() -> None:
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
def test_key_that_must_not_be_published_is_rejected(broken: dict[str, Any], fault: RepositoryFault) -> None:
    with pytest.raises(KeyRepositoryError) as refused:
        KeyList.of(jwk("taken"), broken)
    assert refused.value.fault is fault
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("change", ["retiring", "revoked"])
def test_change_of_an_unknown_key_is_rejected(change: str) -> None:
    keys = KeyList.of(jwk("a"))
    with pytest.raises(KeyRepositoryError) as refused:
        keys.retiring("b", NOW) if change == "retiring" else keys.revoked("b")
    assert refused.value.fault is RepositoryFault.KEY_UNKNOWN


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys":1}', b'{"keys":[1]}', b"\xff"])
def test_damaged_list_is_rejected_as_malformed(content: bytes) -> None:
    with pytest.raises(KeyRepositoryError) as refused:
        KeyList.from_bytes(content)
    assert refused.value.fault is RepositoryFault.KEY_MALFORMED

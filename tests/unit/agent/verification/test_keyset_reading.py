"""Reading a JWK Set key by key: names, reasons and revocations that must not get mixed up or lost."""

import pytest

from agent.verification.keys import KeyRejection
from agent.verification.keyset import KEYS_MAX, KeySet, KeySetError, KeySetFault, RejectedKey
from tests.support.tokens import ED25519, ES256, NOW


def test_each_key_that_is_left_out_is_told_by_place_name_and_reason() -> None:
    """An operator must find it in the document."""
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(), ES256.jwk(use="enc"), ES256.jwk(kid=None)]})
    assert [key.kid for key in keys.keys] == [ED25519.kid]
    assert keys.left_out == (
        RejectedKey(1, ES256.kid, KeyRejection.USE_NOT_SIGNATURE),
        RejectedKey(2, None, KeyRejection.KID_MISSING),
    )
    assert keys.unfit == {ES256.kid}


def test_keys_without_a_name_are_not_namesakes() -> None:
    """Two nameless keys lack a name; they do not share one."""
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(kid=None), ES256.jwk(kid=None)]})
    assert [left.reason for left in keys.left_out] == [KeyRejection.KID_MISSING, KeyRejection.KID_MISSING]


def test_a_revocation_without_a_name_revokes_nothing_and_is_told() -> None:
    """It must not vanish: somebody meant a key."""
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(kid=None, status="revoked")]})
    assert keys.revoked == frozenset()
    assert [left.reason for left in keys.left_out] == [KeyRejection.KID_MISSING]


def test_a_revoked_key_is_neither_active_nor_left_out() -> None:
    """It is known, and known to be bad."""
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(status="revoked"), ES256.jwk()]})
    assert (keys.revoked, keys.left_out) == ({ED25519.kid}, ())
    assert (keys.find(ED25519.kid), keys.find(ES256.kid)) == (None, keys.keys[0])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"d": "AA", "nbf": "soon"}, KeyRejection.PRIVATE_MATERIAL),
        ({"use": "enc", "nbf": "soon"}, KeyRejection.USE_NOT_SIGNATURE),
        ({"nbf": "soon"}, KeyRejection.VALIDITY_MALFORMED),
        ({"nbf": "soon", "crv": "Ed448"}, KeyRejection.VALIDITY_MALFORMED),
    ],
)
def test_the_gravest_reason_is_told(changes: dict[str, object], reason: KeyRejection) -> None:
    """A key that carries its secret has leaked, whatever else is wrong with it."""
    assert KeySet.from_jwks({"keys": [ED25519.jwk(**changes)]}).left_out[0].reason is reason


def test_a_set_is_timed_where_one_of_its_keys_is() -> None:
    """Only then does the verifier ask for the time."""
    assert not KeySet().timed
    assert not KeySet.from_jwks({"keys": [ED25519.jwk()]}).timed
    assert KeySet.from_jwks({"keys": [ED25519.jwk(), ES256.jwk(exp=NOW)]}).timed


def test_keys_may_come_in_a_tuple() -> None:
    """As an immutable mapping holds them."""
    assert KeySet.from_jwks({"keys": (ED25519.jwk(),)}).find(ED25519.kid) is not None
    operations = ED25519.jwk(key_ops=("verify",))
    assert KeySet.from_jwks({"keys": [operations]}).find(ED25519.kid) is not None


def test_a_set_of_64_keys_is_read_and_one_of_65_is_not() -> None:
    """The bound, to the key."""
    jwks = [ED25519.jwk(kid=f"key-{number}") for number in range(65)]
    assert KEYS_MAX == 64
    assert len(KeySet.from_jwks({"keys": jwks[:64]}).keys) == 64
    with pytest.raises(KeySetError) as caught:
        KeySet.from_jwks({"keys": jwks})
    assert caught.value.fault is KeySetFault.TOO_MANY_KEYS


@pytest.mark.parametrize("fault", KeySetFault)
def test_the_error_names_its_fault_and_what_to_give_instead(fault: KeySetFault) -> None:
    """It is what an operator sees."""
    assert str(KeySetError(fault)).startswith(f"{fault.value}: give a JWK Set")


def test_codes_are_stable() -> None:
    """Reports and operators know the reasons by these words."""
    assert {fault.value for fault in KeySetFault} == {"not-json", "no-keys-member", "too-many-keys"}
    assert {reason.value: reason.name for reason in KeyRejection} == {
        reason.name.lower().replace("_", "-"): reason.name for reason in KeyRejection
    }


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv", "priv_exp", "seed"])
def test_any_member_of_a_private_key_makes_it_no_public_key(member: str) -> None:
    """RFC 7518 section 6, RFC 9964 section 3 and their drafts: whoever published one has published the key."""
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(**{member: "AA"})]})
    assert [left.reason for left in keys.left_out] == [KeyRejection.PRIVATE_MATERIAL]

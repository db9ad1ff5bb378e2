"""Reading a JWK Set: names, reasons and revocations."""

import pytest

from agent.verification.keys import KeyRejection
from agent.verification.keyset import KEYS_MAX, KeySet, KeySetError, KeySetFault, RejectedKey
from tests.support.tokens import ED25519, ES256, NOW


def test_key_that_is_left_out_has_index_name_and_reason() -> None:
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(), ES256.jwk(use="enc"), ES256.jwk(kid=None)]})
    assert [key.kid for key in keys.keys] == [ED25519.kid]
    assert keys.left_out == (
        RejectedKey(1, ES256.kid, KeyRejection.USE_NOT_SIGNATURE),
        RejectedKey(2, None, KeyRejection.KID_MISSING),
    )
    assert keys.unfit == {ES256.kid}


def test_keys_without_a_name_are_not_duplicates() -> None:
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(kid=None), ES256.jwk(kid=None)]})
    assert [left.reason for left in keys.left_out] == [KeyRejection.KID_MISSING, KeyRejection.KID_MISSING]


def test_revoked_key_without_a_name_is_left_out() -> None:
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(kid=None, status="revoked")]})
    assert keys.revoked == frozenset()
    assert [left.reason for left in keys.left_out] == [KeyRejection.KID_MISSING]


def test_revoked_key_is_neither_active_nor_left_out() -> None:
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
def test_most_serious_reason_is_given(changes: dict[str, object], reason: KeyRejection) -> None:
    """A published secret is more serious than other errors."""
    assert KeySet.from_jwks({"keys": [ED25519.jwk(**changes)]}).left_out[0].reason is reason


def test_set_is_timed_if_a_key_has_a_validity_period() -> None:
    assert not KeySet().timed
    assert not KeySet.from_jwks({"keys": [ED25519.jwk()]}).timed
    assert KeySet.from_jwks({"keys": [ED25519.jwk(), ES256.jwk(exp=NOW)]}).timed


def test_keys_can_be_a_tuple() -> None:
    assert KeySet.from_jwks({"keys": (ED25519.jwk(),)}).find(ED25519.kid) is not None
    operations = ED25519.jwk(key_ops=("verify",))
    assert KeySet.from_jwks({"keys": [operations]}).find(ED25519.kid) is not None


def test_set_of_64_keys_is_read_and_one_of_65_is_not() -> None:
    jwks = [ED25519.jwk(kid=f"key-{number}") for number in range(65)]
    assert KEYS_MAX == 64
    assert len(KeySet.from_jwks({"keys": jwks[:64]}).keys) == 64
    with pytest.raises(KeySetError) as caught:
        KeySet.from_jwks({"keys": jwks})
    assert caught.value.fault is KeySetFault.TOO_MANY_KEYS


@pytest.mark.parametrize("fault", KeySetFault)
def test_error_names_the_fault_and_the_expected_document(fault: KeySetFault) -> None:
    assert str(KeySetError(fault)).startswith(f"{fault.value}: give a JWK Set")


def test_codes_are_stable() -> None:
    assert {fault.value for fault in KeySetFault} == {"not-json", "no-keys-member", "too-many-keys"}
    assert {reason.value: reason.name for reason in KeyRejection} == {
        reason.name.lower().replace("_", "-"): reason.name for reason in KeyRejection
    }


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv", "priv_exp", "seed"])
def test_key_with_a_private_member_is_rejected(member: str) -> None:
    """RFC 7518 section 6, RFC 9964 section 3."""
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(**{member: "AA"})]})
    assert [left.reason for left in keys.left_out] == [KeyRejection.PRIVATE_MATERIAL]

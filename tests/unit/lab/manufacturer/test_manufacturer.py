"""The manufacturer's keys."""

from joserfc.jwk import KeySet

from tests.support.server_phone import MANUFACTURER


def test_pinned_keys_equal_the_published_keys() -> None:
    assert MANUFACTURER.secrets.jwks() == MANUFACTURER.pinned_jwks


def test_pinned_keys_are_public_and_have_use_and_algorithm() -> None:
    keys = KeySet.import_key_set(MANUFACTURER.pinned_jwks).keys
    assert [key.is_private for key in keys] == [False, False]
    assert [key.as_dict()["alg"] for key in keys] == ["Ed25519", "ES256"]
    for key in keys:
        members = key.as_dict()
        assert members["kid"] == key.thumbprint()
        assert (members["use"], members["status"]) == ("sig", "active")


def test_representation_of_secrets_contains_no_key() -> None:
    shown = repr(MANUFACTURER.secrets)
    for secret in (MANUFACTURER.secrets.nonce_key, MANUFACTURER.secrets.identifier_key):
        assert repr(secret) not in shown
        assert secret.hex() not in shown

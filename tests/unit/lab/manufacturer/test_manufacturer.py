"""The vendor's keys."""

from joserfc.jwk import KeySet

from tests.support.server_phone import VENDOR


def test_the_pinned_set_is_what_the_server_publishes() -> None:
    """An image that pins other keys than the server signs with would refuse every verdict."""
    assert VENDOR.secrets.jwks() == VENDOR.pinned_jwks


def test_the_pinned_set_is_public_and_says_what_each_key_is_for() -> None:
    """A private member in an image would hand out the power to lock."""
    keys = KeySet.import_key_set(VENDOR.pinned_jwks).keys
    assert [key.is_private for key in keys] == [False, False]
    assert [key.as_dict()["alg"] for key in keys] == ["Ed25519", "ES256"]
    for key in keys:
        members = key.as_dict()
        assert members["kid"] == key.thumbprint()
        assert (members["use"], members["status"]) == ("sig", "active")


def test_secrets_do_not_print_themselves() -> None:
    """A traceback or a log line that shows a value must not show a key."""
    shown = repr(VENDOR.secrets)
    for secret in (VENDOR.secrets.nonce_key, VENDOR.secrets.identifier_key):
        assert repr(secret) not in shown
        assert secret.hex() not in shown

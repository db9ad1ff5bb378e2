"""Which keys of a JWK Set are usable, and the reasons for rejecting others."""

import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa

from agent.verification.keys import KeyRejection
from agent.verification.keyset import KEYS_MAX, KeySet, KeySetError, KeySetFault
from tests.support.tokens import ED25519, ES256, ML_DSA_65, encode

EDDSA_P = 2**255 - 19


def ed_x(number: int) -> str:
    return encode(number.to_bytes(32, "little"))


PUB = ML_DSA_65.jwk()["pub"]
ED_X = ED25519.jwk()["x"]
EC_X, EC_Y = ES256.jwk()["x"], ES256.jwk()["y"]
OFF_THE_CURVE_Y = 2  # (y² - 1) / (d y² + 1) is not a square for it

UNFIT: dict[KeyRejection, list[object]] = {
    KeyRejection.NOT_AN_OBJECT: [None, "key", 1, [ED25519.jwk()]],
    KeyRejection.KID_MISSING: [ED25519.jwk(kid=None)],
    KeyRejection.KID_MALFORMED: [
        ED25519.jwk(kid=kid) for kid in ("", "a b", "a\n", "é", "a" * 65, 1, ["a"], "../x")
    ],
    KeyRejection.USE_NOT_SIGNATURE: [ED25519.jwk(use=use) for use in ("enc", "", "SIG", 1, ["sig"])],
    KeyRejection.KEY_OPS_WITHOUT_VERIFY: [ED25519.jwk(key_ops=ops) for ops in ([], ["sign"], "verify", 1)],
    KeyRejection.PRIVATE_MATERIAL: [
        ED25519.jwk(d="AA"),
        ES256.jwk(d="AA"),
        {"kty": "oct", "kid": "a", "k": "AA"},
    ],
    KeyRejection.STATUS_UNKNOWN: [
        ED25519.jwk(status=status) for status in ("retired", "", "ACTIVE", True, ["active"])
    ],
    KeyRejection.VALIDITY_MALFORMED: [
        *(ED25519.jwk(nbf=time) for time in ("1", 1.0, True, -1, 2**53, [1])),
        *(ES256.jwk(exp=time) for time in ("2040-01-01", 1e9, False, -1, 2**53)),
        ED25519.jwk() | {"nbf": None},
        ED25519.jwk(nbf=5, exp=5),
        ED25519.jwk(nbf=6, exp=5),
    ],
    KeyRejection.KEY_TYPE_UNSUPPORTED: [
        ED25519.jwk(crv="Ed448"),
        ED25519.jwk(crv="X25519"),
        ED25519.jwk(kty="EC"),
        ED25519.jwk(kty="AKP"),
        ML_DSA_65.jwk(crv="ML-DSA-65"),
        ML_DSA_65.jwk(kty="OKP"),
        ED25519.jwk(crv=["Ed25519"]),
        ED25519.jwk(kty=None),
        ES256.jwk(crv="P-384"),
        ES256.jwk(crv="secp256k1"),
        {"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"},
    ],
    KeyRejection.ALG_CONTRADICTS_KEY: [
        ED25519.jwk(alg=alg) for alg in ("EdDSA", "ES256", "none", "", 1, ["Ed25519"])
    ]
    + [ES256.jwk(alg=alg) for alg in ("Ed25519", "ES384", "HS256")]
    + [ML_DSA_65.jwk(alg=alg) for alg in (None, "ML-DSA-44", "ML-DSA-87", "Ed25519", "ml-dsa-65", 65)],
    KeyRejection.PUBLIC_KEY_MALFORMED: [
        ML_DSA_65.jwk(pub=pub)
        for pub in (None, "", 1, PUB + "=", PUB[:-4], PUB + "AAAA", "é" * len(PUB), PUB[:-1] + "_")
    ],
    KeyRejection.PUBLIC_KEY_DEGENERATE: [ML_DSA_65.jwk(pub=encode(b"\x07" * 32 + bytes(1920)))],
    KeyRejection.COORDINATE_MALFORMED: [
        ED25519.jwk(x=x) for x in ("", ED_X + "=", ED_X[:-1], ED_X + "AA", ED_X[:-1] + "_", "é" * 43, 1, None)
    ]
    + [
        ED25519.jwk(y="AA"),
        ES256.jwk(y=None),
        ES256.jwk(x=EC_X[:-2]),
        ES256.jwk(y=EC_Y + "="),
        ES256.jwk(y=[EC_Y]),
    ],
    KeyRejection.POINT_INVALID: [
        ED25519.jwk(x=ed_x(y))
        for y in (
            0,
            1,
            EDDSA_P - 1,
            1 | 1 << 255,
            EDDSA_P,
            EDDSA_P + 3,
            2**255 - 1,
            2**256 - 1,
            OFF_THE_CURVE_Y,
        )
    ]
    + [
        ES256.jwk(y=EC_X),
        ES256.jwk(x=encode(b"\0" * 32), y=encode(b"\0" * 32)),
        ES256.jwk(x=encode(b"\xff" * 32)),
    ],
}
CASES = [(reason, jwk) for reason, keys in UNFIT.items() for jwk in keys]


@pytest.mark.parametrize(("reason", "jwk"), CASES, ids=[f"{r}-{i}" for i, (r, _) in enumerate(CASES)])
def test_unfit_key_is_left_out_with_its_reason(reason: KeyRejection, jwk: object) -> None:
    """The other keys remain usable."""
    keys = KeySet.from_jwks({"keys": [jwk, ES256.jwk(kid="good")]})
    assert [key.kid for key in keys.keys] == ["good"]
    assert [(entry.index, entry.reason) for entry in keys.left_out] == [(0, reason)]


def test_every_reason_has_a_key() -> None:
    assert set(UNFIT) | {KeyRejection.KID_DUPLICATE} == set(KeyRejection)


def test_two_keys_with_one_name_are_both_left_out() -> None:
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(kid="same"), ES256.jwk(kid="same")]})
    assert keys.keys == ()
    assert [entry.reason for entry in keys.left_out] == [KeyRejection.KID_DUPLICATE] * 2


@pytest.mark.parametrize(
    "revoked",
    [
        ED25519.jwk(status="revoked"),
        {"kid": ED25519.kid, "status": "revoked"},
        ED25519.jwk(status="revoked", d="AA"),
    ],
)
def test_revoked_key_is_recorded_even_if_invalid_or_listed_again(revoked: dict[str, Any]) -> None:
    for entries in ([revoked], [revoked, ED25519.jwk()], [ED25519.jwk(), revoked]):
        keys = KeySet.from_jwks({"keys": entries})
        assert keys.revoked == {ED25519.kid}
        assert keys.find(ED25519.kid) is None


@pytest.mark.parametrize("kid", ["-0dGKyzZ", "_wLZ", "7", ".", "a" * 64, "-" * 64])
def test_kid_can_begin_like_a_thumbprint(kid: str) -> None:
    """One thumbprint in 32 begins with `-` or `_`."""
    assert [key.kid for key in KeySet.from_jwks({"keys": [ED25519.jwk(kid=kid)]}).keys] == [kid]


@pytest.mark.parametrize("absent", ["alg", "use", "status"])
def test_optional_members_can_be_absent(absent: str) -> None:
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(**{absent: None}), ES256.jwk(**{absent: None})]})
    assert [key.ALG for key in keys.keys] == ["Ed25519", "ES256"]


def test_unknown_members_are_ignored() -> None:
    """RFC 7517 section 4."""
    assert KeySet.from_jwks({"keys": [ED25519.jwk(note="x", key_ops=["verify"])], "version": 3}).find(
        ED25519.kid
    )


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("", KeySetFault.NOT_JSON),
        ("[]", KeySetFault.NOT_JSON),
        (b"\xff", KeySetFault.NOT_JSON),
        ('{"keys":[],"keys":[]}', KeySetFault.NOT_JSON),
        ("\ud800", KeySetFault.NOT_JSON),
        ("{}", KeySetFault.NO_KEYS_MEMBER),
        ({"keys": {}}, KeySetFault.NO_KEYS_MEMBER),
        ({"keys": "abc"}, KeySetFault.NO_KEYS_MEMBER),
        ({"keys": [{}] * (KEYS_MAX + 1)}, KeySetFault.TOO_MANY_KEYS),
    ],
)
def test_document_that_is_not_a_jwk_set_raises_an_error(document: Any, fault: KeySetFault) -> None:
    with pytest.raises(KeySetError) as rejected:
        KeySet.from_jwks(document)
    assert rejected.value.fault is fault


def test_text_bytes_and_mapping_give_the_same_set() -> None:
    document = {"keys": [ED25519.jwk(), ES256.jwk(status="revoked")]}
    text = json.dumps(document)
    names = [
        ([key.kid for key in keys.keys], keys.revoked, keys.left_out)
        for keys in map(KeySet.from_jwks, (document, text, text.encode()))
    ]
    assert names[0] == names[1] == names[2]


def test_key_set_is_immutable() -> None:
    keys = KeySet.from_jwks({"keys": [ED25519.jwk()]})
    with pytest.raises(FrozenInstanceError):
        keys.keys = ()  # type: ignore[misc]  # the assignment that must fail
    assert KeySet().find(ED25519.kid) is None


def test_other_keys_are_usable_without_ml_dsa(monkeypatch: pytest.MonkeyPatch) -> None:

    def unsupported(_octets: bytes) -> None:
        raise UnsupportedAlgorithm("ML-DSA-65")

    monkeypatch.setattr(mldsa.MLDSA65PublicKey, "from_public_bytes", unsupported)
    keys = KeySet.from_jwks({"keys": [ML_DSA_65.jwk(), ES256.jwk()]})
    assert [key.kid for key in keys.keys] == [ES256.kid]
    assert keys.left_out[0].reason is KeyRejection.KEY_TYPE_UNSUPPORTED

"""Evidence that was tampered with, in every way that hypothesis finds: refused by name, never a verdict."""

import base64
import json
from dataclasses import fields
from typing import Any

import pytest
from cryptography import x509
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server_stub.domain import der, key_description
from server_stub.domain.key_description import (
    AuthorizationList,
    KeyDescription,
    KeyDescriptionError,
    RootOfTrust,
    SecurityLevel,
)
from server_stub.service import ServiceError, VerdictService
from tests.support.server_phone import Phone, b64, claims, service
from wire.codes import ProblemCode, Reason, VerifiedBootState

SERVER = service()
PHONE = Phone()
NONCE = SERVER.challenge().nonce
TOKEN = PHONE.evidence(NONCE)
KEY = PHONE.keystore.attest(NONCE.encode())

INTEGERS = st.integers(0, 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ROOTS = st.builds(
    RootOfTrust,
    st.binary(max_size=32),
    st.booleans(),
    st.sampled_from(VerifiedBootState),
    st.none() | st.binary(max_size=32),
)
SPECIAL = {
    "purposes": st.frozensets(INTEGERS, max_size=3),
    "digests": st.frozensets(INTEGERS, max_size=3),
    "no_auth_required": st.booleans(),
    "root_of_trust": st.none() | ROOTS,
    "application_id": st.none() | st.binary(max_size=200),
    "unread": st.just(frozenset()),
}
PLAIN = {
    field.name: st.none() | (st.text(max_size=20) if "str" in str(field.type) else INTEGERS)
    for field in fields(AuthorizationList)
    if field.name not in SPECIAL
}
LISTS = st.builds(AuthorizationList, **SPECIAL | PLAIN)
LEVELS = st.sampled_from(SecurityLevel)
DESCRIPTIONS = st.builds(
    KeyDescription,
    INTEGERS,
    LEVELS,
    INTEGERS,
    LEVELS,
    st.binary(max_size=64),
    st.binary(max_size=16),
    LISTS,
    LISTS,
)
ENCODED = key_description.encode(
    key_description.KeyDescription(
        300, SecurityLevel.STRONG_BOX, 300, SecurityLevel.STRONG_BOX, b"n" * 44, b"", AuthorizationList(),
        PHONE.keystore._description.hardware,
    )
)  # fmt: skip


def refusal(token: bytes) -> ProblemCode:
    with pytest.raises(ServiceError) as caught:
        SERVER.answer(token)
    assert 400 <= caught.value.status < 500
    return caught.value.code


def outcome(token: bytes, server: VerdictService = SERVER) -> ProblemCode | Reason:
    """The code of the error, or the reason of the verdict."""
    try:
        return server.judge(token)[0].reason
    except ServiceError as error:
        return error.code


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_one_changed_octet_is_refused(place: int, change: int) -> None:
    """Anywhere: header, chain, claims or signature."""
    token = bytearray(TOKEN)
    token[place] ^= change
    refusal(bytes(token))


@given(st.binary(max_size=400) | st.text(alphabet="abAB01-_.=", max_size=200).map(str.encode))
def test_rubbish_is_malformed(token: bytes) -> None:
    """Rubbish never reaches the parts that cost something."""
    assert refusal(token) is ProblemCode.EVIDENCE_MALFORMED


@given(st.integers(0, len(TOKEN) - 1))
def test_what_is_cut_short_is_refused(length: int) -> None:
    """A line that breaks in the middle gives no verdict."""
    refusal(TOKEN[:length])


@given(st.sampled_from(sorted(claims(NONCE))), JSON)
def test_a_claim_of_another_type_is_refused_by_name(name: str, value: Any) -> None:
    """Signed by the phone's own key, so that only the claims can be at fault."""
    assume(value != claims(NONCE)[name])
    told = outcome(PHONE.sign(claims(NONCE) | {name: value}, NONCE))
    assert told in {
        *Reason,  # what was drawn may be as good as what it replaced
        ProblemCode.EVIDENCE_CLAIMS_INVALID,
        ProblemCode.EVIDENCE_MALFORMED,
        ProblemCode.CHALLENGE_INVALID,
        ProblemCode.CHALLENGE_SPENT,
    }


@pytest.mark.parametrize("name", sorted(claims(NONCE)))
def test_each_claim_is_needed(name: str) -> None:
    """All claims of the shortest evidence are mandatory."""
    payload = claims(NONCE)
    del payload[name]
    assert refusal(PHONE.sign(payload, NONCE)) is ProblemCode.EVIDENCE_CLAIMS_INVALID


@given(st.text(min_size=1, max_size=20).filter(lambda name: name not in claims(NONCE)), JSON)
def test_an_unknown_claim_is_refused_and_not_repeated(name: str, value: Any) -> None:
    """An error that repeats what was sent would carry an identifier into a log."""
    assume(name not in {"location", "last_verdict"})
    with pytest.raises(ServiceError) as caught:
        SERVER.answer(PHONE.sign(claims(NONCE) | {name: value}, NONCE))
    assert caught.value.code in {ProblemCode.EVIDENCE_CLAIMS_INVALID, ProblemCode.EVIDENCE_MALFORMED}
    assert caught.value.detail in {
        "claims that break the contract: unknown",
        "the payload is nested deeper than 8",
        "the payload is not strict JSON",
    }


@pytest.mark.parametrize(
    "payload",
    [
        b'{"iat": 1, "iat": 1}',
        b'{"iat": NaN}',
        b"[" * 12_000,
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b"[]",
        b"\xff",
        b'{"iat": ' + b"9" * 5000 + b"}",
        b"{} {}",
    ],
)
def test_json_that_can_be_read_two_ways_is_refused(payload: bytes) -> None:
    """Two readers of one document must not see two documents."""
    assert refusal(PHONE.sign(payload, NONCE)) is ProblemCode.EVIDENCE_MALFORMED


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"}, {"alg": ["ES256"]}, {"typ": "jwt"}, {"kid": "x"},
        {"crit": []}, {"x5c": []}, {"x5c": "AAAA"}, {"x5c": [1]}, {"x5c": ["*"]}, {"x5c": ["\u00e9"]},
        {"x5c": ["AA=="] * 7},
    ],
)  # fmt: skip
def test_a_header_of_another_form_is_refused(header: dict[str, Any]) -> None:
    """Exactly three members, each of one form: nothing to negotiate, nothing to confuse."""
    assert refusal(PHONE.sign(claims(NONCE), NONCE, **header)) is ProblemCode.EVIDENCE_MALFORMED


def test_an_algorithm_that_is_not_the_keys_is_refused() -> None:
    """The key says how it signs, and the header may only agree."""
    assert refusal(PHONE.sign(claims(NONCE), NONCE, alg="Ed25519")) is ProblemCode.EVIDENCE_SIGNATURE_INVALID


def test_a_segment_that_is_not_canonical_is_refused() -> None:
    """Spare bits would make two tokens of one."""
    header, payload, signature = TOKEN.split(b".")
    last = b"_" if signature[-1:] != b"_" else b"-"
    assert refusal(b".".join((header, payload, signature[:-1] + last))) is ProblemCode.EVIDENCE_MALFORMED


# A serial number of zero is worth a warning to the library; here, any certificate may come.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.data())
@settings(max_examples=200)
def test_a_damaged_certificate_attests_nothing(data: st.DataObject) -> None:
    """A damaged leaf breaks the chain. A damaged batch certificate may be one of another root: unattested."""
    chain = [bytearray(each) for each in KEY.chain]
    damaged = data.draw(st.sampled_from(chain))
    signed_part = len(x509.load_der_x509_certificate(bytes(damaged)).tbs_certificate_bytes)
    # Behind it, ECDSA and BIT STRING leave more than one way to write the same signature.
    damaged[data.draw(st.integers(0, 3 + signed_part))] ^= data.draw(st.integers(1, 255))
    head = {
        "alg": "ES256",
        "typ": "eat+jwt",
        "x5c": [base64.b64encode(bytes(each)).decode() for each in chain],
    }
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims(NONCE)).encode())}".encode()
    token = signed + b"." + b64(KEY.sign(signed)).encode()
    told = outcome(token, service())
    assert told in {ProblemCode.CHAIN_INVALID, Reason.EVIDENCE_UNATTESTED if damaged is chain[1] else None}


@given(DESCRIPTIONS)
def test_a_key_description_survives_encoding(description: KeyDescription) -> None:
    """What the keystore states is what the server reads."""
    encoded = key_description.encode(description)
    assert key_description.decode(encoded) == description


@given(st.integers(0, len(ENCODED) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_a_damaged_key_description_is_an_error_by_name_or_another_description(
    place: int, change: int
) -> None:
    """Nothing but the named error escapes, and two different octet strings are never one description."""
    octets = bytearray(ENCODED)
    octets[place] ^= change
    assert decoded(bytes(octets)) != decoded(ENCODED)


def decoded(octets: bytes) -> KeyDescription | None:
    try:
        return key_description.decode(octets)
    except KeyDescriptionError:
        return None


@given(st.binary(max_size=60))
def test_elements_are_the_octets_that_they_came_from(octets: bytes) -> None:
    """The reader takes the one encoding that DER allows, so that writing it again gives the same octets."""
    try:
        found = der.elements(octets)
    except der.DerError:
        return
    if all(element.tag & 0xC0 in (0, 0x80) for element in found):
        assert b"".join(der.encode(each.tag, each.content, each.number) for each in found) == octets

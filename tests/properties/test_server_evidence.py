"""Modified evidence is rejected with a code and gets no verdict."""

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lab.world.jose import b64
from server_stub.verdicts.service import ServiceError, VerdictService
from tests.support.profiles import examples
from tests.support.server_phone import Phone, claims, service
from wire.codes import ProblemCode, Reason

SERVER = service()
PHONE = Phone()
NONCE = SERVER.challenge().nonce
TOKEN = PHONE.evidence(NONCE)
KEY = PHONE.keystore.attest(NONCE.encode())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


NOT_AS_SIGNED = {
    ProblemCode.EVIDENCE_MALFORMED,
    ProblemCode.EVIDENCE_CLAIMS_INVALID,
    ProblemCode.EVIDENCE_SIGNATURE_INVALID,
    ProblemCode.CHAIN_INVALID,
    ProblemCode.CHALLENGE_INVALID,
    ProblemCode.CHALLENGE_SPENT,  # an earlier example with an invalid signature spent it
}


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
@settings(max_examples=examples(300))
def test_evidence_with_one_changed_byte_is_rejected(place: int, change: int) -> None:
    token = bytearray(TOKEN)
    token[place] ^= change
    assert refusal(bytes(token)) in NOT_AS_SIGNED


@given(st.binary(max_size=400) | st.text(alphabet="abAB01-_.=", max_size=200).map(str.encode))
def test_random_bytes_are_malformed(token: bytes) -> None:
    assert refusal(token) is ProblemCode.EVIDENCE_MALFORMED


@given(st.integers(0, len(TOKEN) - 1))
def test_truncated_evidence_is_rejected(length: int) -> None:
    assert refusal(TOKEN[:length]) in NOT_AS_SIGNED


@given(st.sampled_from(sorted(claims(NONCE))), JSON)
def test_claim_of_another_type_is_rejected_with_its_code(name: str, value: Any) -> None:
    """Signed with the device's key, so that only the claim is invalid."""
    assume(value != claims(NONCE)[name])
    told = outcome(PHONE.sign(claims(NONCE) | {name: value}, NONCE))
    assert told in {
        *Reason,  # what was drawn may be as good as what it replaced
        ProblemCode.EVIDENCE_CLAIMS_INVALID,
        ProblemCode.EVIDENCE_MALFORMED,
        ProblemCode.CHALLENGE_INVALID,
        ProblemCode.CHALLENGE_SPENT,
    }


@pytest.mark.parametrize("name", sorted(claims(NONCE).keys() - {"ueid"}))
def test_each_claim_of_the_shortest_evidence_is_mandatory(name: str) -> None:
    """Except the identity, which a modem may not state."""
    payload = claims(NONCE)
    del payload[name]
    assert refusal(PHONE.sign(payload, NONCE)) is ProblemCode.EVIDENCE_CLAIMS_INVALID


@given(st.text(min_size=1, max_size=20).filter(lambda name: name not in claims(NONCE)), JSON)
@example("extra", float("inf"))
@example("extra", float("nan"))
def test_unknown_claim_is_rejected_and_not_repeated(name: str, value: Any) -> None:
    """An error that repeats the request would write an identifier into a log."""
    assume(name not in {"location", "last_verdict"})
    with pytest.raises(ServiceError) as caught:
        SERVER.answer(PHONE.sign(claims(NONCE) | {name: value}, NONCE))
    assert caught.value.code in {ProblemCode.EVIDENCE_CLAIMS_INVALID, ProblemCode.EVIDENCE_MALFORMED}
    assert caught.value.detail in {
        "claims that break the contract: unknown",
        "the payload is nested deeper than 8",
        "the payload is not strict JSON",
        "the payload is NaN or Infinity",
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
def test_ambiguous_json_is_rejected(payload: bytes) -> None:
    assert refusal(PHONE.sign(payload, NONCE)) is ProblemCode.EVIDENCE_MALFORMED


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"}, {"alg": ["ES256"]}, {"typ": "jwt"}, {"kid": "x"},
        {"crit": []}, {"x5c": []}, {"x5c": "AAAA"}, {"x5c": [1]}, {"x5c": ["*"]}, {"x5c": ["\u00e9"]},
        {"x5c": ["AA=="] * 7},
    ],
)  # fmt: skip
def test_header_of_another_form_is_rejected(header: dict[str, Any]) -> None:
    assert refusal(PHONE.sign(claims(NONCE), NONCE, **header)) is ProblemCode.EVIDENCE_MALFORMED


def test_algorithm_of_another_key_type_is_rejected() -> None:
    nonce = SERVER.challenge().nonce
    assert refusal(PHONE.sign(claims(nonce), nonce, alg="Ed25519")) is ProblemCode.EVIDENCE_SIGNATURE_INVALID


def test_segment_that_is_not_canonical_is_rejected() -> None:
    header, payload, signature = TOKEN.split(b".")
    last = b"_" if signature[-1:] != b"_" else b"-"
    assert refusal(b".".join((header, payload, signature[:-1] + last))) is ProblemCode.EVIDENCE_MALFORMED


# A serial number of zero is worth a warning to the library; here, any certificate may come.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.data())
@settings(max_examples=examples(200))
def test_damaged_certificate_attests_nothing(data: st.DataObject) -> None:
    """A damaged leaf breaks the chain. A damaged batch certificate may belong to another root: unattested."""
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
    signed = b".".join(b64(json.dumps(part).encode()) for part in (head, claims(NONCE)))
    token = signed + b"." + b64(KEY.sign(signed))
    told = outcome(token, service())
    assert told in {ProblemCode.CHAIN_INVALID, Reason.EVIDENCE_UNATTESTED if damaged is chain[1] else None}

"""Step 8 has a quick reader and a strict one: which payloads the quick one leaves to the other."""

import pytest

from agent.verification.claims import read_claims, read_quickly
from agent.verification.errors import Code, VerificationError
from tests.support.tokens import CLAIMS, compact, make_verdict

GOOD = compact(make_verdict("deny"))
WITH_NULL = compact(make_verdict("release"))[:-1] + b',"territory":null}'


@pytest.mark.parametrize("decision", CLAIMS)
def test_what_an_issuer_writes_is_read_quickly(decision: str) -> None:
    """Or else the quick reader would be quick at nothing."""
    verdict = read_quickly(compact(make_verdict(decision)))
    assert verdict is not None
    assert verdict == read_claims(compact(make_verdict(decision)))


def test_a_message_is_counted_with_its_arguments() -> None:
    """The count of strings must come out for every shape that an issuer writes."""
    for message in ({"key": "not-sold-here"}, {"key": "not-sold-here", "args": {"a": "b", "c": "d"}}):
        assert read_quickly(compact(make_verdict("deny", message=message))) is not None


@pytest.mark.parametrize(
    "payload",
    [
        GOOD.replace(b"SV-2021", b"\\u0053V-2021"),
        GOOD.replace(b'"case"', b'"\\u0063ase"'),
        GOOD.replace(b'"territory":"CU"', b'"territory":null'),
        GOOD.replace(b'"iat":', b'"iat":1,"iat":'),
        GOOD.replace(b'"args":{', b'"args":{"territory":"FR",'),
        GOOD.replace(b'"cnf":{', b'"cnf":{"jkt":"x","'.removesuffix(b'"')),
        WITH_NULL,
        GOOD[:-1],
        b"",
    ],
)
def test_a_payload_in_doubt_is_left_to_the_strict_reader(payload: bytes) -> None:
    """An escape, a null and a member named twice could each hide something from one pass."""
    assert read_quickly(payload) is None


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (WITH_NULL, Code.CLAIM_MALFORMED),
        (GOOD.replace(b'"territory":"CU"', b'"territory":null'), Code.CLAIM_MALFORMED),
        (GOOD.replace(b'"iat":', b'"iat":1,"iat":'), Code.PAYLOAD_MEMBER_DUPLICATE),
        (GOOD.replace(b'"args":{', b'"args":{"territory":"FR",'), Code.PAYLOAD_MEMBER_DUPLICATE),
        (GOOD.replace(b'"iat":', b'"\\u0069at":1,"iat":'), Code.PAYLOAD_MEMBER_DUPLICATE),
    ],
)
def test_what_is_left_to_the_strict_reader_is_refused_by_name(payload: bytes, code: Code) -> None:
    """The quick reader must not be a way around the strict one."""
    with pytest.raises(VerificationError) as caught:
        read_claims(payload)
    assert caught.value.code is code

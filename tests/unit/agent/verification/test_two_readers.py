"""Step 8 has a quick reader and a strict one: which payloads the quick one leaves to the other."""

import pytest

from agent.verification.claims import parse_fast, read_claims
from agent.verification.errors import Code, VerificationError
from tests.support.tokens import CLAIMS, compact, make_verdict

GOOD = compact(make_verdict("deny"))
WITH_NULL = compact(make_verdict("release"))[:-1] + b',"territory":null}'


@pytest.mark.parametrize("decision", CLAIMS)
def test_what_an_issuer_writes_is_read_quickly(decision: str) -> None:
    """Or else the quick reader would be quick at nothing."""
    verdict = parse_fast(compact(make_verdict(decision)))
    assert verdict is not None
    assert verdict == read_claims(compact(make_verdict(decision)))


@pytest.mark.parametrize("args", [{}, {"a": "b", "c": "d"}])
def test_a_message_is_read_quickly_with_and_without_arguments(args: dict[str, str]) -> None:
    """An issuer writes `args` also where they are empty."""
    message = {"key": "not-sold-here", "args": args}
    assert parse_fast(compact(make_verdict("deny", message=message))) is not None


def test_a_message_whose_arguments_are_left_out_is_read_strictly_and_means_the_same() -> None:
    """The contract has a default there; another issuer may rely on it."""
    bare = compact(make_verdict("deny", message={"key": "not-sold-here"}))
    empty = compact(make_verdict("deny", message={"key": "not-sold-here", "args": {}}))
    assert parse_fast(bare) is None
    assert read_claims(bare) == parse_fast(empty)


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
        GOOD + b" ",
        GOOD.replace(b":7,", b":7.0,"),
        GOOD.replace(b":7,", b": 7,"),
        GOOD.replace(b'"version":3', b'"version":-0'),
        b"",
    ],
)
def test_a_payload_in_doubt_is_left_to_the_strict_reader(payload: bytes) -> None:
    """An escape, a null and a member named twice could each hide something from one pass."""
    assert parse_fast(payload) is None


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

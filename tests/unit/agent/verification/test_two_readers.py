"""Step 8: which payloads the fast reader leaves to the strict one."""

import pytest

from agent.verification.claims import parse_fast, read_claims
from agent.verification.errors import Code, VerificationError
from tests.support.tokens import CLAIMS, compact, make_verdict

GOOD = compact(make_verdict("deny"))
WITH_NULL = compact(make_verdict("release"))[:-1] + b',"territory":null}'


@pytest.mark.parametrize("decision", CLAIMS)
def test_payload_of_an_issuer_is_read_by_the_fast_reader(decision: str) -> None:
    verdict = parse_fast(compact(make_verdict(decision)))
    assert verdict is not None
    assert verdict == read_claims(compact(make_verdict(decision)))


@pytest.mark.parametrize("args", [{}, {"a": "b", "c": "d"}])
def test_message_with_and_without_arguments_is_read_by_the_fast_reader(args: dict[str, str]) -> None:
    message = {"key": "not-sold-here", "args": args}
    assert parse_fast(compact(make_verdict("deny", message=message))) is not None


def test_message_without_args_member_is_read_by_the_strict_reader_with_equal_result() -> None:
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
def test_payload_in_another_form_is_left_to_the_strict_reader(payload: bytes) -> None:
    """Escapes, null and repeated members."""
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
def test_invalid_payload_is_rejected_by_the_strict_reader_with_its_code(payload: bytes, code: Code) -> None:
    with pytest.raises(VerificationError) as caught:
        read_claims(payload)
    assert caught.value.code is code

"""Every modified token is rejected with a code, or has the same claims."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from agent.verification import strict_json
from agent.verification.claims import parse_fast, read_claims, well_formed
from agent.verification.errors import VerificationError
from agent.verification.jws import verify_compact
from agent.verification.verdict import VerifiedVerdict, verify
from tests.support import mutations, tokens
from tests.support.profiles import examples
from tests.support.tokens import EXPECTED, KEYS, NOW, SIGNERS, compact, decode, make_verdict, sign
from wire.verdict import Verdict

FEW = settings(max_examples=examples(150))

Spoil = Callable[[str], SearchStrategy[str]]
SPOILS: dict[str, Spoil] = {
    "characters": mutations.changed_characters,
    "bits": mutations.flipped_bit,
    "segments": lambda token: mutations.rearranged(token, sign(make_verdict("allow"), tokens.ES256)),
}


def outcome(token: str | bytes) -> VerifiedVerdict | None:
    """The verdict, or None for the documented error of the verifier."""
    try:
        return verify(token, KEYS, expected=EXPECTED, now=NOW)
    except VerificationError:
        return None


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.alg)
@pytest.mark.parametrize("spoil", SPOILS)
@FEW
@given(data=st.data())
def test_token_modified_after_signing_is_never_accepted(
    signer: tokens.Signer, spoil: str, data: st.DataObject
) -> None:
    good = sign(make_verdict(), signer)
    touched = data.draw(SPOILS[spoil](good))
    # Hypothesis may undo its own change, and the pool of segments can spell a whole good token again.
    allowed = {good, sign(make_verdict("allow"), tokens.ES256)} if spoil == "segments" else {good}
    if touched not in allowed and not _is_the_other_good_token(touched):
        assert outcome(touched) is None


def _is_the_other_good_token(token: str) -> bool:
    """ECDSA signatures are randomised: a pool of segments may hold a second good token."""
    try:
        return verify_compact(token, KEYS, typ="activation-verdict+jwt") == compact(make_verdict("allow"))
    except VerificationError:
        return False


@FEW
@given(mutations.resigned())
def test_token_modified_before_signing_has_the_claims_of_its_payload(case: tuple[tokens.Signer, str]) -> None:
    """For any JSON reader; it is bound to this device, nonce and issuer."""
    signer, token = case
    verdict = outcome(token)
    if verdict is None:
        return
    header, payload, _ = token.split(".")
    read: dict[str, Any] = json.loads(decode(payload))
    assert json.loads(decode(header)) == tokens.header_of(signer)
    assert tokens.spelt_out(read) == verdict.claims.model_dump(mode="json", exclude_none=True)
    good = make_verdict()
    assert {name: read[name] for name in ("iss", "aud", "cnf", "eat_nonce")} == {
        name: good[name] for name in ("iss", "aud", "cnf", "eat_nonce")
    }


@FEW
@given(st.text(max_size=200) | st.binary(max_size=200) | st.text(mutations.ALPHABET, max_size=200))
def test_random_input_is_rejected_with_the_documented_error(rubbish: str | bytes) -> None:
    assert outcome(rubbish) is None


@FEW
@given(st.binary(max_size=120) | mutations.JSON.map(lambda value: json.dumps(value).encode()))
def test_signed_payload_that_is_not_a_verdict_is_rejected(payload: bytes) -> None:
    assert outcome(sign(payload)) is None


PIECES = (
    b'"serial":7',
    b'"serial": 7',
    b'"territory":"CU"',
    b'"case":null',
    b'"case":"a"',
    b'"case":":"',
    b'"":""',
)


@settings(FEW, max_examples=examples(400))
@given(mutations.DECISIONS, st.lists(st.sampled_from(PIECES), max_size=2), st.data())
def test_fast_reader_accepts_no_payload_that_the_strict_reader_rejects(
    decision: str, added: list[bytes], data: st.DataObject
) -> None:
    text = compact(make_verdict(decision)).replace(b"{", b"{" + b"".join(piece + b"," for piece in added), 1)
    payload = data.draw(mutations.respelled(text))
    quick = parse_fast(payload)
    if quick is None:
        return
    members = strict_json.loads(payload)
    assert None not in members.values()
    assert quick == Verdict.model_validate(members)
    assert quick == well_formed(members)


@pytest.mark.parametrize("decision", tokens.CLAIMS)
def test_fast_reader_accepts_the_payload_of_an_issuer(decision: str) -> None:
    assert parse_fast(compact(make_verdict(decision))) is not None
    doubled = compact(make_verdict(decision)).replace(b'"iat":', b'"iat":1,"iat":')
    assert parse_fast(doubled) is None


@FEW
@given(
    mutations.DECISIONS,
    st.permutations(range(16)),
    st.sampled_from([{}, {"indent": 1}, {"ensure_ascii": False}]),
)
def test_fast_and_strict_reader_return_the_same_claims(
    decision: str, order: list[int], spelling: dict[str, Any]
) -> None:
    claims = make_verdict(decision, iss="https://activation.solvane.example/é")
    shuffled = dict(sorted(claims.items(), key=lambda claim: order[len(claim[0]) % 16]))
    text = json.dumps(shuffled, **spelling)
    assert read_claims(text.encode()) == read_claims(compact(claims))

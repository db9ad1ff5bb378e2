"""Keys that say when they may be used, held against a clock that may be known exactly, as a lower bound, or not."""

import itertools
from dataclasses import replace

import pytest

from agent.verification.errors import Code, VerificationError
from agent.verification.jws import open_compact, verify_compact
from agent.verification.keyset import KeySet
from agent.verification.validity import ALWAYS, TimeBounds, Validity
from agent.verification.verdict import TimeCertainty, verify
from tests.support.tokens import ED25519, ES256, EXPECTED, NOW, SIGNERS, Signer, make_verdict, sign
from wire.limits import SKEW
from wire.media import VERDICT_TYP

LATE = 400 * 86400
EDGES = (None, *(NOW + sign * SKEW + step for sign in (-1, 1) for step in (-1, 0, 1)))


def keys_with(**times: int | None) -> KeySet:
    return KeySet.from_jwks({"keys": [ED25519.jwk(**times), ES256.jwk()]})


def code_of(keys: KeySet, reckoning: TimeCertainty, now: int = NOW, **claims: int) -> Code | None:
    expected = replace(EXPECTED, reckoning=reckoning)
    try:
        verify(sign(make_verdict(**claims)), keys, expected=expected, now=now)
    except VerificationError as refused:
        return refused.code
    return None


@pytest.mark.parametrize("reckoning", TimeCertainty)
def test_a_key_is_used_exactly_within_its_time_and_the_skew(reckoning: TimeCertainty) -> None:
    """All edges of both times, against the rule in one expression: the phone's clock may be off by the skew."""
    for begins, ends in itertools.product(EDGES, EDGES):
        if begins is not None and ends is not None and ends <= begins:
            continue
        over = ends is not None and ends <= NOW - SKEW
        early = begins is not None and begins > NOW + SKEW
        code = code_of(keys_with(nbf=begins, exp=ends), reckoning)
        if reckoning is TimeCertainty.EXACT:
            wanted = Code.KEY_EXPIRED if over else Code.KEY_NOT_YET_VALID if early else None
        else:
            wanted = Code.KEY_EXPIRED if over else Code.ISSUED_OUTSIDE_KEY_VALIDITY if early else None
        assert code is wanted


def test_a_phone_that_does_not_know_the_time_takes_a_key_that_is_newer_than_its_clock() -> None:
    """A phone that lay in a drawer must not be stranded by a rotation of keys: the verdict tells the time."""
    keys = keys_with(nbf=NOW + LATE - 60, exp=NOW + LATE + 86400)
    later = {"iat": NOW + LATE, "nbf": NOW + LATE, "exp": NOW + LATE + 60}
    assert code_of(keys, TimeCertainty.AT_LEAST, **later) is None
    assert code_of(keys, TimeCertainty.EXACT, **later) is Code.KEY_NOT_YET_VALID


def test_a_phone_that_does_not_know_the_time_holds_the_key_to_the_time_that_the_verdict_tells() -> None:
    """Whoever has got hold of an old key could else set the clock of a phone that was restarted."""
    keys = keys_with(nbf=NOW, exp=NOW + 86400)
    later = {"iat": NOW + LATE, "nbf": NOW + LATE, "exp": NOW + LATE + 60}
    assert code_of(keys, TimeCertainty.AT_LEAST, **later) is Code.ISSUED_OUTSIDE_KEY_VALIDITY


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.alg)
@pytest.mark.parametrize("times", [{"nbf": 0}, {"exp": 2**53 - 1}, {"nbf": 0, "exp": 2**53 - 1}])
def test_a_key_with_times_is_not_used_where_no_time_is_known(signer: Signer, times: dict[str, int]) -> None:
    """`verify_compact` is not told the time, so it cannot know that such a key may be used."""
    keys, token = KeySet.from_jwks({"keys": [signer.jwk(**times)]}), sign(make_verdict(), signer)
    with pytest.raises(VerificationError) as refused:
        verify_compact(token, keys, typ=VERDICT_TYP)
    assert refused.value.code is Code.KEY_TIME_UNKNOWN
    assert open_compact(token, keys, typ=VERDICT_TYP, time=TimeBounds(NOW, NOW)).key.kid == signer.kid


def test_a_revoked_key_is_revoked_whatever_its_times() -> None:
    """Revocation is final and comes first."""
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(status="revoked", nbf=NOW + LATE, exp=1)]})
    assert code_of(keys, TimeCertainty.EXACT) is Code.KEY_REVOKED


def test_the_time_of_a_key_is_looked_at_before_its_signature() -> None:
    """Step 5 comes before step 7: a key out of its time does no work."""
    with pytest.raises(VerificationError) as refused:
        verify(sign(make_verdict())[:-8] + "AAAAAAAA", keys_with(exp=1), expected=EXPECTED, now=NOW)
    assert refused.value.code is Code.KEY_EXPIRED


def test_no_times_are_no_bounds() -> None:
    """A key without either member is good at any time, known or not."""
    assert Validity.from_jwk({"kid": "a"}) is ALWAYS
    assert ALWAYS.violation(TimeBounds(0, None)) is None
    assert ALWAYS.violation(TimeBounds(2**53, 2**53)) is None

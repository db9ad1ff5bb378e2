"""Keys with a validity period, with the time known exactly, as a lower bound, and unknown."""

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
    except VerificationError as rejected:
        return rejected.code
    return None


@pytest.mark.parametrize("reckoning", TimeCertainty)
def test_key_is_accepted_exactly_in_its_period_with_tolerance(reckoning: TimeCertainty) -> None:
    """All limits, compared with the rule in one expression."""
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


def test_newer_key_is_accepted_without_exact_time() -> None:
    """A rotation of keys must not exclude a device that was off for a long time."""
    keys = keys_with(nbf=NOW + LATE - 60, exp=NOW + LATE + 86400)
    later = {"iat": NOW + LATE, "nbf": NOW + LATE, "exp": NOW + LATE + 60}
    assert code_of(keys, TimeCertainty.AT_LEAST, **later) is None
    assert code_of(keys, TimeCertainty.EXACT, **later) is Code.KEY_NOT_YET_VALID


def test_key_must_be_valid_at_the_time_of_the_verdict() -> None:
    """Otherwise an old stolen key could set the clock of a device after a restart."""
    keys = keys_with(nbf=NOW, exp=NOW + 86400)
    later = {"iat": NOW + LATE, "nbf": NOW + LATE, "exp": NOW + LATE + 60}
    assert code_of(keys, TimeCertainty.AT_LEAST, **later) is Code.ISSUED_OUTSIDE_KEY_VALIDITY


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.alg)
@pytest.mark.parametrize("times", [{"nbf": 0}, {"exp": 2**53 - 1}, {"nbf": 0, "exp": 2**53 - 1}])
def test_key_with_a_period_is_rejected_without_a_time(signer: Signer, times: dict[str, int]) -> None:
    keys, token = KeySet.from_jwks({"keys": [signer.jwk(**times)]}), sign(make_verdict(), signer)
    with pytest.raises(VerificationError) as rejected:
        verify_compact(token, keys, typ=VERDICT_TYP)
    assert rejected.value.code is Code.KEY_TIME_UNKNOWN
    assert open_compact(token, keys, typ=VERDICT_TYP, time=TimeBounds(NOW, NOW)).key.kid == signer.kid


def test_revoked_key_is_rejected_with_any_period() -> None:
    keys = KeySet.from_jwks({"keys": [ED25519.jwk(status="revoked", nbf=NOW + LATE, exp=1)]})
    assert code_of(keys, TimeCertainty.EXACT) is Code.KEY_REVOKED


def test_period_is_checked_before_the_signature() -> None:
    with pytest.raises(VerificationError) as rejected:
        verify(sign(make_verdict())[:-8] + "AAAAAAAA", keys_with(exp=1), expected=EXPECTED, now=NOW)
    assert rejected.value.code is Code.KEY_EXPIRED


def test_key_without_a_period_is_always_valid() -> None:
    assert Validity.from_jwk({"kid": "a"}) is ALWAYS
    assert ALWAYS.violation(TimeBounds(0, None)) is None
    assert ALWAYS.violation(TimeBounds(2**53, 2**53)) is None

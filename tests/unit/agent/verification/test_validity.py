"""Keys with a validity period, with and without a ceiling of the time, and with the time unknown."""

import itertools

import pytest

from agent.verification.errors import Code, VerificationError
from agent.verification.jws import open_compact, verify_compact
from agent.verification.keyset import KeySet
from agent.verification.validity import ALWAYS, TimeBounds, Validity
from agent.verification.verdict import verify
from tests.support.tokens import ED25519, ES256, EXPECTED, NOW, SIGNERS, Signer, make_verdict, sign
from wire.limits import LIFETIME_MAX, SKEW
from wire.media import VERDICT_TYP

LATE = 400 * 86400
LATEST = NOW + 86_400
EDGES = (
    None,
    *(edge + step for edge in (NOW - LIFETIME_MAX, NOW - SKEW, NOW + SKEW, LATEST) for step in (-1, 0, 1)),
)


def keys_with(**times: int | None) -> KeySet:
    return KeySet.from_jwks({"keys": [ED25519.jwk(**times), ES256.jwk()]})


def code_of(keys: KeySet, latest: int | None, **claims: int) -> Code | None:
    try:
        verify(sign(make_verdict(**claims)), keys, expected=EXPECTED, now=NOW, latest=latest)
    except VerificationError as rejected:
        return rejected.code
    return None


@pytest.mark.parametrize("latest", [LATEST, None])
def test_key_is_accepted_exactly_in_its_period_with_tolerance(latest: int | None) -> None:
    """All limits, compared with the rule in one expression: of the bounds of the time, and of the time of issue."""
    for begins, ends in itertools.product(EDGES, EDGES):
        if begins is not None and ends is not None and ends <= begins:
            continue
        over = ends is not None and ends <= NOW - LIFETIME_MAX
        early = begins is not None and latest is not None and begins > latest
        outside = (ends is not None and ends <= NOW - SKEW) or (begins is not None and begins > NOW + SKEW)
        by_issue = Code.ISSUED_OUTSIDE_KEY_VALIDITY if outside else None
        wanted = Code.KEY_EXPIRED if over else Code.KEY_NOT_YET_VALID if early else by_issue
        assert code_of(keys_with(nbf=begins, exp=ends), latest) is wanted


@pytest.mark.parametrize("latest", [NOW + LATE, None])
def test_key_must_be_valid_at_the_time_of_the_verdict(latest: int | None) -> None:
    """A rotation must not exclude a device that was off for long, and an old stolen key must not set its clock."""
    later = {"iat": NOW + LATE, "nbf": NOW + LATE, "exp": NOW + LATE + 60}
    newer, older = keys_with(nbf=NOW + LATE - 60, exp=NOW + LATE + 86400), keys_with(nbf=NOW, exp=NOW + 86400)
    assert code_of(newer, latest, **later) is None
    assert code_of(older, latest, **later) is Code.ISSUED_OUTSIDE_KEY_VALIDITY


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
    assert code_of(keys, LATEST) is Code.KEY_REVOKED


def test_period_is_checked_before_the_signature() -> None:
    with pytest.raises(VerificationError) as rejected:
        verify(sign(make_verdict())[:-8] + "AAAAAAAA", keys_with(exp=1), expected=EXPECTED, now=NOW)
    assert rejected.value.code is Code.KEY_EXPIRED


def test_key_without_a_period_is_always_valid() -> None:
    assert Validity.from_jwk({"kid": "a"}) is ALWAYS
    assert ALWAYS.violation(TimeBounds(0, None)) is None
    assert ALWAYS.violation(TimeBounds(2**53, 2**53)) is None

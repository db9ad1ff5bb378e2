"""The catalogue reports a missing defence: each check is removed, and an attack must then succeed."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agent import sealing
from agent.core.states import State
from agent.sealing import Recovered
from agent.verification import jws, verdict
from agent.verification.jws import Header, Segments
from agent.verification.keys import VerdictKey
from agent.verification.keyset import KeySet
from lab.attacks.harness.environment import AttackEnvironment
from lab.world.jose import unb64
from tests.support.attacks import SEED, result_of
from wire.verdict import Verdict


def nothing(*_: Any) -> None:
    """Replaces a check."""


def takes_anything(token: str | bytes) -> bytes:
    return token if isinstance(token, bytes) else token.encode()


def takes_more_segments(data: bytes) -> Segments:
    header, payload, signature = data.split(b".")[:3]
    return Segments(unb64(header), unb64(payload), unb64(signature), header + b"." + payload)


def takes_more_members(data: bytes) -> Header:
    members = json.loads(data)
    return Header(members["alg"], members["kid"], members.get("typ"))


def takes_any_key(_header: Header, keys: KeySet, _time: object) -> VerdictKey:
    return keys.keys[0]


def takes_more_claims(payload: bytes) -> Verdict:
    claims = json.loads(payload)
    known = {name: claims[name] for name in claims.keys() & set(Verdict.model_fields)}
    return Verdict.model_validate(known)


def takes_any_decision(claims: Verdict) -> Verdict:
    return claims


STEPS: dict[int, tuple[object, str, Callable[..., Any], str]] = {
    1: (jws, "check_size_and_alphabet", takes_anything, "over-long-and-signed"),
    2: (jws, "split", takes_more_segments, "segment-trailing-stop"),
    3: (jws, "read_header", takes_more_members, "crit-unknown"),
    4: (jws, "check_typ", nothing, "typ-jwt"),
    5: (jws, "select_key", takes_any_key, "kid-unknown-right-key"),
    6: (jws, "check_alg", nothing, "alg-eddsa"),
    7: (jws, "check_signature", nothing, "signed-by-own-key"),
    8: (verdict, "read_claims", takes_more_claims, "claim-unknown"),
    9: (verdict, "check_parties", nothing, "issuer-other"),
    10: (verdict, "check_key_binding", nothing, "key-binding-other"),
    11: (verdict, "check_nonce", nothing, "nonce-other"),
    12: (verdict, "check_times", nothing, "expired"),
    13: (verdict, "check_freshness", nothing, "serial-rolled-back"),
    14: (verdict, "check_decision", takes_any_decision, "lock-before-issue"),
}
"""For each step: the check, its replacement, and an attack that must then succeed."""


@pytest.fixture(scope="module")
def environment() -> Iterator[AttackEnvironment]:
    with AttackEnvironment.open(SEED) as opened:
        yield opened


@pytest.mark.sample(3)
@pytest.mark.parametrize("step", STEPS)
def test_attack_on_a_step_succeeds_when_the_step_is_removed(
    environment: AttackEnvironment, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    module, name, replacement, attack = STEPS[step]
    assert result_of(environment, attack).met
    monkeypatch.setattr(module, name, replacement)
    result = result_of(environment, attack)
    assert not result.met
    assert all(trial.actual.lock is not trial.expected.lock for trial in result.trials)


def test_key_that_has_expired_recently_is_accepted_without_the_check_at_the_time_of_issue(
    environment: AttackEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The validity of a key is checked twice: within the bounds of the time, and at the verdict's time of issue."""
    monkeypatch.setattr(verdict, "check_issued_under", nothing)
    assert not result_of(environment, "key-expired-recently").met


def test_rolled_back_state_is_accepted_without_the_check_of_the_counter(
    environment: AttackEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = sealing.recover

    def forgetful(content: bytes | None, key: bytes, _counter: int, blank: State) -> Recovered:
        record = sealing.unseal(content, key) if content else None
        return genuine(content, key, record.counter if record else 0, blank)

    monkeypatch.setattr("agent.runtime.recover", forgetful)
    assert not result_of(environment, "state-rolled-back").met

"""A defence that is taken out is noticed: the catalogue is itself put to the test."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from agent import sealing
from agent.core.states import State
from agent.sealing import Recovered
from agent.verification import jws, verdict
from agent.verification.fast_claims import Claims
from agent.verification.jws import Header, Segments
from agent.verification.keys import VerdictKey
from agent.verification.keyset import KeySet
from lab.attacks.harness.environment import AttackEnvironment
from lab.attacks.harness.token_forge import unb64
from tests.support.attacks import SEED, record_of


def nothing(*_: Any) -> None:
    """A check that checks nothing."""


def takes_anything(token: str | bytes) -> bytes:
    return token if isinstance(token, bytes) else token.encode()


def takes_more_segments(octets: bytes) -> Segments:
    header, payload, signature = octets.split(b".")[:3]
    return Segments(unb64(header), unb64(payload), unb64(signature), header + b"." + payload)


def takes_more_members(octets: bytes) -> Header:
    members = json.loads(octets)
    return Header(members["alg"], members["kid"], members.get("typ"))


def takes_any_key(_header: Header, keys: KeySet, _time: object) -> VerdictKey:
    return keys.keys[0]


def takes_more_claims(payload: bytes) -> Claims:
    claims = json.loads(payload)
    known = {name: claims[name] for name in claims.keys() & set(Claims.__struct_fields__)}
    return msgspec.convert(known, Claims)


def takes_any_decision(claims: Claims) -> Claims:
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
"""For each step: what is taken out, what takes its place, and an attack that must then succeed."""


@pytest.fixture(scope="module")
def theatre() -> Iterator[AttackEnvironment]:
    with AttackEnvironment.open(SEED) as opened:
        yield opened


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_is_taken_out_is_reported(
    theatre: AttackEnvironment, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """If an attack were met without the defence that it is about, its being met would say nothing."""
    module, name, replacement, attack = STEPS[step]
    assert record_of(theatre, attack).met
    monkeypatch.setattr(module, name, replacement)
    record = record_of(theatre, attack)
    assert not record.met
    assert all(run.ending.lock is not run.expected.lock for run in record.runs)


def test_the_second_half_of_step_12_is_reported(
    theatre: AttackEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The validity of a key is judged twice: by the phone's time and by the verdict's."""
    monkeypatch.setattr(verdict, "check_issued_under", nothing)
    assert not record_of(theatre, "key-not-yet-valid-first-contact").met


def test_a_rolled_back_state_that_is_taken_is_reported(
    theatre: AttackEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter alone tells an old record from the newest."""
    genuine = sealing.recover

    def forgetful(content: bytes | None, key: bytes, _counter: int, blank: State) -> Recovered:
        record = sealing.unseal(content, key) if content else None
        return genuine(content, key, record.counter if record else 0, blank)

    monkeypatch.setattr("agent.runtime.recover", forgetful)
    assert not record_of(theatre, "state-rolled-back").met

"""Verdicts for the model: real tokens, checked by the production verifier, signed with a key of the model.

The server of the model may decide anything at any time, may have lost the device's record, and may have been restored
from a backup; its production rule computes the serial in each case. The attacker has every verdict that was ever
signed, for this device and for others, and no key.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from agent import unlock_code
from agent.core.states import State
from agent.verification.errors import VerificationError
from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, VerifiedVerdict, verify
from lab.model_check.abstraction import NOW, SERIAL, UNIT, VERSION
from lab.world.seed import Seed
from server_stub.verdicts.claims import next_serial
from wire.codes import Decision
from wire.evidence import Evidence, LastVerdict

ISSUER: Final = "https://verdicts.solvane.example"
AUDIENCE: Final = "solvane-phones"
FRESH: Final = "ZnJlc2gtY2hhbGxlbmdl"
"""The newest challenge of the server."""
REPLAYED: Final = "cmVwbGF5ZWQtY2hhbGxlbmdl"
"""A challenge of an earlier exchange, which the attacker replays."""
SHOWN: Final = "c2hvd24tY2hhbGxlbmdl"
"""The challenge on the lock screen, for unlock codes."""
THIS_KEY: Final = "t" * 43
EARLIER_KEY: Final = "e" * 43
OTHER_KEY: Final = "o" * 43

_DAY: Final = 86_400
_LIMIT: Final = {"check_in": 2 * _DAY, "offline_limit": 40 * _DAY}
_WORDS: Final = {"message": {"key": "not-sold-here"}, "case": "C-1"}
_NOTICE: Final = {"decision": "notice", "reason": "activated-in-prohibited-territory", **_WORDS, **_LIMIT}

DECISIONS: Final[dict[str, dict[str, Any]]] = {
    "allow": {"decision": "allow", "reason": "territory-eligible", **_LIMIT},
    "notice, lock before the next check-in": {**_NOTICE, "not_before_lock": _DAY},
    "notice, lock after the offline limit": {**_NOTICE, "not_before_lock": 60 * _DAY},
    "deny": {"decision": "deny", "reason": "territory-prohibited", **_WORDS, "check_in": _DAY},
    "defer": {"decision": "defer", "reason": "territory-unknown", "retry_after": 600},
    "release": {"decision": "release", "reason": "given-up"},
}
"""The decisions of the server. Here, `not_before_lock` is in seconds from the verdict."""


@dataclass(frozen=True, slots=True)
class Token:
    """The properties in which the tokens of the model differ."""

    name: str
    nonce: str = FRESH
    jkt: str = THIS_KEY
    serial: int = SERIAL + 1
    issued: int = NOW
    forged: bool = False

    @property
    def decision(self) -> Decision:
        """The decision of the verdict."""
        return Decision(DECISIONS[self.name]["decision"])


def honest(name: str, state: State, nonce: str, remembered: int, late: int) -> Token:
    """The token that the server signs for a device in `state`. `remembered` is the serial in the server's record."""
    last: dict[str, Any] = {"serial": state.memory.serial}
    # Evidence with only the claim from which the server reads a serial.
    claims: dict[str, Any] = {"last_verdict": LastVerdict.model_construct(**last) if last["serial"] else None}
    serial = next_serial(remembered, Evidence.model_construct(**claims))
    return Token(name, nonce=nonce, serial=serial, issued=NOW + late)


def stolen(nonce: str) -> Iterator[tuple[str, Token]]:
    """All tokens with which an attacker without a key can answer a device that awaits `nonce`."""
    other = REPLAYED if nonce != REPLAYED else FRESH
    for name in DECISIONS:
        earlier = Token(name, nonce=other, jkt=EARLIER_KEY, serial=SERIAL, issued=NOW - UNIT)
        yield "an earlier verdict", earlier
        yield "an earlier verdict of a phone that was reset", Token(name, nonce=other, jkt=EARLIER_KEY)
        yield "an earlier verdict for this challenge", Token(name, nonce=nonce, jkt=EARLIER_KEY)
        yield "a verdict of another phone", Token(name, nonce=nonce, jkt=OTHER_KEY)
        yield "a verdict held back for days", Token(name, nonce=nonce, issued=NOW - UNIT)
        yield "a forged verdict", Token(name, nonce=nonce, forged=True)


def judge(token: Token, state: State, nonce: str) -> VerifiedVerdict | str:
    """The result of the agent's verifier for `token` while `nonce` is outstanding: a verdict, or an error code."""
    return _judged(token, nonce, state.memory.serial, state.memory.policy_version)


@cache
def _judged(token: Token, nonce: str, serial: int, policy_version: int) -> VerifiedVerdict | str:
    expected, signed = (
        Expected(ISSUER, AUDIENCE, THIS_KEY, nonce, serial, policy_version),
        _signed(token).encode(),
    )
    try:
        if nonce == SHOWN:
            return unlock_code.verify(signed, _KEYS, expected=expected, floor=NOW)
        return verify(signed, _KEYS, expected=expected, now=NOW)
    except (VerificationError, unlock_code.CodeError) as error:
        return str(error.code)


@cache
def _signed(token: Token) -> str:
    decision = dict(DECISIONS[token.name])
    if "not_before_lock" in decision:
        decision["not_before_lock"] += token.issued
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "phone",
        "cnf": {"jkt": token.jkt},
        "eat_nonce": token.nonce,
        "iat": token.issued,
        "nbf": token.issued,
        "exp": token.issued + 3600,
        "jti": "explored",
        "serial": token.serial,
        "policy": {"id": "explored", "version": VERSION, "rule": "any"},
        "trust": "affirming",
        **decision,
    }
    header = {"alg": "Ed25519", "kid": "explored", "typ": "activation-verdict+jwt"}
    signing_input = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    key = Seed.of("explore").ed25519("somebody's" if token.forged else "vendor's")
    return f"{signing_input}.{_b64(key.sign(signing_input.encode()))}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


_PUBLIC: Final = _b64(Seed.of("explore").ed25519("vendor's").public_key().public_bytes_raw())
_JWK: Final = {
    "kty": "OKP",
    "crv": "Ed25519",
    "alg": "Ed25519",
    "use": "sig",
    "kid": "explored",
    "x": _PUBLIC,
}
_KEYS: Final = KeySet.from_jwks({"keys": [_JWK]})

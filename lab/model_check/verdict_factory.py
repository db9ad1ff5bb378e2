"""Verdicts for the model: real tokens, checked by the production verifier, signed with keys of the model.

The server of the model may decide anything at any time, may have lost the device's record, and may have been restored
from a backup; its production rule computes the serial in each case. The attacker has every verdict that was ever
signed, for this device and for others, and no key. A thief has the verdict key until it is revoked, and the timestamp
key until a root replaces it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from agent import unlock_code
from agent.core.events import VerdictReceived
from agent.core.screens import Trouble
from agent.core.states import Memory
from agent.ports import KeySourceError, PublishedKeys
from agent.verification import verdict
from agent.verification.bounds import TimestampBounds
from agent.verification.errors import VerificationError
from agent.verification.keyset import KeySet
from lab.model_check import publications
from lab.model_check.abstraction import SERIAL, VERSION
from lab.model_check.publications import KEYS, NOW, STRANGER, UNIT, Publication
from server_stub.verdicts.claims import next_serial
from wire.codes import Decision
from wire.evidence import Evidence, LastVerdict
from wire.verdict import Verdict

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
    """The properties in which the tokens of the model differ. `key` is the number of the verdict key."""

    name: str
    nonce: str = FRESH
    jkt: str = THIS_KEY
    serial: int = SERIAL + 1
    issued: int = NOW
    policy: int = VERSION
    key: int = 0
    forged: bool = False

    @property
    def decision(self) -> Decision:
        """The decision of the verdict."""
        return Decision(DECISIONS[self.name]["decision"])


PUBLISHED: Final = Publication()


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What a device gets in an exchange: the keys, then the verdict."""

    token: Token
    publication: Publication = PUBLISHED


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that the device refuses, and how the exchange ends."""

    code: str
    trouble: Trouble = Trouble.UNTRUSTED


def serial_of(memory: Memory, remembered: int) -> int:
    """The serial of the server's next verdict for a device. `remembered` is the serial in the server's record."""
    last: dict[str, Any] = {"serial": memory.serial}
    # Evidence with only the claim from which the server reads a serial.
    claims: dict[str, Any] = {"last_verdict": LastVerdict.model_construct(**last) if last["serial"] else None}
    return next_serial(remembered, Evidence.model_construct(**claims))


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


class Verifier:
    """The production client of the key repository and the production verifiers, memoized."""

    def __init__(self) -> None:
        self._published: dict[tuple[Publication, TimestampBounds], PublishedKeys | KeySourceError] = {}
        self._judged: dict[object, VerdictReceived | Refusal] = {}

    def exchange(self, answer: ServerAnswer, memory: Memory, nonce: str) -> VerdictReceived | Refusal:
        """The result of an exchange of a device with this outstanding nonce."""
        key = (answer, nonce, memory.bounds, memory.serial, memory.policy_version)
        if key not in self._judged:
            published = self.published(answer.publication, memory.bounds)
            if isinstance(published, KeySourceError):
                self._judged[key] = Refusal(published.code, published.trouble)
            else:
                self._judged[key] = _judged(answer.token, published, memory, nonce)
        return self._judged[key]

    def published(self, publication: Publication, known: TimestampBounds) -> PublishedKeys | KeySourceError:
        """The keys and bounds of a key repository for a device that has sealed `known`, or the error of the client."""
        if (publication, known) not in self._published:
            self._published[publication, known] = publications.fetch(publication, known)
        return self._published[publication, known]

    def code(self, token: Token, memory: Memory) -> VerdictReceived | Refusal:
        """The result of an unlock code, verified with the keys of the last exchange."""
        key = (token, memory.bounds.floor, memory.serial, memory.policy_version)
        if key not in self._judged:
            self._judged[key] = _judged_code(token, memory)
        return self._judged[key]


def _judged(token: Token, published: PublishedKeys, memory: Memory, nonce: str) -> VerdictReceived | Refusal:
    bounds = published.bounds
    expected = _expected(memory, nonce, bounds)
    try:
        verified = verdict.verify(
            _signed(token), published.keys, expected=expected, now=bounds.floor, latest=published.latest
        )
    except VerificationError as error:
        return Refusal(error.code)
    return VerdictReceived(verified, bounds)


def _judged_code(token: Token, memory: Memory) -> VerdictReceived | Refusal:
    expected, code = _expected(memory, SHOWN, None), _signed(token).encode()
    try:
        verified = unlock_code.verify(code, _listed_keys(), expected=expected, floor=memory.bounds.floor)
    except (VerificationError, unlock_code.CodeError) as error:
        return Refusal(error.code)
    return VerdictReceived(verified)


def _expected(memory: Memory, nonce: str, bounds: TimestampBounds | None) -> verdict.Expected:
    return verdict.Expected(ISSUER, AUDIENCE, THIS_KEY, nonce, memory.serial, memory.policy_floor(bounds))


@cache
def _listed_keys() -> KeySet:
    return KeySet.from_jwks({"keys": [key.public_jwk() for key in KEYS]})


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
        "policy": {"id": "explored", "version": token.policy, "rule": "any"},
        "trust": "affirming",
        **decision,
    }
    key = STRANGER if token.forged else KEYS[token.key]
    return key.sign(Verdict.model_validate(claims))

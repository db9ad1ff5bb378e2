"""The unlock code: a verdict for the challenge on the lock screen, entered without a network. Pure.

The nonce is derived and not stored: it is the same after a reboot, and differs after each verdict. An older code, and
a code that was used before, are therefore rejected.

A code is verified with the fourteen steps of every verdict, with two differences:

- It can be entered at any time until it expires, at most `limits.LIFETIME_MAX` after its issue. Steps 5 and 12 are
  therefore done as on a device that does not know the time: they still compare the token's times with each other and
  with those of its key. Then the lifetime is compared with trusted time here.
- The decision must unlock. A verdict that locks or defers is rejected.
"""

import hmac
from dataclasses import replace
from typing import Final

from agent.core.states import Memory
from agent.verification import verdict
from agent.verification.errors import Code, VerificationError
from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, TimeCertainty, VerifiedVerdict
from wire import limits
from wire.codes import Decision
from wire.unlock import NONCE_LENGTH, UnlockChallenge

UNLOCKING: Final = frozenset({Decision.ALLOW, Decision.NOTICE, Decision.RELEASE})
"""The decisions that unlock a device."""

_LABEL: Final = b"unlock code"


class CodeError(Exception):
    """A verified verdict is not an unlock code. `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


NOT_AN_UNLOCK: Final = "not-an-unlock"


def challenge(memory: Memory, sealing_key: bytes) -> UnlockChallenge | None:
    """The challenge for an unlock code. None before the first verdict, when there is nothing to unlock."""
    if not memory.imei or not memory.jti:
        return None
    nonce = hmac.digest(sealing_key, _LABEL + memory.jti.encode(), "sha256")[:NONCE_LENGTH]
    return UnlockChallenge(memory.imei[:14], nonce)


def verify(code: bytes, keys: KeySet, *, expected: Expected, now: int) -> VerifiedVerdict:
    """The verdict in `code`; white space is ignored. `now` is trusted time in seconds since the epoch.

    `expected.reckoning` is the certainty of `now`. Raises VerificationError, or CodeError if the verdict does not
    unlock.
    """
    timeless = replace(expected, reckoning=TimeCertainty.AT_LEAST)
    token = b"".join(code.split())
    verified = verdict.verify(token, keys, expected=timeless, now=0)
    # Step 12 for a late token: issued before now, as far as that is known, and not expired.
    if verified.claims.exp <= now - limits.SKEW:
        raise VerificationError(Code.EXPIRED)
    if expected.reckoning is TimeCertainty.EXACT and verified.claims.iat > now + limits.SKEW:
        raise VerificationError(Code.ISSUED_IN_FUTURE)
    if verified.decision not in UNLOCKING:
        raise CodeError(NOT_AN_UNLOCK)
    return verified

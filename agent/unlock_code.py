"""The unlock code: a verdict that answers the challenge of the lock screen and comes by hand. Pure.

The nonce is derived and not stored: it is the same after every reboot, and another one after every verdict, by
whichever way that came. An earlier code, or a code that is given twice, therefore answers nothing.

A code takes the fourteen steps of every verdict. Two things differ, because people carry it:

- It may come any time within its life, which is `limits.LIFETIME_MAX` at most, instead of within seconds. Steps 5 and
  12 are therefore taken as by a phone that does not know the time, which still bind the token's times to each
  other and to its key, and then its life is compared with trusted time here.
- It can only better the phone's lot: what would lock, or decide nothing, is no unlock code.
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
"""The decisions that lift a lock."""

_LABEL: Final = b"unlock code"


class CodeError(Exception):
    """A verified verdict is no unlock code. `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


NOT_AN_UNLOCK: Final = "not-an-unlock"


def challenge(memory: Memory, sealing_key: bytes) -> UnlockChallenge | None:
    """What an unlock code must answer now. None for a phone that no verdict has reached: it has no lock to lift."""
    if not memory.imei or not memory.jti:
        return None
    nonce = hmac.digest(sealing_key, _LABEL + memory.jti.encode(), "sha256")[:NONCE_LENGTH]
    return UnlockChallenge(memory.imei[:14], nonce)


def verify(code: bytes, keys: KeySet, *, expected: Expected, now: int) -> VerifiedVerdict:
    """The verdict in `code`, whose white space does not count. `now` is trusted time, seconds since the epoch.

    `expected.reckoning` tells how well `now` is known. Raises VerificationError, or CodeError for a verdict that does
    not unlock.
    """
    timeless = replace(expected, reckoning=TimeCertainty.AT_LEAST)
    token = b"".join(code.split())
    verified = verdict.verify(token, keys, expected=timeless, now=0)
    _check_life(verified, expected.reckoning, now)
    if verified.decision not in UNLOCKING:
        raise CodeError(NOT_AN_UNLOCK)
    return verified


def _check_life(verified: VerifiedVerdict, reckoning: TimeCertainty, now: int) -> None:
    """Step 12 for what arrives late: issued by now, as far as that is known, and not expired."""
    if verified.claims.exp <= now - limits.SKEW:
        raise VerificationError(Code.EXPIRED)
    if reckoning is TimeCertainty.EXACT and verified.claims.iat > now + limits.SKEW:
        raise VerificationError(Code.ISSUED_IN_FUTURE)

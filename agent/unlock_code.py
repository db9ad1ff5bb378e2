"""The unlock code: a verdict for the challenge on the lock screen, entered without a network. Pure.

The nonce is derived and not stored: it is the same after a reboot, and differs after each verdict. An older code, and
a code that was used before, are therefore rejected.

Its key is derived from the sealing key with HKDF-SHA256 (RFC 5869) and a label of its own: the sealing key encrypts
records and nothing else. The first half of a nonce depends on the newest verdict, the second half authenticates the
first. A device thus recognizes the challenges that it showed before, also before a factory reset, and refuses codes for
them by name. The release before this one used the sealing key itself for nonces; its nonce for the newest verdict is
recognized too.

A code is verified with the fourteen steps of every verdict, with two differences:

- It can be entered at any time until it expires, at most `limits.LIFETIME_MAX` after its issue. Steps 5 and 12 compare
  the token's times only with each other and with those of its key. Then its expiry is compared with the floor of
  trusted time here. There is no upper bound, and a code moves neither the floor nor trusted time: its keys come without
  a fresh timestamp.
- The decision must unlock. A verdict that locks or defers is rejected.
"""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.core.states import Memory
from agent.verification import jws, verdict
from agent.verification.claims import read_claims
from agent.verification.errors import Code, VerificationError
from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, VerifiedVerdict
from wire import limits, media
from wire.codes import Decision
from wire.unlock import NONCE_LENGTH, UnlockChallenge

UNLOCKING: Final = frozenset({Decision.ALLOW, Decision.NOTICE, Decision.RELEASE})
"""The decisions that unlock a device."""

_KEY_LABEL: Final = b"activation: key of unlock nonces"
_EARLIER_LABEL: Final = b"unlock code"
"""With which the release before this one derived a nonce from the sealing key."""
_HALF: Final = NONCE_LENGTH // 2
_ENCODED_LENGTH: Final = -(-NONCE_LENGTH * 4 // 3)
_OF_ANOTHER_EXCHANGE: Final = frozenset({Code.KEY_BINDING_MISMATCH, Code.NONCE_MISMATCH})

NOT_AN_UNLOCK: Final = "not-an-unlock"
EARLIER_CHALLENGE: Final = "earlier-challenge"
"""The code is for a challenge that this device showed before its newest verdict, or before an update."""


class CodeError(Exception):
    """A verdict is authentic but not an unlock code for the challenge on the screen. `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class UnlockNonces:
    """The nonces of the device with this sealing key."""

    sealing_key: bytes = field(repr=False)

    def of(self, jti: str) -> bytes:
        """The nonce after the verdict `jti`."""
        first = self._mac(b"verdict " + jti.encode())
        return first + self._mac(b"nonce " + first)

    def is_earlier(self, eat_nonce: str, jti: str) -> bool:
        """Whether this device showed the nonce of a verdict before; `jti` is its newest verdict."""
        if len(eat_nonce) != _ENCODED_LENGTH:  # also of exchanges, whose challenges the server makes
            return False
        nonce = base64.urlsafe_b64decode(eat_nonce + "==")
        if nonce == self.of(jti):
            return False
        first, second = nonce[:_HALF], nonce[_HALF:]
        own = hmac.compare_digest(second, self._mac(b"nonce " + first))
        return own or hmac.compare_digest(nonce, self._of_earlier_release(jti))

    def _of_earlier_release(self, jti: str) -> bytes:
        return hmac.digest(self.sealing_key, _EARLIER_LABEL + jti.encode(), "sha256")[:NONCE_LENGTH]

    def _mac(self, message: bytes) -> bytes:
        key = HKDF(SHA256(), 32, salt=None, info=_KEY_LABEL).derive(self.sealing_key)
        return hmac.digest(key, message, "sha256")[:_HALF]


def challenge(memory: Memory, sealing_key: bytes) -> UnlockChallenge | None:
    """The challenge for an unlock code. None before the first verdict, when there is nothing to unlock."""
    if not memory.imei or not memory.jti:
        return None
    return UnlockChallenge(memory.imei[:14], UnlockNonces(sealing_key).of(memory.jti))


def verify(
    code: bytes,
    keys: KeySet,
    *,
    expected: Expected,
    floor: int,
    is_earlier: Callable[[str], bool] = lambda _: False,
) -> VerifiedVerdict:
    """The verdict in `code`; white space is ignored. `floor` is that of trusted time, in seconds since the epoch.

    `is_earlier` says whether the device showed a nonce before. Raises VerificationError, or CodeError if the verdict
    does not unlock or is for an earlier challenge.
    """
    token = b"".join(code.split())
    try:
        verified = verdict.verify(token, keys, expected=expected, now=0)
    except VerificationError as error:
        # Steps 1 to 9 have passed, so the manufacturer signed the nonce.
        if error.code in _OF_ANOTHER_EXCHANGE and is_earlier(_nonce_in(token, keys)):
            raise CodeError(EARLIER_CHALLENGE) from None
        raise
    if verified.claims.exp <= floor - limits.SKEW:
        raise VerificationError(Code.EXPIRED)
    if verified.decision not in UNLOCKING:
        raise CodeError(NOT_AN_UNLOCK)
    return verified


def _nonce_in(token: bytes, keys: KeySet) -> str:
    """The nonce of an authentic token."""
    time = verdict.time_bounds(0, None)
    return read_claims(jws.open_compact(token, keys, typ=media.VERDICT_TYP, time=time).payload).eat_nonce

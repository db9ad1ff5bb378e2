"""Challenges: nonces that authenticate themselves, so that issuing one needs no storage.

44 characters of base64url for 33 bytes: issue time (5), randomness (12), truncated HMAC-SHA256 over both (16).
33 is a multiple of 3, so the text has no unused bits.
"""

import base64
import binascii
import hmac
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from typing import Final

from server_stub.evidence.errors import EvidenceError
from server_stub.evidence.pseudonyms import KeyedHash
from wire.challenge import Challenge
from wire.codes import ProblemCode
from wire.limits import NONCE_LIFETIME, SKEW

_TIME: Final = 5
_RANDOM: Final = 12
_MAC: Final = 16
_TEXT: Final = (_TIME + _RANDOM + _MAC) // 3 * 4
_LABEL: Final = b"challenge\0"

SPENT_MAX: Final = 8192
NONCE_SPENT: Final = "eat_nonce was spent before; request a new challenge"


@dataclass(frozen=True, slots=True)
class SpendableNonce:
    """A nonce that this server issued and that has not expired. `until` is its expiry in seconds since the epoch."""

    value: bytes
    until: int


class SpentNonces:
    """Nonces that were spent without a verdict, in the memory of this process until they expire.

    Evidence with a wrong signature spends its nonce, so that a signature is checked once for each challenge. A client
    that knows the nonce of another device could spend it anyway, with valid evidence under its own key; the device
    then requests a new challenge. When `most` are stored, the oldest is evicted.
    """

    def __init__(self, most: int = SPENT_MAX) -> None:
        self._most = most
        self._spent: OrderedDict[bytes, int] = OrderedDict()

    def add(self, nonce: SpendableNonce, now: int) -> None:
        """Remember `nonce` until it expires, and forget expired ones."""
        self._spent[nonce.value] = nonce.until
        with suppress(KeyError):  # another thread has taken the last one
            while True:
                oldest, until = self._spent.popitem(last=False)
                if until > now and len(self._spent) < self._most:
                    self._spent[oldest] = until
                    self._spent.move_to_end(oldest, last=False)
                    return

    def check(self, nonce: SpendableNonce) -> None:
        """Raises EvidenceError if `nonce` is spent."""
        if nonce.value in self._spent:
            raise EvidenceError(ProblemCode.CHALLENGE_SPENT, NONCE_SPENT)

    def __len__(self) -> int:
        return len(self._spent)


@dataclass(frozen=True, slots=True)
class Challenger:
    """Issues and recognizes nonces under `key`; `random` returns the given number of random bytes."""

    key: InitVar[bytes]
    random: Callable[[int], bytes]
    _hash: KeyedHash = field(init=False, repr=False)

    def __post_init__(self, key: bytes) -> None:
        object.__setattr__(self, "_hash", KeyedHash(key))

    def issue(self, now: int) -> Challenge:
        """A new challenge, valid from `now`, seconds since the epoch."""
        body = now.to_bytes(_TIME, "big") + self.random(_RANDOM)
        nonce = base64.urlsafe_b64encode(body + self._mac(body)).decode()
        return Challenge(nonce=nonce, expires_in=NONCE_LIFETIME)

    def recognize(self, nonce: str, now: int) -> SpendableNonce:
        """Check the MAC and expiry of `nonce`. Raises EvidenceError: challenge-invalid, challenge-expired."""
        try:
            decoded = base64.b64decode(nonce, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise EvidenceError(ProblemCode.CHALLENGE_INVALID, "eat_nonce is not base64url") from error
        if len(nonce) != _TEXT:
            raise EvidenceError(ProblemCode.CHALLENGE_INVALID, f"eat_nonce does not have {_TEXT} characters")
        body, mac = decoded[:-_MAC], decoded[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise EvidenceError(ProblemCode.CHALLENGE_INVALID, "eat_nonce was not issued by this server")
        issued = int.from_bytes(body[:_TIME], "big")
        if (
            not issued - SKEW <= now < issued + NONCE_LIFETIME
        ):  # the clock of the host that issued it may be ahead
            raise EvidenceError(
                ProblemCode.CHALLENGE_EXPIRED, "eat_nonce has expired; request a new challenge"
            )
        return SpendableNonce(decoded, issued + NONCE_LIFETIME)

    def _mac(self, body: bytes) -> bytes:
        return self._hash.digest(_LABEL + body)[:_MAC]

"""The challenge on the lock screen, which a person reads out or types in.

RFC 4648 base32, in groups of five characters, of 18 bytes: the 14 digits of the IMEI's TAC and serial number as an
integer (6), a nonce (10), and CRC-16/XMODEM of both (2). An unlock code is a verdict with this nonce as `eat_nonce`.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

NONCE_LENGTH: Final = 10
"""Length of the nonce in bytes."""

_IMEI_DIGITS: Final = 14
_IMEI_LENGTH: Final = 6
_CRC_LENGTH: Final = 2
_LENGTH: Final = _IMEI_LENGTH + NONCE_LENGTH + _CRC_LENGTH
_CHARACTERS: Final = -(-_LENGTH * 8 // 5)
_PADDING: Final = "=" * (-_CHARACTERS % 8)
_GROUP: Final = 5
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_MISREAD: Final = str.maketrans("018", "OIB")
_TEXT_MAX: Final = 256


class ChallengeFault(StrEnum):
    """Why a text is not a challenge."""

    CHARACTER = "challenge-character"
    """A character that is not in the alphabet of challenges."""
    LENGTH = "challenge-length"
    """Too few or too many characters."""
    CHECKSUM = "challenge-checksum"
    """The checksum does not match: a character is wrong, or two characters are swapped."""
    NOT_CANONICAL = "challenge-not-canonical"
    """Unused bits of the last character are set."""
    IMEI = "challenge-imei"
    """The encoded number has more than 14 digits."""


_ADVICE: Final = {
    ChallengeFault.CHARACTER: "use only letters and the digits 2 to 7; read it again from the lock screen",
    ChallengeFault.LENGTH: f"it needs {_CHARACTERS} characters, not counting spaces and hyphens; read it again",
    ChallengeFault.CHECKSUM: "a character is wrong; read it again from the lock screen",
    ChallengeFault.NOT_CANONICAL: "its last character is wrong; read it again from the lock screen",
    ChallengeFault.IMEI: "it contains no IMEI, so it is not from a lock screen",
}


class ChallengeError(ValueError):
    """A text is not a challenge of a lock screen. `fault` is stable."""

    def __init__(self, fault: ChallengeFault) -> None:
        super().__init__(f"{fault}: {_ADVICE[fault]}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class UnlockChallenge:
    """The first 14 digits of a device's IMEI (3GPP TS 23.003 clause 6.2.1) and its nonce of 10 bytes.

    >>> text = UnlockChallenge("49015420323751", bytes(10)).text()
    >>> text
    'FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY'
    >>> UnlockChallenge.parse(text.lower().replace("-", " ")).imei14
    '49015420323751'
    """

    imei14: str = field(repr=False)
    nonce: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(f"[0-9]{{{_IMEI_DIGITS}}}", self.imei14, re.ASCII):
            raise ChallengeError(ChallengeFault.IMEI)
        if len(self.nonce) != NONCE_LENGTH:
            raise ValueError(f"the nonce of a challenge has {NONCE_LENGTH} bytes, not {len(self.nonce)}")

    @property
    def eat_nonce(self) -> str:
        """The nonce as in the verdict: base64url without padding, 14 characters."""
        return base64.urlsafe_b64encode(self.nonce).rstrip(b"=").decode()

    def text(self) -> str:
        """The challenge as shown on the lock screen."""
        body = int(self.imei14).to_bytes(_IMEI_LENGTH, "big") + self.nonce
        letters = base64.b32encode(body + _checksum(body)).decode()[:_CHARACTERS]
        return "-".join(letters[start : start + _GROUP] for start in range(0, _CHARACTERS, _GROUP))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse typed text. Ignores case, spaces and hyphens, and reads 0, 1, 8 as O, I, B.

        Raises ChallengeError, which contains no part of `text`.
        """
        decoded = _decode(text)
        body, check = decoded[:-_CRC_LENGTH], decoded[-_CRC_LENGTH:]
        if check != _checksum(body):
            raise ChallengeError(ChallengeFault.CHECKSUM)
        digits = str(int.from_bytes(body[:_IMEI_LENGTH], "big"))
        return cls(digits.zfill(_IMEI_DIGITS), body[_IMEI_LENGTH:])


def _decode(text: str) -> bytes:
    """The bytes that the text encodes. Accepts only the canonical base32 of these bytes."""
    if len(text) > _TEXT_MAX:
        raise ChallengeError(ChallengeFault.LENGTH)
    letters = "".join(text.split()).replace("-", "")
    letters = letters.upper().translate(_MISREAD) if letters.isascii() else letters
    if not _ALPHABET.issuperset(letters):
        raise ChallengeError(ChallengeFault.CHARACTER)
    if len(letters) != _CHARACTERS:
        raise ChallengeError(ChallengeFault.LENGTH)
    decoded = base64.b32decode(letters + _PADDING)
    if base64.b32encode(decoded).decode()[:_CHARACTERS] != letters:
        raise ChallengeError(ChallengeFault.NOT_CANONICAL)
    return decoded


def _checksum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(_CRC_LENGTH, "big")

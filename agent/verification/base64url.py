"""base64url without padding (RFC 4648 section 5, RFC 7515 section 2), in its one canonical spelling.

Canonical means that re-encoding gives the same characters: unused trailing bits are zero (RFC 4648
section 3.5), so that no two spellings decode to the same octets.
"""

import binascii
from typing import Final

ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_PADDING: Final = (b"", b"", b"==", b"=")
_STANDARD: Final = ALPHABET.translate(_TO_STANDARD)
_LAST: Final = (_STANDARD, b"", _STANDARD[::16], _STANDARD[::4])
"""By length modulo four: what pads the text, and which last characters leave no bit unused."""


def decode(text: bytes) -> bytes | None:
    """The octets, or None where `text` is empty, has other characters, or is not canonical.

    >>> decode(b"AQ"), decode(b"AR"), decode(b"AQ==")
    (b'\\x01', None, None)
    """
    return None if text.translate(None, ALPHABET) else decode_standard(to_standard(text))


def to_standard(text: bytes) -> bytes:
    """The same text in the alphabet that `binascii` reads. Other characters, a full stop say, stay as they are."""
    return text.translate(_TO_STANDARD)


def decode_standard(text: bytes) -> bytes | None:
    """Like `decode`, for `text` that came out of `to_standard` and had no character outside of the alphabet."""
    remainder = len(text) % 4
    if not text or text[-1] not in _LAST[remainder]:
        return None
    return binascii.a2b_base64(text + _PADDING[remainder])

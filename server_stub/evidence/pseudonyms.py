"""Keyed pseudonyms in place of identifiers: HMAC-SHA256 (RFC 2104) under a key of the server.

IMEIs are few enough to enumerate, so an unkeyed hash would be reversible.
"""

import base64
import hmac
from dataclasses import InitVar, dataclass, field
from typing import Final

UNATTESTED: Final = "u-"
"""How the pseudonym of an unattested device begins."""

_LENGTH: Final = 16


class KeyedHash:
    """HMAC-SHA256 (RFC 2104) under one key, which is prepared once; `hmac.digest` prepares it for every message."""

    __slots__ = ("_prepared",)

    def __init__(self, key: bytes) -> None:
        self._prepared = hmac.new(key, digestmod="sha256")

    def digest(self, message: bytes) -> bytes:
        """The 32 bytes of the code of `message`."""
        code = self._prepared.copy()
        code.update(message)
        return code.digest()


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Derives pseudonyms under `key`, at least 32 bytes. Pseudonyms of different kinds never coincide."""

    key: InitVar[bytes]
    _hash: KeyedHash = field(init=False, repr=False)

    def __post_init__(self, key: bytes) -> None:
        object.__setattr__(self, "_hash", KeyedHash(key))

    def device(self, imei: str) -> str:
        """`sub` of an attested device, by TAC and serial number, the first 14 digits of its IMEI."""
        return f"d-{self._name('device', imei[:14])}"

    def unattested(self, thumbprint: str) -> str:
        """`sub` of an unattested device, which is identified only by its key and not by its claims."""
        return f"{UNATTESTED}{self._name('stranger', thumbprint)}"

    def value(self, kind: str, identifier: str) -> str:
        """An identifier of `kind`, such as `iccid`, as recorded."""
        return self._name(f"value {kind}", identifier)

    def case(self, sub: str) -> str:
        """The case number that a user quotes to support; it never changes for a device.

        >>> len(Pseudonyms(bytes(32)).case("d-0"))
        15
        """
        digest = self._hash.digest(f"case\0{sub}".encode())
        letters = base64.b32encode(digest[:10]).decode()
        return f"SLV-{letters[:5]}-{letters[5:10]}"

    def _name(self, kind: str, identifier: str) -> str:
        return self._hash.digest(f"{kind}\0{identifier}".encode())[:_LENGTH].hex()

"""Names that the server keeps in place of identifiers: HMAC-SHA256 under a key of its own (RFC 2104).

Without the key nobody can tell which IMEI a name stands for, though there are few enough IMEIs to try them all.
"""

import base64
import hmac
from dataclasses import dataclass, field
from typing import Final

_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Derives names under `key`, at least 32 octets. Names of different kinds never coincide."""

    key: bytes = field(repr=False)

    def device(self, imei: str) -> str:
        """`sub` of an attested phone, by TAC and serial number, the first 14 digits of its IMEI."""
        return f"d-{self._name('device', imei[:14])}"

    def stranger(self, thumbprint: str) -> str:
        """`sub` of an unattested phone: it is its key and nothing else, whatever it claims to be."""
        return f"u-{self._name('stranger', thumbprint)}"

    def value(self, kind: str, identifier: str) -> str:
        """An identifier of `kind`, such as `iccid`, as it is recorded."""
        return self._name(f"value {kind}", identifier)

    def case(self, sub: str) -> str:
        """The number that a user quotes to support; one for a device, for good.

        >>> len(Pseudonyms(bytes(32)).case("d-0"))
        15
        """
        digest = hmac.digest(self.key, f"case\0{sub}".encode(), "sha256")
        letters = base64.b32encode(digest[:10]).decode()
        return f"SLV-{letters[:5]}-{letters[5:10]}"

    def _name(self, kind: str, identifier: str) -> str:
        return hmac.digest(self.key, f"{kind}\0{identifier}".encode(), "sha256")[:_LENGTH].hex()

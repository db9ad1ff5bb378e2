"""The private keys that a server signs with, in the order of preference."""

from collections.abc import Sequence

from server_stub.signing.signing_key import SigningKey


class Keyring:
    """Signing keys. A successor comes before the key that it replaces, so it is used as soon as it may sign."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self._keys = tuple(keys)

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All keys, the preferred first."""
        return self._keys

    def key(self, kid: str) -> SigningKey | None:
        """The key with this name, None if there is none."""
        return next((key for key in self._keys if key.kid == kid), None)

    def succeed(self, kid: str, successor: SigningKey) -> None:
        """Insert `successor` before the key `kid`. Raises ValueError if there is no such key."""
        place = [key.kid for key in self._keys].index(kid)
        self._keys = (*self._keys[:place], successor, *self._keys[place:])

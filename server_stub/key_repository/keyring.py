"""The private keys that a server signs with, in the order in which it prefers them."""

from collections.abc import Sequence

from server_stub.signing.signing_key import SigningKey


class Keyring:
    """Holds signing keys. A successor stands before the key that it follows, so that it takes over once it may sign."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self._keys = tuple(keys)

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All keys, the preferred first."""
        return self._keys

    def key(self, kid: str) -> SigningKey | None:
        """The key of that name."""
        return next((key for key in self._keys if key.kid == kid), None)

    def succeed(self, kid: str, successor: SigningKey) -> None:
        """Put `successor` before the key called `kid`. Raises ValueError where there is none of that name."""
        place = [key.kid for key in self._keys].index(kid)
        self._keys = (*self._keys[:place], successor, *self._keys[place:])

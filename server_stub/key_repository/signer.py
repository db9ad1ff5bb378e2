"""The private keys of a server, and signing verdicts with one that the repository lists."""

from collections.abc import Callable, Sequence
from typing import Final

from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from server_stub.key_repository.key_list import KeyList
from server_stub.signing.signing_key import SigningKey
from wire.verdict import Verdict


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

    def beginning(self, listed: KeyList, now: int) -> KeyList:
        """`listed`, in which for each algorithm of these keys one may sign at `now`, if a listed one begins later.

        A wrong clock may have removed the predecessor of a key too early.
        """
        for algorithm in dict.fromkeys(key.algorithm for key in self._keys):
            own = [key.kid for key in self._keys if key.algorithm is algorithm]
            begun = (
                listed.beginning(key["kid"], now) for kid in own for key in listed.keys if key["kid"] == kid
            )
            if not any(listed.may_sign(kid, now) for kid in own):
                listed = next((each for each in begun if any(each.may_sign(kid, now) for kid in own)), listed)
        return listed


class VerdictSigner:
    """Signs with the first of its keys that the published list allows to sign now.

    `listed` returns the published list, `clock` seconds since the epoch. A `Keyring` is read for each verdict.
    """

    def __init__(
        self, keys: Sequence[SigningKey] | Keyring, listed: Callable[[], KeyList], clock: Callable[[], int]
    ) -> None:
        self._keys: Final = keys if isinstance(keys, Keyring) else Keyring(keys)
        self._listed: Final = listed
        self._clock: Final = clock

    @property
    def key(self) -> SigningKey:
        """The key that signs now. Raises KeyRepositoryError if no key may."""
        signing = self._listed().signing(self._clock())
        for key in self._keys.keys:
            if key.kid in signing:
                return key
        raise KeyRepositoryError(
            RepositoryFault.NO_ACTIVE_KEY,
            "none of the server's keys is listed as active now; publish one of them, or give the server a listed one",
        )

    def sign(self, verdict: Verdict) -> str:
        """The token. Raises KeyRepositoryError if no key may sign."""
        return self.key.sign(verdict)

"""The private keys of a server, and the one that signs verdicts according to the published list."""

from collections.abc import Callable, Sequence
from typing import Final

from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from server_stub.key_repository.key_list import KeyList
from server_stub.signing.signing_key import SigningKey
from server_stub.store.reading import Reading


class Keyring:
    """Signing keys, the preferred first. A successor comes before the key that it replaces, so it is used as soon as it
    may sign.
    """

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self.keys: Final = tuple(keys)

    def key(self, kid: str) -> SigningKey | None:
        """The key with this name, None if there is none."""
        return next((key for key in self.keys if key.kid == kid), None)

    def beginning(self, listed: KeyList, now: int) -> KeyList:
        """`listed`, in which for each algorithm of these keys one may sign at `now`, if a listed one begins later.

        A wrong clock may have removed the predecessor of a key too early.
        """
        for algorithm in dict.fromkeys(key.algorithm for key in self.keys):
            own = [key.kid for key in self.keys if key.algorithm is algorithm]
            begun = (
                listed.beginning(key["kid"], now) for kid in own for key in listed.keys if key["kid"] == kid
            )
            if not any(listed.may_sign(kid, now) for kid in own):
                listed = next((each for each in begun if any(each.may_sign(kid, now) for kid in own)), listed)
        return listed


class VerdictSigner:
    """Chooses the first of its keys that the published list allows to sign now.

    `keys` are fixed, or follow from the list; `published` returns the list that is current in a reading; `clock`
    returns seconds since the epoch.
    """

    def __init__(
        self,
        keys: Sequence[SigningKey] | Callable[[KeyList], Keyring],
        published: Callable[[Reading], KeyList],
        clock: Callable[[], int],
    ) -> None:
        self._keyring: Final = keys if callable(keys) else lambda _: Keyring(keys)
        self._published: Final = published
        self._clock: Final = clock
        self._known: tuple[KeyList, Keyring] | None = None

    def key(self, reading: Reading) -> SigningKey:
        """The key that signs now. In a transaction it may sign until the transaction ends, and then no longer.

        Raises KeyRepositoryError if no key may.
        """
        listed, known = self._published(reading), self._known
        if known is None or known[0] is not listed:
            self._known = known = listed, self._keyring(listed)
        signing = listed.signing(self._clock())
        for key in known[1].keys:
            if key.kid in signing:
                return key
        raise KeyRepositoryError(
            RepositoryFault.NO_ACTIVE_KEY,
            "none of the server's keys is listed as active now; publish one of them, or give the server a listed one",
        )

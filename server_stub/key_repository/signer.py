"""Signing verdicts with a key that the repository lists."""

from collections.abc import Callable, Sequence
from typing import Final

from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from server_stub.key_repository.key_list import KeyList
from server_stub.key_repository.keyring import Keyring
from server_stub.signing.signing_key import SigningKey
from wire.verdict import Verdict


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

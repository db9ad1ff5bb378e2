"""Verdict keys in the firmware image."""

from collections.abc import Callable, Mapping

from agent.ports import KeySourceError
from agent.repeats import without_limit
from agent.verification.keyset import KeySet


class PinnedKeys:
    """A JWK Set (RFC 7517) in the image."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document

    def keys(self, _now: int, _in_time: Callable[[], bool] = without_limit) -> KeySet:
        """The usable keys of the set. Raises KeySourceError if there is none."""
        keys = KeySet.from_jwks(self._document)
        if not keys.keys:
            raise KeySourceError("no-usable-key", "the image pins no key that can verify verdicts")
        return keys

    def cached_keys(self) -> KeySet:
        """The same keys, which are always available. Raises KeySourceError."""
        return self.keys(0)

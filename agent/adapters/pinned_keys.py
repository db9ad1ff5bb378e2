"""Verdict keys in the firmware image. They come without a timestamp, so they set no bounds of the time."""

from collections.abc import Callable, Mapping

from agent.ports import KeySourceError, PublishedKeys
from agent.repeats import without_limit
from agent.verification.bounds import TimestampBounds
from agent.verification.keyset import KeySet


class PinnedKeys:
    """A JWK Set (RFC 7517) in the image."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document

    def keys(self, known: TimestampBounds, _in_time: Callable[[], bool] = without_limit) -> PublishedKeys:
        """The usable keys of the set, with `known` and no ceiling. Raises KeySourceError if there is none."""
        return PublishedKeys(self.cached_keys(), known, None)

    def cached_keys(self) -> KeySet:
        """The same keys, which are always available. Raises KeySourceError."""
        keys = KeySet.from_jwks(self._document)
        if not keys.keys:
            raise KeySourceError("no-usable-key", "the image pins no key that can verify verdicts")
        return keys

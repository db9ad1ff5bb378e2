"""Verdict keys that the firmware image carries."""

from collections.abc import Mapping

from agent.ports import KeySourceError
from agent.verification.keyset import KeySet


class PinnedKeys:
    """A JWK Set (RFC 7517) that came with the image."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document

    def keys(self, _now: int) -> KeySet:
        """The keys that are fit for verifying verdicts. Raises KeySourceError where there is none."""
        keys = KeySet.from_jwks(self._document)
        if not keys.keys:
            raise KeySourceError("no-usable-key", "the image pins no key that is fit for verifying verdicts")
        return keys

    def cached_keys(self) -> KeySet:
        """The same keys: the image always has them. Raises KeySourceError."""
        return self.keys(0)

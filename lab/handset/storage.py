"""The state partition of an emulated phone, in memory: `agent.ports.SealedStore` without a disk."""


class EmulatedStore:
    """One file that is replaced as a whole. A factory reset erases it."""

    def __init__(self, content: bytes | None = None) -> None:
        self._content = content

    def read(self) -> bytes | None:
        """The content, or None where there is none."""
        return self._content

    def write(self, content: bytes) -> None:
        """Replace the content."""
        self._content = content

    def erase(self) -> None:
        """What a factory reset does."""
        self._content = None

"""What can be wrong with a key repository, by name."""

from enum import StrEnum


class RepositoryFault(StrEnum):
    """Stable codes."""

    NOT_A_REPOSITORY = "not-a-repository"
    """The folder holds something else, or files that no publishing of this server leaves behind."""
    IN_USE = "in-use"
    """Another server publishes from the folder."""
    ROOT_FOREIGN = "root-foreign"
    """The folder was made under another root."""
    ROOT_REFUSED = "root-refused"
    """A root is not signed by both thresholds, not the next version, or not made for this repository."""
    ONLINE_KEYS_FOREIGN = "online-keys-foreign"
    """The online keys at hand are not those that the root names."""
    KEY_UNKNOWN = "key-unknown"
    """No verdict key of that name is listed."""
    KEY_LISTED = "key-listed"
    """A verdict key of that name is listed already."""
    KEY_RETIRED = "key-retired"
    """The verdict key does not sign any more, or has a successor already."""
    KEY_MALFORMED = "key-malformed"
    """A verdict key is no public JWK with a name, or its times leave it no life."""
    NO_ACTIVE_KEY = "no-active-key"
    """The list would leave the server without a key that may sign."""
    UNWRITABLE = "unwritable"
    """A file could not be written; what was published before stands."""


class KeyRepositoryError(Exception):
    """`fault` is stable; `detail` says what, where and what to do, and names no secret."""

    def __init__(self, fault: RepositoryFault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail

"""The errors of a key repository."""

from enum import StrEnum


class RepositoryFault(StrEnum):
    """Stable codes."""

    NOT_A_REPOSITORY = "not-a-repository"
    """The database or the folder contains an inconsistent set of files, or the folder something else."""
    ROOT_FOREIGN = "root-foreign"
    """The repository was created under another root."""
    ROOT_REFUSED = "root-refused"
    """A root is not signed by both thresholds, is not the next version, or is for another repository."""
    ONLINE_KEYS_FOREIGN = "online-keys-foreign"
    """The server's online keys are not those that the root names."""
    KEY_UNKNOWN = "key-unknown"
    """No verdict key with this name is listed."""
    KEY_LISTED = "key-listed"
    """A verdict key with this name is already listed."""
    KEY_RETIRED = "key-retired"
    """The verdict key no longer signs, or already has a successor."""
    KEY_MALFORMED = "key-malformed"
    """A verdict key is not a public JWK with a name, or has no time in which it could sign."""
    NO_ACTIVE_KEY = "no-active-key"
    """The list would leave the server without a key that may sign."""
    VERSIONS_USED_UP = "versions-used-up"
    """The name of a file has no more digits for a higher version."""
    UNWRITABLE = "unwritable"
    """A root could not be written to the folder, or a file not read from it."""


class KeyRepositoryError(Exception):
    """`fault` is stable; `detail` says what, where and what to do, without secrets."""

    def __init__(self, fault: RepositoryFault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail

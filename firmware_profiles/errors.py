"""The error of profiles, with a stable code, the file, the line and the key."""

from text_input.documents import DocumentError, DocumentKind


class ProfileError(DocumentError):
    """A profile cannot be used."""

    kind = DocumentKind.PROFILE

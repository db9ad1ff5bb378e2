"""The error of policy documents, for the person who wrote one."""

from text_input.documents import DocumentError, DocumentKind


class PolicyError(DocumentError):
    """A policy document is not valid."""

    kind = DocumentKind.POLICY

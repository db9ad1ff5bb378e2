"""Why the store did not do what it was asked."""


class NonceSpentError(Exception):
    """The nonce was spent before."""


class StoreUnavailableError(Exception):
    """The store cannot be read or written now."""


class SchemaError(StoreUnavailableError):
    """The database is not one that this server can use: another program's, or a newer server's."""


class PolicyFixedError(Exception):
    """A version of a policy that has been in force stays as it was; a change needs a higher version."""


class CursorError(ValueError):
    """A page was asked for after what no page ended with."""

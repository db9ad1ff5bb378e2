"""The admin token, which authorises operators. The store keeps its hash; the token itself is shown once.

A token has 256 random bits, so one round of SHA-256 suffices: it cannot be found by guessing.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server_stub.store.records import AuditEntry
from server_stub.store.transaction import Store, Transaction

FIRST_NAME: Final = "operator"
"""The name of the first token."""

TOKEN_MAX: Final = 256
"""The longest token, in characters."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TOKEN: Final = re.compile(rf"{_NAME.pattern}\.[A-Za-z0-9_-]{{32,200}}")
_LENGTH: Final = 32


class TokenNameError(ValueError):
    """The name cannot be used in audit entries."""

    def __init__(self) -> None:
        super().__init__(
            "a token's name has 1 to 32 lowercase letters, digits and hyphens, and begins with a letter"
        )


def make_token(name: str, secret: bytes) -> str:
    """The token of `name`, an ASCII word that HTTP accepts as a bearer token (RFC 6750 section 2.1).

    Raises TokenNameError.

    >>> make_token("alice", bytes(32))[:12]
    'alice.AAAAAA'
    """
    if not _NAME.fullmatch(name):
        raise TokenNameError
    return f"{name}.{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"


class TokenFormError(ValueError):
    """The text is no token. The message does not repeat it."""

    def __init__(self) -> None:
        super().__init__(
            "holds no token: a name of lowercase letters, a dot, and 32 to 200 random letters, digits, - and _"
        )


def check_token(text: str) -> str:
    """`text` if it is a token, also one that an operator made. Raises TokenFormError."""
    if not _TOKEN.fullmatch(text):
        raise TokenFormError
    return text


@dataclass(frozen=True, slots=True)
class AdminTokens:
    """Creates and checks the token. There is one at a time; a new one replaces it in every process immediately.

    `random` returns the given number of random bytes. Every method raises StoreUnavailableError.
    """

    store: Store
    clock: Callable[[], int]
    random: Callable[[int], bytes]

    def first(self, name: str = FIRST_NAME) -> str | None:
        """A new token, or None if there is one already."""
        token = make_token(name, self.random(_LENGTH))
        with self.store.transaction() as transaction:
            if transaction.admin_token_hash() is not None:
                return None
            self._put(transaction, token, by=name, action="token.create", reason="first start of the server")
        return token

    def rotate(self, name: str, *, reason: str, by: str) -> str:
        """Replace the token, which becomes invalid immediately, by a new one. Raises TokenNameError."""
        token = make_token(name, self.random(_LENGTH))
        self.adopt(token, reason=reason, by=by)
        return token

    def adopt(self, token: str, *, reason: str, by: str) -> None:
        """Replace the token by `token`, which `make_token` made."""
        with self.store.transaction() as transaction:
            self._put(transaction, token, by=by, action="token.rotate", reason=reason)

    def actor(self, token: str) -> str | None:
        """The name in `token`, None if it is not the current one. Takes the same time in both cases."""
        with self.store.reading() as reading:
            known = reading.admin_token_hash() or ""
        name, _, digest = known.partition(":")
        return name if hmac.compare_digest(_digest(token), digest) else None

    def _put(self, transaction: Transaction, token: str, *, by: str, action: str, reason: str) -> None:
        name = token.partition(".")[0]
        transaction.set_admin_token_hash(f"{name}:{_digest(token)}")
        transaction.append_audit(AuditEntry(self.clock(), by, action, name, reason, {}))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

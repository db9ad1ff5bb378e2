"""The admin token: who may operate the server. The store keeps a hash; the token itself is shown once, when it is made.

A token has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server_stub.store.records import AuditEntry, Store, Transaction

FIRST_NAME: Final = "operator"
"""Who the first token is for."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_OCTETS: Final = 32


class TokenNameError(ValueError):
    """A name that audit entries cannot carry."""

    def __init__(self) -> None:
        super().__init__(
            "a token's name has 1 to 32 small letters, digits and hyphens, and begins with a letter"
        )


def make_token(name: str, octets: bytes) -> str:
    """The token of `name`, an ASCII word that HTTP takes as a bearer token (RFC 6750 section 2.1).

    Raises TokenNameError.

    >>> make_token("alice", bytes(32))[:12]
    'alice.AAAAAA'
    """
    if not _NAME.fullmatch(name):
        raise TokenNameError
    return f"{name}.{base64.urlsafe_b64encode(octets).rstrip(b'=').decode()}"


@dataclass(frozen=True, slots=True)
class AdminTokens:
    """Makes the token and knows it again. There is one at a time; a new one replaces it, in every process at once.

    `random` gives as many random octets as it is asked for. Every method raises StoreUnavailableError.
    """

    store: Store
    clock: Callable[[], int]
    random: Callable[[int], bytes]

    def first(self, name: str = FIRST_NAME) -> str | None:
        """A token where there is none yet, None where somebody has one."""
        token = make_token(name, self.random(_OCTETS))
        with self.store.transaction() as transaction:
            if transaction.admin_token_hash() is not None:
                return None
            self._keep(transaction, token, by=name, action="token.create", reason="first start of the server")
        return token

    def rotate(self, name: str, *, reason: str, by: str) -> str:
        """A new token in place of any other, which ends at once. Raises TokenNameError."""
        token = make_token(name, self.random(_OCTETS))
        self.adopt(token, reason=reason, by=by)
        return token

    def adopt(self, token: str, *, reason: str, by: str) -> None:
        """Let `token`, which `make_token` made, be the one."""
        with self.store.transaction() as transaction:
            self._keep(transaction, token, by=by, action="token.rotate", reason=reason)

    def actor(self, token: str) -> str | None:
        """The name of the token's holder, None for a token that is not the one. Takes the same time for each."""
        with self.store.reading() as reading:
            known = reading.admin_token_hash() or ""
        name, _, digest = known.partition(":")
        return name if hmac.compare_digest(_digest(token), digest) else None

    def _keep(self, transaction: Transaction, token: str, *, by: str, action: str, reason: str) -> None:
        name = token.partition(".")[0]
        transaction.set_admin_token_hash(f"{name}:{_digest(token)}")
        transaction.append_audit(AuditEntry(self.clock(), by, action, name, reason, {}))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

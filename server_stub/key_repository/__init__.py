"""The TUF repository from which devices learn the keys that may sign verdicts.

An offline root with a threshold of 2 of 3 (`ceremony`) names four online roles: timestamp, snapshot, targets, and
the delegated role that lists the verdict keys. `KeyRepository` publishes from the server's store; `VerdictSigner`
chooses a listed key.
"""

from server_stub.key_repository.ceremony import RootKeys, first_root, next_root
from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from server_stub.key_repository.files import TIMESTAMP
from server_stub.key_repository.key_list import KeyList, ListedKeyStatus
from server_stub.key_repository.reading import names_keys, signed_at
from server_stub.key_repository.repository import InitialContents, KeyRepository
from server_stub.key_repository.roles import Lifetimes, OnlineKeys, OnlineRole
from server_stub.key_repository.signer import Keyring, VerdictSigner

__all__ = [
    "TIMESTAMP",
    "InitialContents",
    "KeyList",
    "KeyRepository",
    "KeyRepositoryError",
    "Keyring",
    "Lifetimes",
    "ListedKeyStatus",
    "OnlineKeys",
    "OnlineRole",
    "RepositoryFault",
    "RootKeys",
    "VerdictSigner",
    "first_root",
    "names_keys",
    "next_root",
    "signed_at",
]

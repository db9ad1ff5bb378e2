"""The policy in force, read from the store once for each of its revisions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server_stub.policy.policy import Period, Policy
from server_stub.store.reading import Reading
from server_stub.store.records import AuditEntry, InForce, PolicyVersion
from server_stub.store.transaction import Transaction

SERVER: Final = "server"
"""The actor in audit entries about what the server does itself."""

_FIRST: Final = "the policy of the server at its first start"


class PolicyInForce:
    """Caches the policy in force. `started_with` is put in force if the store has none.

    A policy or campaign that another process changes takes effect with the next call.
    """

    def __init__(self, started_with: Policy, clock: Callable[[], int]) -> None:
        self._started_with = started_with
        self._clock = clock
        self._known: tuple[int, Policy] | None = None  # by revision of the store

    def establish(self, transaction: Transaction) -> Policy:
        """The policy in force. If there is none, `started_with` is put in force, with an audit entry."""
        if self._known is None:
            transaction.begin_policy_change()  # other processes may start now
        if self._known is None and transaction.in_force() is None:
            put_in_force(transaction, self._started_with, AuditNote(self._clock(), SERVER, _FIRST))
            return self._load(transaction)  # not cached: the transaction may be rolled back
        return self.read(transaction)

    def read(self, reading: Reading) -> Policy:
        """The policy in force."""
        revision = reading.revision()
        known = self._known
        if known is None or known[0] != revision:
            self._known = known = (revision, self._load(reading))
        return known[1]

    def _load(self, reading: Reading) -> Policy:
        return loaded(reading) or self._started_with.during(declared(reading))


@dataclass(frozen=True, slots=True)
class AuditNote:
    """When something was done, by which actor and why."""

    at: int
    by: str
    reason: str


def loaded(reading: Reading) -> Policy | None:
    """The policy in force, with the campaign periods that operators declared."""
    entry = reading.in_force()
    version = reading.policy(entry.policy_id, entry.version) if entry else None
    if version is None:
        return None
    return Policy.parse(version.text, f"{version.id}-{version.version}.toml").during(declared(reading))


def declared(reading: Reading) -> dict[str, Period]:
    """The campaign periods that operators declared."""
    return {each.id: Period(each.begins, each.ends) for each in reading.campaigns()}


def put_in_force(
    transaction: Transaction, policy: Policy, note: AuditNote, action: str = "policy.in-force"
) -> InForce:
    """Store the text of `policy`, put it in force from now on, and append an audit entry. Raises PolicyFixedError."""
    document, before = policy.document, transaction.in_force()
    known = transaction.policy(document.id, document.version)
    if known is None or known.text != policy.text:
        transaction.put_policy(PolicyVersion(document.id, document.version, policy.text, note.at, note.by))
    entry = InForce(document.id, document.version, note.at, note.by, note.reason)
    transaction.put_in_force(entry)
    details = {"before": f"{before.policy_id}/{before.version}" if before else None}
    name = f"{document.id}/{document.version}"
    transaction.append_audit(AuditEntry(note.at, note.by, action, name, note.reason, details))
    return entry

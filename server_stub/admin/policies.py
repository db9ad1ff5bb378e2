"""Administration of policies and campaigns. The audit log records who did what, when and why.

Devices reject verdicts of a policy with a lower version than one they have seen. So a policy that is put in force has
no lower version than any before it, and a roll-back issues the older text again under a higher version.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server_stub.admin.policy_simulation import LISTED_MAX, PolicySimulation, simulate
from server_stub.policy.document import CampaignState
from server_stub.policy.policy import Period, Policy
from server_stub.store.reading import Reading
from server_stub.store.records import AuditEntry, CampaignPeriod, InForce, PolicyFixedError, PolicyVersion
from server_stub.store.transaction import Store, Transaction
from server_stub.verdicts.policy_in_force import AuditNote, loaded, put_in_force
from text_input.suggestions import nearest_words, suggestion
from text_input.toml import TomlPositions

_VERSION: Final = re.compile(r"""^(\s*["']?version["']?\s*=\s*)[^\s#]+""")
_DRAFT: Final = "draft.toml"


class PolicyFault(StrEnum):
    """Why an operation was rejected. Stable."""

    POLICY_UNKNOWN = "policy-unknown"
    VERSION_FIXED = "version-fixed"
    VERSION_TOO_LOW = "version-too-low"
    NOTHING_BEFORE = "nothing-before"
    CAMPAIGN_UNKNOWN = "campaign-unknown"
    CAMPAIGN_RUNNING = "campaign-running"
    CAMPAIGN_NOT_RUNNING = "campaign-not-running"


class PolicyAdminError(ValueError):
    """The operation is not possible. `fault` is stable, `advice` says what is wrong and what to do."""

    def __init__(self, fault: PolicyFault, advice: str) -> None:
        super().__init__(f"{fault}: {advice}")
        self.fault = fault
        self.advice = advice


@dataclass(frozen=True, slots=True)
class PolicyAdmin:
    """Every write is one transaction with its audit entry, which records the actor `by` and the `reason`.

    Raises PolicyAdminError, PolicyError for a document that cannot be used, and StoreUnavailableError.
    """

    store: Store
    clock: Callable[[], int]

    def put(self, text: str, by: str, reason: str) -> PolicyVersion:
        """Store a draft under the id and version in the document. It is not in force yet.

        A version that has been in force cannot be changed.
        """
        document = Policy.parse(text, _DRAFT).document
        version = PolicyVersion(document.id, document.version, text, self.clock(), by)
        with self.store.transaction() as transaction:
            known = transaction.policy(version.id, version.version)
            try:
                transaction.put_policy(version)
            except PolicyFixedError as error:
                raise _fixed(version.id, version.version) from error
            details = {"etag": version.etag, "replaces": known.etag if known else None}
            transaction.append_audit(
                AuditEntry(version.put_at, by, "policy.put", _name(version), reason, details)
            )
        return version

    def list(self) -> tuple[PolicyVersion, ...]:
        """All versions of all policies, by id and version."""
        with self.store.reading() as reading:
            return reading.policies()

    def get(self, policy_id: str, version: int) -> PolicyVersion:
        """One version of a policy."""
        with self.store.reading() as reading:
            return _known(reading, policy_id, version)

    def in_force(self) -> InForce | None:
        """The policy version in force, None if none was ever put in force."""
        with self.store.reading() as reading:
            return reading.in_force()

    def history(self) -> tuple[InForce, ...]:
        """Every policy version that was put in force, oldest first."""
        with self.store.reading() as reading:
            return reading.in_force_history()

    def simulate(
        self, text: str, *, source: str = _DRAFT, max_listed: int | None = LISTED_MAX
    ) -> PolicySimulation:
        """The effect of this document on the devices in the store, see `server_stub.admin.policy_simulation`."""
        with self.store.reading() as reading:
            return simulate(reading, Policy.parse(text, source), self.clock(), max_listed=max_listed)

    def put_in_force(self, policy_id: str, version: int, by: str, reason: str) -> InForce:
        """Put this version in force from the next request on, in every process on this store."""
        with self._change() as transaction:
            known = _known(transaction, policy_id, version)
            return self._put_in_force(transaction, Policy.parse(known.text, _name(known)), by, reason)

    def adopt(self, policy: Policy, by: str, reason: str) -> InForce:
        """Store a policy and put it in force, unless it is in force already."""
        with self._change() as transaction:
            now = transaction.in_force()
            if now and (now.policy_id, now.version) == (policy.document.id, policy.document.version):
                known = transaction.policy(now.policy_id, now.version)
                if known and known.text == policy.text:
                    return now
            return self._put_in_force(transaction, policy, by, reason)

    def roll_back(self, by: str, reason: str) -> InForce:
        """Put the previous text in force again, under a version that no device has seen."""
        with self._change() as transaction:
            entries = transaction.in_force_history()
            names = [(entry.policy_id, entry.version) for entry in entries]
            earlier = next((name for name in reversed(names) if name != names[-1]), None)
            if earlier is None:
                raise PolicyAdminError(
                    PolicyFault.NOTHING_BEFORE, "no other policy was in force before; put one"
                )
            before = _known(transaction, *earlier)
            taken = {each.version for each in transaction.policies() if each.id == before.id}
            version = _floor(transaction) + 1
            while version in taken:
                version += 1
            text = renumbered(before.text, version)
            policy = Policy.parse(text, f"{before.id}/{version}")
            return self._put_in_force(transaction, policy, by, reason, "policy.roll-back")

    def start_campaign(self, campaign_id: str, by: str, reason: str, at: int | None = None) -> CampaignPeriod:
        """Start a campaign of the policy in force at `at`, or now. It runs until it is lifted."""
        with self._change() as transaction:
            now = self.clock()
            begins = now if at is None else at
            if _period(transaction, campaign_id).state(begins) is CampaignState.RUNNING:
                raise PolicyAdminError(
                    PolicyFault.CAMPAIGN_RUNNING,
                    f"{campaign_id} runs at that time; lift it, or choose another time",
                )
            period = CampaignPeriod(campaign_id, begins, None, by, reason)
            return self._declare(transaction, "campaign.start", period, now)

    def lift_campaign(self, campaign_id: str, by: str, reason: str, at: int | None = None) -> CampaignPeriod:
        """End a campaign of the policy in force at `at`, or now, whatever its document says."""
        with self._change() as transaction:
            now = self.clock()
            ends = now if at is None else at
            known = _period(transaction, campaign_id)
            if known.state(ends) is not CampaignState.RUNNING:
                raise PolicyAdminError(
                    PolicyFault.CAMPAIGN_NOT_RUNNING,
                    f"{campaign_id} does not run at that time; choose another time",
                )
            period = CampaignPeriod(campaign_id, known.begins, ends, by, reason)
            return self._declare(transaction, "campaign.lift", period, now)

    def campaigns(self) -> dict[str, Period]:
        """The campaigns of the policy in force with their periods, which an operator may have changed."""
        with self.store.reading() as reading:
            policy = loaded(reading)
            return dict(policy.periods) if policy else {}

    @contextmanager
    def _change(self) -> Iterator[Transaction]:
        with self.store.transaction() as transaction:
            transaction.begin_policy_change()
            yield transaction

    def _put_in_force(
        self, transaction: Transaction, policy: Policy, by: str, reason: str, action: str = "policy.in-force"
    ) -> InForce:
        document, floor = policy.document, _floor(transaction)
        if document.version < floor:
            raise PolicyAdminError(
                PolicyFault.VERSION_TOO_LOW,
                f"{document.id} is version {document.version}, and devices know {floor}; "
                "give the document a higher version",
            )
        try:
            return put_in_force(transaction, policy, AuditNote(self.clock(), by, reason), action)
        except PolicyFixedError as error:
            raise _fixed(document.id, document.version) from error

    def _declare(
        self, transaction: Transaction, action: str, period: CampaignPeriod, at: int
    ) -> CampaignPeriod:
        transaction.put_campaign(period)
        details = {"begins": period.begins, "ends": period.ends}
        transaction.append_audit(AuditEntry(at, period.by, action, period.id, period.reason, details))
        return period


def renumbered(text: str, version: int) -> str:
    """The document `text` with only its version changed.

    >>> renumbered('id = "p"\\nversion = 1  # first\\n', 4)
    'id = "p"\\nversion = 4  # first\\n'
    """
    lines = text.split("\n")
    at = TomlPositions(text).line_of(("version",)) - 1
    lines[at] = _VERSION.sub(rf"\g<1>{version}", lines[at], count=1)
    return "\n".join(lines)


def _name(version: PolicyVersion) -> str:
    return f"{version.id}/{version.version}"


def _fixed(policy_id: str, version: int) -> PolicyAdminError:
    return PolicyAdminError(
        PolicyFault.VERSION_FIXED,
        f"{policy_id}/{version} has been in force with another text; give the document a higher version",
    )


def _known(reading: Reading, policy_id: str, version: int) -> PolicyVersion:
    known = reading.policy(policy_id, version)
    if known is None:
        near = nearest_words(policy_id, {each.id for each in reading.policies()}, 1)
        hint = f"there are versions of {near[0]}" if near else "store it first"
        raise PolicyAdminError(PolicyFault.POLICY_UNKNOWN, f"there is no {policy_id}/{version}; {hint}")
    return known


def _floor(reading: Reading) -> int:
    """The highest version that a device may have seen."""
    return max((entry.version for entry in reading.in_force_history()), default=0)


def _period(reading: Reading, campaign_id: str) -> Period:
    policy = loaded(reading)
    periods = policy.periods if policy else {}
    if campaign_id not in periods:
        hint = suggestion(campaign_id, periods, "add it to the document and put that in force")
        raise PolicyAdminError(
            PolicyFault.CAMPAIGN_UNKNOWN, f"the policy in force has no campaign {campaign_id}; {hint}"
        )
    return periods[campaign_id]

"""What the server persists, as values. They contain no identifier of a device or a SIM.

Times are seconds since the epoch.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from server_stub.faults.catalogue import FaultKind, Route
from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation
from wire.verdict import Verdict

_TAC_DIGITS: Final = 8
_SERIAL_MAX: Final = 999_999


@dataclass(frozen=True, slots=True)
class Device:
    """An attested device, by its pseudonym `sub`.

    `locks_at` is when the device locks according to the newest verdict with a decision, None for never. `override` is
    an operator's decision about this device. `first_seen` and `last_seen` are the times of its first and last request,
    None if it has sent none since the server stores them. `batch` and `distributor` are those of its shipment.
    `next_answer` decides its next request only, before `override` and the policy.
    """

    sub: str
    activation: Activation | None
    sale_region: str
    model: str | None
    last_serial: int
    locks_at: int | None = None
    override: Override | None = None
    first_seen: int | None = None
    last_seen: int | None = None
    batch: str | None = None
    distributor: str | None = None
    next_answer: Override | None = None


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict with its inputs. `token_digest` is SHA-256 over the token, hexadecimal.

    `inputs` are the claims of the evidence with keyed hashes for identifiers; `appraisal` maps each trust claim
    to its reason; `server_stub.verdicts.records` adds what it needs to judge the record again. From
    `inputs_pruned_at` on, in seconds since the epoch, all three are empty, and of the claims only those that have a
    column are known.
    """

    verdict: Verdict
    identity: str
    inputs: dict[str, Any]
    appraisal: dict[str, Any]
    judgement: dict[str, Any]
    token_digest: str
    inputs_pruned_at: int | None = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """The manufacturer's record of a delivery: devices `first` to `last` under one type allocation code.

    A serial number is digits 9 to 14 of an IMEI (3GPP TS 23.003 clause 6.2.1), 0 to 999999. Raises ValueError for a
    range that cannot occur in an IMEI.
    """

    tac: str
    first: int
    last: int
    batch: str
    distributor: str
    sale_region: str
    model: str

    def __post_init__(self) -> None:
        if not (len(self.tac) == _TAC_DIGITS and self.tac.isascii() and self.tac.isdigit()):
            raise ValueError(f"a type allocation code has {_TAC_DIGITS} digits")
        if not 0 <= self.first <= self.last <= _SERIAL_MAX:
            raise ValueError(f"serial numbers go from 0 to {_SERIAL_MAX}, the first not above the last")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One audit entry. `action` is a dotted name, for example `device.lock`; `actor` is the name of a token.

    The store assigns `id`, which rises with every entry and is 0 before the entry is appended.
    """

    at: int
    actor: str
    action: str
    subject: str
    reason: str
    details: dict[str, Any]
    id: int = 0


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """The text of a policy document, TOML, under its own id and version."""

    id: str
    version: int
    text: str
    put_at: int
    put_by: str

    @property
    def etag(self) -> str:
        """A strong validator of the text (RFC 9110 section 8.8.3), without its quotes."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class InForce:
    """This version of this policy decides from `since` on. The newest such record holds."""

    policy_id: str
    version: int
    since: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CampaignPeriod:
    """When a campaign runs, as an operator declared it, which overrides the document. No `ends` until it is lifted."""

    id: str
    begins: int
    ends: int | None
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    """The response to a write, for a client that repeats the request. `request` is a digest of the request.

    It may be deleted at `until`.
    """

    key: str
    request: str
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    until: int


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault in responses of `route` to `device`, or to all: in `count` of them at most, of which `used` have been.

    Each response that it fits is affected with `probability`. `delay` (seconds) is for the slow kinds, `status` for
    `error`, `retry_after` (seconds) for 429 and 503. The store assigns `id`.
    """

    kind: FaultKind
    route: Route
    device: str | None
    count: int
    used: int
    probability: float
    delay: int | None
    status: int | None
    retry_after: int | None
    created: int
    id: int = 0

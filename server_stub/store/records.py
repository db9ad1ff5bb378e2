"""What the server persists, as values; queries and pages of results; retention; the errors of a store. Without SQL.

They contain no identifier of a device or a SIM. Times are seconds since the epoch.

A verdict is pruned of its inputs: what the device sent, its appraisal and its judgement. Its serial, decision, rule,
key and digest stay. Audit entries are deleted, and verdicts about unattested devices, which earlier releases recorded.

An open case keeps all its records. It is a device that an operator has restricted, whose newest verdict is a notice or
a deny, or that is locked and got a defer since. A device that is locked only because it has been silent is none.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from server_stub.faults.catalogue import FaultKind, Route
from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation
from wire.codes import Decision
from wire.verdict import Verdict

T = TypeVar("T")

PAGE_MAX: Final = 1000


STEP_MAX: Final = 200
"""How many records one step reads: on SQLite a verdict waits for a step for a few milliseconds."""

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

    def has(self, tac: str, serial: int) -> bool:
        """Whether a device with this type allocation code and serial number was in it."""
        return self.tac == tac and self.first <= serial <= self.last


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


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Which devices to find. A member that is None matches every device.

    `territory` and `decision` are those of the newest verdict. `locked_at`: locked at that time by the newest verdict.
    `overridden`: whether an operator decided about the device. Activated at or after `activated_from` and before
    `activated_until`.
    """

    territory: str | None = None
    activation_territory: str | None = None
    sale_region: str | None = None
    model: str | None = None
    batch: str | None = None
    distributor: str | None = None
    decision: Decision | None = None
    locked_at: int | None = None
    overridden: bool | None = None
    activated_from: int | None = None
    activated_until: int | None = None


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries to find: `action` is a prefix, such as `device.`; at or after `since` and before `until`."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of the results, in order. `next` is the cursor of the next page, None at the end.

    A cursor is opaque. The next page begins after it, whatever was added or removed in the meantime.
    """

    items: tuple[T, ...]
    next: str | None


def encode_cursor(key: str | int) -> str:
    """The cursor of a page that ends with `key`."""
    return base64.urlsafe_b64encode(str(key).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> str:
    """The key that a page ended with. Raises CursorError.

    >>> decode_cursor(encode_cursor("d-17"))
    'd-17'
    """
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CursorError("the cursor is not one of this server's; begin without one") from error
    if encode_cursor(key) != cursor or "\0" in key:
        raise CursorError("the cursor is not one of this server's; begin without one")
    return key


def decode_number(cursor: str) -> int:
    """The number that a page ended with. Raises CursorError."""
    key = decode_cursor(cursor)
    if not (key.isascii() and key.isdigit() and len(key) <= 18):
        raise CursorError("the cursor is not one of this query's; begin without one")
    return int(key)


def check_limit(limit: int) -> None:
    """Raises ValueError for a length that a page cannot have."""
    if not 1 <= limit <= PAGE_MAX:
        raise ValueError(f"a page has 1 to {PAGE_MAX} items")


class RecordKind(StrEnum):
    """The kinds of records that become old."""

    VERDICTS = "verdicts"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class RetentionStep:
    """One step: up to `limit` records of `kind` from before `before`, after the one at the time `at` with `id`.

    `now` and `before` are seconds since the epoch.
    """

    kind: RecordKind
    before: int
    now: int
    at: int = -1
    id: int = 0
    limit: int = STEP_MAX

    def after(self, at: int, number: int) -> "RetentionStep":
        """The step that begins after this record."""
        return replace(self, at=at, id=number)


@dataclass(frozen=True, slots=True)
class PruneResult:
    """How many records a step pruned, how many it kept for open cases, and the next step of this kind, if any."""

    pruned: int
    kept: int
    next: RetentionStep | None = None


class StoreFault(StrEnum):
    """Why a store cannot be read or written. Stable codes."""

    FULL = "store-full"
    """The disk, a quota or the database has no space."""
    LOCKED = "store-locked"
    """Another program uses the database, or it does not respond in time."""
    READ_ONLY = "store-read-only"
    """The database or its folder cannot be written."""
    UNAVAILABLE = "store-unavailable"
    """Anything else."""


class StoreUnavailableError(Exception):
    """The store cannot be read or written now."""

    def __init__(self, message: str = "", fault: StoreFault = StoreFault.UNAVAILABLE) -> None:
        super().__init__(message)
        self.fault = fault


class ConstraintError(StoreUnavailableError):
    """What was written breaks a constraint of the database, such as a serial that is taken, or does not fit.

    All was rolled back.
    """


class SchemaError(StoreUnavailableError):
    """This server cannot use the database: it belongs to another program or a newer server."""


class PolicyFixedError(Exception):
    """A policy version that has been in force cannot be changed; a change needs a higher version."""


class CursorError(ValueError):
    """The cursor is not one that a page ended with."""

"""What the server remembers, as values. No identifier of a phone or a SIM is in here.

Times are seconds since the epoch.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation
from wire.verdict import Verdict

_TAC_DIGITS: Final = 8
_SERIAL_MAX: Final = 999_999


@dataclass(frozen=True, slots=True)
class Device:
    """An attested phone, by its pseudonym `sub`.

    `locks_at` is when the phone locks by the newest verdict that decided, None for never. `override` is what an
    operator decided about this phone. `first_seen` and `last_seen` are when it asked; None for a phone that has not
    asked since the server keeps these times. `batch` and `distributor` are of its shipment, where the vendor knows it.
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


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict with all that led to it. `token_digest` is SHA-256 over the token, hexadecimal.

    `inputs` are the claims of the evidence with keyed hashes for identifiers; `appraisal` maps each trust claim
    to its reason.
    """

    verdict: Verdict
    identity: str
    inputs: dict[str, Any]
    appraisal: dict[str, str]
    judgement: dict[str, Any]
    token_digest: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """The vendor's record of who got which phones: serial numbers `first` to `last` under one type allocation code.

    A serial number is digits 9 to 14 of an IMEI (3GPP TS 23.003 clause 6.2.1), 0 to 999999. Raises ValueError for a
    range that no IMEI can be in.
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
    """Something that somebody did. `action` is a dotted word, such as `device.lock`; `actor` is a token's name.

    `id` is given by the store: it rises with every entry, and is 0 for one that was not appended yet.
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
    """From `since` on, this version of this policy decides. The newest such record holds."""

    policy_id: str
    version: int
    since: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CampaignPeriod:
    """When a campaign runs by an operator's word, which goes before the document's. No `ends` until it is lifted."""

    id: str
    begins: int
    ends: int | None
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    """What was answered to a write, for a client that repeats it. `request` is a digest of what was asked.

    `until` is when it may be forgotten.
    """

    key: str
    request: str
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    until: int

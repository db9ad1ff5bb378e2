"""The events of the machines. Each event has a kind; the tables are keyed by kinds."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.core.screens import ModemTrouble, Trouble
from agent.verification.bounds import TimestampBounds
from agent.verification.verdict import VerifiedVerdict
from wire.codes import Decision
from wire.evidence import TelephonyFault


class EventKind(StrEnum):
    """All kinds of events."""

    BOOTED = "booted"
    LANGUAGE_CHOSEN = "language-chosen"
    TERMS_ACCEPTED = "terms-accepted"
    TERMS_DECLINED = "terms-declined"
    CONNECTED = "connected"
    RETRY = "retry"
    CONTINUE = "continue"
    IMEI_REQUESTED = "imei-requested"
    SIM_CHANGED = "sim-changed"
    HEARTBEAT = "heartbeat"
    CHECK_IN_DUE = "check-in-due"
    RETRY_DUE = "retry-due"
    WARNING_DUE = "warning-due"
    LOCK_DUE = "lock-due"
    OFFLINE_DUE = "offline-due"
    COLLECTED = "collected"
    CHALLENGED = "challenged"
    FAILED = "failed"
    CODE_REFUSED = "code-refused"
    ALLOWED = "allowed"
    NOTICED = "noticed"
    DENIED = "denied"
    DEFERRED = "deferred"
    RELEASED = "released"


_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_VERSION: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""As `wire.model.Code`, the type of this value in the evidence."""


@dataclass(frozen=True, slots=True)
class SimpleEvent:
    """An event without data."""

    kind: EventKind


@dataclass(frozen=True, slots=True)
class LanguageChosen:
    """The user chose a language: a BCP 47 tag that the image offers."""

    locale: str
    kind: EventKind = EventKind.LANGUAGE_CHOSEN

    def __post_init__(self) -> None:
        if not _LANGUAGE_TAG.fullmatch(self.locale):
            raise ValueError(f"not a language tag (BCP 47): {self.locale[:40]!a}")


@dataclass(frozen=True, slots=True)
class TermsAccepted:
    """The user accepted this version of the terms, including the export clause."""

    version: str
    kind: EventKind = EventKind.TERMS_ACCEPTED

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise ValueError(f"not a version of the terms: {self.version[:40]!a}")


@dataclass(frozen=True, slots=True)
class Collected:
    """SIMs and network were read, as far as the modem answered.

    `imei` is the first of the device, empty if it is not known. `modem` is why a part is missing, None if none is.
    `faults` lists what was left out, for the journal. No transition depends on any of them.
    """

    imei: str
    modem: ModemTrouble | None = None
    faults: tuple[TelephonyFault, ...] = ()
    kind: EventKind = EventKind.COLLECTED


@dataclass(frozen=True, slots=True)
class ChallengeReceived:
    """The server issued a nonce."""

    nonce: str
    kind: EventKind = EventKind.CHALLENGED


@dataclass(frozen=True, slots=True)
class Failed:
    """The exchange failed. `retry_after` is the delay in seconds that the server requested, if any.

    `code` is the stable code of the failure, for the journal. No transition depends on it.
    """

    trouble: Trouble
    code: str
    retry_after: int | None = None
    kind: EventKind = EventKind.FAILED


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """An unlock code was entered that is not valid for this device now. `code` is the verifier's."""

    code: str
    kind: EventKind = EventKind.CODE_REFUSED


KIND_OF: Final[dict[Decision, EventKind]] = {
    Decision.ALLOW: EventKind.ALLOWED,
    Decision.NOTICE: EventKind.NOTICED,
    Decision.DENY: EventKind.DENIED,
    Decision.DEFER: EventKind.DEFERRED,
    Decision.RELEASE: EventKind.RELEASED,
}


@dataclass(frozen=True, slots=True)
class VerdictReceived:
    """A verdict for this device and nonce. Accepts only a `VerifiedVerdict`; raises TypeError for any other type.

    `bounds` are those that the key repository of the exchange showed. An unlock code has none, and does not set the
    time.
    """

    verdict: VerifiedVerdict
    bounds: TimestampBounds | None = None

    def __post_init__(self) -> None:
        if type(self.verdict) is not VerifiedVerdict:
            raise TypeError(f"only a VerifiedVerdict is accepted, not {type(self.verdict).__name__}")

    @property
    def kind(self) -> EventKind:
        """The kind of event of the decision."""
        return KIND_OF[self.verdict.decision]


Event = (
    SimpleEvent
    | LanguageChosen
    | TermsAccepted
    | Collected
    | ChallengeReceived
    | Failed
    | CodeRefused
    | VerdictReceived
)

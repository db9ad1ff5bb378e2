"""What can happen to the agent. Each event has a kind; the tables are keyed by kinds."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.core.screens import Trouble
from agent.verification.verdict import VerifiedVerdict
from wire.codes import Decision


class EventKind(StrEnum):
    """The alphabet of the machines."""

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
"""As `wire.model.Code`, which the evidence states it as."""


@dataclass(frozen=True, slots=True)
class SimpleEvent:
    """An event that says all by its kind."""

    kind: EventKind


@dataclass(frozen=True, slots=True)
class LanguageChosen:
    """The user chose a language, a BCP 47 tag that the image offers."""

    locale: str
    kind: EventKind = EventKind.LANGUAGE_CHOSEN

    def __post_init__(self) -> None:
        if not _LANGUAGE_TAG.fullmatch(self.locale):
            raise ValueError(f"not a language tag (BCP 47): {self.locale[:40]!a}")


@dataclass(frozen=True, slots=True)
class TermsAccepted:
    """The user accepted this version of the terms, export clause included."""

    version: str
    kind: EventKind = EventKind.TERMS_ACCEPTED

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise ValueError(f"not a version of the terms: {self.version[:40]!a}")


@dataclass(frozen=True, slots=True)
class Collected:
    """SIMs and network were read; `imei` is the phone's first."""

    imei: str
    kind: EventKind = EventKind.COLLECTED


@dataclass(frozen=True, slots=True)
class ChallengeReceived:
    """The server issued a nonce."""

    nonce: str
    kind: EventKind = EventKind.CHALLENGED


@dataclass(frozen=True, slots=True)
class Failed:
    """The exchange failed. `retry_after` is what the server asked for in seconds, if it did.

    `code` is the stable code of the failure, for the journal; it decides nothing.
    """

    trouble: Trouble
    code: str
    retry_after: int | None = None
    kind: EventKind = EventKind.FAILED


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """Somebody gave an unlock code that is none for this phone now. `code` is the verifier's."""

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
    """A verdict for this phone and this nonce. Nothing but a `VerifiedVerdict` can be put in here."""

    verdict: VerifiedVerdict

    def __post_init__(self) -> None:
        if type(self.verdict) is not VerifiedVerdict:
            raise TypeError(f"only a VerifiedVerdict carries authority, not {type(self.verdict).__name__}")

    @property
    def kind(self) -> EventKind:
        """The kind that the decision stands for."""
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

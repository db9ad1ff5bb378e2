"""What the machine asks the display to show: names and facts, no words."""

from dataclasses import dataclass, field
from enum import StrEnum

from wire.codes import MessageKey


class ScreenId(StrEnum):
    """Each thing that the agent can put before the user."""

    LANGUAGE = "language"
    TERMS = "terms"
    CONNECT = "connect"
    ACTIVATING = "activating"
    WAITING = "waiting"
    HOME = "home"
    NOTICE = "notice"
    OFFLINE_WARNING = "offline-warning"
    LOCKED = "locked"


class Action(StrEnum):
    """Each thing that a user can do on a screen."""

    EMERGENCY_CALL = "emergency-call"
    WIFI_SETTINGS = "wifi-settings"
    LANGUAGE = "language"
    ACCEPT_TERMS = "accept-terms"
    DECLINE_TERMS = "decline-terms"
    RETRY = "retry"
    SHOW_IMEI = "show-imei"
    ENTER_CODE = "enter-code"
    CONTINUE = "continue"


class Trouble(StrEnum):
    """Why the last exchange failed, by who can mend it: each class has its own sentence and its own backoff."""

    UNREACHABLE = "unreachable"
    """No answer came: no network, no route, time-out, a captive portal."""
    BUSY = "busy"
    """The server asked to come back later: 429, 503, or a `defer` verdict."""
    REFUSED = "refused"
    """The server understood and would not answer with a verdict: a problem document."""
    UNTRUSTED = "untrusted"
    """An answer came that is not a verdict for this phone: it failed verification."""
    NO_TELEPHONY = "no-telephony"
    """The modem did not answer, so there is nothing to state."""
    NO_KEYS = "no-keys"
    """No trustworthy verdict keys, or the keystore would not attest."""
    NO_STORAGE = "no-storage"
    """What was decided could not be sealed, so it does not count."""
    CODE_REFUSED = "code-refused"
    """An unlock code was given that is none for this phone now."""


class LockCause(StrEnum):
    """What locked the phone, for the sentence on the lock screen."""

    NONE = "none"
    VERDICT = "verdict"
    NOTICE = "notice"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class ScreenFacts:
    """All that a screen may mention. Fields that do not apply are empty.

    `cause` is what locked the phone, `challenge` what an unlock code must answer. `lock_at` and `retry_at` are seconds
    since the epoch on trusted time; `imeis` are shown only on request.
    """

    message: MessageKey | None = None
    args: tuple[tuple[str, str], ...] = field(default=())
    cause: LockCause = LockCause.NONE
    case: str = ""
    territory: str = ""
    lock_at: int | None = None
    retry_at: int | None = None
    trouble: Trouble | None = None
    terms_version: str = ""
    imeis: tuple[str, ...] = ()
    challenge: str = ""

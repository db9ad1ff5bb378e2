"""What the display must show: names of screens and facts, no text."""

from dataclasses import dataclass, field
from enum import StrEnum

from wire.codes import MessageKey


class ScreenId(StrEnum):
    """The screens of the agent."""

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
    """The buttons on the screens."""

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
    """Why the last exchange failed. Each class has its own sentence and its own backoff."""

    UNREACHABLE = "unreachable"
    """No response from the server: no network, no route, time-out, a captive portal."""
    BUSY = "busy"
    """The server requested a later retry: status 429 or 503, or a `defer` verdict."""
    REFUSED = "refused"
    """The server rejected the request with a problem document."""
    UNTRUSTED = "untrusted"
    """The verdict in the response failed verification."""
    NO_KEYS = "no-keys"
    """No trusted verdict keys, or the keystore did not attest a key."""
    NO_STORAGE = "no-storage"
    """The new state could not be sealed, so it does not apply."""
    CODE_REFUSED = "code-refused"
    """An unlock code was entered that is not valid for this device now."""


class ModemTrouble(StrEnum):
    """Why the evidence lacks identity, SIMs or registration. The exchange goes on without them."""

    NO_ANSWER = "no-answer"
    """The modem did not answer, or its line failed."""
    NOT_UNDERSTOOD = "not-understood"
    """The modem answered, and its answers were not understood."""


class LockCause(StrEnum):
    """What locked the device, for the sentence on the lock screen."""

    NONE = "none"
    VERDICT = "verdict"
    NOTICE = "notice"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class ScreenFacts:
    """The data that a screen can show. Fields that do not apply are empty.

    `cause` is what locked the device, `challenge` is the text that an unlock code must answer. `date` is trusted time
    on the lock screen, for support; `lock_at` and `retry_at` are in it too, all in seconds since the epoch. `imeis` are
    shown only on request. `modem` is the result of the newest reading of the modem, None if it was complete.
    """

    message: MessageKey | None = None
    args: tuple[tuple[str, str], ...] = field(default=())
    cause: LockCause = LockCause.NONE
    case: str = ""
    territory: str = ""
    lock_at: int | None = None
    retry_at: int | None = None
    trouble: Trouble | None = None
    modem: ModemTrouble | None = None
    terms_version: str = ""
    imeis: tuple[str, ...] = ()
    challenge: str = ""
    date: int | None = None

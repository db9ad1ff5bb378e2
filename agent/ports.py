"""The interfaces of the agent to its environment, as protocols. Adapters and the lab implement them. All I/O is here.

A method returns a value or raises the exception that its docstring names, and no other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agent.core.effects import Effect
from agent.core.events import Event
from agent.core.screens import ScreenFacts, ScreenId, Trouble
from agent.core.states import State
from agent.core.step import RejectedEventError
from agent.sealing import SealFault
from agent.verification.bounds import TimestampBounds
from agent.verification.keyset import KeySet
from wire.evidence import Location, Wifi


class PortError(Exception):
    """An error in the environment. `code` is stable; `detail` is for people and contains no secret."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Clock(Protocol):
    """The clocks of the device."""

    def wall(self) -> int:
        """Seconds since the epoch, by the clock that the user can set. Can jump forwards and backwards."""

    def elapsed(self) -> float:
        """Seconds since boot, including sleep. Monotonic until the next boot."""


class TransportFault(StrEnum):
    """How a request can fail without a usable HTTP response."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed-out"
    TLS_FAILED = "tls-failed"
    BROKEN_ANSWER = "broken-answer"
    TOO_LARGE = "too-large"
    REDIRECTED = "redirected"


class TransportError(PortError):
    """No usable response. `fault` is the reason."""

    def __init__(self, fault: TransportFault, detail: str) -> None:
        super().__init__(fault.value, detail)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response within all bounds. `media_type` has no parameters; `retry_after` is in seconds."""

    status: int
    media_type: str
    body: bytes
    retry_after: int | None = None


class Transport(Protocol):
    """HTTP to the origin that the image pins."""

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send `body` and return the response of any status. Raises TransportError."""


class Downloads(Protocol):
    """HTTP to the same origin, for downloads."""

    def get(self, path: str, *, accept: str) -> Answer:
        """Fetch `path` and return the response of any status. Raises TransportError."""


class ModemError(PortError):
    """The line to the modem failed."""


class Modem(Protocol):
    """A byte line to a modem that speaks AT commands (3GPP TS 27.007).

    A line that knows the time also has `elapsed() -> float`, seconds since some moment, monotonic. Then input without
    end does not extend a time-out.
    """

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises ModemError."""

    def read(self, timeout: float) -> bytes:
        """The next bytes as soon as there are any; empty after `timeout` seconds. Raises ModemError."""


class KeystoreError(PortError):
    """The keystore failed to attest or sign."""


class AttestedKey(Protocol):
    """A key in the keystore, with its attestation by the hardware."""

    @property
    def algorithm(self) -> str:
        """JOSE name: `ES256`, `Ed25519` or `ML-DSA-65`."""

    @property
    def chain(self) -> Sequence[bytes]:
        """Attestation certificates, DER, leaf first, without the root."""

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint of the public key, base64url."""

    def sign(self, message: bytes) -> bytes:
        """JOSE signature: for ES256 the 64 bytes R and S. Raises KeystoreError."""


class Keystore(Protocol):
    """Hardware-backed keys (StrongBox or TEE) and the secret that seals the state file."""

    def attest(self, challenge: bytes) -> AttestedKey:
        """A new signing key whose attestation contains `challenge`. Raises KeystoreError."""

    def sealing_key(self) -> bytes:
        """32 bytes that never leave this device and survive a factory reset. Raises KeystoreError."""


class StoreError(PortError):
    """The state file could not be read or written."""


class SealedStore(Protocol):
    """One small file, replaced as a whole or not at all."""

    def read(self) -> bytes | None:
        """The content, or None if there is no file. Raises StoreError."""

    def write(self, content: bytes) -> None:
        """Replace the content durably: after return it survives a power cut. Raises StoreError."""


class CounterError(PortError):
    """The monotonic counter failed."""


class MonotonicCounter(Protocol):
    """A hardware counter that only increases and survives a factory reset."""

    def value(self) -> int:
        """The count. Raises CounterError."""

    def increment(self) -> int:
        """Increment the count by one and return it. Raises CounterError."""


class KeySourceError(PortError):
    """No trusted verdict keys. `trouble` is the class of the failure; `retry_after` is in seconds."""

    def __init__(
        self, code: str, detail: str, trouble: Trouble = Trouble.NO_KEYS, retry_after: int | None = None
    ) -> None:
        super().__init__(code, detail)
        self.trouble = trouble
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The keys of one exchange, and the bounds of the time that came with them.

    `latest` is the ceiling of trusted time in seconds since the epoch, None without one.
    """

    keys: KeySet
    bounds: TimestampBounds
    latest: int | None


class KeySource(Protocol):
    """The source of the verdict keys."""

    def keys(self, known: TimestampBounds, in_time: Callable[[], bool]) -> PublishedKeys:
        """The keys to verify with. `known` are the bounds so far, with their floor now. Raises KeySourceError.

        `in_time` says whether a request of this exchange may still start.
        """

    def cached_keys(self) -> KeySet:
        """The newest keys that this device has received, verified again without a network. Raises KeySourceError.

        Only for unlock codes: the age of the list is unknown.
        """


class Surroundings(Protocol):
    """The other radios of the device."""

    def wifi(self) -> Wifi:
        """Whether Wi-Fi is connected, and the country that the access point announces."""

    def location(self) -> Location | None:
        """The satellite position, or None without a fix."""


class Display(Protocol):
    """The screen of the device."""

    def show(self, screen: ScreenId, facts: ScreenFacts) -> None:
        """Show a screen. For `ScreenId.HOME` the launcher is shown."""


class Alarm(Protocol):
    """Wakes the agent later. There is one alarm; a new one replaces it."""

    def set(self, after: float) -> None:
        """Wake the agent once, `after` seconds from now."""


class Entropy(Protocol):
    """A source of random numbers."""

    def fraction(self) -> float:
        """Uniform in [0, 1)."""


class Journal(Protocol):
    """A log for observers. The behaviour of the agent does not depend on it."""

    def recovered(self, state: State, fault: SealFault | None) -> None:
        """A boot recovered `state`."""

    def stepped(self, event: Event, before: State, after: State, effects: Sequence[Effect]) -> None:
        """An event happened."""

    def rejected(self, error: RejectedEventError) -> None:
        """An event was rejected."""

    def not_sealed(self, event: Event, error: PortError) -> None:
        """An event was undone because the new state could not be sealed."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All ports of one agent."""

    clock: Clock
    transport: Transport
    modem: Modem
    keystore: Keystore
    store: SealedStore
    counter: MonotonicCounter
    keys: KeySource
    surroundings: Surroundings
    display: Display
    alarm: Alarm
    entropy: Entropy
    journal: Journal

"""Everything outside that the agent needs, as protocols. Adapters and the lab implement them; nothing else does I/O.

A port reports what the outside did as a value or as the one exception that is named here. An implementation
lets no other exception escape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agent.core.effects import Effect
from agent.core.events import Event
from agent.core.screens import ScreenFacts, ScreenId, Trouble
from agent.core.states import State
from agent.core.step import RejectedEventError
from agent.sealing import SealFault
from agent.verification.keyset import KeySet
from wire.evidence import Location, Wifi


class PortError(Exception):
    """Something outside failed. `code` is stable, `detail` is for people and names no secret."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Clock(Protocol):
    """Time as the phone has it."""

    def wall(self) -> int:
        """Seconds since the epoch by the clock that the user can set. May jump either way."""
        ...

    def elapsed(self) -> float:
        """Seconds since boot, sleep included. Never goes back until the next boot."""
        ...


class TransportFault(StrEnum):
    """How a request can fail without an HTTP answer that may be read."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed-out"
    TLS_FAILED = "tls-failed"
    BROKEN_ANSWER = "broken-answer"
    TOO_LARGE = "too-large"
    REDIRECTED = "redirected"


class TransportError(PortError):
    """No answer that may be read. `fault` says how."""

    def __init__(self, fault: TransportFault, detail: str) -> None:
        super().__init__(fault.value, detail)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer within all bounds. `media_type` has no parameters; `retry_after` is in seconds."""

    status: int
    media_type: str
    body: bytes
    retry_after: int | None = None


class Transport(Protocol):
    """HTTP to the one origin that the image pins."""

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Send `body` and return the answer, whatever its status. Raises TransportError."""
        ...


class Downloads(Protocol):
    """HTTP to the same origin, to fetch what it publishes."""

    def get(self, path: str, *, accept: str) -> Answer:
        """Fetch `path` and return the answer, whatever its status. Raises TransportError."""
        ...


class ModemError(PortError):
    """The line to the modem is gone."""


class Modem(Protocol):
    """A byte line to a modem that speaks AT commands (3GPP TS 27.007)."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises ModemError."""
        ...

    def read(self, timeout: float) -> bytes:
        """At least one octet as soon as there is one, or nothing after `timeout` seconds. Raises ModemError."""
        ...


class KeystoreError(PortError):
    """The keystore would not attest or sign."""


class AttestedKey(Protocol):
    """A key that lives in the keystore, with what the hardware says of it."""

    @property
    def algorithm(self) -> str:
        """JOSE name: `ES256` or `Ed25519`."""
        ...

    @property
    def chain(self) -> Sequence[bytes]:
        """Attestation certificates, DER, leaf first, without the root."""
        ...

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint of the public key, base64url."""
        ...

    def sign(self, message: bytes) -> bytes:
        """JOSE signature: for ES256 the 64 octets R and S. Raises KeystoreError."""
        ...


class Keystore(Protocol):
    """Hardware-backed keys (StrongBox or TEE) and the secret that seals the state file."""

    def attest(self, challenge: bytes) -> AttestedKey:
        """A new signing key whose attestation carries `challenge`. Raises KeystoreError."""
        ...

    def sealing_key(self) -> bytes:
        """32 octets that never leave this phone and survive a factory reset. Raises KeystoreError."""
        ...


class StoreError(PortError):
    """The state file could not be read or written."""


class SealedStore(Protocol):
    """One small file, replaced as a whole or not at all."""

    def read(self) -> bytes | None:
        """The content, or None where there is no file. Raises StoreError."""
        ...

    def write(self, content: bytes) -> None:
        """Write, fsync, rename, fsync the folder; on return the content survives a power cut. Raises StoreError."""
        ...


class CounterError(PortError):
    """The monotonic counter did not answer."""


class MonotonicCounter(Protocol):
    """A counter in hardware that only counts up and that a factory reset does not reset."""

    def value(self) -> int:
        """The count. Raises CounterError."""
        ...

    def increment(self) -> int:
        """Count up by one and return the new count. Raises CounterError."""
        ...


class KeySourceError(PortError):
    """No verdict keys that may be trusted. `trouble` says who can mend it; `retry_after` is in seconds."""

    def __init__(
        self, code: str, detail: str, trouble: Trouble = Trouble.NO_KEYS, retry_after: int | None = None
    ) -> None:
        super().__init__(code, detail)
        self.trouble = trouble
        self.retry_after = retry_after


class KeySource(Protocol):
    """Where the verdict keys come from."""

    def keys(self, now: int) -> KeySet:
        """The keys to verify with. `now` is trusted time, seconds since the epoch. Raises KeySourceError."""
        ...

    def cached_keys(self) -> KeySet:
        """The newest keys that this phone has had before, verified again, without a network. Raises KeySourceError.

        For unlock codes alone: how old the list is, nobody can tell.
        """
        ...


class Surroundings(Protocol):
    """What the phone's other radios hear."""

    def wifi(self) -> Wifi:
        """Whether Wi-Fi is joined and which country its access point announces."""
        ...

    def location(self) -> Location | None:
        """Position by satellite, or None without a fix."""
        ...


class Display(Protocol):
    """The one screen."""

    def show(self, screen: ScreenId, facts: ScreenFacts) -> None:
        """Put a screen before the user. `ScreenId.HOME` gives way to the launcher."""
        ...


class Alarm(Protocol):
    """Wakes the agent later. There is one alarm: a new one replaces the old."""

    def set(self, after: float) -> None:
        """Wake the agent once, `after` seconds from now."""
        ...


class Entropy(Protocol):
    """Randomness, injected."""

    def fraction(self) -> float:
        """Uniform in [0, 1)."""
        ...


class Journal(Protocol):
    """Where the agent tells what it did, for people who watch. Nothing that it does depends on it."""

    def recovered(self, state: State, fault: SealFault | None) -> None:
        """A boot found this state."""
        ...

    def stepped(self, event: Event, before: State, after: State, effects: Sequence[Effect]) -> None:
        """An event happened."""
        ...

    def rejected(self, error: RejectedEventError) -> None:
        """An event could not happen."""
        ...

    def not_sealed(self, event: Event, error: PortError) -> None:
        """An event did not count because its state could not be sealed."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside, in one place."""

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

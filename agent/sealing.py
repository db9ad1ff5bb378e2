"""The sealed state: its format, and how an old copy is detected.

The record is JSON encrypted with AES-256-GCM-SIV (RFC 8452) and the keystore's sealing key, so that access to the flash
can neither read nor change it. It contains the value that the monotonic counter has after writing:

    write the record with counter + 1 (durably), then increment the counter.

Recovery compares the two. Equal: the newest record. The record is one ahead: the power failed between the two steps;
the record is complete, and the caller increments the counter. Otherwise it is not the newest record: an older one was
copied back, or the counter is another one. If recovery fails, the device has no data, is not activated and must
request a verdict again.

`SealedState` has a version, the setup and lock states and `Memory`. State that a boot initialises is not sealed.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.core.states import Lock, Memory, Setup, State, TimeAnchor

MAGIC: Final = b"ASEAL1\n"
NONCE_LENGTH: Final = 12
RECORD_MAX: Final = 64 * 1024


class SealFault(StrEnum):
    """Why a record is rejected."""

    MISSING = "missing"
    """There is no file, but the counter is not zero: after a factory reset, or if the file was deleted."""
    FOREIGN = "foreign"
    """Not a record of this device: another format or key, or changed or missing bytes."""
    ROLLED_BACK = "rolled-back"
    """An older record of this device."""
    UNREADABLE = "unreadable"
    """The file, the counter or the key could not be read."""
    COUNTER_LOST = "counter-lost"
    """The record is newer than the counter: the counter was reset or replaced."""


class SealedState(BaseModel):
    """The content of a record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    counter: int
    setup: Setup
    lock: Lock
    memory: Memory


@dataclass(frozen=True, slots=True)
class Recovered:
    """The recovered state. `fault` is None for the newest record and on a device that never sealed one.

    If `behind`, the counter must be incremented.
    """

    state: State
    fault: SealFault | None = None
    behind: bool = False


def seal(state: State, key: bytes, counter: int) -> bytes:
    """The record of `state`; `counter` is the value of the counter after writing. Same input, same bytes.

    `key` has 32 bytes. The nonce is the counter, which never repeats for a key. If it did (a lost counter), GCM-SIV
    would only reveal whether two records are equal.
    """
    record = SealedState(counter=counter, setup=state.setup, lock=state.lock, memory=state.memory)
    nonce = counter.to_bytes(NONCE_LENGTH, "big")
    return MAGIC + nonce + AESGCMSIV(key).encrypt(nonce, record.model_dump_json().encode(), MAGIC)


def unseal(content: bytes, key: bytes) -> SealedState | None:
    """The record in `content`, or None if it was not sealed with this key."""
    if len(content) > RECORD_MAX or not content.startswith(MAGIC):
        return None
    nonce = content[len(MAGIC) : len(MAGIC) + NONCE_LENGTH]
    try:
        plain = AESGCMSIV(key).decrypt(nonce, content[len(MAGIC) + NONCE_LENGTH :], MAGIC)
        return SealedState.model_validate_json(plain)
    except (InvalidTag, ValueError, ValidationError):
        return None


def recover(content: bytes | None, key: bytes, counter: int, blank: State) -> Recovered:
    """The state to boot with. `blank` is the state of a device without data, at this instant."""
    if content is None:
        return Recovered(blank, SealFault.MISSING if counter else None)
    record = unseal(content, key)
    if record is None:
        return Recovered(blank, SealFault.FOREIGN)
    if record.counter < counter:
        return Recovered(blank, SealFault.ROLLED_BACK)
    if record.counter > counter + 1:
        return Recovered(blank, SealFault.COUNTER_LOST)
    memory = replace(record.memory, time=_continue_time(record.memory.time, blank.memory.time))
    state = replace(blank, setup=record.setup, lock=record.lock, memory=memory)
    return Recovered(state, behind=record.counter == counter + 1)


def _continue_time(sealed: TimeAnchor, floor: TimeAnchor) -> TimeAnchor:
    """Trusted time from this boot: the sealed one, or the build date of the image if that is later."""
    return TimeAnchor(max(sealed.epoch, floor.epoch), floor.elapsed)

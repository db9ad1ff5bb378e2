"""The sealed state: its format, and how an old copy is detected.

The record is JSON encrypted with AES-256-GCM-SIV (RFC 8452) and the keystore's sealing key, so that access to the flash
can neither read nor change it. It contains the value that the monotonic counter has after writing:

    write the record with counter + 1 (durably), then increment the counter.

Recovery compares the two. Equal: the newest record. The record is one ahead: the power failed between the two steps;
the record is complete, and the caller increments the counter. Otherwise it is not the newest record: an older one was
copied back, or the counter is another one. If recovery fails, the device has no data, is not activated and must
request a verdict again.

`SealedState` has a version, the setup and lock states and `Memory`. State that a boot initialises is not sealed.

Releases before this one refuse a record with a member that they do not know, and a locked device would be unlocked by
an official downgrade. So `bounds` is written as one more argument of the message, which they ignore. A release that
writes over it loses it; then the floor of trusted time is the build date of the image, as for a record that never had
it. This release ignores unknown members, so the next one can write `bounds`, and more, as members.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agent.core.states import Lock, Memory, Setup, State, TimeAnchor
from agent.verification.bounds import TimestampBounds

MAGIC: Final = b"ASEAL1\n"
NONCE_LENGTH: Final = 12
RECORD_MAX: Final = 64 * 1024

_BOUNDS: Final = "trusted time"
"""The name of the argument that carries the bounds. No message of a server has it, because it contains a space."""
_BOUNDS_JSON: Final = TypeAdapter(TimestampBounds)


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

    model_config = ConfigDict(extra="ignore", frozen=True)

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
    bounds = (_BOUNDS, _BOUNDS_JSON.dump_json(state.memory.bounds).decode())
    memory = replace(state.memory, args=(*state.memory.args, bounds))
    record = SealedState(counter=counter, setup=state.setup, lock=state.lock, memory=memory)
    plain = record.model_dump_json(exclude={"memory": {"bounds"}}).encode()
    nonce = counter.to_bytes(NONCE_LENGTH, "big")
    return MAGIC + nonce + AESGCMSIV(key).encrypt(nonce, plain, MAGIC)


def unseal(content: bytes, key: bytes) -> SealedState | None:
    """The record in `content`, or None if it was not sealed with this key."""
    if len(content) > RECORD_MAX or not content.startswith(MAGIC):
        return None
    nonce = content[len(MAGIC) : len(MAGIC) + NONCE_LENGTH]
    try:
        plain = AESGCMSIV(key).decrypt(nonce, content[len(MAGIC) + NONCE_LENGTH :], MAGIC)
        record = SealedState.model_validate_json(plain)
        return record.model_copy(update={"memory": _with_bounds(record.memory)})
    except (InvalidTag, ValueError, ValidationError):
        return None


def _with_bounds(memory: Memory) -> Memory:
    """`memory` with the bounds of its arguments. If they have none that can be read, the lock must remain without."""
    carried = dict(memory.args).get(_BOUNDS)
    if carried is None:
        return memory
    memory = replace(memory, args=tuple(pair for pair in memory.args if pair[0] != _BOUNDS))
    try:
        return replace(memory, bounds=_BOUNDS_JSON.validate_json(carried))
    except ValidationError:
        return memory


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
    memory = _continue_time(record.memory, blank.memory)
    state = replace(blank, setup=record.setup, lock=record.lock, memory=memory)
    return Recovered(state, behind=record.counter == counter + 1)


def _continue_time(sealed: Memory, blank: Memory) -> Memory:
    """`sealed` with trusted time and its floor from this boot: not before the build date of the image.

    The time that the device was off counts for no deadline, so they move with trusted time to the build date.
    """
    floor = max(sealed.bounds.floor, blank.bounds.floor)
    epoch = max(sealed.time.epoch, floor)
    return replace(
        sealed.with_deadlines_moved(epoch - sealed.time.epoch),
        time=TimeAnchor(epoch, blank.time.elapsed),
        bounds=replace(sealed.bounds, floor=floor),
    )

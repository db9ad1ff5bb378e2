"""The sealed state: its codec, and the rule that tells an old copy from the newest.

The record is JSON under AES-256-GCM-SIV (RFC 8452) with the keystore's sealing key, so that flash access neither
reads nor changes it. It carries the value that the monotonic counter has once the record is complete:

    write the record with counter + 1 (durably), then count up.

Recovery compares the two. Equal: the newest record. The record is one ahead: the power went between the two; the
record is complete and the counter is made to follow. Anything else is not the newest record: an older one was
copied back, or the counter is not the one that it was sealed with. A phone that cannot recover remembers
nothing, so it is not activated, and has to ask the server again.

`SealedState` is a version, the setup and lock states and `Memory`; what a boot begins anew is not sealed.
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
    """Why a record is not used."""

    MISSING = "missing"
    """There is no file although the counter has counted: a factory reset, or somebody removed it."""
    FOREIGN = "foreign"
    """Not a record of this phone: another format, another key, changed or cut octets."""
    ROLLED_BACK = "rolled-back"
    """A record of this phone, but an older one."""
    UNREADABLE = "unreadable"
    """The file, the counter or the key could not be read."""
    COUNTER_LOST = "counter-lost"
    """A record from later than the counter: the counter was reset or exchanged."""


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
    """What a boot finds. `fault` is empty for the newest record and for a phone that never sealed one.

    `behind` says that the counter still has to follow the record.
    """

    state: State
    fault: SealFault | None = None
    behind: bool = False


def seal(state: State, key: bytes, counter: int) -> bytes:
    """The record of `state` for a counter that will stand at `counter`. Same input, same octets.

    `key` is 32 octets. The nonce is the counter, which never repeats for a key; if it did (a lost counter),
    GCM-SIV would give away no more than whether two records are equal.
    """
    record = SealedState(counter=counter, setup=state.setup, lock=state.lock, memory=state.memory)
    nonce = counter.to_bytes(NONCE_LENGTH, "big")
    return MAGIC + nonce + AESGCMSIV(key).encrypt(nonce, record.model_dump_json().encode(), MAGIC)


def unseal(content: bytes, key: bytes) -> SealedState | None:
    """The record in `content`, or None for anything that this key has not sealed."""
    if len(content) > RECORD_MAX or not content.startswith(MAGIC):
        return None
    nonce = content[len(MAGIC) : len(MAGIC) + NONCE_LENGTH]
    try:
        plain = AESGCMSIV(key).decrypt(nonce, content[len(MAGIC) + NONCE_LENGTH :], MAGIC)
        return SealedState.model_validate_json(plain)
    except (InvalidTag, ValueError, ValidationError):
        return None


def recover(content: bytes | None, key: bytes, counter: int, blank: State) -> Recovered:
    """The state to boot with. `blank` is the state of a phone that remembers nothing, at this instant."""
    if content is None:
        return Recovered(blank, SealFault.MISSING if counter else None)
    record = unseal(content, key)
    if record is None:
        return Recovered(blank, SealFault.FOREIGN)
    if record.counter < counter:
        return Recovered(blank, SealFault.ROLLED_BACK)
    if record.counter > counter + 1:
        return Recovered(blank, SealFault.COUNTER_LOST)
    memory = replace(record.memory, time=_go_on(record.memory.time, blank.memory.time))
    state = replace(blank, setup=record.setup, lock=record.lock, memory=memory)
    return Recovered(state, behind=record.counter == counter + 1)


def _go_on(sealed: TimeAnchor, floor: TimeAnchor) -> TimeAnchor:
    """Trusted time goes on from what was sealed, or from the build date of a newer image, counted from this boot."""
    return TimeAnchor(max(sealed.epoch, floor.epoch), floor.elapsed)

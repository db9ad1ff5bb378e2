"""Fuzzing of the sealed state. The first octet of an input says how the rest is used.

| octet | the rest |
|---|---|
| `F` | a file as it lies on the flash |
| `J` | the plain text of a record, encrypted with the right key: the reader of JSON behind the seal |
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from agent.core.states import Lock, Setup, State, fresh
from agent.sealing import MAGIC, NONCE_LENGTH, SealedState, SealFault, recover, seal, unseal
from fuzz.fault import hold

_KEY: Final = bytes(range(32))
_COUNTER: Final = 7
_BLANK: Final = fresh(floor=1_600_000_000, elapsed=7.5)
_NONCE: Final = _COUNTER.to_bytes(NONCE_LENGTH, "big")
_RECORD: Final = seal(replace(_BLANK, lock=Lock.LOCKED), _KEY, _COUNTER)


def fuzz_one(data: bytes) -> None:
    """Feed one input. Raises nothing while the codec keeps its rules."""
    kind, rest = data[:1], data[1:]
    if kind == b"J":
        _boot(MAGIC + _NONCE + AESGCMSIV(_KEY).encrypt(_NONCE, rest, MAGIC))
        return
    hold("what nobody sealed is not opened", holds=rest == _RECORD or unseal(rest, _KEY) is None)
    _boot(rest)


def seeds() -> Iterator[bytes]:
    """Where the search begins: one good record of each lock state, plain and sealed."""
    yield b"F" + _RECORD
    for lock in Lock:
        for setup in Setup:
            record = SealedState(counter=_COUNTER, setup=setup, lock=lock, memory=_BLANK.memory)
            yield b"J" + record.model_dump_json().encode()


def _boot(content: bytes) -> None:
    for counter in (0, _COUNTER - 1, _COUNTER, _COUNTER + 1):
        found = recover(content, _KEY, counter, _BLANK)
        hold("a fault leaves the phone blank", holds=found.fault is None or found.state == _BLANK)
        hold("a file is never missing", holds=found.fault is not SealFault.MISSING)
        if found.fault is None:
            _go_on(found.state, counter + found.behind)


def _go_on(state: State, counter: int) -> None:
    """A state that was recovered must be one that can be sealed and recovered again."""
    again = recover(seal(state, _KEY, counter + 1), _KEY, counter + 1, _BLANK)
    hold("trusted time does not go back", holds=state.memory.time.epoch >= _BLANK.memory.time.epoch)
    hold("what was recovered can be sealed again", holds=again.fault is None and again.state == state)

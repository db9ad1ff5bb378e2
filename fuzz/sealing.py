"""Fuzzing of the sealed state. The first byte of an input selects the use of the rest.

| byte | the rest |
|---|---|
| `F` | a file on the flash |
| `J` | the plain text of a record, encrypted with the device's key: for the JSON reader behind the seal |
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from agent.core.states import Lock, Setup, fresh
from agent.sealing import MAGIC, NONCE_LENGTH, SealedState, SealFault, recover, seal, unseal
from fuzz.fault import hold

_KEY: Final = bytes(range(32))
_COUNTER: Final = 7
_BLANK: Final = fresh(floor=1_600_000_000, elapsed=7.5)
_NONCE: Final = _COUNTER.to_bytes(NONCE_LENGTH, "big")
_RECORD: Final = seal(replace(_BLANK, lock=Lock.LOCKED), _KEY, _COUNTER)


def fuzz_one(data: bytes) -> None:
    """Run one input. Raises no error unless the codec breaks a rule."""
    kind, rest = data[:1], data[1:]
    if kind == b"J":
        _boot(MAGIC + _NONCE + AESGCMSIV(_KEY).encrypt(_NONCE, rest, MAGIC))
        return
    hold(
        "a record that the device did not seal is not opened",
        holds=rest == _RECORD or unseal(rest, _KEY) is None,
    )
    _boot(rest)


def seeds() -> Iterator[bytes]:
    """The start of the search: one valid record of each lock state, plain and sealed."""
    yield b"F" + _RECORD
    for lock in Lock:
        for setup in Setup:
            record = SealedState(counter=_COUNTER, setup=setup, lock=lock, memory=_BLANK.memory)
            yield b"J" + record.model_dump_json().encode()


def _boot(content: bytes) -> None:
    for counter in (0, _COUNTER - 1, _COUNTER, _COUNTER + 1):
        found = recover(content, _KEY, counter, _BLANK)
        hold("a fault leaves the device blank", holds=found.fault is None or found.state == _BLANK)
        hold("a file is never missing", holds=found.fault is not SealFault.MISSING)
        if found.fault is None:
            state, following = found.state, counter + found.behind + 1
            again = recover(seal(state, _KEY, following), _KEY, following, _BLANK)
            hold("trusted time does not decrease", holds=state.memory.time.epoch >= _BLANK.memory.time.epoch)
            hold("a recovered state can be sealed again", holds=again.fault is None and again.state == state)

"""The format of the sealed record: an update must read the records of earlier releases."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from pydantic import ValidationError

from agent.core.states import Lock, Setup, TimeAnchor, fresh
from agent.sealing import Recovered, SealedState, SealFault, recover, seal, unseal

KEY = bytes(range(32))
BLANK = fresh(floor=1_600_000_000)
RECORD = base64.b64decode(
    "QVNFQUwxCgAAAAAAAAAAAAAABz8F3UTQUzgV2FfB/MnatQs58j7VpITD/qUrPH29pCqKAjonJ39mvo8h8osfcDlwUEKPTnrXBDsb"
    "ecyvn5/Sq6QQ1NX0IevZICdxEigMluAI3E0bPXTXY2ESK/q2xGnJjmTnLjXNBcYCnUaNZPXVOgxJRZZrbjfBFI8FEATjnMXmJknB"
    "ZFtEbPTw2TdwzK0M08CJG4m7zJHHhWVFppY3dZvHK6dIW7aOurQuEDCVQtIhg2i7pZXY/G2auGg3T0Xkt4QVllPAf6IIqIvVC4gP"
    "qwNlcjhkuJ4YIGtlj8zxcqjxIQG2/fT4nwOsVYgwp87lSd8xNOILy8krwex++l7kF+j/Hn5d26aElxBWW4N/AK2jW/LS5X8h2M7A"
    "OgvDR7q2Osq8u2qanDPnodzgxn261sPEjXE7oG6rglf224Zklpbh+5UenlpLOBpM68Bu8vUnOeItY4TbifqUAmiFH0JB3aJ8Lt+1"
    "eg6AQV4BJU0fDtWnu/JXMY9mcB2E9TajWI9ojvQ="
)
"""Of a locked phone, under KEY, for a counter of 7."""


def sealed(plain: bytes, nonce: bytes = bytes(12)) -> bytes:
    """A record with any plain text, in the documented format."""
    return b"ASEAL1\n" + nonce + AESGCMSIV(KEY).encrypt(nonce, plain, b"ASEAL1\n")


def test_record_of_an_earlier_release_is_read() -> None:
    record = unseal(RECORD, KEY)
    assert record is not None
    assert (record.version, record.counter, record.setup, record.lock) == (1, 7, Setup.DONE, Lock.LOCKED)
    assert (record.memory.serial, record.memory.policy_version, record.memory.case) == (41, 3, "SV-2021-0042")
    assert record.memory.time == TimeAnchor(1_600_000_000)


def test_record_has_the_documented_format() -> None:
    """Magic, the counter as nonce of 12 bytes, AES-256-GCM-SIV with the magic as associated data."""
    plain = SealedState(counter=7, setup=BLANK.setup, lock=BLANK.lock, memory=BLANK.memory)
    nonce = (7).to_bytes(12, "big")
    assert seal(BLANK, KEY, 7) == sealed(plain.model_dump_json().encode(), nonce)


@pytest.mark.parametrize(("length", "read"), [(65_536, True), (65_537, False)])
def test_record_of_64_kib_is_read_and_a_longer_one_is_not(length: int, read: object) -> None:
    plain = (
        SealedState(counter=7, setup=BLANK.setup, lock=BLANK.lock, memory=BLANK.memory)
        .model_dump_json()
        .encode()
    )
    record = sealed(plain + b" " * (length - len(sealed(plain))))
    assert len(record) == length
    assert (unseal(record, KEY) is not None) is read


@pytest.mark.parametrize("change", [b'"version":2', b'"version":1,"further":1'])
def test_record_of_another_version_is_rejected(change: bytes) -> None:
    plain = (
        SealedState(counter=7, setup=BLANK.setup, lock=BLANK.lock, memory=BLANK.memory)
        .model_dump_json()
        .encode()
    )
    assert unseal(sealed(plain), KEY) is not None
    assert unseal(sealed(plain.replace(b'"version":1', change)), KEY) is None


def test_unsealed_record_is_immutable() -> None:
    record = unseal(RECORD, KEY)
    assert record is not None
    with pytest.raises(ValidationError):
        record.lock = Lock.ACTIVATED  # type: ignore[misc]  # the assignment is what is tested


def test_counter_is_behind_only_for_the_newest_record() -> None:
    assert recover(None, KEY, 0, BLANK) == Recovered(BLANK, None, behind=False)
    assert recover(RECORD, KEY, 8, BLANK) == Recovered(BLANK, SealFault.ROLLED_BACK, behind=False)
    assert not Recovered(BLANK).behind


def test_codes_are_stable() -> None:
    assert {fault.name: fault.value for fault in SealFault} == {
        "MISSING": "missing",
        "FOREIGN": "foreign",
        "ROLLED_BACK": "rolled-back",
        "UNREADABLE": "unreadable",
        "COUNTER_LOST": "counter-lost",
    }

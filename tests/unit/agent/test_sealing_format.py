"""The format of the sealed record: an update must read the records of earlier releases."""

import base64
import json
from dataclasses import dataclass, replace
from typing import Literal

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.core.screens import LockCause, ScreenFacts, ScreenId
from agent.core.states import Exchange, Lock, Memory, Setup, State, TimeAnchor, fresh
from agent.core.step import step
from agent.core.timing import Context
from agent.screens import build
from agent.screens.tags import LANGUAGES
from agent.sealing import Recovered, SealFault, recover, seal, unseal
from agent.unlock_code import UnlockNonces, challenge
from agent.verification.bounds import TimestampBounds
from lab.backend.hosts import InProcessHost
from lab.handset.outcome import Outcome
from lab.handset.storage import EmulatedCounter, EmulatedStore
from lab.simulation.simulation import Simulation
from tests.support.judged import judged
from wire.codes import Decision, MessageKey
from wire.unlock import UnlockChallenge

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
WARNED_RECORD = base64.b64decode(
    "QVNFQUwxCgAAAAAAAAAAAAAAB8J9p6kU6RMbClpL3xeRol5SgaSDzeheh0dvCoPz3XXbM2iUb5HHul8hcu08230m9AyL3v1PwZst"
    "59cyKqHIzcWnhkMw3/YcbNR+V99YXZRG4T7/sGOziIyEaUUrjS2CaqgAoR/xctX6g2XINN5HnC99ayfnRJBJJJMfsJu5MyYtkr+q"
    "VlVIaDOzMx9hjw0pj39uKCKAaYlS8R0Kk/vlKe2uyXr3n75Zef1HQDptH8/DvM8dU1mhwebPxoTyB51T3+9qz1NYW3p53oNc1aqV"
    "QBkk8kDA8NtDGvqSXEUknAUS3HkInVYsxfQsngZmOanRo6muxyUhfp80JzaDsWAL8jXoEmE4+4LH1dfjm9RlS2nJQ3hOeySqD6hl"
    "tEuLX0qSDanp1nryKgnxWCIEFGd05PIkSG4IpPlzl1VJjJhUEtk+JpvP8s1QslAUqjU3mshbRLPPxmV/K3ilHVcIhqImmQC32Oo/"
    "JOdfnxuFHK+XjgwAZxzBMfxmjf1D3MyoRpQNrsMRELAhwCq7/tEOlLnQyzn10Z2SGoGTcCbRgVtPGt4R1rnuyA59TXCl8vFCQYiT"
    "88hm4fvQkuF2sXyzml9Q2lB6"
)
"""Of an activated phone that was warned of its offline limit, sealed by the release before `defer` renewed it."""

LOCKED_DEVICE = base64.b64decode(
    "QVNFQUwxCgAAAAAAAAAAAAAABS3iyKlOieHVugUn/A/j/8D2y3icB3CjdCdLetxwLTTeq6zXZ3UUvHRImRjeZgVTex+GpJsZvou+td"
    "+r0ecLFT5Y/WkZVNrMyOvgq/ce10ruYiolY8NP1wPR8dvTj/pFRYGjJK6EJXodHhmWrF5+Mvf5tKHZEDTZVWnGt6AWOLWs69GikGQk"
    "EAa3+whsAvCSpjcjRsvnbfZnEyGcJaGLIWKeUHfZQ3w9AAArfM6U+uGXBOCNGB0u+MxitFXJooHBg9Y0Df1NSzLMAjvse3ZYRuJgoH"
    "he8J+lAdWzb/4EHqQDy/2Lx/uSi9Vi2gEonYo3KUk2zKe3kVTbf6VIQsQwyQ1GQrMS3eiELLfRewTCKh7WB4TxYQntOsiCm3iknOdi"
    "K5XxMYuc9GgivJ0bd5yUN6mHHGMqZzJzqNTyleI5Ia6nTnPjrSwWZa/o4eQI1+Q7irvjHZkVu0n7PukWTePTt/1CRNOHPj1kgzZGx9"
    "kBOh+d0ZkMKlR50lZ/atVXxH88jTJKRPL/Hrdn/LMEViK1z1CGrx2vKD1ekfuLzrBdGJmuAHFD8ZoafER9xercqKksF7Sfd4JDAewl"
    "l/Rvdp91UAw97hE8TjrBMC/tuXbVIfrbL8vIL6pMZEdHkToRr0aNSOzmzVZshJqWOloAV4XgRahGx8WwuRIvdpWKvjevN5cl4aiZ7r"
    "MJs60Jff4QUcvmeXIDExn/MDgwYLrjqDt7JVfGH4hz2w=="
)
"""Of a phone that was locked in Havana, sealed by the release whose nonces used the sealing key itself; counter 5."""
SEALING_KEY = bytes.fromhex("12fa26da660837fb736ff08082236a032d444d4c2b54750ba0f035fe3cf3f0dd")
CHALLENGE = "AAYQ5-T7AZI-UC3IR-6FBQL-TSEFY-Z6A2"
"""What its lock screen showed."""


def sealed(plain: bytes, nonce: bytes = bytes(12)) -> bytes:
    """A record with any plain text, in the documented format."""
    return b"ASEAL1\n" + nonce + AESGCMSIV(KEY).encrypt(nonce, plain, b"ASEAL1\n")


def test_record_of_an_earlier_release_is_read() -> None:
    record = unseal(RECORD, KEY)
    assert record is not None
    assert (record.version, record.counter, record.setup, record.lock) == (1, 7, Setup.DONE, Lock.LOCKED)
    assert (record.memory.serial, record.memory.policy_version, record.memory.case) == (41, 3, "SV-2021-0042")
    assert record.memory.time == TimeAnchor(1_600_000_000)


@dataclass(frozen=True)
class EarlierMemory:
    """`Memory` in the release before `bounds`."""

    time: TimeAnchor
    locale: str
    terms_version: str
    serial: int
    policy_version: int
    jti: str
    imei: str
    thumbprint: str
    message: MessageKey | None
    args: tuple[tuple[str, str], ...]
    case: str
    territory: str
    cause: LockCause
    lock_at: int | None
    check_in_at: int | None
    warn_at: int | None
    offline_at: int | None
    boots: int


class EarlierRecord(BaseModel):
    """The record in the release before `bounds`, which refuses unknown members as foreign."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1]
    counter: int
    setup: Setup
    lock: Lock
    memory: EarlierMemory


@pytest.mark.parametrize("args", [(), (("shop", "Nice"),)])
@pytest.mark.parametrize("lock", Lock)
def test_record_opens_in_the_release_before_and_returns_unchanged(
    args: tuple[tuple[str, str], ...], lock: Lock
) -> None:
    """Else an official downgrade would unlock a locked device. That release ignores unknown arguments of messages."""
    bounds = TimestampBounds(1_600_000_100, 3, 2, ("k" * 64,))
    memory = Memory(TimeAnchor(1_600_000_200), bounds, args=args, serial=41, jti="verdict-1")
    record = seal(State(memory, Setup.DONE, lock=lock), KEY, 7)
    earlier = EarlierRecord.model_validate_json(plain_text(record))
    assert (earlier.lock, earlier.memory.serial, earlier.memory.args[:-1]) == (lock, 41, args)
    written_there = sealed(earlier.model_dump_json().encode())
    assert recover(written_there, KEY, 7, BLANK).state == State(memory, Setup.DONE, lock=lock)
    shown = ScreenFacts(message=MessageKey.NOT_SOLD_HERE, args=earlier.memory.args)
    for tag in LANGUAGES:
        assert build(ScreenId.LOCKED, shown, tag) == build(ScreenId.LOCKED, replace(shown, args=args), tag)


@pytest.mark.parametrize("record", [RECORD, WARNED_RECORD])
def test_record_of_an_earlier_release_begins_with_the_build_date_as_floor(record: bytes) -> None:
    """So a wrong clock before the update harms no longer than until the next exchange."""
    found = recover(record, KEY, 7, BLANK).state.memory
    assert found.bounds == TimestampBounds(BLANK.memory.time.epoch)
    assert found.time.epoch >= found.bounds.floor


def test_bounds_that_a_later_release_writes_otherwise_do_not_unlock() -> None:
    """Neither as a member, nor as an argument that cannot be read, nor with members that this release ignores."""
    locked = replace(BLANK, lock=Lock.LOCKED)
    plain = json.loads(plain_text(seal(locked, KEY, 7)))
    plain["memory"]["bounds"], plain["memory"]["time"]["zone"], plain["more"] = {"floor": 5, "more": 1}, 1, []
    plain["memory"]["args"][0][1] = "no JSON"
    record = unseal(sealed(json.dumps(plain).encode()), KEY)
    assert record is not None
    assert (record.lock, record.memory.args, record.memory.bounds) == (Lock.LOCKED, (), TimestampBounds(5))


def test_challenge_of_the_release_before_is_recognized_by_the_device_that_showed_it() -> None:
    record = unseal(LOCKED_DEVICE, SEALING_KEY)
    assert record is not None
    shown, now = UnlockChallenge.parse(CHALLENGE), challenge(record.memory, SEALING_KEY)
    assert now is not None
    assert (now.imei14, now.nonce == shown.nonce) == (shown.imei14, False)
    assert UnlockNonces(SEALING_KEY).is_earlier(shown.eat_nonce, record.memory.jti)


def test_device_has_the_sealing_key_of_the_release_before() -> None:
    with Simulation("sealed before", host=InProcessHost) as simulation:
        phone = simulation.phone("official-global", "havana")
        assert phone.keystore(phone._context.seed).sealing_key() == SEALING_KEY
        phone.hardware = replace(
            phone.hardware, store=EmulatedStore(LOCKED_DEVICE), counter=EmulatedCounter(5)
        )
        phone.network_down()
        phone.power_on()
        assert phone.outcome() is Outcome.LOCKED


def plain_text(record: bytes) -> bytes:
    """The JSON of a record: after magic and nonce, AES-256-GCM-SIV with the magic as associated data."""
    return AESGCMSIV(KEY).decrypt(record[7:19], record[19:], b"ASEAL1\n")


def test_limit_of_a_record_that_forgot_it_with_the_warning_is_renewed() -> None:
    state = recover(WARNED_RECORD, KEY, 7, BLANK).state
    assert (state.lock, state.memory.warn_at, state.memory.offline_at) == (
        Lock.ACTIVATED,
        None,
        1_602_000_000,
    )
    waiting = replace(state, exchange=Exchange.AWAITING_VERDICT, nonce="n")
    after, _ = step(waiting, judged(Decision.DEFER), Context(0.0, 0.0))
    assert after.memory.offline_at == after.memory.time.epoch + 30 * 86_400
    again = recover(seal(after, KEY, 8), KEY, 8, BLANK).state
    assert (again.memory.warn_at, again.memory.offline_at) == (after.memory.warn_at, after.memory.offline_at)


def test_record_has_the_documented_format() -> None:
    """The nonce is the counter, in 12 bytes."""
    record = seal(BLANK, KEY, 7)
    assert record == sealed(plain_text(record), (7).to_bytes(12, "big"))


@pytest.mark.parametrize(("length", "read"), [(65_536, True), (65_537, False)])
def test_record_of_64_kib_is_read_and_a_longer_one_is_not(length: int, read: object) -> None:
    plain = plain_text(seal(BLANK, KEY, 7))
    record = sealed(plain + b" " * (length - len(sealed(plain))))
    assert len(record) == length
    assert (unseal(record, KEY) is not None) is read


def test_record_of_another_version_is_rejected() -> None:
    plain = plain_text(seal(BLANK, KEY, 7))
    assert unseal(sealed(plain), KEY) is not None
    assert unseal(sealed(plain.replace(b'"version":1', b'"version":2')), KEY) is None


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


@pytest.mark.parametrize("later", [0, 1, 400 * 86_400])
def test_deadlines_keep_their_distance_if_a_boot_continues_from_a_later_build_date(later: int) -> None:
    """The time that the device was off counts for no deadline."""
    now = BLANK.memory.time.epoch
    before = replace(BLANK.memory, lock_at=now + 1, check_in_at=now + 2, warn_at=None, offline_at=now + 4)
    content = seal(replace(BLANK, memory=before), KEY, 1)
    memory = recover(content, KEY, 1, fresh(floor=now + later)).state.memory
    assert memory.time.epoch == memory.bounds.floor == now + later
    deadlines = (memory.lock_at, memory.check_in_at, memory.warn_at, memory.offline_at)
    assert deadlines == (now + later + 1, now + later + 2, None, now + later + 4)

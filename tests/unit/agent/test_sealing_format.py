"""The format of the sealed record: an update must read the records of earlier releases."""

import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from pydantic import ValidationError

from agent.core.states import Exchange, Lock, Setup, TimeAnchor, fresh
from agent.core.step import step
from agent.core.timing import Context
from agent.sealing import Recovered, SealedState, SealFault, recover, seal, unseal
from agent.unlock_code import UnlockNonces, challenge
from lab.backend.hosts import InProcessHost
from lab.handset.outcome import Outcome
from lab.handset.storage import EmulatedCounter, EmulatedStore
from lab.simulation.simulation import Simulation
from tests.support.judged import judged
from wire.codes import Decision
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


def test_record_of_the_release_before_opens_and_the_same_state_has_the_same_bytes() -> None:
    """So that release opens the records of this one, and an official downgrade keeps the lock."""
    record = unseal(LOCKED_DEVICE, SEALING_KEY)
    assert record is not None
    assert (record.counter, record.lock, record.memory.serial) == (5, Lock.LOCKED, 1)
    state = recover(LOCKED_DEVICE, SEALING_KEY, 5, BLANK).state
    time = record.memory.time
    same = replace(state, memory=replace(state.memory, time=time))
    assert seal(same, SEALING_KEY, 5) == LOCKED_DEVICE


def test_challenge_of_the_release_before_is_recognized_by_the_device_that_showed_it() -> None:
    record = unseal(LOCKED_DEVICE, SEALING_KEY)
    assert record is not None
    shown, now = UnlockChallenge.parse(CHALLENGE), challenge(record.memory, SEALING_KEY)
    assert now is not None
    assert (now.imei14, now.nonce == shown.nonce) == (shown.imei14, False)
    assert UnlockNonces(SEALING_KEY).is_earlier(shown.eat_nonce, record.memory.jti)


def test_device_has_the_sealing_key_of_the_release_before() -> None:
    with Simulation.open("sealed before", host=InProcessHost) as simulation:
        phone = simulation.phone("official-global", "havana")
        assert phone.keystore(phone._context.seed).sealing_key() == SEALING_KEY
        phone.hardware = replace(
            phone.hardware, store=EmulatedStore(LOCKED_DEVICE), counter=EmulatedCounter(5)
        )
        phone.network_down()
        phone.power_on()
        assert phone.outcome() is Outcome.LOCKED


def members(record: bytes) -> dict[str, object]:
    """The members of the sealed state, under `memory` those of the memory."""
    nonce, content = record[7:19], record[19:]
    found: dict[str, object] = json.loads(AESGCMSIV(KEY).decrypt(nonce, content, b"ASEAL1\n"))
    return found


def test_record_has_the_members_that_an_earlier_release_knows() -> None:
    """That release refuses others as foreign, and a downgrade would unlock a locked phone."""
    old, new = members(WARNED_RECORD), members(seal(BLANK, KEY, 7))
    assert new.keys() == old.keys()
    assert isinstance(new["memory"], dict)
    assert isinstance(old["memory"], dict)
    assert new["memory"].keys() == old["memory"].keys()
    assert all(isinstance(old["memory"][name], int) for name in ("check_in_at", "offline_at"))


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

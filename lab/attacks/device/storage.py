"""Attacks on the phone's storage: the sealed state, its counter, and the metadata of the verdict keys."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.core.states import Lock
from lab.attacks.device.base import BLANK, DENIED, attack, drop
from lab.attacks.device_state import DeviceState
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.target_phone import Phone
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic
from lab.handset.counter import EmulatedCounter
from lab.manufacturer.policies import DAILY_CHECK_IN
from server_stub.policy.policy import Policy

_T = Topic
_DAY: Final = 24 * 3600


def _restored(spoil: Callable[[TrialContext, Phone], bytes | None]) -> AttackRun:
    """A locked phone whose storage is replaced, and that boots without a network."""

    def play(stage: TrialContext) -> Phone:
        phone = stage.locked()
        content = spoil(stage, phone)
        phone.wire.act = drop
        phone.store.erase() if content is None else phone.store.write(content)
        phone.handset.power_on()
        return phone

    return play


def _flipped(_stage: TrialContext, phone: Phone) -> bytes:
    content = bytearray(phone.store.read() or b"")
    content[-1] ^= 1
    return bytes(content)


def _of_another(stage: TrialContext, _phone: Phone) -> bytes | None:
    return stage.activated().store.read()


def _cut(_stage: TrialContext, phone: Phone) -> bytes:
    return (phone.store.read() or b"")[:-20]


def _older(stage: TrialContext) -> Phone:
    """A phone that its offline limit has locked gets the storage of the day on which it worked."""
    phone = stage.set_up(
        stage.phone("paris", server=stage.server(Policy.parse(DAILY_CHECK_IN, "short-leash.toml")))
    )
    copy = phone.store.read() or b""
    phone.wire.act = drop
    phone.handset.wait(1.2 * _DAY)
    stage.require(phone.ending().lock is Lock.LOCKED, "the offline limit has locked the phone")
    phone.store.write(copy)
    phone.handset.power_on()
    return phone


def _from_before_the_verdict(stage: TrialContext) -> Phone:
    """The storage of before the denial comes back, and the phone is set up again."""
    phone = stage.phone("havana")
    phone.wire.act = drop
    stage.set_up(phone)
    copy = phone.store.read() or b""
    phone.wire.act = None
    phone.handset.retry()
    phone.store.write(copy)
    return stage.set_up(phone)


def _reset(stage: TrialContext) -> Phone:
    phone = stage.locked()
    phone.store.erase()
    return stage.set_up(phone)


def _other_counter(stage: TrialContext) -> Phone:
    """The storage of a locked phone on a board whose counter begins anew."""
    phone = stage.locked()
    board = stage.phone("havana", like=replace(phone, counter=EmulatedCounter()))
    board.wire.act = drop
    board.handset.power_on()
    return board


def _other_metadata(stage: TrialContext) -> Phone:
    """The key metadata of another repository is written into the phone's storage."""
    phone, other = stage.locked(), stage.set_up(stage.phone("havana", "custom-resigned"))
    for theirs in other.folder.rglob("*"):
        if theirs.is_file():
            target = phone.folder / theirs.relative_to(other.folder)
            target.unlink(missing_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(theirs.read_bytes())
    phone.handset.retry()
    return phone


ATTACKS: Final[tuple[Attack, ...]] = (
    attack("state-rolled-back", "Copy the sealed state of a day on which the phone worked back.", "CWE-1328",
            AttackerCapability.FLASH_ACCESS, _T.SEALED_STATE, _older, DeviceState(*BLANK, "rolled-back")),
    attack("state-from-before-the-verdict", "Copy the state of before the denial back, and set the phone up again.",
            "CWE-1328", AttackerCapability.FLASH_ACCESS, _T.SEALED_STATE, _from_before_the_verdict, DENIED),
    attack("state-erased", "Erase the sealed state of a locked phone.", "CWE-693", AttackerCapability.FLASH_ACCESS,
            _T.SEALED_STATE, _restored(lambda _, __: None), DeviceState(*BLANK, "missing")),
    attack("factory-reset", "Erase the sealed state and set the phone up again.", "CWE-693",
            AttackerCapability.FLASH_ACCESS,
            _T.SEALED_STATE, _reset, DENIED),
    attack("state-changed", "Flip one bit of the sealed state.", "CWE-353", AttackerCapability.FLASH_ACCESS,
            _T.SEALED_STATE, _restored(_flipped), DeviceState(*BLANK, "foreign")),
    attack("state-cut", "Cut the sealed state short.", "CWE-353", AttackerCapability.FLASH_ACCESS,
            _T.SEALED_STATE, _restored(_cut), DeviceState(*BLANK, "foreign")),
    attack("state-of-another-phone", "Copy the sealed state of a phone that works.", "CWE-353",
            AttackerCapability.FLASH_ACCESS,
            _T.SEALED_STATE, _restored(_of_another), DeviceState(*BLANK, "foreign")),
    attack("counter-exchanged", "Exchange the counter for one that begins anew.", "CWE-1328",
            AttackerCapability.FLASH_ACCESS,
            _T.SEALED_STATE, _other_counter, DeviceState(*BLANK, "counter-lost")),
    attack("key-metadata-exchanged", "Write another repository's metadata into the phone's storage.", "CWE-345",
            AttackerCapability.FLASH_ACCESS, _T.TRUST_ROOT, _other_metadata, DENIED),
)  # fmt: skip

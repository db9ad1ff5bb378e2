"""Attacks on the storage of the device: the sealed state, its counter, and the metadata of the verdict keys."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.core.states import Lock
from lab.attacks.device.base import BLANK, DENIED, device_attack, with_short_offline_limit
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.interceptor import drop
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic
from lab.handset.storage import EmulatedCounter

ATTACKS: Final[list[Attack]] = []


def _attack(
    name: str, source: str, code: str = "", topic: Topic = Topic.SEALED_STATE
) -> Callable[[AttackRun], AttackRun]:
    """Add the attack that the decorated function runs; its docstring is the sentence.

    Afterwards the device is as after a factory reset, with this code; without a code, it is denied again.
    """

    def add(run: AttackRun) -> AttackRun:
        state = DeviceState(*BLANK, code) if code else DENIED
        capability = AttackerCapability.FLASH_ACCESS
        ATTACKS.append(device_attack(name, str(run.__doc__), source, capability, topic, run, state))
        return run

    return add


def _boot_offline(device: TargetDevice, content: bytes | None) -> TargetDevice:
    """The device with this sealed state, or without one, after a boot without a network."""
    device.interceptor.handler = drop
    device.store.erase() if content is None else device.store.write(content)
    device.handset.power_on()
    return device


@_attack("state-rolled-back", "CWE-1328", "rolled-back")
def rolled_back(trial: TrialContext) -> TargetDevice:
    """Restore the sealed state from a day on which the device was activated."""
    device = with_short_offline_limit(trial)
    copy = device.store.read() or b""
    device.interceptor.handler = drop
    device.handset.wait(1.2 * 24 * 3600)
    trial.require(device.state().lock is Lock.LOCKED, "the offline limit has locked the device")
    return _boot_offline(device, copy)


@_attack("state-from-before-the-verdict", "CWE-1328")
def from_before_the_verdict(trial: TrialContext) -> TargetDevice:
    """Restore the state from before the denial, and set the device up again."""
    device = trial.device("havana")
    device.interceptor.handler = drop
    trial.set_up(device)
    copy = device.store.read() or b""
    device.interceptor.handler = None
    device.handset.retry()
    device.store.write(copy)
    return trial.set_up(device)


@_attack("state-erased", "CWE-693", "missing")
def erased(trial: TrialContext) -> TargetDevice:
    """Erase the sealed state of a locked device."""
    return _boot_offline(trial.locked(), None)


@_attack("factory-reset", "CWE-693")
def factory_reset(trial: TrialContext) -> TargetDevice:
    """Erase the sealed state and set the device up again."""
    device = trial.locked()
    device.store.erase()
    return trial.set_up(device)


@_attack("state-changed", "CWE-353", "foreign")
def changed(trial: TrialContext) -> TargetDevice:
    """Flip one bit of the sealed state."""
    device = trial.locked()
    content = device.store.read() or b""
    return _boot_offline(device, content[:-1] + bytes((content[-1] ^ 1,)))


@_attack("state-cut", "CWE-353", "foreign")
def cut(trial: TrialContext) -> TargetDevice:
    """Truncate the sealed state."""
    device = trial.locked()
    return _boot_offline(device, (device.store.read() or b"")[:-20])


@_attack("state-of-another-phone", "CWE-353", "foreign")
def of_another_device(trial: TrialContext) -> TargetDevice:
    """Copy the sealed state of an activated device."""
    return _boot_offline(trial.locked(), trial.activated().store.read())


@_attack("counter-exchanged", "CWE-1328", "counter-lost")
def counter_exchanged(trial: TrialContext) -> TargetDevice:
    """Replace the counter by a new one."""
    board = replace(trial.locked(), counter=EmulatedCounter())
    device = trial.device("havana", hardware_of=board)
    device.interceptor.handler = drop
    device.handset.power_on()
    return device


@_attack("key-metadata-exchanged", "CWE-345", topic=Topic.TRUST_ROOT)
def key_metadata_exchanged(trial: TrialContext) -> TargetDevice:
    """Write the metadata of another repository into the storage of the device."""
    device, other = trial.locked(), trial.set_up(trial.device("havana", "custom-resigned"))
    for source in other.folder.rglob("*"):
        if source.is_file():
            target = device.folder / source.relative_to(other.folder)
            target.unlink(missing_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    device.handset.retry()
    return device

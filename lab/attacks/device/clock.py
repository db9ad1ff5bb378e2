"""Attacks on the time of the device: the clock that the user sets, reboots, and a network that drops its requests."""

from collections.abc import Callable
from typing import Final

from lab.attacks.device.base import DENIED, HOME, LOCKED, device_attack, with_short_offline_limit
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.interceptor import drop
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic
from lab.handset.handset import Handset

_DAY: Final = 24 * 3600
_FAR: Final = 4_000_000_000
"""In 2096, in seconds since the epoch."""


def _offline(act: Callable[[Handset], None]) -> AttackRun:
    """A device with an offline limit of one day and no network; then `act`."""

    def run(trial: TrialContext) -> TargetDevice:
        device = with_short_offline_limit(trial)
        device.interceptor.handler = drop
        act(device.handset)
        return device

    return run


def _clock_set(epoch: int, days: float) -> AttackRun:
    def act(handset: Handset) -> None:
        handset.clock.set_wall(epoch)
        handset.wait(days * _DAY)

    return _offline(act)


def _alternating(handset: Handset) -> None:
    for hour in range(26):
        handset.clock.set_wall(0 if hour % 2 else _FAR)
        handset.wait(3600)


def _rebooting(seconds: int, days: float) -> AttackRun:
    """A reboot every so many seconds, for so many days."""

    def act(handset: Handset) -> None:
        for _ in range(int(days * _DAY / seconds)):
            handset.wait(seconds)
            handset.power_on()

    return _offline(act)


def _clock_set_before_setup(epoch: int) -> AttackRun:
    def run(trial: TrialContext) -> TargetDevice:
        device = trial.device("havana")
        device.handset.clock.set_wall(epoch)
        return trial.set_up(device)

    return run


def _locked_and_offline(trial: TrialContext) -> TargetDevice:
    device = trial.locked()
    device.interceptor.handler = drop
    device.handset.wait(1.2 * _DAY)
    return device


def _attack(
    name: str, sentence: str, run: AttackRun, expected: DeviceState, succeeds_because: str = ""
) -> Attack:
    capability = AttackerCapability.CLOCK
    return device_attack(name, sentence, "CWE-346", capability, Topic.CLOCK, run, expected, succeeds_because)


_LOCKED_OFFLINE: Final = DeviceState(*LOCKED, "unreachable")
_HOME_OFFLINE: Final = DeviceState(*HOME, "unreachable")

ATTACKS: Final[tuple[Attack, ...]] = (
    device_attack("cut-off-locked", "Keep a locked device offline for more than a day.", "CWE-400",
                  AttackerCapability.NETWORK, Topic.TRANSPORT, _locked_and_offline, _LOCKED_OFFLINE),
    device_attack("cut-off-activated", "Keep an activated device offline beyond its offline limit.", "CWE-400",
                  AttackerCapability.NETWORK, Topic.TRANSPORT, _clock_set(1_631_102_400, 1.2), _LOCKED_OFFLINE,
                  "a verified verdict set this limit; an attacker who keeps the device offline for so long locks it"),
    _attack("clock-back", "Set the clock to 1970 so that the offline limit is never reached.", _clock_set(0, 1.2),
            _LOCKED_OFFLINE),
    _attack("clock-forth", "Set the clock to 2096 so that the offline limit has passed.", _clock_set(_FAR, 0.5),
            _HOME_OFFLINE),
    _attack("clock-swinging", "Set the clock forwards and back every hour.", _offline(_alternating), _LOCKED_OFFLINE),
    _attack("clock-back-before-asking", "Set the clock to 1970 before the first request.", _clock_set_before_setup(0),
            DENIED),
    _attack("clock-forth-before-asking", "Set the clock to 2096, after the end of every campaign, before the first "
            "request.", _clock_set_before_setup(_FAR), DENIED),
    _attack("clock-slowed-by-reboots", "Reboot every five hours, so that elapsed time is lost at each reboot.",
            _rebooting(5 * 3600, 2.5), _LOCKED_OFFLINE),
    _attack("clock-slowed-by-many-reboots", "Reboot every hour.", _rebooting(3600, 2), _LOCKED_OFFLINE),
    _attack("clock-stopped-by-reboots", "Reboot every nine minutes, before trusted time is sealed.",
            _rebooting(540, 2.5), _HOME_OFFLINE,
            "the time while the device is off is not counted; trusted time is sealed ten minutes after a boot"),
)  # fmt: skip

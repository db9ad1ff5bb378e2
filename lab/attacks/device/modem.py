"""Attacks with the modem: it is silenced or made senseless, so that the evidence lacks identity, cards and network.

None of them gains more than taking the card out: the attestation identifies the device, its record decides with the
other signals, and a territory that no signal shows is unknown with and without a modem.
"""

from dataclasses import replace
from typing import Final

from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.ports import Modem
from lab.attacks.device.base import DENIED, HOME, device_attack, with_short_offline_limit
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic

_DAY: Final = 24 * 3600
_SAME_WITHOUT_CARD: Final = (
    "unknown is not ineligible; taking the card out of a working modem gives the same, "
    "which the attack checks"
)
_UNKNOWN: Final = DeviceState(Lock.ACTIVATED, ScreenId.HOME, "allow territory-unknown")


class SilentModem:
    """Implements `agent.ports.Modem`: no answer to any command."""

    def write(self, data: bytes) -> None:
        """Ignore `data`."""

    def read(self, timeout: float) -> bytes:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return b""


class SenselessModem(SilentModem):
    """A modem with an answer in no known form to each command."""

    def __init__(self) -> None:
        self._pending = b""

    def write(self, data: bytes) -> None:
        """Answer each command line."""
        self._pending += b"\r\n?#\x80\xff\r\n" * data.count(b"\r")

    def read(self, timeout: float) -> bytes:  # noqa: ARG002 - as above
        """The answers so far."""
        pending, self._pending = self._pending, b""
        return pending


def _replace_modem(device: TargetDevice, modem: Modem) -> TargetDevice:
    handset = device.handset
    handset.hardware = replace(handset.hardware, modem=modem)
    if handset.agent is not None:
        handset.power_on()
    return device


def _at_setup(modem: Modem) -> AttackRun:
    def run(trial: TrialContext) -> TargetDevice:
        return trial.set_up(_replace_modem(trial.device("havana"), modem))

    return run


def _after_denial(trial: TrialContext) -> TargetDevice:
    return _replace_modem(trial.locked(), SenselessModem())


def _hide_signals(device: TargetDevice, modem: Modem | None) -> None:
    """Report no position, and hide the modem; without `modem` take only its card out."""
    handset = device.handset
    handset.locate(on=False)
    handset.join_wifi(None)
    if modem is not None:
        _replace_modem(device, modem)
    else:
        handset.insert(None)


def _all_signals_hidden(*, denied_before: bool) -> AttackRun:
    """A device in Havana. Hiding the modem must end as taking the card out ends."""

    def hide(trial: TrialContext, modem: Modem | None) -> TargetDevice:
        device = trial.device("havana")
        if denied_before:
            trial.set_up(device)
        _hide_signals(device, modem)
        trial.set_up(device)
        return device

    def run(trial: TrialContext) -> TargetDevice:
        without_card, hidden = hide(trial, None), hide(trial, SilentModem())
        same = hidden.state() == without_card.state()
        trial.require(same, "hiding the modem gains more than taking the card out")
        return hidden

    return run


def _cut_off(trial: TrialContext) -> TargetDevice:
    """An activated device whose modem fails reaches its server for longer than its offline limit of a day."""
    device = _replace_modem(with_short_offline_limit(trial), SenselessModem())
    device.handset.wait(5 * _DAY)
    return device


def _attack(
    name: str, sentence: str, run: AttackRun, expected: DeviceState, succeeds_because: str = ""
) -> Attack:
    capability = AttackerCapability.MODEM
    return device_attack(name, sentence, "CWE-348", capability, Topic.SIM, run, expected, succeeds_because)


ATTACKS: Final[tuple[Attack, ...]] = (
    _attack("modem-silent-at-setup", "Unplug the modem of a phone in Havana before its first setup.",
            _at_setup(SilentModem()), DENIED),
    _attack("modem-senseless-at-setup", "Let the modem of a phone in Havana answer nonsense at its first setup.",
            _at_setup(SenselessModem()), DENIED),
    _attack("modem-senseless-denied", "Let the modem of a locked phone answer nonsense.", _after_denial, DENIED),
    _attack("modem-all-signals-hidden", "Hide modem, position and country of the Wi-Fi before the first setup.",
            _all_signals_hidden(denied_before=False), _UNKNOWN, _SAME_WITHOUT_CARD),
    _attack("modem-all-hidden-later", "Hide modem, position and country of the Wi-Fi of a locked phone.",
            _all_signals_hidden(denied_before=True), _UNKNOWN, _SAME_WITHOUT_CARD),
    _attack("modem-senseless-for-days", "Let the modem of an activated phone answer nonsense for longer than its "
            "offline limit.", _cut_off, DeviceState(*HOME, "allow territory-eligible")),
)  # fmt: skip

"""What attacks on the device have in common."""

from typing import Final

from agent.core.screens import ScreenId
from agent.core.states import Lock
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic, Trial
from lab.manufacturer.policies import DAILY_CHECK_IN
from server_stub.policy.policy import Policy

LOCKED: Final = (Lock.LOCKED, ScreenId.LOCKED)
HOME: Final = (Lock.ACTIVATED, ScreenId.HOME)
BLANK: Final = (Lock.UNPROVISIONED, ScreenId.LANGUAGE)
DENIED: Final = DeviceState(*LOCKED, "deny territory-prohibited")


def with_short_offline_limit(trial: TrialContext) -> TargetDevice:
    """An activated device with an offline limit of one day."""
    server = trial.server(Policy.parse(DAILY_CHECK_IN, "daily-check-in.toml"))
    return trial.set_up(trial.device("paris", server=server))


def device_attack(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    capability: AttackerCapability,
    topic: Topic,
    run: AttackRun,
    expected: DeviceState,
    succeeds_because: str = "",
) -> Attack:
    """An attack on one device."""
    trial = Trial("phone", run, expected)
    return Attack(name, sentence, source, (capability,), (topic,), (trial,), succeeds_because)

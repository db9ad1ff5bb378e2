"""What attacks on the phone itself have in common."""

from typing import Final

from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.ports import Answer, TransportError, TransportFault
from lab.attacks.device_state import DeviceState
from lab.attacks.harness.interceptor import Call
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic, Trial

LOCKED: Final = (Lock.LOCKED, ScreenId.LOCKED)
HOME: Final = (Lock.ACTIVATED, ScreenId.HOME)
BLANK: Final = (Lock.UNPROVISIONED, ScreenId.LANGUAGE)
DENIED: Final = DeviceState(*LOCKED, "deny territory-prohibited")


def drop(_: Call) -> Answer:
    """The network carries nothing."""
    raise TransportError(TransportFault.UNREACHABLE, "the network drops it")


def attack(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    means: AttackerCapability,
    topic: Topic,
    play: AttackRun,
    must: DeviceState,
    falls: str = "",
) -> Attack:
    """An attack on one phone."""
    return Attack(name, sentence, source, (means,), (topic,), (Trial("phone", play, must),), falls)

"""Attacks on the token: the server answers, and the device gets another token instead."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from zlib import crc32

from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.ports import Answer
from agent.verification.errors import Code
from lab.attacks.harness.environment import Server, TrialContext
from lab.attacks.harness.interceptor import Handler, InterceptedRequest
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.harness.token_forge import TokenForge
from lab.attacks.model import NETWORK, STEPS, STOLEN_KEY, Attack, AttackerCapability, AttackRun, Topic, Trial
from wire.codes import Decision

SIGNATURE: Final = 7
FORM: Final = 8
"""The step that checks the signature, and the last step that checks only the form of the token."""

MakeToken = Callable[[TokenForge], bytes]
"""Makes the hostile token."""

Row = tuple[str, str, str, tuple[Topic, ...], Code]
"""Id, sentence, source, topics and expected code of an attack."""


@dataclass(frozen=True, slots=True)
class Target:
    """A device, and the verdict that an attacker wants for it. `set_up`: it got one before the attack."""

    name: str
    place: str
    wanted: Decision
    lock: Lock
    screen: ScreenId
    set_up: bool = True

    def unchanged(self, code: str) -> DeviceState:
        """The state before the attack, with `code` as its result."""
        return DeviceState(self.lock, self.screen, code)


LOCKED: Final = Target("locked", "havana", Decision.ALLOW, Lock.LOCKED, ScreenId.LOCKED)
ACTIVATED: Final = Target("activated", "paris", Decision.DENY, Lock.ACTIVATED, ScreenId.HOME)
FRESH: Final = Target(
    "first contact", "havana", Decision.ALLOW, Lock.UNPROVISIONED, ScreenId.WAITING, set_up=False
)
ALL_TARGETS: Final = (LOCKED, ACTIVATED)


def token_attack(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    topics: tuple[Topic, ...],
    code: Code,
    make: MakeToken,
    *,
    capabilities: tuple[AttackerCapability, ...] = NETWORK,
    targets: tuple[Target, ...] = (),
) -> Attack:
    """An attack in which a device gets the token of `make`, and must reject it with `code`.

    It runs on each of `targets`. By default that is one of the two if the form of the token is rejected: those steps do
    not depend on the device, so the target is chosen by the attack's name. Otherwise it is both.
    """
    step = STEPS[code.value]
    one = (ALL_TARGETS[crc32(name.encode()) % 2],)
    chosen = targets or (ALL_TARGETS if step == SIGNATURE or step > FORM else one)
    trials = tuple(
        Trial(target.name, substitute_token(target, make), target.unchanged(code.value)) for target in chosen
    )
    return Attack(name, sentence, source, capabilities, topics, trials)


signed_token = partial(token_attack, capabilities=STOLEN_KEY)
"""An attack with a token that a key of the manufacturer signs."""


def substitute_token(target: Target, make: MakeToken) -> AttackRun:
    """The run in which a device requests a verdict and gets the token of `make`."""

    def run(trial: TrialContext) -> TargetDevice:
        device = prepare_target(trial, target)
        request_under(device, replace_response(trial, device, target.wanted, make))
        return device

    return run


def prepare_target(trial: TrialContext, target: Target, server: Server | None = None) -> TargetDevice:
    """The device that `target` describes."""
    device = trial.device(target.place, server=server)
    return trial.set_up(device) if target.set_up else device


def request_under(device: TargetDevice, handler: Handler) -> None:
    """The device asks once through `handler`: at its setup, or because its user tries again."""
    device.interceptor.handler = handler
    if device.handset.agent is None:
        device.handset.power_on()
        device.handset.walk_setup()
    else:
        device.handset.retry()
    device.interceptor.handler = None


def replace_response(trial: TrialContext, device: TargetDevice, wanted: Decision, make: MakeToken) -> Handler:
    """A handler that lets the server answer, and gives the device the token of `make` instead."""

    def handler(request: InterceptedRequest) -> Answer:
        answer = request.forward()
        if not request.asks_verdict:
            return answer
        earlier = device.interceptor.tokens[-1] if device.interceptor.tokens else b""
        token = make(TokenForge(trial.keys, answer.body, earlier, request.body, wanted))
        device.capture(token, request.body)
        return replace(answer, body=token)

    return handler

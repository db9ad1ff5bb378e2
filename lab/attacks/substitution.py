"""Attacks on the token: let the server answer, and hand the phone something else in its place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.ports import Answer
from agent.verification.errors import RULES, Code
from lab.attacks.device_state import DeviceState
from lab.attacks.harness.environment import Server, TrialContext
from lab.attacks.harness.interceptor import Act, Call
from lab.attacks.harness.target_phone import Phone
from lab.attacks.harness.token_forge import TokenForge
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic, Trial
from wire.codes import Decision

SIGNATURE: Final = 7
FORM: Final = 8
"""The step that holds the signature against the key, and the last one that looks at the form alone."""

Make = Callable[[TokenForge], bytes]
"""Makes the hostile token."""


@dataclass(frozen=True, slots=True)
class Target:
    """A phone, and what an attacker wants of it: to unlock what is locked, or to lock what is activated.

    `set_up` tells whether it got a verdict before the attack.
    """

    name: str
    place: str
    wanted: Decision
    lock: Lock
    screen: ScreenId
    set_up: bool = True

    def unchanged(self, told: str) -> DeviceState:
        """The phone as it was before."""
        return DeviceState(self.lock, self.screen, told)


LOCKED: Final = Target("locked", "havana", Decision.ALLOW, Lock.LOCKED, ScreenId.LOCKED)
ACTIVATED: Final = Target("activated", "paris", Decision.DENY, Lock.ACTIVATED, ScreenId.HOME)
FRESH: Final = Target(
    "first contact", "havana", Decision.ALLOW, Lock.UNPROVISIONED, ScreenId.WAITING, set_up=False
)
ALL_TARGETS: Final = (LOCKED, ACTIVATED)


def one_target_for(name: str) -> tuple[Target, ...]:
    """One of the two by the attack's name: what steps 1 to 8 refuse, they refuse without looking at the phone."""
    return (ALL_TARGETS[crc32(name.encode()) % 2],)


def token(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    topics: tuple[Topic, ...],
    code: Code,
    make: Make,
    *,
    means: tuple[AttackerCapability, ...] = (AttackerCapability.NETWORK,),
    targets: tuple[Target, ...] = (),
) -> Attack:
    """An attack in which a phone gets the token of `make`, and must refuse it with `code`.

    It runs on each of `targets`; by default on one where the token's form is refused, and on both where its origin
    or meaning is.
    """
    step = RULES[Code(code)][0]
    chosen = targets or (ALL_TARGETS if step == SIGNATURE or step > FORM else one_target_for(name))
    trials = tuple(
        Trial(target.name, substitute_token(target, make), target.unchanged(code.value)) for target in chosen
    )
    return Attack(name, sentence, source, means, topics, trials)


def substitute_token(target: Target, make: Make) -> AttackRun:
    """The play in which a phone asks and gets the token of `make`."""

    def play(stage: TrialContext) -> Phone:
        phone = prepare_target(stage, target)
        request_under(phone, replace_response(stage, phone, target.wanted, make))
        return phone

    return play


def prepare_target(stage: TrialContext, target: Target, server: Server | None = None) -> Phone:
    """The phone that `target` describes."""
    phone = stage.phone(target.place, server=server)
    return stage.set_up(phone) if target.set_up else phone


def request_under(phone: Phone, act: Act) -> None:
    """The phone asks once while the network does `act`: at its setup, or because its user tries again."""
    phone.wire.act = act
    if phone.handset.agent is None:
        phone.handset.power_on()
        phone.handset.walk_setup()
    else:
        phone.handset.retry()
    phone.wire.act = None


def replace_response(stage: TrialContext, phone: Phone, wanted: Decision, make: Make) -> Act:
    """The act that lets the server answer, and gives the phone the token of `make` instead."""

    def act(call: Call) -> Answer:
        answer = call.forward()
        if not call.asks_verdict:
            return answer
        earlier = phone.wire.tokens[-1] if phone.wire.tokens else b""
        token = make(TokenForge(stage.ring, answer.body, earlier, call.body, wanted))
        phone.note(token, call.body)
        return replace(answer, body=token)

    return act

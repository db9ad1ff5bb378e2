"""Attacks on the token: let the server answer, and hand the phone something else in its place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.ports import Answer
from agent.verification.errors import RULES, Code
from lab.attacks.forge import Forge
from lab.attacks.interceptor import Act, Call
from lab.attacks.model import Attack, Ending, Means, Play, Topic, Trial
from lab.attacks.phone import Phone
from lab.attacks.theatre import Server, Stage
from wire.codes import Decision

SIGNATURE: Final = 7
FORM: Final = 8
"""The step that holds the signature against the key, and the last one that looks at the form alone."""

Make = Callable[[Forge], bytes]
"""Makes the hostile token."""


@dataclass(frozen=True, slots=True)
class Target:
    """A phone, and what an attacker wants of it: to unlock what is locked, or to lock what is activated.

    `settled` tells whether it got a verdict before the attack.
    """

    name: str
    place: str
    wanted: Decision
    lock: Lock
    screen: ScreenId
    settled: bool = True

    def unchanged(self, told: str) -> Ending:
        """The phone as it was before."""
        return Ending(self.lock, self.screen, told)


LOCKED: Final = Target("locked", "havana", Decision.ALLOW, Lock.LOCKED, ScreenId.LOCKED)
ACTIVATED: Final = Target("activated", "paris", Decision.DENY, Lock.ACTIVATED, ScreenId.HOME)
FRESH: Final = Target(
    "first contact", "havana", Decision.ALLOW, Lock.UNPROVISIONED, ScreenId.WAITING, settled=False
)
BOTH: Final = (LOCKED, ACTIVATED)


def in_turn(name: str) -> tuple[Target, ...]:
    """One of the two by the attack's name: what steps 1 to 8 refuse, they refuse without looking at the phone."""
    return (BOTH[crc32(name.encode()) % 2],)


def token(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    topics: tuple[Topic, ...],
    code: Code,
    make: Make,
    *,
    means: tuple[Means, ...] = (Means.NETWORK,),
    targets: tuple[Target, ...] = (),
) -> Attack:
    """An attack in which a phone gets the token of `make`, and must refuse it with `code`.

    It runs on each of `targets`; by default on one where the token's form is refused, and on both where its origin
    or meaning is.
    """
    step = RULES[Code(code)][0]
    chosen = targets or (BOTH if step == SIGNATURE or step > FORM else in_turn(name))
    trials = tuple(
        Trial(target.name, ambush(target, make), target.unchanged(code.value)) for target in chosen
    )
    return Attack(name, sentence, source, means, topics, trials)


def ambush(target: Target, make: Make) -> Play:
    """The play in which a phone asks and gets the token of `make`."""

    def play(stage: Stage) -> Phone:
        phone = ready(stage, target)
        interfering(phone, replacing(stage, phone, target.wanted, make))
        return phone

    return play


def ready(stage: Stage, target: Target, server: Server | None = None) -> Phone:
    """The phone that `target` describes."""
    phone = stage.phone(target.place, server=server)
    return stage.settled(phone) if target.settled else phone


def interfering(phone: Phone, act: Act) -> None:
    """The phone asks once while the network does `act`: at its setup, or because its user tries again."""
    phone.wire.act = act
    if phone.handset.agent is None:
        phone.handset.power_on()
        phone.handset.walk_setup()
    else:
        phone.handset.retry()
    phone.wire.act = None


def replacing(stage: Stage, phone: Phone, wanted: Decision, make: Make) -> Act:
    """The act that lets the server answer, and gives the phone the token of `make` instead."""

    def act(call: Call) -> Answer:
        answer = call.forward()
        if not call.asks_verdict:
            return answer
        earlier = phone.wire.tokens[-1] if phone.wire.tokens else b""
        token = make(Forge(stage.ring, answer.body, earlier, call.body, wanted))
        phone.note(token, call.body)
        return replace(answer, body=token)

    return act

"""Attacks on the token: let the server answer, and hand the phone something else in its place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.ports import Answer
from agent.verification.errors import Code
from lab.attacks.forge import Forge
from lab.attacks.interceptor import Call
from lab.attacks.model import Attack, Ending, Means, Play, Topic, Trial
from lab.attacks.phone import Phone
from lab.attacks.theatre import Stage
from wire.codes import Decision

Make = Callable[[Forge], bytes]
"""Makes the hostile token."""


@dataclass(frozen=True, slots=True)
class Target:
    """A phone, and what an attacker wants of it: to unlock what is locked, or to lock what is activated."""

    name: str
    place: str
    wanted: Decision
    lock: Lock
    screen: ScreenId

    def unchanged(self, told: str) -> Ending:
        """The phone as it was before."""
        return Ending(self.lock, self.screen, told)


LOCKED: Final = Target("locked", "havana", Decision.ALLOW, Lock.LOCKED, ScreenId.LOCKED)
ACTIVATED: Final = Target("activated", "paris", Decision.DENY, Lock.ACTIVATED, ScreenId.HOME)
BOTH: Final = (LOCKED, ACTIVATED)


def token(
    name: str,
    sentence: str,
    source: str,
    topics: tuple[Topic, ...],
    code: Code | str,
    make: Make,
    *,
    means: tuple[Means, ...] = (Means.NETWORK,),
    targets: tuple[Target, ...] = BOTH,
) -> Attack:
    """An attack in which the phone gets the token of `make`, and must refuse it with `code`, on each target."""
    trials = tuple(
        Trial(target.name, ambush(target, make), target.unchanged(str(code))) for target in targets
    )
    return Attack(name, sentence, source, means, topics, trials)


def ambush(target: Target, make: Make) -> Play:
    """The play in which a settled phone asks again and gets the token of `make`."""

    def play(stage: Stage) -> Phone:
        phone = stage.settled(stage.phone(target.place))
        deliver(stage, phone, target.wanted, make)
        return phone

    return play


def deliver(stage: Stage, phone: Phone, wanted: Decision, make: Make) -> None:
    """The user asks again, and the phone gets the token of `make` for the server's."""

    def act(call: Call) -> Answer:
        answer = call.forward()
        if not call.asks_verdict:
            return answer
        forge = Forge(stage.ring, answer.body, phone.wire.tokens[-1], call.body, wanted)
        token = make(forge)
        phone.note(token, call.body)
        return replace(answer, body=token)

    phone.wire.act = act
    phone.handset.retry()
    phone.wire.act = None

"""What can answer a device that has sent its evidence: the server after every single fault, and thieves of its keys.

A floor of trusted time that is ahead of the true time is the same as a server whose time is before the floor. So the
answers differ in the server's time, and no state of the model has another floor. A server whose clock is ahead looks
like one that is right when it is later than the device knew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from agent.core.states import Memory
from lab.model_check.abstraction import SERIAL, VERSION
from lab.model_check.publications import CLOCK, FLOOR, NOW, ROOT, UNIT, Publication
from lab.model_check.verdict_factory import DECISIONS, ServerAnswer, Token, serial_of
from wire import limits

HOURS: Final = 8 * 3600
CEILING: Final = NOW + limits.TIMESTAMP_LIFETIME + limits.SKEW
STOLEN_CLOCK: Final = 2**31
"""The clock number of timestamps that a thief signs."""


@dataclass(frozen=True, slots=True)
class PossibleAnswer:
    """`code` is that of the specified refusal, empty if the answer must be accepted, None if both are possible.

    `honest` is whether the server decides and has no fault.
    """

    name: str
    answer: ServerAnswer
    code: str | None = None
    honest: bool = False


def _answer(
    publication: Publication, issued: int | None = None, *, key: int = 0, policy: int = VERSION
) -> ServerAnswer:
    """Keys and a verdict, which is as old as they are unless `issued` is given."""
    at = publication.signed if issued is None else issued
    return ServerAnswer(Token("allow", issued=at, key=key, policy=policy), publication)


_REPLACED: Final = Publication(NOW - UNIT, clock=0, root=ROOT + 1)
_THIEF: Final = Publication(NOW + UNIT, STOLEN_CLOCK)

HONEST: Final = {
    "and it is later than the device knew": _answer(Publication(NOW + UNIT)),
    "and it is earlier than the device knew": _answer(Publication(FLOOR)),
    "with a clock that is behind by hours": _answer(Publication(FLOOR - HOURS)),
    "after its clock was ahead, or was behind and accepted": _answer(Publication(NOW - UNIT, CLOCK + 1)),
    "after the verdict key was stolen and revoked": _answer(Publication(FLOOR, revoked=True), key=1),
    "after the timestamp key was stolen and replaced": _answer(_REPLACED, policy=VERSION - 1),
}
"""By what happened before."""

FAULTY: Final = {
    "server, with a clock that is behind": ("tuf-expired", _answer(Publication(NOW - UNIT))),
    "server, with an earlier policy": ("policy-rolled-back", _answer(Publication(), policy=VERSION - 1)),
    "server, under a timestamp of a thief": ("expired", _answer(_THIEF, NOW)),
    "server, under a timestamp of an attacker": ("tuf-unsigned", _answer(replace(_THIEF, forged=True), NOW)),
    "thief of the verdict key, at the ceiling": ("", _answer(Publication(), CEILING)),
    "thief of the verdict key, beyond the ceiling": (
        "issued-after-timestamp",
        _answer(Publication(), CEILING + 1),
    ),
    "thief of the verdict key, after its revocation": ("key-revoked", _answer(Publication(revoked=True))),
    "thief of the verdict key, under a timestamp of before a correction": (
        "tuf-rollback",
        _answer(Publication(FLOOR - HOURS, CLOCK - 1)),
    ),
    "thief of both keys": ("", _answer(_THIEF)),
}
"""By the fault: the code with which a device refuses the answer if it has accepted a verdict before."""


def on_time(memory: Memory, nonce: str) -> Iterator[tuple[str, ServerAnswer]]:
    """The answers of a server without a fault, at the time that the device assumes."""
    memories = {"": SERIAL, ", from a backup": SERIAL - 7, ", after lost answers": SERIAL + 7}
    for decision in DECISIONS:
        for name, remembered in memories.items():
            yield (
                f"{decision}{name}",
                ServerAnswer(Token(decision, nonce, serial=serial_of(memory, remembered))),
            )


def answers(memory: Memory, nonce: str) -> Iterator[PossibleAnswer]:
    """All answers to a device with this record and pending challenge."""
    for name, answer in on_time(memory, nonce):
        yield PossibleAnswer(f"server: {name}", answer, "", honest=True)
    known = memory.bounds.root > 0
    # Without an exchange the floor is the build date of the image, which is before the true time.
    past = {name: each for name, each in HONEST.items() if known or each.publication.signed > NOW - UNIT}
    serial = serial_of(memory, SERIAL)
    for decision in DECISIONS:
        for name, answer in past.items():
            token = replace(answer.token, name=decision, nonce=nonce, serial=serial)
            yield PossibleAnswer(f"server: {decision}, {name}", replace(answer, token=token), "", honest=True)
        for name, (code, answer) in FAULTY.items():
            token = replace(answer.token, name=decision, nonce=nonce, serial=serial)
            yield PossibleAnswer(f"{name}: {decision}", replace(answer, token=token), code if known else None)

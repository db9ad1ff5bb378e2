"""What the exploration runs: the production tables, effect order and sealing rule, or one of them with a defect."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent import sealing
from agent.core.effects import Effect, EffectKind
from agent.core.states import State
from agent.core.table import MACHINES, Machine
from agent.sealing import Recovered

Recover = Callable[[bytes | None, bytes, int, State], Recovered]
WRITE: Final = "write"
COUNT: Final = "count"


@dataclass(frozen=True, slots=True)
class AgentVariant:
    """`order` is the order of effects, `persist` that of writing the record and counting."""

    machines: tuple[Machine, ...] = MACHINES
    order: tuple[EffectKind, ...] = tuple(EffectKind)
    persist: tuple[str, ...] = (WRITE, COUNT)
    recover: Recover = sealing.recover

    def arranged(self, effects: Sequence[Effect]) -> list[Effect]:
        """The effects of a step in the order of this plan."""
        if self.order == tuple(EffectKind):
            return list(effects)
        return sorted(effects, key=lambda effect: self.order.index(named(effect)))


def named(effect: Effect) -> EffectKind:
    """The name that the tables have for an effect."""
    words: list[str] = re.findall(r"[A-Z][a-z]*", type(effect).__name__)
    return EffectKind("-".join(words).lower())


PRODUCTION: Final = AgentVariant()

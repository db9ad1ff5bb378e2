"""Breaks of the agent: events that it does not hear, effects that it leaves out, rules that it forgets."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from agent import runtime
from agent.adapters.tuf_keys import TufKeys
from agent.core import effects, timing
from agent.core.events import Event, Judged, Kind
from agent.core.screens import Action, ScreenFacts, ScreenId
from agent.core.states import State
from agent.runtime import Agent
from agent.screens import Direction, Screen, build
from agent.sealing import Recovered, recover
from agent.verification import verdict
from agent.verification.keys import ALGORITHMS
from lab.handset import handset
from lab.scenario.engine import observer

Apply = Callable[[pytest.MonkeyPatch], None]

EFFECTS: Final = (effects.Persist, effects.Show, effects.ShowImei, effects.SetAlarm, effects.Collect)


def made() -> Iterator[tuple[str, Apply]]:
    """By name."""
    for kind in Kind:
        yield f"agent: is deaf to {kind}", _deaf(kind)
    for effect in EFFECTS:
        yield f"agent: leaves out {effect.__name__}", _idle(effect)
    for name, change in SCREENS.items():
        yield f"agent: {name}", _screens(change)
    yield from RULES.items()


def _deaf(kind: Kind) -> Apply:
    hears = Agent._step

    def step(self: Agent, event: Event) -> None:
        if event.kind is not kind:
            hears(self, event)

    return lambda patch: patch.setattr(Agent, "_step", step)


def _idle(effect: type[object]) -> Apply:
    does = Agent._perform

    def perform(self: Agent, wanted: effects.Effect) -> None:
        if not isinstance(wanted, effect):
            does(self, wanted)

    return lambda patch: patch.setattr(Agent, "_perform", perform)


def _screens(change: Callable[[ScreenId, ScreenFacts, str], Screen]) -> Apply:
    def apply(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(observer, "build", change)
        patch.setattr(handset, "build", change)

    return apply


def _lacking(action: Action) -> Callable[[ScreenId, ScreenFacts, str], Screen]:
    def change(screen: ScreenId, facts: ScreenFacts, locale: str) -> Screen:
        whole = build(screen, facts, locale)
        return replace(whole, actions=tuple(each for each in whole.actions if each[0] is not action))

    return change


SCREENS: Final[dict[str, Callable[[ScreenId, ScreenFacts, str], Screen]]] = {
    "speaks English only": lambda screen, facts, _: build(screen, facts, "en"),
    "writes from left to right only": lambda *told: replace(build(*told), direction=Direction.LTR),
    "has no symbols": lambda *told: replace(build(*told), symbol=None),
    "has no black screen": lambda *told: replace(build(*told), dark=False),
    "says nothing below the title": lambda *told: replace(build(*told), body=()),
    "names no trouble": lambda screen, facts, locale: build(screen, replace(facts, trouble=None), locale),
} | {f"offers no {action}": _lacking(action) for action in Action}


def _believes_any_record(patch: pytest.MonkeyPatch) -> None:
    def believing(content: bytes | None, key: bytes, counter: int, blank: State) -> Recovered:
        found = (recover(content, key, each, blank) for each in range(counter + 50))
        return next((each for each in found if each.fault is None), recover(content, key, counter, blank))

    patch.setattr(runtime, "recover", believing)


def _starts_afresh(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(runtime, "recover", lambda _content, _key, _counter, blank: Recovered(blank))


def _takes_any_signature(patch: pytest.MonkeyPatch) -> None:
    for algorithm in ALGORITHMS:
        patch.setattr(algorithm, "check", lambda *_: None)


def _takes_verdicts_of_other_exchanges(patch: pytest.MonkeyPatch) -> None:
    """Each of these alone is backed by the others."""
    for check in ("check_nonce", "check_key_binding", "check_times", "check_freshness"):
        patch.setattr(verdict, check, lambda *_: None)


def _keeps_its_first_keys(patch: pytest.MonkeyPatch) -> None:
    fetch = TufKeys.keys

    def keys(self: TufKeys, now: int) -> Any:
        return self.cached_keys() if (self.folder / "targets").is_dir() else fetch(self, now)

    patch.setattr(TufKeys, "keys", keys)


def _obeys_no_retry_after(patch: pytest.MonkeyPatch) -> None:
    waits = timing.delay
    for module in (timing, runtime):
        patch.setattr(
            module, "delay", lambda trouble, attempts, fraction, _: waits(trouble, attempts, fraction, None)
        )


def _never_waits_longer(patch: pytest.MonkeyPatch) -> None:
    waits = timing.delay
    for module in (timing, runtime):
        patch.setattr(module, "delay", lambda trouble, _, fraction, asked: waits(trouble, 1, fraction, asked))


def _takes_every_verdict_for(kind: Kind) -> Apply:
    return lambda patch: patch.setattr(Judged, "kind", kind)


def _believes_the_wall_clock(patch: pytest.MonkeyPatch) -> None:
    def context(self: Agent) -> timing.Context:
        clock = self._ports.clock
        off = getattr(clock, "offset", 0)
        return timing.Context(clock.elapsed() + off, self._ports.entropy.fraction())

    patch.setattr(Agent, "_context", context)


RULES: Final[dict[str, Apply]] = {
    "agent: believes any record that it sealed once": _believes_any_record,
    "agent: starts afresh at every boot": _starts_afresh,
    "agent: takes any signature": _takes_any_signature,
    "agent: takes verdicts of other exchanges": _takes_verdicts_of_other_exchanges,
    "agent: keeps its first keys": _keeps_its_first_keys,
    "agent: obeys no Retry-After": _obeys_no_retry_after,
    "agent: never waits longer than the first time": _never_waits_longer,
    "agent: takes every verdict for an allow": _takes_every_verdict_for(Kind.ALLOWED),
    "agent: takes every verdict for a deny": _takes_every_verdict_for(Kind.DENIED),
    "agent: believes the wall clock": _believes_the_wall_clock,
}

"""Mutants of the agent: events that it ignores, effects that it skips, rules that it does not apply."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from agent import repeats, runtime
from agent.adapters.tuf_keys import TufKeys
from agent.core import effects, timing, updates
from agent.core.events import Event, EventKind, Failed, VerdictReceived
from agent.core.screens import Action, ScreenFacts, ScreenId, Trouble
from agent.core.states import State
from agent.core.timing import Context, delay
from agent.ports import PublishedKeys
from agent.runtime import Agent
from agent.screens import Direction, Screen, build
from agent.sealing import Recovered, recover
from agent.verification import verdict
from agent.verification.bounds import TimestampBounds
from agent.verification.keys import ALGORITHMS
from lab.handset import handset
from lab.model_check.memoized_step import Replaced
from lab.model_check.mutants import changes_of_time
from lab.scenario.engine import observer

EFFECTS: Final = (effects.Persist, effects.Show, effects.ShowImei, effects.SetAlarm, effects.Collect)

NOT_IN_SCENARIOS: Final = (
    "the floor is taken before signatures are verified",
    "the policy floor is never reset",
)
"""Changes that stop every exchange, or need a policy that no server of the lab puts in force."""

Builder = Callable[[ScreenId, ScreenFacts, str], Screen]


def all_by_name() -> Iterator[tuple[str, list[Replaced]]]:
    """What is wrong with the agent, and the parts that are exchanged for it."""
    for kind in EventKind:
        yield f"ignores event {kind}", [(Agent, "_step", _without_event(kind))]
    for effect in EFFECTS:
        yield f"skips effect {effect.__name__}", [(Agent, "_perform", _without_effect(effect))]
    for name, builder in SCREENS.items():
        yield name, [(observer, "_built", builder), (handset, "build", builder)]
    yield from ((name, [part]) for name, part in changes_of_time() if name not in NOT_IN_SCENARIOS)
    yield from RULES.items()


def _without_event(kind: EventKind) -> Callable[[Agent, Event], None]:
    original = Agent._step
    return lambda agent, event: None if event.kind is kind else original(agent, event)


def _without_effect(effect: type[object]) -> Callable[[Agent, effects.Effect], None]:
    original = Agent._perform
    return lambda agent, wanted: None if isinstance(wanted, effect) else original(agent, wanted)


def _without_action(action: Action) -> Builder:
    def change(screen: ScreenId, facts: ScreenFacts, locale: str) -> Screen:
        whole = build(screen, facts, locale)
        return replace(whole, actions=tuple(each for each in whole.actions if each[0] is not action))

    return change


SCREENS: Final[dict[str, Builder]] = {
    "shows English only": lambda screen, facts, _: build(screen, facts, "en"),
    "writes left to right only": lambda *args: replace(build(*args), direction=Direction.LTR),
    "shows no symbols": lambda *args: replace(build(*args), symbol=None),
    "shows no black screen": lambda *args: replace(build(*args), dark=False),
    "shows no body text": lambda *args: replace(build(*args), body=()),
    "shows no error": lambda screen, facts, locale: build(screen, replace(facts, trouble=None), locale),
    "shows nothing about the modem": lambda screen, facts, locale: build(
        screen, replace(facts, modem=None), locale
    ),
} | {f"offers no {action}": _without_action(action) for action in Action}


def _recover_any(content: bytes | None, key: bytes, counter: int, blank: State) -> Recovered:
    found = (recover(content, key, each, blank) for each in range(counter + 50))
    return next((each for each in found if each.fault is None), recover(content, key, counter, blank))


_fetch = TufKeys.keys
_collect = Agent._collect


def _first_keys(self: TufKeys, known: TimestampBounds, in_time: Callable[[], bool]) -> PublishedKeys:
    if (self.folder / "targets").is_dir():
        return PublishedKeys(self.cached_keys(), known, None)
    return _fetch(self, known, in_time)


def _fail_without_modem(self: Agent) -> Event:
    event = _collect(self)
    return event if self.reading and self.reading.imeis else Failed(Trouble.UNREACHABLE, "no-modem")


def _context_of_wall_clock(self: Agent) -> Context:
    clock = self._ports.clock
    return Context(clock.elapsed() + getattr(clock, "offset", 0), self._ports.entropy.fraction())


def _delays(changed: Callable[..., float]) -> list[Replaced]:
    return [(module, "delay", changed) for module in (timing, runtime)]


def _nothing(*_: Any) -> None:
    """Replaces a check."""


RULES: Final[dict[str, list[Replaced]]] = {
    "accepts any record that it ever sealed": [(runtime, "recover", _recover_any)],
    "discards its state at every boot": [(runtime, "recover", lambda *args: Recovered(args[-1]))],
    "accepts any signature": [(algorithm, "check", _nothing) for algorithm in ALGORITHMS],
    # All four, because each of these checks is backed by the others.
    "accepts verdicts of other exchanges": [
        (verdict, check, _nothing)
        for check in ("check_nonce", "check_key_binding", "check_times", "check_freshness")
    ],
    "never updates its keys": [(TufKeys, "keys", _first_keys)],
    "never repeats a request": [(repeats, "REPEATS", 0)],
    "ignores Retry-After": _delays(
        lambda trouble, attempts, fraction, _: delay(trouble, attempts, fraction, None)
    ),
    "never increases the retry delay": _delays(
        lambda trouble, _, fraction, asked: delay(trouble, 1, fraction, asked)
    ),
    "treats every verdict as an allow": [(VerdictReceived, "kind", EventKind.ALLOWED)],
    "treats every verdict as a deny": [(VerdictReceived, "kind", EventKind.DENIED)],
    "trusts the wall clock": [(Agent, "_context", _context_of_wall_clock)],
    "never renews the offline limit by a defer": [
        (updates, "_renew_offline_limit", lambda memory, _: memory)
    ],
    "fails without a modem": [(Agent, "_collect", _fail_without_modem)],
}

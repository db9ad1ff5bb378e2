"""Mutants of the agent: events that it ignores, effects that it skips, rules that it does not apply."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from agent import repeats, runtime
from agent.adapters.tuf_keys import TufKeys
from agent.core import effects, timing, updates
from agent.core.events import Event, EventKind, Failed, VerdictReceived
from agent.core.screens import Action, ScreenFacts, ScreenId, Trouble
from agent.core.states import State
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

Apply = Callable[[pytest.MonkeyPatch], None]

EFFECTS: Final = (effects.Persist, effects.Show, effects.ShowImei, effects.SetAlarm, effects.Collect)

NOT_IN_SCENARIOS: Final = (
    "the floor is taken before signatures are verified",
    "the policy floor is never reset",
)
"""Changes that stop every exchange, or need a policy that no server of the lab puts in force."""


def all_by_name() -> Iterator[tuple[str, Apply]]:
    """Each name with the function that applies the mutant."""
    for kind in EventKind:
        yield f"agent: ignores event {kind}", _without_event(kind)
    for effect in EFFECTS:
        yield f"agent: skips effect {effect.__name__}", _without_effect(effect)
    for name, change in SCREENS.items():
        yield f"agent: {name}", _screens(change)
    for name, replaced in changes_of_time():
        if name not in NOT_IN_SCENARIOS:
            yield f"agent: {name}", _with(replaced)
    yield from RULES.items()


def _with(replaced: Replaced) -> Apply:
    return lambda patch: patch.setattr(*replaced)


def _without_event(kind: EventKind) -> Apply:
    original = Agent._step

    def step(self: Agent, event: Event) -> None:
        if event.kind is not kind:
            original(self, event)

    return lambda patch: patch.setattr(Agent, "_step", step)


def _without_effect(effect: type[object]) -> Apply:
    original = Agent._perform

    def perform(self: Agent, wanted: effects.Effect) -> None:
        if not isinstance(wanted, effect):
            original(self, wanted)

    return lambda patch: patch.setattr(Agent, "_perform", perform)


def _screens(change: Callable[[ScreenId, ScreenFacts, str], Screen]) -> Apply:
    def apply(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(observer, "_built", change)
        patch.setattr(handset, "build", change)

    return apply


def _without_action(action: Action) -> Callable[[ScreenId, ScreenFacts, str], Screen]:
    def change(screen: ScreenId, facts: ScreenFacts, locale: str) -> Screen:
        whole = build(screen, facts, locale)
        return replace(whole, actions=tuple(each for each in whole.actions if each[0] is not action))

    return change


SCREENS: Final[dict[str, Callable[[ScreenId, ScreenFacts, str], Screen]]] = {
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


def _accepts_any_record(patch: pytest.MonkeyPatch) -> None:
    def recover_any(content: bytes | None, key: bytes, counter: int, blank: State) -> Recovered:
        found = (recover(content, key, each, blank) for each in range(counter + 50))
        return next((each for each in found if each.fault is None), recover(content, key, counter, blank))

    patch.setattr(runtime, "recover", recover_any)


def _discards_state(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(runtime, "recover", lambda _content, _key, _counter, blank: Recovered(blank))


def _accepts_any_signature(patch: pytest.MonkeyPatch) -> None:
    for algorithm in ALGORITHMS:
        patch.setattr(algorithm, "check", lambda *_: None)


def _accepts_verdicts_of_other_exchanges(patch: pytest.MonkeyPatch) -> None:
    """All four, because each of these checks is backed by the others."""
    for check in ("check_nonce", "check_key_binding", "check_times", "check_freshness"):
        patch.setattr(verdict, check, lambda *_: None)


def _never_updates_keys(patch: pytest.MonkeyPatch) -> None:
    fetch = TufKeys.keys

    def keys(self: TufKeys, known: TimestampBounds, in_time: Callable[[], bool]) -> Any:
        if (self.folder / "targets").is_dir():
            return PublishedKeys(self.cached_keys(), known, None)
        return fetch(self, known, in_time)

    patch.setattr(TufKeys, "keys", keys)


def _never_repeats_a_request(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(repeats, "REPEATS", 0)


def _ignores_retry_after(patch: pytest.MonkeyPatch) -> None:
    original = timing.delay
    for module in (timing, runtime):
        patch.setattr(
            module,
            "delay",
            lambda trouble, attempts, fraction, _: original(trouble, attempts, fraction, None),
        )


def _never_increases_delay(patch: pytest.MonkeyPatch) -> None:
    original = timing.delay
    for module in (timing, runtime):
        patch.setattr(
            module, "delay", lambda trouble, _, fraction, asked: original(trouble, 1, fraction, asked)
        )


def _never_renews_the_offline_limit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(updates, "_renew_offline_limit", lambda memory, _: memory)


def _fails_without_a_modem(patch: pytest.MonkeyPatch) -> None:
    original = Agent._collect

    def collect(self: Agent) -> Event:
        event = original(self)
        return event if self.reading and self.reading.imeis else Failed(Trouble.UNREACHABLE, "no-modem")

    patch.setattr(Agent, "_collect", collect)


def _treats_every_verdict_as(kind: EventKind) -> Apply:
    return lambda patch: patch.setattr(VerdictReceived, "kind", kind)


def _trusts_wall_clock(patch: pytest.MonkeyPatch) -> None:
    def context(self: Agent) -> timing.Context:
        clock = self._ports.clock
        off = getattr(clock, "offset", 0)
        return timing.Context(clock.elapsed() + off, self._ports.entropy.fraction())

    patch.setattr(Agent, "_context", context)


RULES: Final[dict[str, Apply]] = {
    "agent: accepts any record that it ever sealed": _accepts_any_record,
    "agent: discards its state at every boot": _discards_state,
    "agent: accepts any signature": _accepts_any_signature,
    "agent: accepts verdicts of other exchanges": _accepts_verdicts_of_other_exchanges,
    "agent: never updates its keys": _never_updates_keys,
    "agent: never repeats a request": _never_repeats_a_request,
    "agent: ignores Retry-After": _ignores_retry_after,
    "agent: never increases the retry delay": _never_increases_delay,
    "agent: treats every verdict as an allow": _treats_every_verdict_as(EventKind.ALLOWED),
    "agent: treats every verdict as a deny": _treats_every_verdict_as(EventKind.DENIED),
    "agent: trusts the wall clock": _trusts_wall_clock,
    "agent: never renews the offline limit by a defer": _never_renews_the_offline_limit,
    "agent: fails without a modem": _fails_without_a_modem,
}

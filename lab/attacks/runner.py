"""Runs attacks, each trial in a separate context, in this process or in several."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.util import Finalize
from typing import Any, Final

from lab.attacks.catalogue import BY_ID
from lab.attacks.harness.environment import AttackEnvironment
from lab.attacks.harness.target_device import CapturedToken, DeviceState
from lab.attacks.model import Attack, Trial

FEW: Final = 24
"""This many attacks finish in this process before others have started."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One trial as it ran. `unmet` are requirements that the attack found violated, in addition to the final state.

    `captured` is the token that reached the device, in attacks on the token, and `jwks` the key set of the device.
    """

    target: str
    expected: DeviceState
    actual: DeviceState
    unmet: tuple[str, ...]
    captured: CapturedToken | None
    jwks: dict[str, Any]

    @property
    def met(self) -> bool:
        """Whether everything is as expected."""
        return self.actual == self.expected and not self.unmet

    def as_json(self) -> dict[str, Any]:
        """The members of the JSON report."""
        return {
            "target": self.target,
            "met": self.met,
            "must": self.expected.as_json(),
            "happened": self.actual.as_json(),
            "unmet": list(self.unmet),
        }

    def __str__(self) -> str:
        """What differs from the expectation."""
        wrong = [] if self.actual == self.expected else [f"{self.actual} instead of {self.expected}"]
        return f"{self.target}: {', '.join([*wrong, *self.unmet])}"


@dataclass(frozen=True, slots=True)
class AttackResult:
    """One attack as it ran."""

    attack: Attack
    trials: tuple[TrialResult, ...]

    @property
    def met(self) -> bool:
        """Whether every trial ended as expected."""
        return all(trial.met for trial in self.trials)

    @property
    def happened(self) -> str:
        """What happened, in a line."""
        return (
            self.attack.expected
            if self.met
            else "; ".join(str(trial) for trial in self.trials if not trial.met)
        )

    def as_json(self) -> dict[str, Any]:
        """The attack and its trials for the JSON report."""
        return self.attack.as_json() | {"met": self.met, "trials": [trial.as_json() for trial in self.trials]}


def run(seed: str, attacks: Sequence[Attack], workers: int = 1) -> Iterator[AttackResult]:
    """Run `attacks`, in order. Each depends only on the seed and itself, not on the other attacks of the run."""
    if workers == 1 or len(attacks) <= FEW:
        with AttackEnvironment.open(seed) as environment:
            yield from (AttackResult(attack, run_attack(environment, attack)) for attack in attacks)
        return
    # Spawned, not forked: a fork would copy the locks of this process's threads in whatever state they are.
    with ProcessPoolExecutor(workers, get_context("spawn"), _open, (seed,)) as pool:
        results = pool.map(_run_in_worker, [attack.id for attack in attacks], chunksize=2)
        yield from map(AttackResult, attacks, results)


def run_attack(environment: AttackEnvironment, attack: Attack) -> tuple[TrialResult, ...]:
    """Run every trial of `attack`."""
    return tuple(_run_trial(environment, attack, trial) for trial in attack.trials)


def summary(results: Iterable[AttackResult]) -> dict[str, Any]:
    """The JSON report: how many attacks, how many met, the ids of those that were not, and each in detail."""
    every = list(results)
    return {
        "attacks": len(every),
        "met": sum(result.met for result in every),
        "failed": [result.attack.id for result in every if not result.met],
        "records": [result.as_json() for result in every],
    }


def _run_trial(environment: AttackEnvironment, attack: Attack, trial: Trial) -> TrialResult:
    with environment.trial(f"{attack.id} {trial.target}") as context:
        device = trial.run(context)
        state, unmet = device.state(), tuple(context.unmet)
    return TrialResult(trial.target, trial.expected, state, unmet, device.captured, device.jwks())


_IN_WORKER: Final[list[AttackEnvironment]] = []
"""In a process of the pool: its environment."""


def _open(seed: str) -> None:
    stack = ExitStack()
    _IN_WORKER.append(stack.enter_context(AttackEnvironment.open(seed)))
    Finalize(None, stack.close, exitpriority=1)


def _run_in_worker(attack: str) -> tuple[TrialResult, ...]:
    return run_attack(_IN_WORKER[0], BY_ID[attack])

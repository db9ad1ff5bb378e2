"""Running attacks, each trial on a stage of its own, in this process or in several."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.util import Finalize
from typing import Any, Final

from lab.attacks.catalogue import BY_ID
from lab.attacks.device_state import DeviceState
from lab.attacks.harness.environment import AttackEnvironment
from lab.attacks.harness.target_phone import CapturedToken
from lab.attacks.model import Attack, Trial

FEW: Final = 24
"""So many attacks are run here sooner than other processes have started."""


@dataclass(frozen=True, slots=True)
class Run:
    """One trial as it went. `unmet` holds what an attack found amiss beside the ending.

    `specimen` is the token that reached the phone, where the attack is one on the token, and `jwks` the key set
    that the phone held it against.
    """

    target: str
    expected: DeviceState
    ending: DeviceState
    unmet: tuple[str, ...]
    specimen: CapturedToken | None
    jwks: dict[str, Any]

    @property
    def met(self) -> bool:
        """Whether everything is as it must be."""
        return self.ending == self.expected and not self.unmet

    @property
    def amiss(self) -> str:
        """What is not as it must be."""
        wrong = [] if self.ending == self.expected else [f"{self.ending} instead of {self.expected}"]
        return f"{self.target}: {', '.join([*wrong, *self.unmet])}"

    def as_json(self) -> dict[str, Any]:
        """The trial for machines."""
        return {
            "target": self.target,
            "met": self.met,
            "must": self.expected.as_json(),
            "happened": self.ending.as_json(),
            "unmet": list(self.unmet),
        }


@dataclass(frozen=True, slots=True)
class Record:
    """One attack as it went."""

    attack: Attack
    runs: tuple[Run, ...]

    @property
    def met(self) -> bool:
        """Whether every trial ended as it must."""
        return all(run.met for run in self.runs)

    @property
    def happened(self) -> str:
        """What happened, in a line."""
        return self.attack.expected if self.met else "; ".join(run.amiss for run in self.runs if not run.met)

    def as_json(self) -> dict[str, Any]:
        """The attack and its trials for machines."""
        return self.attack.as_json() | {"met": self.met, "trials": [run.as_json() for run in self.runs]}


def run(seed: str, attacks: Sequence[Attack], workers: int = 1) -> Iterator[Record]:
    """Run `attacks`, in order. Each depends on the seed and itself alone, whatever runs before or beside it."""
    if workers == 1 or len(attacks) <= FEW:
        with AttackEnvironment.open(seed) as theatre:
            yield from (Record(attack, play(theatre, attack)) for attack in attacks)
        return
    # Spawned, not forked: a fork would copy the locks of this process's threads in whatever state they are.
    with ProcessPoolExecutor(workers, get_context("spawn"), _open, (seed,)) as pool:
        runs = pool.map(_play_here, [attack.id for attack in attacks], chunksize=2)
        yield from map(Record, attacks, runs)


def play(theatre: AttackEnvironment, attack: Attack) -> tuple[Run, ...]:
    """Run every trial of `attack`."""
    return tuple(_play(theatre, attack, trial) for trial in attack.trials)


def summary(records: Iterable[Record]) -> dict[str, Any]:
    """The report for machines: how many attacks, how many met, which not, and each in detail."""
    every = list(records)
    return {
        "attacks": len(every),
        "met": sum(record.met for record in every),
        "failed": [record.attack.id for record in every if not record.met],
        "records": [record.as_json() for record in every],
    }


def _play(theatre: AttackEnvironment, attack: Attack, trial: Trial) -> Run:
    with theatre.stage(f"{attack.id} {trial.target}") as stage:
        phone = trial.play(stage)
        ending, unmet = phone.ending(), tuple(stage.unmet)
    return Run(trial.target, trial.expected, ending, unmet, phone.specimen, phone.jwks())


_HERE: Final[list[AttackEnvironment]] = []
"""In a process of the pool: its theatre."""


def _open(seed: str) -> None:
    stack = ExitStack()
    _HERE.append(stack.enter_context(AttackEnvironment.open(seed)))
    Finalize(None, stack.close, exitpriority=1)


def _play_here(attack: str) -> tuple[Run, ...]:
    return play(_HERE[0], BY_ID[attack])

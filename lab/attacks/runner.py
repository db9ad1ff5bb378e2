"""Running attacks, one after the other, each on a stage of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lab.attacks.model import Attack, Ending, Trial
from lab.attacks.phone import Specimen
from lab.attacks.theatre import Theatre


@dataclass(frozen=True, slots=True)
class Run:
    """One trial as it went. `unmet` holds what an attack found amiss beside the ending."""

    trial: Trial
    ending: Ending
    unmet: tuple[str, ...]
    specimen: Specimen | None
    jwks: dict[str, object]

    @property
    def met(self) -> bool:
        """Whether everything is as it must be."""
        return self.ending == self.trial.must and not self.unmet

    def as_json(self) -> dict[str, Any]:
        """The trial for machines."""
        return {
            "target": self.trial.target,
            "met": self.met,
            "must": self.trial.must.as_json(),
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
        if self.met:
            return self.attack.must
        return "; ".join(_amiss(run) for run in self.runs if not run.met)

    def as_json(self) -> dict[str, Any]:
        """The attack and its trials for machines."""
        return self.attack.as_json() | {"met": self.met, "trials": [run.as_json() for run in self.runs]}


def run(theatre: Theatre, attacks: Iterable[Attack]) -> Iterator[Record]:
    """Run `attacks`. Each depends on the theatre's seed and itself alone, not on what ran before."""
    for attack in attacks:
        yield Record(attack, tuple(_play(theatre, attack, trial) for trial in attack.trials))


def summary(records: Iterable[Record]) -> dict[str, Any]:
    """The report for machines: how many attacks, how many met, which not, and each in detail."""
    all_records = list(records)
    return {
        "attacks": len(all_records),
        "met": sum(record.met for record in all_records),
        "failed": [record.attack.id for record in all_records if not record.met],
        "records": [record.as_json() for record in all_records],
    }


def _play(theatre: Theatre, attack: Attack, trial: Trial) -> Run:
    with theatre.stage(f"{attack.id} {trial.target}") as stage:
        phone = trial.play(stage)
        return Run(trial, phone.ending(), tuple(stage.unmet), phone.specimen, phone.jwks())


def _amiss(run: Run) -> str:
    wrong = [] if run.ending == run.trial.must else [f"{run.ending} instead of {run.trial.must}"]
    return f"{run.trial.target}: {', '.join([*wrong, *run.unmet])}"

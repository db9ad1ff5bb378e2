"""Names that a scenario gives and speaks of: handsets, marks, copies, codes."""

from collections.abc import Iterator
from typing import Any

from lab.scenario.files.yaml_positions import Path
from lab.scenario.model.device_steps import SwapSims
from lab.scenario.model.faults import WireFault
from lab.scenario.model.step import HandsetStep
from lab.scenario.model.step_union import CutPower
from text_input.suggestions import suggestion


class Known:
    """The names that have been given so far."""

    def __init__(self, handsets: set[str], parameters: set[str]) -> None:
        self._handsets = sorted(handsets)
        self._parameters = sorted(parameters)
        self._marks: list[str] = []
        self._kept: dict[str, list[str]] = {"copy-state": [], "back-up": [], "issue-code": []}

    def strangers(self, names: tuple[str, ...] | None) -> list[str]:
        """The names that are no handset's."""
        return [name for name in names or () if name not in self._handsets]

    def no_handset(self, name: str) -> str:
        """What to say of such a name."""
        return f"no handset is called {name!r}; {suggestion(name, self._handsets)}"

    def wrong_in(self, step: Any, path: Path) -> Iterator[tuple[Path, str]]:
        """What a step speaks of that is not there, and what it gives a name to for the steps after it."""
        verb = step.verb()
        if isinstance(step, HandsetStep):
            yield from (((*path, verb), self.no_handset(name)) for name in self.strangers(step.subject))
        yield from self._others(step, path)
        yield from self._unremembered(step, path)
        for name in step.when or {}:
            if name not in self._parameters:
                yield (
                    (*path, "when", name),
                    f"no parameter is called {name!r}; {suggestion(name, self._parameters)}",
                )
        if isinstance(step, CutPower):
            yield from self.wrong_in(step.during, (*path, "during"))
        self._remember(step)

    def _others(self, step: Any, path: Path) -> Iterator[tuple[Path, str]]:
        if isinstance(step, SwapSims) and step.with_:
            if step.with_ in (step.subject or self._handsets):
                yield (
                    (*path, "with"),
                    "would change cards with itself; name one phone, and another one here",
                )
            yield from (((*path, "with"), self.no_handset(name)) for name in self.strangers((step.with_,)))
        if isinstance(step, WireFault):
            yield from (((*path, "of"), self.no_handset(name)) for name in self.strangers(step.of))
        for at, entry in enumerate(getattr(step, "audit", None) or ()):
            if entry.of:
                yield from (((*path, "audit", at), self.no_handset(n)) for n in self.strangers((entry.of,)))

    def _unremembered(self, step: Any, path: Path) -> Iterator[tuple[Path, str]]:
        elapsed = getattr(step, "elapsed", None)
        for member, mark in (("since", getattr(step, "since", None)), ("elapsed", elapsed and elapsed.since)):
            if mark and mark not in self._marks:
                yield (
                    (*path, member),
                    f"no mark is called {mark!r} here; {_remembered(mark, self._marks, 'mark')}",
                )
        for verb, source, member in (
            ("restore-state", "copy-state", "from_"),
            ("restore-backup", "back-up", "from_"),
            ("enter-code", "issue-code", "code"),
        ):
            name = getattr(step, member, None) if step.verb() == verb else None
            if name and name not in self._kept[source]:
                yield (
                    (*path, member.rstrip("_")),
                    (f"nothing is kept as {name!r} here; {_remembered(name, self._kept[source], source)}"),
                )

    def _remember(self, step: Any) -> None:
        if step.verb() == "mark":
            self._marks.append(step.mark)
        if step.verb() in self._kept:
            self._kept[step.verb()].append(step.as_)


def _remembered(name: str, known: list[str], verb: str) -> str:
    return suggestion(name, known) if known else f"a step `{verb}` must come before"

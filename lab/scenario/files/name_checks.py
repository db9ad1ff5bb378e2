"""Checks of names that a scenario defines and refers to: handsets, profiles, marks, copies, codes."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import ceil, floor
from typing import Any, Final

from lab.scenario.files.yaml_positions import Path
from lab.scenario.model.device_steps import (
    DeleteEsim,
    DisableEsim,
    DownloadEsim,
    EnableEsim,
    InsertSim,
    RemoveSim,
    SwapSims,
)
from lab.scenario.model.faults import WireFault
from lab.scenario.model.groups import DEVICES_MAX, CountingStep, DeviceNames, group_and_number
from lab.scenario.model.scenario import HandsetTable
from lab.scenario.model.step import HandsetStep
from lab.scenario.model.step_union import CutPower
from lab.scenario.model.time_steps import Capture
from text_input.suggestions import suggestion

_SIM_STEPS: Final = (InsertSim, RemoveSim, SwapSims, EnableEsim, DisableEsim, DeleteEsim, DownloadEsim)

_SOURCES: Final = {
    "restore-state": ("copy-state", "from_"),
    "restore-backup": ("back-up", "from_"),
    "enter-code": ("issue-code", "code"),
    "press": ("issue-code", "code"),
}
"""For each step that refers to a name: the step that defines it, and the attribute with the name."""


class DefinedNames:
    """The names that are defined before a step. `complete` is false if a step that can define one is not valid."""

    def __init__(self, handsets: Mapping[str, HandsetTable | None], parameters: set[str]) -> None:
        self._handsets = sorted(handsets)
        self._devices = DeviceNames(
            {name: table.count if table else None for name, table in handsets.items()}
        )
        self._esims = {
            device: {
                at: set(slot.esim)
                for at, slot in enumerate(table.sims or (), 1)
                if slot and slot.esim is not None
            }
            for name, table in handsets.items()
            if table
            for device in self._devices.called(name)
        }
        self._parameters = sorted(parameters)
        self._marks: list[str] = []
        self._saved: dict[str, list[str]] = {verb: [] for verb, _ in _SOURCES.values()}
        self.complete = True

    def check_groups(self) -> Iterator[tuple[Path, str]]:
        """Path and message for a group with the name of another handset in it, and for too many devices."""
        counts = self._devices.counts
        for name in counts:
            group, _ = group_and_number(name) or ("", 0)
            if counts.get(group):
                yield ("handsets", name), f"could be a member of the group {group!r}; choose another name"
        if (total := sum(count or 1 for count in counts.values())) > DEVICES_MAX:
            yield ("handsets",), f"are {total} devices; at most {DEVICES_MAX} are allowed in a scenario"

    def unknown_handsets(self, names: tuple[str, ...] | None) -> Iterator[str]:
        """A message for each of `names` that is not the name of a handset, a group or a member of one."""
        for name in (names or ()) if self._handsets else ():
            if not self._devices.called(name):
                group, _ = group_and_number(name) or ("", 0)
                members = self._devices.called(group)
                hint = f"the members of {group!r} are {members[0]} to {members[-1]}" if members else ""
                yield f"no handset is called {name!r}; {hint or suggestion(name, self._handsets)}"

    def unknown_parameters(
        self, when: Iterable[str] | None, path: Path, own: Collection[str] = ()
    ) -> Iterator[tuple[Path, str]]:
        """Path and message for each name in the member `when` of the table at `path` that no parameter has.

        `own` are the parameters of an included file.
        """
        for name in when or ():
            if name not in self._parameters and name not in own:
                message = f"no parameter is called {name!r}; {suggestion(name, self._parameters)}"
                yield (*path, "when", name), message

    def check(self, step: Any, path: Path, own: Collection[str] = ()) -> Iterator[tuple[Path, str]]:
        """Path and message for each unknown name in a step. Names that the step defines are known from then on.

        `own` are the parameters of the file that has the step, if it is included.
        """
        verb = step.verb()
        if isinstance(step, HandsetStep):
            where = (*path, verb if step.subject_field() == step.verb_field() else step.subject_field())
            yield from ((where, message) for message in self.unknown_handsets(step.subject))
        if isinstance(step, CountingStep):
            yield from (((*path, verb), message) for message in self._check_count(step))
        yield from self._check_handsets(step, path)
        if self.complete:
            yield from self._check_saved(step, path)
            yield from self._check_esims(step, path)
        yield from self.unknown_parameters(step.when, path, own)
        if isinstance(step, CutPower):
            yield from self.check(step.during, (*path, "during"))
        if verb == "mark":
            self._marks.append(step.mark)
        if verb in self._saved:
            self._saved[verb].append(step.as_)

    def _check_esims(self, step: Any, path: Path) -> Iterator[tuple[Path, str]]:
        """Cards that would be put into an eUICC, and profiles that no eUICC of a device has, by the first device."""
        found: dict[Path, str] = {}
        for devices in self._devices.selected(step.subject).values() if isinstance(step, _SIM_STEPS) else ():
            for device in devices:
                if device in self._esims:
                    for member, message in self._wrong_cards(step, self._esims[device]):
                        found.setdefault((*path, member), f"{device} {message}")
        yield from found.items()

    def _wrong_cards(self, step: Any, euiccs: dict[int, set[str]]) -> Iterator[tuple[str, str]]:
        """Member and message of what a device with these eUICCs, by their slots, cannot do."""
        verb, name = step.verb(), getattr(step, "esim", None)
        if isinstance(step, InsertSim | RemoveSim | SwapSims):
            own = {1, 2} if isinstance(step, SwapSims) and step.with_ is None else {getattr(step, "slot", 1)}
            others = self._devices.called(step.with_) if isinstance(step, SwapSims) and step.with_ else ()
            if fixed := own & euiccs.keys():
                yield verb, f"has an eUICC in slot {min(fixed)}, which stays there; change its profiles"
            elif partners := [other for other in others if 1 in self._esims.get(other, ())]:
                yield "with", f"would get the eUICC of {partners[0]}, which stays there; change its profiles"
            return
        known = set().union(*euiccs.values())
        if not euiccs:
            yield verb, "has no eUICC; give it one, as in `sims: [{esim: {home: 208-01}}]`"
        elif isinstance(step, DownloadEsim):
            if (slot := step.slot or min(euiccs)) not in euiccs:
                yield "slot", f"has no eUICC in slot {slot}; it has one in slot {min(euiccs)}"
            else:
                euiccs[slot].add(step.esim)
        elif name and name not in known:
            hint = suggestion(name, sorted(known)) if known else "a step `download-esim` must come before"
            yield "esim", f"has no profile called {name!r}; {hint}"

    def _check_handsets(self, step: Any, path: Path) -> Iterator[tuple[Path, str]]:
        """Handsets that are named in members other than that of the verb."""
        named: list[tuple[Path, tuple[str, ...] | None]] = []
        if isinstance(step, SwapSims) and step.with_:
            others = self._devices.called(step.with_)
            if any(set(others) & set(own) for own in self._devices.selected(step.subject).values()):
                yield (
                    (*path, "with"),
                    "is the same handset; name one handset in the step, and another one here",
                )
            named.append(((*path, "with"), (step.with_,)))
        for member, name in (("with", getattr(step, "with_", None)), ("of", getattr(step, "of", None))):
            others = self._devices.called(name) if isinstance(name, str) else ()
            if len(others) > 1:
                yield (*path, member), f"is a group; name one of {others[0]} to {others[-1]}"
        if isinstance(step, Capture):
            if step.of is None and (count := self._devices.count(None)) > 1:
                first = self._devices.called(self._handsets[0])[0]
                yield (*path, "capture"), f"can be of {count} handsets; name one, as in `of: {first}`"
            named.append(((*path, "of"), (step.of,) if step.of else None))
        if isinstance(step, WireFault):
            named.append(((*path, "of"), step.of))
        for at, entry in enumerate(getattr(step, "audit", None) or ()):
            named.append(((*path, "audit", at), (entry.of,) if entry.of else None))
        for where, names in named:
            yield from ((where, message) for message in self.unknown_handsets(names))

    def _check_count(self, step: CountingStep) -> Iterator[str]:
        """A message if the bounds of a step hold for every number of its handsets, or for none."""
        count = self._devices.count(step.subject)
        least, most = step.bounds(count)
        if any(self.unknown_handsets(step.subject)) or not self._handsets:
            return
        if least > count or ceil(least) > floor(most):
            yield f"can never hold: the step has {count} handsets"
        elif least <= 0 and most >= count:
            yield f"always holds: the step has {count} handsets"

    def _check_saved(self, step: Any, path: Path) -> Iterator[tuple[Path, str]]:
        """Marks, copies, backups and codes that no earlier step defines."""
        elapsed = getattr(step, "elapsed", None)
        for member, mark in (("since", getattr(step, "since", None)), ("elapsed", elapsed and elapsed.since)):
            if mark and mark not in self._marks:
                hint = suggestion(mark, self._marks) if self._marks else "a step `mark` must come before"
                yield (*path, member), f"no mark is called {mark!r} here; {hint}"
        if step.verb() in _SOURCES:
            source, attribute = _SOURCES[step.verb()]
            name, known = getattr(step, attribute), self._saved[source]
            if name and name not in known:
                hint = suggestion(name, known) if known else f"a step `{source}` must come before"
                yield (*path, attribute.rstrip("_")), f"nothing is saved as {name!r} here; {hint}"

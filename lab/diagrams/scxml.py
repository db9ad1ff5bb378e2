"""The machines as State Chart XML (W3C SCXML 1.0), for engines that are not this project's.

Each machine is a `state` with its states inside; several together are regions of a `parallel`. A guard is 0 or 1
in the data model, named after the guard's function, and 0 until the engine's host sets it. A transition assigns the
effects that it causes to `<machine>_causes`; a refused event stays where it is and assigns the name of the refusal to
`<machine>_refuses`. What makes four regions one machine, that an event which one of them refuses happens in none, is
not expressible in SCXML and is left to the host.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final
from xml.etree import ElementTree as ET

from agent.core.events import EventKind
from agent.core.table import Machine, Transition

NAMESPACE: Final = "http://www.w3.org/2005/07/scxml"


def document(machines: Sequence[Machine]) -> str:
    """The SCXML document of some machines."""
    root = ET.Element(
        "scxml", {"xmlns": NAMESPACE, "version": "1.0", "name": "-".join(m.name for m in machines)}
    )
    data = ET.SubElement(root, "datamodel")
    for name in sorted(guards(machines)):
        ET.SubElement(data, "data", {"id": name, "expr": "0"})
    for machine in machines:
        for variable in (causes(machine), refuses(machine)):
            ET.SubElement(data, "data", {"id": variable, "expr": "''"})
    regions = root
    if len(machines) > 1:
        root.set("initial", "phone")
        regions = ET.SubElement(root, "parallel", {"id": "phone"})
    for machine in machines:
        regions.append(_region(machine))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def guards(machines: Sequence[Machine]) -> frozenset[str]:
    """The names of all guards."""
    rows = (row for machine in machines for group in machine.rows.values() for row in group)
    return frozenset(row.guard.__name__ for row in rows if row.guard)


def state_id(machine: Machine, state: StrEnum) -> str:
    """What a state is called in the document; `notice` is a state of two machines."""
    return f"{machine.name}_{state.value.replace('-', '_')}"


def event_name(kind: EventKind) -> str:
    """What an event is called in the document."""
    return kind.value.replace("-", "_")


def causes(machine: Machine) -> str:
    """The variable that holds the effects of the last transition, separated by blanks."""
    return f"{machine.name}_causes"


def refuses(machine: Machine) -> str:
    """The variable that holds why the last event was refused, or nothing."""
    return f"{machine.name}_refuses"


def _region(machine: Machine) -> ET.Element:
    first = next(iter(machine.states))
    region = ET.Element("state", {"id": machine.name, "initial": state_id(machine, first)})
    for state in machine.states:
        inner = ET.SubElement(region, "state", {"id": state_id(machine, state)})
        inner.extend(_transitions(machine, state))
    return region


def _transitions(machine: Machine, state: StrEnum) -> Iterator[ET.Element]:
    for kind in sorted(machine.alphabet):
        for row in machine.rows.get((state, kind), ()):
            yield _transition(machine, kind, row)
        if (state, kind) in machine.rejects:
            refused = ET.Element("transition", {"event": event_name(kind)})
            _assign(refused, refuses(machine), machine.rejects[state, kind])
            yield refused


def _transition(machine: Machine, kind: EventKind, row: Transition) -> ET.Element:
    guard = {"cond": row.guard.__name__} if row.guard else {}
    taken = {"event": event_name(kind), **guard, "target": state_id(machine, row.target)}
    transition = ET.Element("transition", taken)
    _assign(transition, causes(machine), " ".join(row.do))
    _assign(transition, refuses(machine), "")
    return transition


def _assign(parent: ET.Element, location: str, value: str) -> None:
    ET.SubElement(parent, "assign", {"location": location, "expr": f"'{value}'"})

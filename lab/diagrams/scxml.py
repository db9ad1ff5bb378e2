"""The machines as State Chart XML (W3C SCXML 1.0), which other engines can execute.

Each machine is a `state` that contains its states; several machines are regions of a `parallel`. A guard is 0 or 1 in
the data model under the name of its function, and 0 until the engine's host sets it. A transition assigns its effects
to `<machine>_causes`; a rejected event does not change the state and assigns the name of the rejection to
`<machine>_refuses`. An event that one machine rejects must happen in none: SCXML cannot express that, so it is up to
the host.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from xml.etree import ElementTree as ET

from agent.core.events import EventKind
from agent.core.table import Machine

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
    """The id of a state in the document. It contains the machine because two machines have a state `notice`."""
    return f"{machine.name}_{state.value.replace('-', '_')}"


def event_name(kind: EventKind) -> str:
    """The name of an event in the document."""
    return kind.value.replace("-", "_")


def causes(machine: Machine) -> str:
    """The variable with the effects of the last transition, separated by spaces."""
    return f"{machine.name}_causes"


def refuses(machine: Machine) -> str:
    """The variable with the reason why the last event was rejected, or an empty string."""
    return f"{machine.name}_refuses"


def _region(machine: Machine) -> ET.Element:
    first = next(iter(machine.states))
    region = ET.Element("state", {"id": machine.name, "initial": state_id(machine, first)})
    for state in machine.states:
        inner = ET.SubElement(region, "state", {"id": state_id(machine, state)})
        for kind in sorted(machine.alphabet):
            event = {"event": event_name(kind)}
            for row in machine.rows.get((state, kind), ()):
                guard = {"cond": row.guard.__name__} if row.guard else {}
                target = {"target": state_id(machine, row.target)}
                transition = ET.SubElement(inner, "transition", event | guard | target)
                _assign(transition, causes(machine), " ".join(row.do))
                _assign(transition, refuses(machine), "")
            if (state, kind) in machine.rejects:
                rejected = ET.SubElement(inner, "transition", event)
                _assign(rejected, refuses(machine), machine.rejects[state, kind])
    return region


def _assign(parent: ET.Element, location: str, value: str) -> None:
    ET.SubElement(parent, "assign", {"location": location, "expr": f"'{value}'"})

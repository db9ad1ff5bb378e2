"""The state diagrams of the machines in Mermaid, generated from the tables: `python -m lab.diagrams.mermaid FILE`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from agent.core.table import MACHINES, Machine, Transition

INTRODUCTION = """# The state machines

Generated from `agent/core/table.py` by `make generate`; a test compares this page with the tables.

The machines run in parallel.
An event happens in every machine whose alphabet has its kind, or in none if one of them rejects it.
`[guard]` must hold in the state before the event.
The effects after `/` are executed in this order: persist, show, set the alarm, then read or send.
Loops without effects are left out.
"""


def label(kind: str, row: Transition) -> str:
    """`event [guard] / effects`."""
    guard = f" [{row.guard.__name__.replace('_', ' ')}]" if row.guard else ""
    effects = f" / {', '.join(row.do)}" if row.do else ""
    return f"{kind}{guard}{effects}"


def arrows(machine: Machine) -> list[str]:
    """One line for each row that changes the state or has effects, in the order of the states and of the alphabet."""
    return [
        f"    {_id(state)} --> {_id(row.target)} : {label(kind, row)}"
        for state in machine.states
        for (source, kind), rows in sorted(machine.rows.items())
        if source == state
        for row in rows
        if row.do or row.target != state
    ]


def mermaid(machine: Machine) -> str:
    """A `stateDiagram-v2`."""
    names = [f'    state "{state}" as {_id(state)}' for state in machine.states]
    first = f"    [*] --> {_id(next(iter(machine.states)))}"
    return "\n".join(["stateDiagram-v2", *names, first, *arrows(machine)])


def document(machines: Sequence[Machine]) -> str:
    """The diagram of one machine, or a Markdown page with the diagrams of several."""
    return f"{mermaid(machines[0])}\n" if len(machines) == 1 else "\n".join(_section(m) for m in machines)


def page() -> str:
    """The page that is committed."""
    return "\n".join([INTRODUCTION, *(_section(machine) for machine in MACHINES)])


def _section(machine: Machine) -> str:
    return f"## {machine.name.title()}\n\n```mermaid\n{mermaid(machine)}\n```\n"


def _id(state: str) -> str:
    return state.replace("-", "_")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

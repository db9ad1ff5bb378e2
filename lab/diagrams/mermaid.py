"""The state diagrams of the machines in Mermaid, generated from the tables: `python -m lab.diagrams.mermaid FILE`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from agent.core.table import MACHINES, Machine, Transition

INTRODUCTION = """# The state machines

Drawings of the agent's four machines; `make generate` writes them from `agent/core/table.py`, whose docstring
explains the states.

The machines run in parallel.
An event happens in every machine whose alphabet has it, or in none if one of them rejects it.
An arrow has events, a `[guard]` on the state before the event, and after `/` the effects, in the order of execution.
Arrows with a guard precede those without.
Only changes of state are drawn; `activation diagram` also draws events that only have effects.
"""
NEXT = """Next: [trusted time](../security/verification.md#trusted-time), from which deadlines count, and
[the invariants](../security/explore.md).
"""


def arrows(machine: Machine, *, loops: bool = True) -> list[str]:
    """One line for all events with the same change and effects, in the order of the states and of the alphabet.

    `loops`: also if the state stays, unless there are no effects.
    """
    events: dict[tuple[str, Transition], list[str]] = {}
    for state in machine.states:
        for (source, kind), rows in sorted(machine.rows.items()):
            for row in rows if source == state else ():
                if row.target != state or (loops and row.do):
                    events.setdefault((state, row), []).append(kind)
    return [
        f"    {_id(state)} --> {_id(row.target)} : {', '.join(kinds)}"
        + (f" [{row.guard.__name__}]" if row.guard else "")
        + (f" / {'+'.join(row.do)}" if row.do else "")
        for (state, row), kinds in events.items()
    ]


def mermaid(machine: Machine, lines: Sequence[str]) -> str:
    """A `stateDiagram-v2` with these arrows."""
    names = [f'    state "{state}" as {_id(state)}' for state in machine.states if _id(state) != state]
    first = f"    [*] --> {_id(next(iter(machine.states)))}"
    return "\n".join(["stateDiagram-v2", *names, first, *lines])


def document(machines: Sequence[Machine]) -> str:
    """The diagram of one machine, or a Markdown page with the diagrams of several."""
    if len(machines) == 1:
        return f"{mermaid(machines[0], arrows(machines[0]))}\n"
    return "\n".join(_section(machine, arrows(machine)) for machine in machines)


def page() -> str:
    """The page that is committed."""
    sections = (_section(machine, arrows(machine, loops=False)) for machine in MACHINES)
    return "\n".join([INTRODUCTION, *sections, NEXT])


def _section(machine: Machine, lines: Sequence[str]) -> str:
    return f"## {machine.name.title()}\n\n```mermaid\n{mermaid(machine, lines)}\n```\n"


def _id(state: str) -> str:
    return state.replace("-", "_")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

"""The machines as XState configurations (version 5): JSON that `createMachine` takes and that its visualiser draws.

Guards and effects are named and not implemented; the host gives them. A refused event is a transition without a target
whose action is `refuse` with the name of the refusal.
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from agent.core.table import Machine, Row


def document(machines: Sequence[Machine]) -> str:
    """The JSON of one machine, or of a parallel state of several."""
    if len(machines) == 1:
        config = {"id": machines[0].name, **_region(machines[0])}
    else:
        config = {"id": "phone", "type": "parallel", "states": {m.name: _region(m) for m in machines}}
    return json.dumps(config, indent=2) + "\n"


def _region(machine: Machine) -> dict[str, Any]:
    first = next(iter(machine.states))
    return {
        "initial": first.value,
        "states": {state.value: _state(machine, state) for state in machine.states},
    }


def _state(machine: Machine, state: StrEnum) -> dict[str, Any]:
    return {"on": {kind.value: _transitions(machine, (state, kind)) for kind in sorted(machine.alphabet)}}


def _transitions(machine: Machine, pair: Any) -> list[dict[str, Any]]:
    rows = [_transition(row) for row in machine.rows.get(pair, ())]
    refusal = machine.rejects.get(pair)
    if refusal is not None:
        rows.append({"actions": [{"type": "refuse", "params": {"reason": refusal.value}}]})
    return rows


def _transition(row: Row) -> dict[str, Any]:
    guard = {"guard": row.guard.__name__} if row.guard else {}
    return {"target": row.target.value, **guard, "actions": [do.value for do in row.do]}

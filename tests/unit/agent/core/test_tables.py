"""The tables are complete: every pair of state and event has a transition or a named rejection."""

import itertools
from pathlib import Path

import pytest

from agent.core.effects import EffectKind
from agent.core.events import EventKind
from agent.core.states import State
from agent.core.table import MACHINES, Machine
from lab.diagrams import mermaid


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_every_pair_has_either_a_transition_without_guard_or_a_rejection(machine: Machine) -> None:
    for pair in itertools.product(machine.states, sorted(machine.alphabet)):
        rows = machine.rows.get(pair, ())
        always_accepted = bool(rows) and rows[-1].guard is None
        assert always_accepted != (pair in machine.rejects), pair


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_tables_have_exactly_the_events_of_the_alphabet(machine: Machine) -> None:
    listed = {kind for _, kind in (*machine.rows, *machine.rejects)}
    assert listed == machine.alphabet


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_each_machine_has_a_field_of_the_state_and_targets_of_its_own_states(machine: Machine) -> None:
    assert machine.name in State.__dataclass_fields__
    assert all(isinstance(row.target, machine.states) for rows in machine.rows.values() for row in rows)


def test_every_kind_of_event_is_in_an_alphabet() -> None:
    assert frozenset[EventKind]().union(*(machine.alphabet for machine in MACHINES)) == set(EventKind)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_only_the_last_row_of_a_pair_has_no_guard(machine: Machine) -> None:
    for rows in machine.rows.values():
        assert all(row.guard is not None for row in rows[:-1])


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_transition_of_a_sealed_state_is_persisted(machine: Machine) -> None:
    """Setup and Lock survive a power cut."""
    if machine.name not in ("setup", "lock"):
        return
    for (state, kind), rows in machine.rows.items():
        for row in rows:
            if row.target != state:
                assert any(
                    EffectKind.PERSIST in other.do
                    for peer in MACHINES
                    for (_, peer_kind), peer_rows in peer.rows.items()
                    if peer_kind == kind
                    for other in peer_rows
                ), f"{machine.name}: {state} --{kind}--> {row.target} is never sealed"


def test_effects_are_ordered_persist_then_show_then_send() -> None:
    order = list(EffectKind)
    assert order[0] is EffectKind.PERSIST
    assert max(order.index(do) for do in (EffectKind.SHOW, EffectKind.SHOW_IMEI, EffectKind.SET_ALARM)) < min(
        order.index(do)
        for do in (EffectKind.COLLECT, EffectKind.REQUEST_CHALLENGE, EffectKind.REQUEST_VERDICT)
    )


def test_committed_diagram_is_up_to_date() -> None:
    committed = Path(__file__).parents[4] / "docs/design/state-machine.md"
    assert committed.read_text(encoding="utf-8") == mermaid.page(), "run `make generate`"

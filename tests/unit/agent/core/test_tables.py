"""The tables are complete and say nothing twice: every (state, event) pair leads somewhere or is rejected by name."""

import itertools
from pathlib import Path

import pytest

from agent.core.effects import EffectKind
from agent.core.events import EventKind
from agent.core.states import State
from agent.core.table import MACHINES, Machine
from lab.diagrams import mermaid


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_every_pair_has_a_transition_without_guard_or_a_rejection(machine: Machine) -> None:
    """And not both: the rejection would never occur."""
    for pair in itertools.product(machine.states, sorted(machine.alphabet)):
        rows = machine.rows.get(pair, ())
        always_accepted = bool(rows) and rows[-1].guard is None
        assert always_accepted != (pair in machine.rejects), pair


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_no_table_lists_what_is_outside_of_its_alphabet(machine: Machine) -> None:
    """A row that no event can reach is dead text."""
    listed = {kind for _, kind in (*machine.rows, *machine.rejects)}
    assert listed == machine.alphabet


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_a_machine_owns_the_field_of_its_name_and_stays_within_its_states(machine: Machine) -> None:
    """Rows write the state field that bears the machine's name, so the two must agree."""
    assert machine.name in State.__dataclass_fields__
    assert all(isinstance(row.target, machine.states) for rows in machine.rows.values() for row in rows)


def test_the_machines_together_know_every_kind_of_event() -> None:
    """An event that no machine knows would vanish without a trace."""
    assert frozenset[EventKind]().union(*(machine.alphabet for machine in MACHINES)) == set(EventKind)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_only_the_last_row_of_a_pair_may_do_without_a_guard(machine: Machine) -> None:
    """Rows after an unguarded one could never be reached."""
    for rows in machine.rows.values():
        assert all(row.guard is not None for row in rows[:-1])


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_whatever_moves_a_sealed_state_is_persisted(machine: Machine) -> None:
    """Setup and Lock survive a power cut, so a move of theirs must be sealed in the same step."""
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
    """The order in which `EffectKind` lists the effects is the order in which they are carried out; it is the
    contract."""
    order = list(EffectKind)
    assert order[0] is EffectKind.PERSIST
    assert max(order.index(do) for do in (EffectKind.SHOW, EffectKind.SHOW_IMEI, EffectKind.SET_ALARM)) < min(
        order.index(do)
        for do in (EffectKind.COLLECT, EffectKind.REQUEST_CHALLENGE, EffectKind.REQUEST_VERDICT)
    )


def test_the_committed_diagram_equals_the_tables() -> None:
    """Who reads the page in the docs reads what the code does."""
    committed = Path(__file__).parents[4] / "docs" / "state-machine.md"
    assert committed.read_text(encoding="utf-8") == mermaid.page(), "run `make generate`"

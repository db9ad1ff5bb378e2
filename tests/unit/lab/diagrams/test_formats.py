"""The exported machines agree with the tables; an independent engine executes them."""

import itertools
import re
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from statemachine.io import load

from agent.core.events import ChallengeReceived, EventKind, Failed, SimpleEvent
from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, Memory, Setup, State, TimeAnchor
from agent.core.step import RejectedEventError, step
from agent.core.table import MACHINES, Machine
from lab.diagrams import mermaid, scxml, svg
from lab.model_check.abstraction import HERE
from lab.model_check.transitions import SPECIAL
from tests.support.judged import NOW, judged
from wire.codes import Decision

EVENTS: dict[EventKind, Any] = {
    **SPECIAL,
    **{judged(decision).kind: judged(decision) for decision in Decision},
}


def outcomes(machine: Machine, state: StrEnum, kind: EventKind, true: frozenset[str]) -> tuple[str, str, str]:
    """Target, effects and rejection of a pair by the tables, if the guards in `true` hold."""
    for row in machine.rows.get((state, kind), ()):
        if row.guard is None or row.guard.__name__ in true:
            return row.target.value, " ".join(row.do), ""
    return state.value, "", machine.rejects[state, kind].value


class Engine:
    """python-statemachine on the SCXML document of one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.chart = load(scxml.document((machine,)), format="scxml")
        self.states = {scxml.state_id(machine, state): state for state in machine.states}

    def outcome(self, state: StrEnum, kind: EventKind, true: frozenset[str]) -> tuple[str, str, str]:
        """Target, effects and rejection by the engine."""
        running = self.chart(start_value=scxml.state_id(self.machine, state))
        # The engine leaves the data model to the host where it does not start at the beginning.
        data = dict.fromkeys((scxml.causes(self.machine), scxml.refuses(self.machine)), "")
        guards = {guard: int(guard in true) for guard in scxml.guards((self.machine,))}
        for name, value in {**data, **guards}.items():
            setattr(running.model, name, value)
        running.send(scxml.event_name(kind))
        [now] = [value for value in running.configuration_values if value in self.states]
        causes = getattr(running.model, scxml.causes(self.machine))
        refuses = getattr(running.model, scxml.refuses(self.machine))
        return self.states[now].value, causes, refuses


def valuations(machine: Machine, state: StrEnum, kind: EventKind) -> list[frozenset[str]]:
    """All combinations of guards of a pair."""
    names = {row.guard.__name__ for row in machine.rows.get((state, kind), ()) if row.guard}
    choices = itertools.chain.from_iterable(
        itertools.combinations(sorted(names), size) for size in range(len(names) + 1)
    )
    return [frozenset(choice) for choice in choices]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_an_independent_engine_agrees_with_the_tables_on_every_pair(machine: Machine) -> None:
    engine = Engine(machine)
    for state, kind in itertools.product(machine.states, sorted(machine.alphabet)):
        for true in valuations(machine, state, kind):
            assert engine.outcome(state, kind, true) == outcomes(machine, state, kind, true), (state, kind)


def test_step_agrees_with_the_engines_on_every_combination_of_states() -> None:
    """`step` is their product, unless one of them rejects the event."""
    engines = {machine.name: Engine(machine) for machine in MACHINES}
    known: dict[tuple[object, ...], tuple[str, str, str]] = {}
    for setup, exchange, lock, attention in itertools.product(Setup, Exchange, Lock, Attention):
        state = _state(setup, exchange, lock, attention)
        for kind in EventKind:
            answers = [
                _asked(known, engines[machine.name], state, kind)
                for machine in MACHINES
                if kind in machine.alphabet
            ]
            assert _stepped(state, kind) == _together(answers), (setup, exchange, lock, attention, kind)


def _state(setup: Setup, exchange: Exchange, lock: Lock, attention: Attention) -> State:
    """A state in which the given guards hold and the others do not."""
    memory = Memory(
        TimeAnchor(NOW), lock_at=NOW - 1, offline_at=NOW + 1, warn_at=NOW - 1, check_in_at=NOW + 1
    )
    return State(memory, setup, exchange, lock, attention)


def _asked(
    known: dict[tuple[object, ...], tuple[str, str, str]], engine: Engine, state: State, kind: EventKind
) -> tuple[str, str, str]:
    """The engine's result, cached: a machine depends only on its own state and guards."""
    own: StrEnum = getattr(state, engine.machine.name)
    rows = [row for row in engine.machine.rows.get((own, kind), ()) if row.guard]
    true = frozenset(row.guard.__name__ for row in rows if row.guard and row.guard(state, HERE))
    key = (engine.machine.name, own, kind, true)
    if key not in known:
        known[key] = engine.outcome(own, kind, true)
    return (engine.machine.name, *known[key][1:]) if known[key][2] else known[key]


def _together(answers: list[tuple[str, str, str]]) -> object:
    """All targets and effects, or the first rejection and its machine."""
    for machine, _, refusal in answers:
        if refusal:
            return (machine, refusal)
    wanted = {effect for _, effects, _ in answers for effect in effects.split()}
    return ([target for target, _, _ in answers], wanted)


def _stepped(state: State, kind: EventKind) -> object:
    special = {
        EventKind.CHALLENGED: ChallengeReceived("n" * 32),
        EventKind.FAILED: Failed(Trouble.UNREACHABLE, "timed-out"),
        **EVENTS,
    }
    try:
        after, effects = step(state, special.get(kind) or SimpleEvent(kind), HERE)
    except RejectedEventError as error:
        return (error.machine, error.rejection.value)
    concerned = [machine.name for machine in MACHINES if kind in machine.alphabet]
    named = {re.sub(r"(?<!^)(?=[A-Z])", "-", type(effect).__name__).lower() for effect in effects}
    return ([getattr(after, name).value for name in concerned], named)


@pytest.mark.parametrize("machines", [MACHINES, MACHINES[:1]], ids=["all", "one"])
def test_the_scxml_document_has_its_namespace_and_unique_state_ids(
    machines: tuple[Machine, ...],
) -> None:
    """Two machines have a state `notice`."""
    root = ET.fromstring(scxml.document(machines))
    assert root.tag == f"{{{scxml.NAMESPACE}}}scxml"
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {scxml.state_id(m, state) for m in machines for state in m.states} <= set(ids)


def test_a_new_chart_has_all_guards_at_0_and_empty_variables() -> None:
    running = load(scxml.document(MACHINES), format="scxml")()
    assert {getattr(running.model, guard) for guard in scxml.guards(MACHINES)} == {0}
    assert {getattr(running.model, scxml.causes(machine)) for machine in MACHINES} == {""}


def test_all_machines_load_as_one_parallel_chart() -> None:
    running = load(scxml.document(MACHINES), format="scxml")()
    assert {machine.name for machine in MACHINES} <= set(running.configuration_values)


def test_the_picture_is_self_contained_and_has_every_state_and_transition() -> None:
    text = svg.document(MACHINES)
    root = ET.fromstring(text)
    assert not [value for element in root.iter() for key, value in element.items() if "href" in key]
    words = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for machine in MACHINES:
        assert set(machine.states) <= set(words)
        for (_, kind), rows in machine.rows.items():
            for row in rows:
                if row.do:
                    assert any(word.startswith(kind) and word.endswith(", ".join(row.do)) for word in words)


def test_all_cards_are_within_the_picture() -> None:
    root = ET.fromstring(svg.document(MACHINES))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
        if rect.get("class") == "card":
            right = float(rect.get("x", 0)) + float(rect.get("width", 0))
            assert right < width
            assert float(rect.get("y", 0)) + float(rect.get("height", 0)) < height


def test_mermaid_of_one_machine_is_a_diagram_and_of_several_a_page() -> None:
    assert mermaid.document(MACHINES[:1]).startswith("stateDiagram-v2")
    assert mermaid.document(MACHINES).count("```mermaid") == len(MACHINES)

"""The model checker reaches all states, and detects broken invariants."""

import json
from pathlib import Path

import pytest

from agent.adapters.tuf_keys import TufKeys
from agent.core.effects import Persist
from agent.core.events import EventKind, SimpleEvent
from agent.core.screens import ScreenId
from agent.core.states import Memory, Setup, TimeAnchor, fresh
from agent.verification.bounds import TimestampBounds
from firmware_profiles.loader import load_named, names
from firmware_profiles.model import Wake
from lab.model_check import invariants, verdict_factory
from lab.model_check.abstraction import HERE, SERIAL, VERSION
from lab.model_check.memoized_step import PRODUCTION, AgentVariant, effect_kind
from lab.model_check.model import START, Model
from lab.model_check.mutants import AgentMutant, MutationSite, all_mutants
from lab.model_check.mutation_run import MutantReport, MutantResult, MutantRunner
from lab.model_check.profile_traits import Traits, traits_of
from lab.model_check.publications import KNOWN, NOW
from lab.model_check.replay import TraceError, TransitionTrace, read, replay
from lab.model_check.report import summary
from lab.model_check.runs import trace
from lab.model_check.search import Search, SearchResult
from lab.model_check.server_answers import answers
from lab.model_check.verdict_factory import Refusal, ServerAnswer, Verifier
from lab.model_check.world_state import WorldState

GLOBAL = traits_of(load_named("official-global"))
LEGACY = traits_of(load_named("official-legacy"))
MUTANTS = {mutant.id: mutant for mutant in all_mutants()}


def search_first(variant: AgentVariant, traits: Traits = GLOBAL) -> SearchResult:
    return Search(Model(traits, variant), first=True).run()


@pytest.mark.parametrize("name", ["custom-aosp", "custom-vendor-base", "official-tampered"])
def test_firmware_without_a_running_agent_has_four_states(name: str) -> None:
    found = Search(Model(traits_of(load_named(name)))).run()
    assert (found.states, found.complete, found.violations) == (4, True, {})


@pytest.mark.slow
def test_legacy_firmware_is_explored_completely_with_every_kind_of_event() -> None:
    legacy = Search(Model(LEGACY))
    found = legacy.run()
    assert found.complete
    assert found.violations == {}
    assert found.states > 20_000
    assert found.transitions > 3 * found.states
    tried = {legacy.model.pool.events[event].kind for _, event in legacy.model.agent.stepper.taken}
    # No alarm wakes this image, so the events of alarms do not occur.
    alarms = {
        EventKind.CHECK_IN_DUE,
        EventKind.WARNING_DUE,
        EventKind.LOCK_DUE,
        EventKind.OFFLINE_DUE,
        EventKind.HEARTBEAT,
    }
    assert tried | alarms == set(EventKind), "a kind of event never occurred"


@pytest.mark.slow
@pytest.mark.parametrize("traits", sorted({traits_of(load_named(name)) for name in names()}, key=repr))
def test_no_firmware_breaks_an_invariant(traits: Traits) -> None:
    found = Search(Model(traits)).run()
    assert found.complete
    assert found.violations == {}


def test_search_that_reaches_its_limit_is_not_complete() -> None:
    found = Search(Model(GLOBAL), limit=500).run()
    assert not found.complete
    assert found.violations == {}


MEMORIES = {
    "of a device that has accepted a verdict": Memory(
        TimeAnchor(NOW), KNOWN, serial=SERIAL, policy_version=VERSION
    ),
    "of a new device": Memory(TimeAnchor(NOW), TimestampBounds(NOW)),
}


@pytest.mark.parametrize("nonce", [verdict_factory.FRESH, verdict_factory.REPLAYED, verdict_factory.SHOWN])
@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
def test_no_token_of_the_attacker_passes_the_verifier(nonce: str, memory: Memory) -> None:
    verifier = Verifier()
    tokens = [token for _, token in verdict_factory.stolen(nonce)]
    if nonce == verdict_factory.SHOWN:
        results = [verifier.code(token, memory) for token in tokens]
    else:
        results = [verifier.exchange(ServerAnswer(token), memory, nonce) for token in tokens]
    assert len(results) == 6 * len(verdict_factory.DECISIONS)
    assert all(isinstance(result, Refusal) for result in results)


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
def test_honest_answers_pass_the_verifier_and_faulty_ones_as_specified(memory: Memory) -> None:
    """Of the server after each fault, and of the thieves of its keys."""
    verifier, nonce = Verifier(), verdict_factory.FRESH
    for possible in answers(memory, nonce):
        result = verifier.exchange(possible.answer, memory, nonce)
        if isinstance(result, Refusal):
            assert not possible.honest, possible.name
            assert possible.code in (result.code, None), possible.name
        else:
            assert not possible.code, possible.name
            assert result.verdict.decision is possible.answer.token.decision


def test_profiles_that_differ_in_sale_region_and_languages_have_equal_traits() -> None:
    assert traits_of(load_named("official-eea")) == GLOBAL
    assert traits_of(load_named("official-rooted")).hooked
    assert Wake.ALARM not in LEGACY.wakes


def test_mutants_have_unique_ids_and_differ_from_production() -> None:
    assert len(all_mutants()) == len(MUTANTS) > 1000
    assert {mutant.site for mutant in MUTANTS.values()} == set(MutationSite)
    assert all(mutant.variant != PRODUCTION for mutant in MUTANTS.values())


@pytest.mark.parametrize(
    ("name", "invariant"),
    [
        ("lock: unprovisioned, deferred: row 1 leads to activated", "I1"),
        ("lock: unprovisioned, heartbeat: row 1 leads to locked", "I2"),
        ("lock: activated, offline-due: row 1 unguarded", "I2"),
        ("lock: locked, heartbeat: row 1 leads to activated", "I3"),
        ("persist: count", "I9"),
        ("persist: nothing", "I9"),
        ("persist: count, then write", "I9"),
        ("effect order: persist and show swapped", "I9"),
        ("exchange: collecting, collected: row 1 lacks request-challenge", "D1"),
        ("attention: notice, continue: row 1 lacks show", "D2"),
        ("lock: notice, heartbeat: row 1 lacks set-alarm", "D3"),
        ("setup: terms, connected: row 1 leads to activate", "D1"),
    ],
)
def test_mutant_is_detected_by_the_invariant_that_it_breaks(name: str, invariant: str) -> None:
    assert invariant in search_first(MUTANTS[name].variant).violations


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("name", "invariant"),
    [
        ("the floor never rises", "I4"),
        ("there is no ceiling", "I4"),
        ("no timestamp retracts", "I7"),
        ("a greater clock number does not retract", "I7"),
        ("a replaced key does not retract", "I7"),
        ("any other clock number retracts", "I4"),
        ("trusted time only advances", "I4"),
        ("trusted time is not bounded by the floor", "I4"),
        ("an unlock code sets trusted time", "I4"),
        ("an unlock code sets the floor", "I4"),
        ("expiry is compared with the floor before the exchange", "I7"),
        ("expiry is not compared", "D1"),
        ("the policy floor is never reset", "I7"),
    ],
)
def test_wrong_rule_of_trusted_time_is_detected(name: str, invariant: str) -> None:
    assert invariant in search_first(MUTANTS[f"trusted time: {name}"].variant).violations


def test_floor_before_signatures_ends_in_an_exception_and_leaves_production_as_it_was() -> None:
    before = TufKeys.keys
    with pytest.raises((AttributeError, KeyError)):
        search_first(MUTANTS["trusted time: the floor is taken before signatures are verified"].variant)
    assert TufKeys.keys is before


@pytest.mark.slow
def test_every_mutant_of_trusted_time_is_detected_or_equivalent() -> None:
    runner = MutantRunner(GLOBAL)
    survivors = [
        mutant.id
        for mutant in MUTANTS.values()
        if mutant.site is MutationSite.TIME and runner.run_mutant(mutant).result is MutantResult.SURVIVED
    ]
    assert survivors == []


UPDATES = [mutant for mutant in MUTANTS.values() if mutant.site is MutationSite.UPDATES]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "change", "invariant"),
    [
        ("_set_offline_limit", "changes nothing", "D5"),
        ("_renew_offline_limit", "changes nothing", "D5"),
        ("_renew_offline_limit", "max: becomes min", "D5"),
        ("_mark_warned", "changes nothing", "D3"),
    ],
)
def test_verdict_that_does_not_renew_the_offline_limit_is_detected(
    function: str, change: str, invariant: str
) -> None:
    mutants = [each for each in UPDATES if f": {function}, " in each.id and each.id.endswith(change)]
    caught = {name for mutant in mutants for name in search_first(mutant.variant).violations}
    assert invariant in caught


def sealing_mutants() -> list[AgentMutant]:
    return [mutant for mutant in MUTANTS.values() if mutant.site is MutationSite.SEALING]


def test_recovery_rule_that_accepts_an_older_record_is_detected() -> None:
    [mutant] = [m for m in sealing_mutants() if "counter < counter" in m.id and m.id.endswith("never taken")]
    assert "I4" in search_first(mutant.variant).violations


def test_dead_end_is_detected_in_the_whole_graph() -> None:
    """I7 is not a property of one step: no step of this mutant breaks it, but no trace reaches a usable device."""
    found = Search(Model(GLOBAL, MUTANTS["setup: terms, terms-accepted: row 1 dropped"].variant)).run()
    assert found.complete
    assert "I7" in found.violations


def test_invariants_that_no_table_can_break_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text catalogue breaks I5, a new effect I6, a lab that runs an agent in an image without one I8."""
    no_agent = Traits(boots=True, wakes=frozenset(), hooked=False)
    running = WorldState(agent=0, powered=True, panel=ScreenId.WAITING, alarm=True, up=True)
    assert {"I8"} <= {name for name, _ in invariants.broken_in(running, fresh(0), no_agent)}
    wiped = invariants.broken_by_step(fresh(0), SimpleEvent(EventKind.HEARTBEAT), fresh(0), [object()], HERE)  # type: ignore[list-item]
    assert "I6" in {name for name, _ in wiped}
    monkeypatch.setattr(invariants, "LANGUAGES", ("en",))
    monkeypatch.setattr(invariants, "build", lambda *_: type("Bare", (), {"actions": ()}))
    invariants._offers_help.cache_clear()
    assert "I5" in {name for name, _ in invariants.broken_in(running, fresh(0), GLOBAL)}
    invariants._offers_help.cache_clear()


def test_rate_counts_survivors_and_not_equivalent_mutants() -> None:
    results = [
        MutantResult.CAUGHT,
        MutantResult.CAUGHT,
        MutantResult.CAUGHT,
        MutantResult.SURVIVED,
        MutantResult.EQUIVALENT,
    ]
    counts = summary([MutantReport(str(n), MutationSite.TABLE, each) for n, each in enumerate(results)])
    assert (counts["planted"], counts["rate"]) == (5, 0.75)


def test_replayed_trace_breaks_the_same_invariant_at_its_end(tmp_path: Path) -> None:
    name = "persist: count"
    violation = search_first(MUTANTS[name].variant).violations["I9"]
    file = tmp_path / "story.json"
    file.write_text(json.dumps(trace(violation, "official-global", name)), encoding="utf-8")
    steps = list(replay(Model(GLOBAL, MUTANTS[name].variant), read(file)))
    assert [step.transition for step in steps] == list(violation.trace)
    assert "I9" in {broken for broken, _ in steps[-1].broken}
    assert not any(one.broken for one in steps[:-1])


def test_trace_of_a_mutant_breaks_no_invariant_in_production() -> None:
    violation = search_first(MUTANTS["effect order: persist and show swapped"].variant).violations["I9"]
    trace = TransitionTrace(profile="official-global", story=violation.trace)
    assert not any(step.broken for step in replay(Model(GLOBAL), trace))


def test_replay_stops_at_an_impossible_transition_and_lists_the_possible() -> None:
    trace = TransitionTrace(profile="official-global", story=("power: on", "server: allow"))
    with pytest.raises(
        TraceError, match=r"transition 2, 'server: allow', is not possible here; possible: .*agent: writes"
    ):
        list(replay(Model(GLOBAL), trace))


@pytest.mark.parametrize("content", ["{}", "[]", '{"profile": "x", "story": ["a"], "more": 1}', "\xff"])
def test_file_that_is_not_a_trace_is_rejected(tmp_path: Path, content: str) -> None:
    file = tmp_path / "story.json"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(TraceError, match=r"story\.json is not a trace"):
        read(file)


def test_effect_kind_is_the_name_in_the_tables() -> None:
    assert effect_kind(Persist()).value == "persist"


def test_new_device_can_be_switched_on_reset_and_tampered_with() -> None:
    names = {move.name for move in Model(GLOBAL).transitions(START)}
    assert {"power: on", "user: factory reset", "attacker: writes a state file of their own"} <= names
    assert not any(name.startswith(("server", "agent", "time")) for name in names)
    assert Setup.LANGUAGE is fresh(0).setup

"""The exploration sees everything, and would say so if something were wrong."""

import json
from pathlib import Path

import pytest

from agent.core.effects import Persist
from agent.core.events import EventKind, SimpleEvent
from agent.core.screens import ScreenId
from agent.core.states import Memory, Setup, State, TimeAnchor, fresh
from agent.verification.verdict import VerifiedVerdict
from firmware_profiles.loader import load_named, names
from firmware_profiles.model import Wake
from lab.model_check import invariants, verdict_factory
from lab.model_check.abstraction import HERE, NOW, SERIAL, VERSION
from lab.model_check.model import START, Model
from lab.model_check.mutants import Mutant, Site, all_mutants
from lab.model_check.mutation_run import Hunted, MutantResult
from lab.model_check.profile_traits import Traits, traits_of
from lab.model_check.replay import StoryError, Trace, read, replay
from lab.model_check.report import summary
from lab.model_check.runs import trace
from lab.model_check.search import Found, Search
from lab.model_check.variant import PRODUCTION, AgentVariant, named
from lab.model_check.world import World

GLOBAL = traits_of(load_named("official-global"))
LEGACY = traits_of(load_named("official-legacy"))
MUTANTS = {mutant.id: mutant for mutant in all_mutants()}


def found_first(plan: AgentVariant, traits: Traits = GLOBAL) -> Found:
    return Search(Model(traits, plan), first=True).run()


# --- what it says of the production tables --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["custom-aosp", "custom-vendor-base", "official-tampered"])
def test_firmware_without_a_running_agent_has_next_to_nothing_to_explore(name: str) -> None:
    """I8: such a phone is off, on, and at home or dark; it never asks anybody."""
    found = Search(Model(traits_of(load_named(name)))).run()
    assert (found.states, found.complete, found.violations) == (4, True, {})


@pytest.fixture(scope="module")
def legacy() -> Search:
    """The smallest of the images with an agent, searched to the end; `make test-slow` explores all."""
    return Search(Model(LEGACY))


def test_everything_that_can_happen_to_a_legacy_phone_is_seen_and_nothing_is_broken(legacy: Search) -> None:
    """Complete, and nothing found; the tables that the next test plants defects in are sound."""
    found = legacy.run()
    assert found.complete
    assert found.violations == {}
    assert found.states > 20_000
    assert found.transitions > 3 * found.states
    tried = {legacy.model.pool.events[event].kind for _, event in legacy.model.body.stepper.taken}
    # An image that no alarm wakes never sees what alarms bring; the others are searched with the rest, slowly.
    alarms = {
        EventKind.CHECK_IN_DUE,
        EventKind.WARNING_DUE,
        EventKind.LOCK_DUE,
        EventKind.OFFLINE_DUE,
        EventKind.HEARTBEAT,
    }
    assert tried | alarms == set(EventKind), "a kind of event that no machine is ever given"


@pytest.mark.slow
@pytest.mark.parametrize("traits", sorted({traits_of(load_named(name)) for name in names()}, key=repr))
def test_no_firmware_breaks_an_invariant(traits: Traits) -> None:
    """The whole proof, once for each kind of firmware."""
    found = Search(Model(traits)).run()
    assert found.complete
    assert found.violations == {}


def test_a_search_that_is_cut_off_is_not_complete() -> None:
    """`complete` is the word that people rely on."""
    found = Search(Model(GLOBAL), limit=500).run()
    assert not found.complete
    assert found.violations == {}


# --- the parts that are not the production's ------------------------------------------------------------------------


@pytest.mark.parametrize("nonce", [verdict_factory.FRESH, verdict_factory.REPLAYED, verdict_factory.SHOWN])
@pytest.mark.parametrize("serial", [0, SERIAL])
@pytest.mark.parametrize("anchored", [False, True])
def test_nothing_that_an_attacker_has_passes_the_verifier(nonce: str, serial: int, *, anchored: bool) -> None:
    """The attacker of the model is refused by the real verifier, and not because the model says so."""
    memory = Memory(TimeAnchor(NOW), serial=serial, policy_version=VERSION if serial else 0)
    state = State(memory, anchored=anchored)
    answers = [verdict_factory.judge(token, state, nonce) for _, token in verdict_factory.stolen(nonce)]
    assert len(answers) == 6 * len(verdict_factory.DECISIONS)
    assert all(isinstance(answer, str) for answer in answers)


@pytest.mark.parametrize("name", verdict_factory.DECISIONS)
@pytest.mark.parametrize("remembered", [0, SERIAL, SERIAL + 7])
def test_what_the_server_signs_passes_the_verifier(name: str, remembered: int) -> None:
    """Otherwise the exploration would find no violation because nothing ever happens."""
    state = State(Memory(TimeAnchor(NOW), serial=SERIAL, policy_version=VERSION), anchored=True)
    token = verdict_factory.honest(name, state, verdict_factory.FRESH, remembered, 0)
    verdict = verdict_factory.judge(token, state, verdict_factory.FRESH)
    assert isinstance(verdict, VerifiedVerdict)
    assert verdict.decision is token.decision


def test_profiles_that_differ_in_nothing_that_matters_share_their_traits() -> None:
    """Sale region, bands and languages open no way that another image has not."""
    assert traits_of(load_named("official-eea")) == GLOBAL
    assert traits_of(load_named("official-rooted")).hooked
    assert Wake.ALARM not in LEGACY.wakes


# --- that it can fail -----------------------------------------------------------------------------------------------


def test_the_defects_are_many_each_of_its_own_name_and_none_of_them_is_production() -> None:
    """Generated from the tables, so that nobody chose the ones that are found."""
    assert len(all_mutants()) == len(MUTANTS) > 1000
    assert {mutant.site for mutant in MUTANTS.values()} == set(Site)
    assert all(mutant.plan != PRODUCTION for mutant in MUTANTS.values())


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
def test_a_planted_defect_is_found_by_the_invariant_that_it_breaks(name: str, invariant: str) -> None:
    """An exploration that never fails proves nothing."""
    assert invariant in found_first(MUTANTS[name].plan).violations


def sealing_mutants() -> list[Mutant]:
    return [mutant for mutant in MUTANTS.values() if mutant.site is Site.SEALING]


def test_a_rule_that_takes_an_older_record_is_found() -> None:
    """Rollback: the attacker puts an earlier state file back."""
    [taking] = [m for m in sealing_mutants() if "counter < counter" in m.id and m.id.endswith("never taken")]
    assert "I4" in found_first(taking.plan).violations


def test_a_dead_end_is_found_by_the_whole_graph() -> None:
    """I7 is no property of a step: a wizard that refuses the terms for ever is found by no way leading home."""
    found = Search(Model(GLOBAL, MUTANTS["setup: terms, terms-accepted: row 1 dropped"].plan)).run()
    assert found.complete
    assert "I7" in found.violations


def test_predicates_that_no_table_can_break_can_fail_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """I5 is broken by a catalogue, I6 by a new effect, I8 by a lab that runs an agent where there is none."""
    nobody = Traits(boots=True, wakes=frozenset(), hooked=False)
    running = World(agent=0, powered=True, panel=ScreenId.WAITING, alarm=True, up=True)
    assert {"I8"} <= {name for name, _ in invariants.broken_in(running, fresh(0), nobody)}
    wiped = invariants.broken_by_step(fresh(0), SimpleEvent(EventKind.HEARTBEAT), fresh(0), [object()], HERE)  # type: ignore[list-item]
    assert "I6" in {name for name, _ in wiped}
    monkeypatch.setattr(invariants, "LANGUAGES", ("en",))
    monkeypatch.setattr(invariants, "build", lambda *_: type("Bare", (), {"actions": ()}))
    invariants._offers_help.cache_clear()
    assert "I5" in {name for name, _ in invariants.broken_in(running, fresh(0), GLOBAL)}
    invariants._offers_help.cache_clear()


def test_the_summary_counts_survivors_against_the_rate_and_equivalents_not() -> None:
    """The rate is the share of defects that could be told from no defect."""
    fates = [
        MutantResult.CAUGHT,
        MutantResult.CAUGHT,
        MutantResult.CAUGHT,
        MutantResult.SURVIVED,
        MutantResult.EQUIVALENT,
    ]
    told = summary([Hunted(str(n), Site.TABLE, fate) for n, fate in enumerate(fates)])
    assert (told["planted"], told["rate"]) == (5, 0.75)


# --- stories ----------------------------------------------------------------------------------------------------------


def test_a_violation_can_be_told_again_and_breaks_the_same_invariant_at_its_end(tmp_path: Path) -> None:
    """A reviewer must be able to walk the trace, without trusting the search."""
    name = "persist: count"
    violation = found_first(MUTANTS[name].plan).violations["I9"]
    file = tmp_path / "story.json"
    file.write_text(json.dumps(trace(violation, "official-global", name)), encoding="utf-8")
    told = list(replay(Model(GLOBAL, MUTANTS[name].plan), read(file)))
    assert [one.move for one in told] == list(violation.story)
    assert "I9" in {broken for broken, _ in told[-1].broken}
    assert not any(one.broken for one in told[:-1])


def test_the_same_story_breaks_nothing_in_production() -> None:
    """Without the defect the same moves are harmless, as far as they can happen at all."""
    violation = found_first(MUTANTS["effect order: persist and show swapped"].plan).violations["I9"]
    story = Trace(profile="official-global", story=violation.story)
    assert not any(one.broken for one in replay(Model(GLOBAL), story))


def test_a_story_of_what_cannot_happen_stops_there_and_says_what_can() -> None:
    """A typing error must not look like a proof."""
    story = Trace(profile="official-global", story=("power: on", "server: allow"))
    with pytest.raises(
        StoryError, match=r"move 2, 'server: allow', cannot happen here; what can: .*agent: writes"
    ):
        list(replay(Model(GLOBAL), story))


@pytest.mark.parametrize("content", ["{}", "[]", '{"profile": "x", "story": ["a"], "more": 1}', "\xff"])
def test_a_file_that_is_no_story_is_refused_by_name(tmp_path: Path, content: str) -> None:
    """The file comes from outside."""
    file = tmp_path / "story.json"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(StoryError, match=r"story\.json is no story"):
        read(file)


def test_effects_are_named_as_the_tables_name_them() -> None:
    """The order of effects is given in the words of the tables."""
    assert named(Persist()).value == "persist"


def test_a_new_phone_can_be_switched_on_and_erased_and_nothing_else_but_tampered_with() -> None:
    """The first moves, spelled out once."""
    moves = {move.story for move in Model(GLOBAL).moves(START)}
    assert {"power: on", "user: factory reset", "attacker: writes a state file of their own"} <= moves
    assert not any(move.startswith(("server", "agent", "time")) for move in moves)
    assert Setup.LANGUAGE is fresh(0).setup

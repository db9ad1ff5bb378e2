"""The catalogue as data: complete, with unique ids."""

import re
from collections import Counter

from agent.verification.errors import RULES, Code
from lab.attacks.catalogue import CATALOGUE
from lab.attacks.model import AttackerCapability, Topic
from wire.codes import ProblemCode

SOURCE = re.compile(r"(CWE-\d+|CVE-\d{4}-\d+|RFC \d{4} |FIPS \d{3}|TUF: )")


def expected_codes() -> Counter[str]:
    return Counter(trial.expected.last_code for attack in CATALOGUE for trial in attack.trials)


def test_catalogue_has_at_least_eighty_attacks() -> None:
    assert len(CATALOGUE) >= 80


def test_ids_are_unique_and_consist_of_lower_case_words() -> None:
    counts = Counter(attack.id for attack in CATALOGUE)
    assert [name for name, count in counts.items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9_]+)*", name) for name in counts)


def test_every_attack_has_a_sentence_a_source_capabilities_topics_and_trials() -> None:
    for attack in CATALOGUE:
        assert attack.sentence.endswith("."), attack.id
        assert SOURCE.match(attack.source), attack.id
        assert attack.capabilities, attack.id
        assert attack.topics, attack.id
        assert attack.trials, attack.id


def test_every_topic_has_an_attack() -> None:
    assert {topic for attack in CATALOGUE for topic in attack.topics} == set(Topic)


def test_every_capability_is_used() -> None:
    assert {each for attack in CATALOGUE for each in attack.capabilities} == set(AttackerCapability)


def test_every_code_of_the_verifier_is_expected_by_an_attack() -> None:
    """KEY_TIME_UNKNOWN cannot occur in the agent, which always has a lower bound of the time."""
    assert {code for code in Code if code.value not in expected_codes()} == {Code.KEY_TIME_UNKNOWN}


def test_every_step_has_at_least_two_attacks() -> None:
    steps = Counter(RULES[Code(code)][0] for code in expected_codes().elements() if code in set(Code))
    assert min(steps[step] for step in range(1, 15)) >= 2


def test_every_problem_code_for_evidence_is_expected_by_an_attack() -> None:
    refusals = {code.value for code in ProblemCode if re.match("evidence|chain|challenge", code.value)}
    assert refusals <= expected_codes().keys()


def test_every_attack_that_succeeds_states_a_reason() -> None:
    succeeding = {attack.id for attack in CATALOGUE if attack.succeeds_because}
    assert {"stolen-key-locks", "image-rooted", "image-resigned"} <= succeeding
    assert all(attack.expected.startswith("falls: ") == bool(attack.succeeds_because) for attack in CATALOGUE)

"""The catalogue as data: complete, unambiguous, and the same as its page."""

import re
from collections import Counter
from pathlib import Path

from agent.verification.errors import RULES, Code
from lab.attacks import formatting
from lab.attacks.catalogue import CATALOGUE
from lab.attacks.model import AttackerCapability, Topic
from wire.codes import ProblemCode

PAGE = Path(__file__).parents[4] / "docs" / "security" / "attacks.md"
SOURCE = re.compile(r"(CWE-\d+|CVE-\d{4}-\d+|RFC \d{4} |FIPS \d{3}|TUF: )")


def told() -> Counter[str]:
    return Counter(trial.expected.last_code for attack in CATALOGUE for trial in attack.trials)


def test_there_are_at_least_eighty_attacks() -> None:
    """Fewer would leave whole classes to trust."""
    assert len(CATALOGUE) >= 80


def test_ids_are_unique_and_can_be_typed() -> None:
    """An id is what reports, vectors and the command line refer to."""
    counts = Counter(attack.id for attack in CATALOGUE)
    assert [name for name, count in counts.items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9_]+)*", name) for name in counts)


def test_every_attack_has_a_sentence_a_source_means_topics_and_trials() -> None:
    for attack in CATALOGUE:
        assert attack.sentence.endswith("."), attack.id
        assert SOURCE.match(attack.source), attack.id
        assert attack.means, attack.id
        assert attack.topics, attack.id
        assert attack.trials, attack.id


def test_every_topic_is_covered() -> None:
    """The topics are what a catalogue of this kind has to cover."""
    assert {topic for attack in CATALOGUE for topic in attack.topics} == set(Topic)


def test_every_means_is_used() -> None:
    """A means that no attack needs would be a claim without a proof."""
    assert {means for attack in CATALOGUE for means in attack.means} == set(AttackerCapability)


def test_every_refusal_of_the_verifier_is_provoked() -> None:
    """A code that no attack reaches is a defence that nobody tries; the agent always knows some time."""
    assert {code for code in Code if code.value not in told()} == {Code.KEY_TIME_UNKNOWN}


def test_every_step_is_attacked_more_than_once() -> None:
    """One attack a step could be met by accident."""
    steps = Counter(RULES[Code(code)][0] for code in told().elements() if code in set(Code))
    assert min(steps[step] for step in range(1, 15)) >= 2


def test_every_refusal_of_evidence_is_provoked() -> None:
    """The server's own refusals of evidence are defences too."""
    refusals = {code.value for code in ProblemCode if re.match("evidence|chain|challenge", code.value)}
    assert refusals <= told().keys()


def test_what_falls_says_why_and_leaves_a_trace() -> None:
    """An attack that succeeds is only acceptable if the catalogue owns up to it."""
    fallen = {attack.id for attack in CATALOGUE if attack.succeeds_because}
    assert {"stolen-key-locks", "image-rooted", "image-resigned"} <= fallen
    assert all(attack.expected.startswith("falls: ") == bool(attack.succeeds_because) for attack in CATALOGUE)


def test_the_page_holds_the_table_of_the_catalogue() -> None:
    """A page that lags behind would show a reviewer attacks that are not run."""
    text = PAGE.read_text("utf-8")
    assert text == formatting.renewed(text)

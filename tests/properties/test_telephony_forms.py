"""Forms of answers of different makers, mixed at random."""

import re
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.imei import is_valid

from agent.telephony.reader import read_telephony
from tests.support.profiles import examples
from tests.support.transcripts import (
    BASE,
    READING,
    Card,
    Form,
    TimedTranscriptModem,
    TranscriptModem,
    flatten,
    load_forms,
)
from wire.evidence import Telephony

FORMS = load_forms(Path(__file__).parents[1] / "unit" / "agent" / "telephony" / "forms.toml")


def stated_values(forms: list[Form]) -> dict[str, set[Any]]:
    """Every value that the modem of these forms states, by its path without slots."""
    stated: dict[str, set[Any]] = {}
    for reading in (READING, *({**form.reading(), **form.unused} for form in forms)):
        for path, value in reading.items():
            stated.setdefault(re.sub(r"\.[01](?=\.|$)", "", path), set()).add(value)
    return stated


def mixed(forms: list[Form], kind: type[TranscriptModem]) -> TranscriptModem:
    """A modem with all forms. Where two answer the same command, the first one holds."""
    answers = {key: answer for form in reversed(forms) for key, answer in form.answers.items()}
    files = {key: content for form in reversed(forms) for key, content in form.files.items()}
    card = {key: value for form in reversed(forms) for key, value in form.card.items()}
    ordered = {key: answers[key] for form in forms for key in form.answers}
    return kind(ordered, files, Card(**card))


IDENTITY = tuple(form for form in FORMS if any("GSN" in command for command in form.answers))
OTHERS = tuple(form for form in FORMS if form not in IDENTITY)
# Two forms of the identity could exclude each other: one states it only for AT+CGSN=1, another only for AT+CGSN.
MIXTURES = st.tuples(
    st.lists(st.sampled_from(IDENTITY), max_size=1),
    st.lists(st.sampled_from(OTHERS), min_size=1, max_size=6, unique_by=lambda form: form.name),
).map(lambda parts: [form for part in parts for form in part])


@settings(max_examples=examples(120))
@given(MIXTURES)
def test_no_mixture_of_forms_gives_a_value_that_none_states(forms: list[Form]) -> None:
    """And every reading of a modem that states an IMEI has one."""
    modem = mixed(forms, TimedTranscriptModem)
    reading = read_telephony(modem)
    telephony = reading.telephony.model_dump(mode="json", exclude_none=True, exclude={"faults"})
    stated = stated_values(forms)
    stated["serving.registration"].add("unknown")
    stated["sims.status"].add("unreadable")
    for path, value in flatten({"imeis": reading.imeis, **telephony}).items():
        assert value in stated[re.sub(r"\.[01](?=\.|$)", "", path)], path
    if not any("imeis" in form.absent for form in forms):
        assert reading.trouble is None
        assert reading.imeis[0] == READING["imeis.0"]
    assert reading.telephony.sims
    assert reading.telephony.serving is not None


FILES = ("2FE2", "6F07", "6FAD", "6F46", "6F3E")
CARDS = st.builds(
    Card,
    parameters=st.sampled_from(["fcp", "fci", "classic", "exact", "announced", "wrong", "broken", "refused"]),
    binary=st.sampled_from(["exact", "gsm", "wrong", "end", "short"]),
    most=st.sampled_from([256, 256, 7, 1]),
    all=st.booleans(),
)


@st.composite
def damaged_answers(draw: st.DrawFn) -> dict[str, str]:
    """The answers to some commands with a few bytes replaced, inserted or removed."""
    damaged: dict[str, str] = {}
    for command in draw(st.lists(st.sampled_from(sorted(BASE)), min_size=1, max_size=4, unique=True)):
        text = "".join(f"\r\n{line}\r\n" for line in BASE[command])
        for _ in range(draw(st.integers(1, 4))):
            at = draw(st.integers(0, len(text)))
            inserted = draw(st.text(st.characters(max_codepoint=0xFF), max_size=3))
            text = text[:at] + inserted + text[at + draw(st.integers(0, 3)) :]
        damaged[command] = text
    return damaged


@settings(max_examples=examples(120))
@given(damaged_answers(), st.dictionaries(st.sampled_from(FILES), st.binary(max_size=40)), CARDS)
def test_damaged_answers_and_files_give_valid_evidence(
    answers: dict[str, str], files: dict[str, bytes], card: Card
) -> None:
    modem = TimedTranscriptModem(answers, {key: content.hex() for key, content in files.items()}, card)
    reading = read_telephony(modem)
    assert Telephony.model_validate_json(reading.telephony.to_wire()) == reading.telephony
    assert all(len(imei) == 15 and is_valid(imei) for imei in reading.imeis)
    assert modem.waited < 120

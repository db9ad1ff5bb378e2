"""Every form of an answer in `forms.toml` gives exactly the reading that it states, with its faults."""

from pathlib import Path
from typing import Any

import pytest

from agent.telephony.reader import TelephonyReading, read_telephony
from tests.support.transcripts import (
    READING,
    Form,
    TimedTranscriptModem,
    TranscriptModem,
    flatten,
    load_forms,
)

FORMS = load_forms(Path(__file__).with_name("forms.toml"))


def leaves(reading: TelephonyReading) -> dict[str, Any]:
    """The reading by dotted paths, without its faults."""
    telephony = reading.telephony.model_dump(mode="json", exclude_none=True, exclude={"faults"})
    return flatten({"imeis": reading.imeis, **telephony})


def test_base_of_the_forms_has_no_fault() -> None:
    reading = read_telephony(TranscriptModem())
    assert leaves(reading) == READING
    assert reading.telephony.faults is None


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_form_gives_its_reading(form: Form) -> None:
    reading = read_telephony(form.modem())
    assert leaves(reading) == form.reading()
    assert {f"{fault.code} {fault.source}" for fault in reading.telephony.faults or ()} == set(form.faults)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_no_form_costs_more_than_a_minute(form: Form) -> None:
    """In the time of the modem's own line."""
    modem = form.modem(TimedTranscriptModem)
    assert read_telephony(modem) == read_telephony(form.modem())
    assert modem.waited < 60


def test_every_form_has_a_source_and_a_consequence() -> None:
    """And there are at least three times as many as public cases."""
    assert len(FORMS) >= 3 * 24
    for form in FORMS:
        assert len(form.source) > 5, form.name
        assert form.answers or form.files or form.card, form.name

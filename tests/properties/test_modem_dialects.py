"""Forms of all dialects mixed at random: a modem with an identity is read, and nothing is read that is not a fact."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.telephony.reader import TelephonyReading, read_telephony
from lab.handset.modem.dialects import dialect_names
from lab.handset.modem.forms import (
    STANDARD,
    AnswerForm,
    DialectForms,
    EchoForm,
    ErrorForm,
    FileReading,
    LineForm,
    OperatorForm,
    ParameterReading,
    find_dialect,
)
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemConfig, ModemFaults, ModemOptions
from lab.world.sim import PinState, SimCard
from tests.support.modems import CUBACEL, IMEI, T_MOBILE, UNSOLICITED, american_sim, cuban_sim
from tests.support.profiles import examples
from wire.codes import AccessTechnology, Registration, SimStatus
from wire.evidence import Cell, Serving, Sim

DIALECTS = [find_dialect(name) for name in dialect_names()]
REPORTS = (
    "+CREG: 1,84CD,00D30156",
    "+CREG: 1,0001,0010,0",
    '+CREG: 001,"0001","0010",000',
    '+CREG: 6,"8B37","0A265185",7',
    "+CREG: 2,,",
    "+CEREG: 1, 1F00, 79D903 ,7",
    "+CEREG: 2, 0001, 00000100, 7",
    "+C5GREG: 1,1F00,79D903,11,6,ABCDEF",
    "+CSQ: 23,0",
)
"""Unsolicited lines with the prefix of an answer (ModemManager, test-modem-helpers.c; SIM7600, AT+AUTOCSQ)."""

NOISE = (*(line for dialect in DIALECTS for line in dialect.unsolicited.lines), *UNSOLICITED, *REPORTS)
OPTIONAL = (
    "AT+CMEE",
    "AT+CSUS",
    "AT+CGSN=1",
    "AT+CIMI",
    "AT+CCID",
    "AT+C5GREG",
    "AT+CEREG",
    "AT+CREG",
    "AT+COPS",
    "AT+CRSM=192",
    "AT+CRSM=176,12258",
    "AT+CRSM=176,28478",
    "AT+CRSM=176,28486",
)
"""Beginnings of command lines without an answer to which a modem still has an identity and its cards."""


FILES = {"AT+CRSM=176,12258": "iccid", "AT+CRSM=176,28478": "gid1", "AT+CRSM=176,28486": "spn"}
"""Commands without which one member of a SIM is absent."""

REFUSALS = ("NA", "+EXT ERROR: 0", "ERROR: 4", "COMMAND NO RESPONSE!", "TOO MANY PARAMETERS")
"""Final results in the words of further makers (the last but one: github.com/Ai-Thinker-Open/GPRS-AT/issues/17)."""

LINES = (
    LineForm(
        information=("\r\n", "\r\r\n"), result=("", "\r\r\n")
    ),  # ModemManager, test data of a C-motech CDX-650
    LineForm(information=("\0\r\n", "\0\r\n")),
    LineForm(information=("\n", " \n"), result=("\n", " \n")),
)


def spoken(kind: str) -> list[AnswerForm]:
    """Every form of a kind: the standard's, and those of the dialects."""
    found: list[AnswerForm] = []
    for forms in (STANDARD, *DIALECTS):
        if getattr(forms, kind) not in found:
            found.append(getattr(forms, kind))
    return found


FORMS = {kind: st.sampled_from(spoken(kind)) for kind in DialectForms.model_fields} | {
    "echo": st.builds(EchoForm, on=st.booleans(), settable=st.booleans()),
    "line": st.sampled_from([*spoken("line"), *LINES]),
    "operator": st.sampled_from(
        [*spoken("operator"), OperatorForm(formats=(0,)), OperatorForm(formats=(1,))]
    ),
    "file": st.builds(
        lambda form, reading, parameters: form.model_copy(
            update={"reading": reading, "parameters": parameters}
        ),
        st.sampled_from(spoken("file")),
        st.sampled_from(FileReading),
        st.sampled_from(ParameterReading),
    ),
    "error": st.builds(
        lambda form, mode: form.model_copy(update={"mode": mode}),
        st.sampled_from(
            [*spoken("error"), *(ErrorForm(results={4: words, 50: words}) for words in REFUSALS)]
        ),
        st.sampled_from([None, 0, 1, 2]),
    ),
}
"""Each kind with the forms of all dialects; what a card or the standard leaves open in all its variants."""

CELLS = (
    Cell(area=0x65, id=0x12C01, technology=AccessTechnology.LTE),
    Cell(area=0xA1B2, id=0xFA0A265, technology=AccessTechnology.LTE),
    Cell(area=0x28041B, id=0x8FE090005, technology=AccessTechnology.NR),
    Cell(area=0x1422, id=0x0CEAD8F, technology=AccessTechnology.UMTS),
    Cell(area=0x8BE3, id=0x2BAF, technology=AccessTechnology.GSM),
)
NETWORKS = st.builds(
    lambda registration, plmn, cell: Serving(registration=registration, plmn=plmn, cell=cell),
    st.sampled_from([Registration.HOME, Registration.ROAMING]),
    st.sampled_from([CUBACEL, T_MOBILE]),
    st.sampled_from(CELLS),
) | st.builds(
    Serving,
    registration=st.sampled_from([Registration.SEARCHING, Registration.DENIED, Registration.EMERGENCY_ONLY]),
)
LOCKED = {
    PinState.PIN_REQUIRED: SimStatus.PIN_REQUIRED,
    PinState.PUK_REQUIRED: SimStatus.PUK_REQUIRED,
    PinState.BLOCKED: SimStatus.UNREADABLE,
}
CARDS = st.sampled_from(
    [
        (cuban_sim(), american_sim()),
        (cuban_sim(),),
        (american_sim(), None),
        (None, cuban_sim()),
        *((replace(cuban_sim(), pin=pin), american_sim()) for pin in LOCKED),
    ]
)
OPTIONS = st.builds(
    ModemOptions,
    unsolicited=st.just(NOISE),
    chatter=st.sampled_from([0.0, 0.2, 0.6]),
    chunk=st.sampled_from([0, 1, 7, 40]),
    seed=st.integers(0, 2**32),
    forms=st.builds(DialectForms, **FORMS),
)
IGNORED = st.lists(st.sampled_from(OPTIONAL), max_size=2, unique=True).map(tuple)


def check_reading(
    slots: tuple[SimCard | None, ...], serving: Serving, options: ModemOptions, ignored: tuple[str, ...]
) -> None:
    """Read the modem once, and compare every member with the facts."""
    config = ModemConfig(imeis=(IMEI,), slots=slots, serving=serving)
    modem = EmulatedModem(config, options, ModemFaults(ignored=ignored))
    reading = read_telephony(modem)
    assert reading.imeis == (IMEI,)
    # Every refusal is ERROR then: a busy card looks like a missing one.
    plain = options.forms.error.mode == 0 or "AT+CMEE" in ignored
    unread = [member for command, member in FILES.items() if command in ignored]
    if len(unread) > 1:  # after two silences the agent asks for no further file
        unread = list(FILES.values())
    if options.forms.file.reading is FileReading.IGNORED:  # it cannot show that a group ends there
        unread.append("gid1")
    check_sims(reading, slots, unread, plain=plain)
    if reading.telephony.serving is not None:
        states = {serving.registration, Registration.UNKNOWN}
        if "AT+CREG" in ignored or "+CREG" not in options.forms.registration.located:
            states.add(Registration.NOT_REGISTERED)  # the other commands speak of one core network only
        assert reading.telephony.serving.registration in states
        numeric = 2 in options.forms.operator.formats and "AT+COPS" not in ignored
        check_network(reading.telephony.serving, serving, numeric=numeric)
    assert modem.elapsed() < 100


def written(slot: int, card: SimCard) -> Sim:
    """Everything that is written on a card."""
    home = card.home()
    assert home is not None
    spn, gid1 = ("CUBACEL", None) if card == cuban_sim() else ("Türk ₺", "BAE1")
    ready = SimStatus.READY
    return Sim(
        slot=slot,
        status=ready,
        mcc=home.mcc,
        mnc=home.mnc,
        mnc_length=len(home.mnc),
        iccid=card.ccid,
        spn=spn,
        gid1=gid1,
    )


def check_sims(
    reading: TelephonyReading, slots: tuple[SimCard | None, ...], unread: list[str], *, plain: bool
) -> None:
    """A card that is there is ready and read, but for the members whose file the modem does not read."""
    sims = reading.telephony.sims
    assert sims is not None
    assert [sim.slot for sim in sims] == list(range(len(sims)))
    for sim, card in zip(sims, slots, strict=False):
        if plain and sim == Sim(slot=sim.slot, status=SimStatus.UNREADABLE):
            continue
        if card is None:
            assert sim == Sim(slot=sim.slot, status=SimStatus.ABSENT)
            continue
        if card.pin in LOCKED:
            assert sim == Sim(slot=sim.slot, status=LOCKED[card.pin])
            continue
        assert sim.status is SimStatus.READY
        absent = [name for name in unread if getattr(sim, name) is None]
        assert sim == written(sim.slot, card).model_copy(update=dict.fromkeys(absent))


def check_network(read: Serving, fact: Serving, *, numeric: bool) -> None:
    """Each member is the fact or absent. `numeric`: the modem gives the number of the operator."""
    assert read.plmn in (fact.plmn, None)
    if numeric and read.registration in (Registration.HOME, Registration.ROAMING):
        assert read.plmn == fact.plmn
    if read.cell is not None:
        assert fact.cell is not None
        assert read.cell.area in (fact.cell.area, None)
        assert read.cell.id in (fact.cell.id, None)
        assert read.cell.technology in (fact.cell.technology, None)


NOT_ON_LTE = {
    "huawei": ("area", "id", "technology"),
    "zte": ("area", "id", "technology"),
    "wavecom": ("technology",),
    "alcatel": ("technology",),
}
"""Members of a cell that a dialect does not give on LTE."""


@pytest.mark.parametrize("name", dialect_names())
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.technology}-{cell.id:x}")
def test_dialect_is_read_and_its_cell_is_the_fact(name: str, cell: Cell) -> None:
    """Novatel writes a routing area between area and cell, Huawei 16 digits, MediaTek the LTE cell in +C5GREG."""
    serving = Serving(registration=Registration.ROAMING, plmn=CUBACEL, cell=cell)
    options = ModemOptions(forms=find_dialect(name), unsolicited=NOISE, seed=1)
    check_reading((cuban_sim(),), serving, options, ())
    if cell.technology is AccessTechnology.LTE:
        modem = EmulatedModem(ModemConfig(imeis=(IMEI,), slots=(None,), serving=serving), options)
        read = read_telephony(modem).telephony.serving
        lacking = dict.fromkeys(NOT_ON_LTE.get(name, ()), None)
        assert read is not None
        assert (read.cell or Cell()) == cell.model_copy(update=lacking)


@settings(max_examples=examples(90))
@given(CARDS, NETWORKS, OPTIONS, IGNORED)
def test_modem_of_mixed_forms_is_read_and_nothing_is_read_that_is_not_a_fact(
    slots: tuple[SimCard | None, ...], serving: Serving, options: ModemOptions, ignored: tuple[str, ...]
) -> None:
    check_reading(slots, serving, options, ignored)


@pytest.mark.slow
@settings(max_examples=examples(3000))
@given(CARDS, NETWORKS, OPTIONS, IGNORED)
def test_many_modems_of_mixed_forms_are_read(
    slots: tuple[SimCard | None, ...], serving: Serving, options: ModemOptions, ignored: tuple[str, ...]
) -> None:
    check_reading(slots, serving, options, ignored)

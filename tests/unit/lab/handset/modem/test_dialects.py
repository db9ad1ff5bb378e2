"""The dialects of the emulated modem: their data, and what the modem sends in each of them."""

from typing import Any

import pytest

from agent.telephony.reader import read_telephony
from lab.handset.modem.dialects import dialect_names, dialect_tables
from lab.handset.modem.forms import (
    STANDARD,
    DialectForms,
    FileForm,
    FileReading,
    OperatorForm,
    ParameterReading,
    StartForm,
    UnknownDialectError,
    UnsolicitedForm,
    find_dialect,
)
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemFaults, ModemOptions
from lab.world.sim import SimCard
from tests.support.modems import IMEI, american_sim, config, cuban_sim
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Plmn, Serving

MAKERS = {"quectel", "sierra", "telit", "u-blox", "huawei", "simcom", "mediatek", "nordic", "fibocom"}
KINDS = tuple(DialectForms.model_fields)
ICCID, IMSI = cuban_sim().ccid, cuban_sim().imsi
PLMN = Plmn(mcc="368", mnc="01")
ON_LTE = Serving(
    registration=Registration.HOME,
    plmn=PLMN,
    cell=Cell(area=0xC3, id=0x1A2D1, technology=AccessTechnology.LTE),
)
ON_NR = ON_LTE.model_copy(update={"cell": Cell(area=0xC3, id=0x123456789, technology=AccessTechnology.NR)})
SEARCHING = Serving(registration=Registration.SEARCHING)


def quiet(forms: DialectForms) -> DialectForms:
    """The forms without the lines that the modem sends unasked, after its start."""
    return forms.model_copy(update={"unsolicited": UnsolicitedForm(), "start": StartForm()})


def answer(
    forms: DialectForms,
    *commands: str,
    serving: Serving = ON_LTE,
    cards: tuple[SimCard | None, ...] = (cuban_sim(), american_sim()),
) -> list[str]:
    """The lines that the modem sends to the last command, in forms without unasked lines."""
    modem = EmulatedModem(config(*cards, serving=serving), ModemOptions(forms=quiet(forms)))
    for command in ("ATE0", *commands[:-1]):
        modem.write(command.encode() + b"\r")
    modem.read(0)
    modem.write(commands[-1].encode() + b"\r")
    return [line for line in modem.read(0).decode().splitlines() if line]


def shipped(name: str, *commands: str, serving: Serving = ON_LTE) -> list[str]:
    return answer(find_dialect(name), *commands, serving=serving)


def test_dialects_of_at_least_nine_makers_are_shipped() -> None:
    assert set(dialect_names()) >= MAKERS
    assert len({find_dialect(name).maker for name in dialect_names()}) == len(dialect_names())


@pytest.mark.parametrize("name", dialect_names())
def test_each_form_of_a_dialect_has_a_source_and_differs_from_the_standard(name: str) -> None:
    """A form without a source could not be checked; one that is the standard's is not a form of this maker."""
    table: dict[str, Any] = dialect_tables()[name]
    forms = {kind: form for kind, form in table.items() if isinstance(form, dict)}
    assert forms
    assert set(forms) <= set(KINDS)
    dialect = find_dialect(name)
    for kind, form in forms.items():
        assert len(form["source"]) > 20, kind
        standard = getattr(STANDARD, kind)
        assert getattr(dialect, kind).model_copy(update={"source": standard.source}) != standard, kind


def test_each_kind_of_form_is_spoken_by_some_dialect() -> None:
    spoken = {kind for table in dialect_tables().values() for kind in table}
    assert set(KINDS) <= spoken


def test_misspelt_dialect_is_rejected_with_the_nearest_name() -> None:
    with pytest.raises(UnknownDialectError, match="did you mean 'quectel'"):
        find_dialect("quectl")


ANSWERS = [
    ("quectel", "AT+QCCID", [f"+QCCID: {ICCID}F", "OK"]),
    ("quectel", "AT+ICCID", [f"+ICCID: {ICCID}F", "OK"]),
    ("quectel", "AT+CGSN", [IMEI, "OK"]),
    ("quectel", "AT+CGSN=1", ["ERROR"]),
    ("quectel", "AT+CEREG=2;+CEREG?", ['+CEREG: 2,1,"C3","1A2D1",7', "OK"]),
    ("quectel", "AT+CRSM=176,1,0,0,1", ['+CRSM: 106,130,""', "OK"]),
    ("quectel", "AT+QUIMSLOT=2;+QUIMSLOT?", ["+QUIMSLOT: 2", "OK"]),
    ("quectel", "AT+CMEE=1;+CSUS=0", ["+CME ERROR: 4"]),
    ("quectel", "AT+CMEE=1;+QUIMSLOT=0", ["+CME ERROR: 50"]),
    ("sierra", "AT!ICCID?", [f"!ICCID: {ICCID}", "OK"]),
    ("sierra", "AT+CREG=2;+CREG?", ["+CREG: 2,1,00C3,0001A2D1", "OK"]),
    ("sierra", "AT!UIMS=1;!UIMS?", ["!UIMS: 1", "OK"]),
    ("sierra", "AT+CMEE=1;+CSUS=0", ["ERROR"]),
    ("telit", "AT#CCID", [f"#CCID: {ICCID}", "OK"]),
    ("telit", "AT#CIMI", [f"#CIMI: {IMSI}", "OK"]),
    ("telit", "AT#CGSN", [f"#CGSN: {IMEI}", "OK"]),
    ("telit", "AT+C5GREG?", ["ERROR"]),
    ("u-blox", "AT+CCID?", [f"+CCID: {ICCID}", "OK"]),
    ("u-blox", "AT+CREG=2;+CREG?", ['+CREG: 2,6,"00C3","0001A2D1",7', "OK"]),
    ("u-blox", "AT+CMEE=2;+C5GREG?", ["+CME ERROR: Operation not supported"]),
    ("huawei", "AT^ICCID?", [f"^ICCID: {ICCID}F", "OK"]),
    ("huawei", "AT+CSUS=0", ["COMMAND NOT SUPPORT"]),
    ("huawei", "AT+CMEE=7", ["TOO MANY PARAMETERS"]),
    ("huawei", "AT+CREG=2;+CREG?", ["+CREG: 2,1,C3,1A2D1", "OK"]),
    ("huawei", "AT+CEREG=2;+CEREG?", ["+CEREG: 2,1", "OK"]),
    ("huawei", "AT+C5GREG=2;+C5GREG?", ["+C5GREG: 2,0,00,0", "OK"]),
    ("simcom", "AT+CICCID", [f"+ICCID: {ICCID}", "OK"]),
    ("simcom", "AT+CCID", [f"{ICCID}F", "OK"]),
    ("simcom", "AT+CEREG=2;+CEREG?", ["+CEREG: 2,1,C3,1A2D1,7", "OK"]),
    ("mediatek", "AT+ICCID", [f"+ICCID: {ICCID}", "OK"]),
    ("mediatek", "AT+CREG=2", ['+CREG: 6,"00C3","00001A2D1",13', "OK"]),
    ("mediatek", "AT+C5GREG?", ["+C5GREG: 0,1", "OK"]),
    ("mediatek", "AT+ESUO=5;+ESUO?", ["+ESUO: 5", "OK"]),
    ("mediatek", "AT+CMEE=1;+CSUS=0", ["+CME ERROR: unknown"]),
    ("simcom", "AT+CMEE=2;+CSUS=0", ["ERROR"]),
    ("mediatek", "AT+COPS?", ['+COPS:0,2,"36801",7', "OK"]),
    ("mediatek", "AT+COPS=3,0;+COPS?", ['+COPS:0,0,"004300550042004100430045004C",7', "OK"]),
    ("wavecom", "AT+CPIN?", ["+CPIN: READY"]),
    ("wavecom", "AT+CREG=2;+CREG?", ['+CREG: 2,1,"00C3","1A2D1"', "OK", '+CREG: 1,"00C3","1A2D1"']),
    ("nordic", "AT%XICCID", [f"%XICCID: {ICCID}F", "OK"]),
    ("nordic", "AT+CGSN=1", [f'+CGSN: "{IMEI}"', "OK"]),
    ("nordic", "AT+CGSN=2", [f'+CGSN: "{IMEI[:14]}01"', "OK"]),
    ("nordic", "AT+CPIN?", ['+CPIN: "READY"', "OK"]),
    ("nordic", "AT+CREG?", ["ERROR"]),
    ("nordic", "ATE0V1", ["ERROR"]),
    ("fibocom", "AT+CCID", [f'+CCID: "{ICCID}"', "OK"]),
    ("fibocom", "AT+GTDUALSIM=1;+GTDUALSIM?", ['+GTDUALSIM : 1, "SUB2", "N"', "OK"]),
    ("zte", "AT+ICCID", [f"ICCID: {ICCID}", "OK"]),
    ("zte", "AT+CREG=2", ["ERROR"]),
    ("zte", "AT+CREG=1;+CREG?", ["+CREG: 1,1", "OK"]),
    ("novatel", "AT+CEREG=2;+CEREG?", ["+CEREG: 2,1, 00C3, 20 ,1A2D1 ,7", "OK"]),
    ("alcatel", "AT+CREG=2;+CREG?", ["+CREG: 2,1, C3, 1A2D1", "OK"]),
    ("alcatel", "AT+CCID", [f"+CCID: {ICCID}p", "OK"]),
    ("option", "AT+CGSN", [f"{IMEI},SE393939TS", "OK"]),
    ("motorola", "AT+CGSN", [f'"{IMEI}"', "OK"]),
    ("android-emulator", "AT+CRSM=176,28589,0,0,4", ["+CRSM: 144,0,00000002", "OK"]),
    (
        "android-emulator",
        "AT+CRSM=192,28589,0,0,15",
        ["+CRSM: 144,0,620f8202412183026fad8a010580020004", "OK"],
    ),
]


@pytest.mark.parametrize(("name", "command", "expected"), ANSWERS)
def test_dialect_answers_in_the_form_of_its_source(name: str, command: str, expected: list[str]) -> None:
    assert shipped(name, command) == expected


def test_each_dialect_has_an_answer_in_the_table() -> None:
    assert {name for name, _, _ in ANSWERS} == set(dialect_names())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("huawei", '+C5GREG: 2,1,"0000C3","0000000123456789",11,1,"01"'),
        ("mediatek", '+C5GREG: 2,1,"0000C3","0123456789",11'),
        ("quectel", '+C5GREG: 2,1,"C3","123456789",11,4,"01.000000"'),
    ],
)
def test_nr_cell_has_the_digits_and_fields_of_the_dialect(name: str, line: str) -> None:
    assert shipped(name, "AT+C5GREG=2", "AT+C5GREG?", serving=ON_NR) == [line, "OK"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("huawei", "+CREG: 2,2,00,0"),
        ("mediatek", '+CREG: 2,2,"FFFF","00FFFFFFF",0'),
        ("novatel", "+CREG: 2,2,,"),
        ("telit", "+CREG: 2,2"),
    ],
)
def test_unknown_cell_has_the_form_of_the_dialect(name: str, line: str) -> None:
    assert shipped(name, "AT+CREG=2", "AT+CREG?", serving=SEARCHING) == [line, "OK"]


def test_mediatek_states_the_missing_operator_in_a_form_of_its_own() -> None:
    assert shipped("mediatek", "AT+COPS?", serving=SEARCHING) == ['+COPS:0,255,"",0', "OK"]


def test_missing_card_is_a_code_where_the_maker_says_so() -> None:
    assert answer(find_dialect("simcom"), "AT+CPIN?", cards=(None,)) == ["+CPIN: NOT INSERTED", "OK"]
    assert answer(find_dialect("huawei"), "AT+CMEE=1", "AT+CPIN?", cards=(None,)) == ["+CME ERROR: 10"]


def test_operator_format_that_the_form_lacks_is_refused_and_the_read_form_names_the_operator() -> None:
    forms = DialectForms(operator=OperatorForm(formats=(0,)))
    assert answer(forms, "AT+COPS=3,2") == ["ERROR"]
    assert answer(forms, "AT+COPS?") == ['+COPS: 0,0,"CUBACEL",7', "OK"]


SPN = "4355424143454C"  # CUBACEL
FILES = [
    (FileForm(reading=FileReading.IGNORED), "AT+CRSM=176,28486,0,0,1", "+CRSM: 144,0,"),
    (FileForm(reading=FileReading.EXACT), "AT+CRSM=176,28486,0,0,1", "+CRSM: 108,17"),
    (FileForm(reading=FileReading.EXACT), "AT+CRSM=176,28486,0,0,17", "+CRSM: 144,0,"),
    (FileForm(parameters=ParameterReading.PENDING), "AT+CRSM=192,28486,0,0,15", "+CRSM: 97,17,"),
    (FileForm(parameters=ParameterReading.EXACT), "AT+CRSM=192,28486,0,0,15", "+CRSM: 103,0"),
    (FileForm(parameters=ParameterReading.EXACT), "AT+CRSM=192,28486,0,0,17", "+CRSM: 144,0,"),
    (FileForm(parameters=ParameterReading.REFUSED), "AT+CRSM=192,28486,0,0,15", "ERROR"),
]


@pytest.mark.parametrize(("form", "command", "begins"), FILES)
def test_file_is_read_as_the_form_says(form: FileForm, command: str, begins: str) -> None:
    lines = answer(DialectForms(file=form), command)
    assert lines[0].startswith(begins)
    if "176" in command and "144" in begins:
        assert SPN in lines[0]


def test_lines_of_the_start_wait_on_the_line_and_depend_on_the_card() -> None:
    options = ModemOptions(forms=find_dialect("quectel"))
    started = EmulatedModem(config(cuban_sim()), options).read(0).decode().split()
    assert started[:2] == ["RDY", "+CFUN:"]
    assert "+QUSIM:" in started
    assert EmulatedModem(config(None), options).read(0) == b"\r\nRDY\r\n\r\n+CFUN: 1\r\n"


def test_input_while_unresponsive_is_dropped_and_the_start_follows_it() -> None:
    modem = EmulatedModem(config(None), ModemOptions(forms=find_dialect("simcom")))
    modem.write(b"AT\r")
    assert modem.read(2.0) == b""
    assert modem.read(1.0) == b""
    assert modem.read(0.0) == b"\r\n*ATREADY: 1\r\n"
    assert modem.elapsed() == 3.0


def test_card_that_starts_is_busy_and_then_ready() -> None:
    modem = EmulatedModem(
        config(cuban_sim()), ModemOptions(echo=False, forms=find_dialect("telit"), chatter=0)
    )
    modem.write(b"AT+CMEE=1\rAT+CPIN?\r")
    assert modem.read(0).endswith(b"\r\n+CME ERROR: 14\r\n")
    assert modem.read(4.0) == b""
    modem.write(b"AT+CPIN?\r")
    assert modem.read(0) == b"\r\n+CPIN: READY\r\n\r\nOK\r\n"


def test_card_that_starts_states_the_code_of_the_dialect() -> None:
    modem = EmulatedModem(
        config(cuban_sim()), ModemOptions(echo=False, forms=find_dialect("quectel"), chatter=0)
    )
    modem.read(0)
    modem.write(b"AT+CPIN?\rAT+CIMI\r")
    assert modem.read(0) == b"\r\n+CPIN: NOT READY\r\n\r\nOK\r\n\r\nERROR\r\n"


def test_nordic_sends_nothing_before_a_line_and_never_echoes() -> None:
    modem = EmulatedModem(config(cuban_sim()), ModemOptions(forms=find_dialect("nordic"), chatter=0))
    modem.write(b"AT+CGSN=1\r")
    assert modem.read(0) == f'+CGSN: "{IMEI}"\r\nOK\r\n'.encode()


@pytest.mark.parametrize("name", [name for name in dialect_names() if find_dialect(name).unsolicited.lines])
def test_unsolicited_lines_are_drawn_from_the_seed(name: str) -> None:
    def sent(seed: int) -> bytes:
        modem = EmulatedModem(config(cuban_sim()), ModemOptions(forms=find_dialect(name), seed=seed))
        modem.read(60.0)
        modem.write(b"AT\r" * 20)
        return modem.read(0)

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)
    assert any(line.encode() in sent(1) for line in find_dialect(name).unsolicited.lines)


def test_ignored_command_gets_no_response() -> None:
    modem = EmulatedModem(config(None), ModemOptions(echo=False), ModemFaults(ignored=("AT+CSUS",)))
    modem.write(b"AT+CSUS=0\rAT\r")
    assert modem.read(0) == b"\r\nOK\r\n"


@pytest.mark.parametrize("name", dialect_names())
def test_the_agent_knows_a_command_for_the_card_number_of_each_dialect(name: str) -> None:
    """Where +CRSM does not give EF_ICCID, the maker's own command does."""
    options = ModemOptions(forms=quiet(find_dialect(name)))
    modem = EmulatedModem(config(cuban_sim()), options, ModemFaults(ignored=("AT+CRSM=",)))
    (sim,) = read_telephony(modem).telephony.sims or ()
    assert sim.iccid == ICCID

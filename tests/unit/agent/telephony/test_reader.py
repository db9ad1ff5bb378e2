"""Reading from modems with unusable SIMs or missing functions."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from agent.core.screens import ModemTrouble
from agent.telephony import commands
from agent.telephony.dialogue import Dialogue, DialogueMisuseError
from agent.telephony.errors import ElementaryFile, FaultCode
from agent.telephony.reader import TelephonyReading, read_telephony
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemConfig, ModemFaults, ModemOptions
from lab.world import sim_files
from lab.world.sim import CardCommand, CardResponse, PinState, SimCard
from tests.support.modems import (
    AT_HOME,
    IMEI,
    OTHER_IMEI,
    QUICK,
    ScriptedModem,
    american_sim,
    config,
    cuban_sim,
)
from wire.codes import Registration, SimStatus
from wire.evidence import Plmn, Serving, Sim

STATES = {
    PinState.READY: SimStatus.READY,
    PinState.PIN_REQUIRED: SimStatus.PIN_REQUIRED,
    PinState.PUK_REQUIRED: SimStatus.PUK_REQUIRED,
    PinState.BLOCKED: SimStatus.UNREADABLE,
}


def only_sim(reading: TelephonyReading) -> Sim:
    assert reading.telephony.sims is not None
    assert len(reading.telephony.sims) == 1
    return reading.telephony.sims[0]


def faults_of(reading: TelephonyReading) -> set[tuple[str, str]]:
    return {(fault.code, fault.source) for fault in reading.telephony.faults or ()}


def read_card(card: SimCard | None, **faults: int) -> tuple[Sim, set[tuple[str, str]]]:
    reading = read_telephony(EmulatedModem(config(card), faults=ModemFaults(**faults)))
    return only_sim(reading), faults_of(reading)


@pytest.mark.parametrize("state", PinState)
def test_pin_state_gives_the_status(state: PinState) -> None:
    """Only the status of a locked card is read."""
    sim, _ = read_card(replace(cuban_sim(), pin=state))
    assert sim.status is STATES[state]
    if state is not PinState.READY:
        assert sim == Sim(slot=0, status=STATES[state])


def test_empty_slot_is_absent() -> None:
    assert read_card(None) == (Sim(slot=0, status=SimStatus.ABSENT), set())


def test_all_files_of_a_card_are_read() -> None:
    assert read_card(american_sim()) == (
        Sim(
            slot=0,
            status=SimStatus.READY,
            mcc="310",
            mnc="260",
            mnc_length=3,
            iccid="8901260123456789012",
            spn="Türk ₺",
            gid1="BAE1",
        ),
        set(),
    )


CPIN_ERRORS = {
    "10": SimStatus.ABSENT,
    "SIM not inserted": SimStatus.ABSENT,
    "11": SimStatus.PIN_REQUIRED,
    "12": SimStatus.PUK_REQUIRED,
    "16": SimStatus.PIN_REQUIRED,
}
OTHER_ERRORS = ("13", "14", "15", "17", "100", "SIM blocked")
CPIN_CODES = {
    "SIM PIN": SimStatus.PIN_REQUIRED,
    "SIM PUK": SimStatus.PUK_REQUIRED,
    "NOT INSERTED": SimStatus.ABSENT,
    "PH-NET PIN": SimStatus.UNREADABLE,
    "PH-SIM PIN": SimStatus.UNREADABLE,
    "BLOCKED": SimStatus.UNREADABLE,
}
OTHER_CODES = ("NOT READY", "PERHAPS", "")


def answering(**answers: str) -> ScriptedModem:
    """An emulated modem with one slot and some replaced responses. Keys are commands without AT+ and ?."""
    modem = EmulatedModem(config(cuban_sim()), ModemOptions(echo=False))

    def answer(line: str) -> Iterable[bytes]:
        name = line.removeprefix("AT+").rstrip("?").split("=")[0]
        modem.write(line.encode() + b"\r")
        reported = modem.read(0)
        replaced = answers.get(name)
        return [reported if replaced is None else f"\r\n{replaced}\r\n".encode()]

    return ScriptedModem(answer)


@pytest.mark.parametrize("error", CPIN_ERRORS)
def test_error_of_the_pin_command_gives_the_status(error: str) -> None:
    reading = read_telephony(answering(CPIN=f"+CME ERROR: {error}"))
    assert only_sim(reading) == Sim(slot=0, status=CPIN_ERRORS[error])


@pytest.mark.parametrize("code", CPIN_CODES)
def test_code_of_the_pin_command_gives_the_status(code: str) -> None:
    """A card with a personalisation lock is unreadable."""
    reading = read_telephony(answering(CPIN=f"+CPIN: {code}\r\n\r\nOK"))
    assert only_sim(reading) == Sim(slot=0, status=CPIN_CODES[code])


OTHER_ANSWERS = [f"+CME ERROR: {error}" for error in OTHER_ERRORS] + [
    f"+CPIN: {code}\r\n\r\nOK" for code in OTHER_CODES
]


@pytest.mark.parametrize("answer", OTHER_ANSWERS)
def test_card_is_read_in_spite_of_a_pin_state_that_is_not_understood(answer: str) -> None:
    reading = read_telephony(answering(CPIN=answer))
    assert only_sim(reading) == only_sim(read_telephony(answering()))
    assert [(fault.source, fault.slot) for fault in reading.telephony.faults or ()] == [("AT+CPIN?", 0)]


@pytest.mark.parametrize("answer", OTHER_ANSWERS)
def test_card_without_pin_state_and_imsi_is_unreadable(answer: str) -> None:
    reading = read_telephony(answering(CPIN=answer, CIMI="ERROR", CRSM="ERROR"))
    assert only_sim(reading) == Sim(slot=0, status=SimStatus.UNREADABLE)


@pytest.mark.parametrize("error", ["4", "10", "11", "12", "13", "15", "100"])
def test_refused_files_do_not_cost_the_card(error: str) -> None:
    sim = only_sim(read_telephony(answering(CRSM=f"+CME ERROR: {error}")))
    assert (sim.status, sim.mcc, sim.iccid) == (SimStatus.READY, "368", cuban_sim().ccid)


def test_command_is_repeated_while_the_card_is_busy() -> None:
    assert read_card(cuban_sim(), sim_busy=5)[0].status is SimStatus.READY
    assert read_card(cuban_sim(), sim_busy=1000)[0] == Sim(slot=0, status=SimStatus.UNREADABLE)


def test_card_number_and_mnc_are_read_without_file_access() -> None:
    """The MNC is that of the home network on which the SIM is registered; its length is not in the evidence."""
    reading = read_telephony(answering(CRSM="+CME ERROR: 4"))
    sim = only_sim(reading)
    assert (sim.iccid, sim.mcc, sim.mnc, sim.mnc_length, sim.spn) == (
        cuban_sim().ccid,
        "368",
        "01",
        None,
        None,
    )
    assert faults_of(reading) == {
        (FaultCode.COMMAND_REFUSED, file)
        for file in (ElementaryFile.ICCID, ElementaryFile.AD, ElementaryFile.SPN, ElementaryFile.GID1)
    }


@pytest.mark.parametrize(
    "answer", ["ERROR", '+COPS: 0,0,"CUBACEL",7\r\n\r\nOK', '+COPS: 0,2,"20801"\r\n\r\nOK']
)
def test_mnc_of_unknown_length_is_absent(answer: str) -> None:
    sim = only_sim(read_telephony(answering(CRSM="ERROR", COPS=answer)))
    assert (sim.status, sim.mcc, sim.mnc) == (SimStatus.READY, "368", None)


def test_mnc_of_a_network_abroad_is_not_that_of_the_sim() -> None:
    serving = Serving(registration=Registration.ROAMING, plmn=Plmn(mcc="310", mnc="26"))
    card = replace(american_sim(), files={**american_sim().files, sim_files.EF_AD: bytes(3)})
    sim = only_sim(read_telephony(EmulatedModem(config(card, serving=serving))))
    assert (sim.mcc, sim.mnc) == ("310", None)


def test_imsi_is_read_from_the_file_if_the_modem_has_none() -> None:
    sim, _ = read_card(replace(cuban_sim(), imsi=""))
    assert (sim.status, sim.mcc, sim.mnc) == (SimStatus.READY, "368", "01")


def test_card_without_an_imsi_has_its_other_files() -> None:
    files = dict(american_sim().files)
    del files[sim_files.EF_IMSI]
    sim, _ = read_card(replace(american_sim(), imsi="", files=files))
    assert (sim.status, sim.mcc, sim.mnc, sim.spn) == (SimStatus.READY, None, None, "Türk ₺")


MALFORMED = {
    ElementaryFile.AD: (sim_files.EF_AD, bytes([0, 0, 0, 7]), FaultCode.MNC_LENGTH),
    ElementaryFile.SPN: (sim_files.EF_SPN, b"\x00\x90" + b"\xff" * 15, FaultCode.CHARACTER),
    ElementaryFile.GID1: (sim_files.EF_GID1, bytes(21), FaultCode.LENGTH),
    ElementaryFile.ICCID: (sim_files.EF_ICCID, b"\x98\xfa" + bytes(8), FaultCode.DIGIT),
}


@pytest.mark.parametrize("file", MALFORMED)
def test_malformed_file_is_omitted_and_reported(file: ElementaryFile) -> None:
    """The rest of the card is read."""
    identifier, content, code = MALFORMED[file]
    card = replace(cuban_sim(), files={**cuban_sim().files, identifier: content})
    sim, faults = read_card(card)
    assert (sim.status, sim.mcc, sim.mnc) == (SimStatus.READY, "368", "01")
    assert faults == {(code, file)}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ((0x69, 0x82), FaultCode.ACCESS_DENIED),
        ((0x98, 0x04), FaultCode.ACCESS_DENIED),
        ((0x6F, 0x00), FaultCode.STATUS_WORD),
        ((0x6B, 0x00), FaultCode.STATUS_WORD),
        ((0x61, 0x10), FaultCode.STATUS_WORD),
        ((0x6A, 0x82), None),
        ((0x94, 0x04), None),
    ],
)
def test_status_word_is_reported_unless_the_file_is_absent(
    status: tuple[int, int], code: FaultCode | None
) -> None:
    reads = (CardCommand(0xB0, sim_files.EF_SPN, p3=length) for length in (17, 16, 0))
    sim, faults = read_card(replace(cuban_sim(), responses={read: CardResponse(*status) for read in reads}))
    assert sim.spn is None
    assert faults == (set() if code is None else {(code, ElementaryFile.SPN)})


def test_file_is_read_with_the_length_that_the_card_reports() -> None:
    """6C xx (ETSI TS 102 221 clause 7.3.1.1.5)."""
    sized = CardCommand(0xC0, sim_files.EF_SPN, p3=15)
    wrong = CardResponse(0x90, 0, sim_files.file_parameters(sim_files.EF_SPN, 40))
    sim, faults = read_card(replace(cuban_sim(), responses={sized: wrong}))
    assert (sim.spn, faults) == ("CUBACEL", set())


def test_each_slot_has_its_card_and_imei() -> None:
    phone = ModemConfig(imeis=(IMEI, OTHER_IMEI), slots=(cuban_sim(), american_sim()), serving=AT_HOME)
    reading = read_telephony(EmulatedModem(phone))
    assert reading.imeis == (IMEI, OTHER_IMEI)
    assert [(sim.slot, sim.mcc) for sim in reading.telephony.sims or ()] == [(0, "368"), (1, "310")]


def test_registration_is_read_for_the_first_ready_card() -> None:
    modem = EmulatedModem(config(None, cuban_sim()))
    reading = read_telephony(modem)
    assert [sim.status for sim in reading.telephony.sims or ()] == [SimStatus.ABSENT, SimStatus.READY]
    modem.write(b"AT+CSUS?\r")
    assert b"+CSUS: 1" in modem.read(0)


def test_registration_is_known_if_the_modem_stops_at_the_operator() -> None:
    """A search of the operator can take a modem minutes."""
    modem = EmulatedModem(config(cuban_sim()))

    def answer(command: str) -> list[bytes]:
        if command == "AT+COPS?" or stopped:
            stopped.append(command)
            return []
        modem.write(command.encode() + b"\r")
        return [modem.read(0)]

    stopped: list[str] = []
    reading = read_telephony(ScriptedModem(answer), patience=QUICK)
    assert reading.telephony.serving == AT_HOME.model_copy(update={"plmn": None})
    assert reading.imeis == (IMEI,)
    assert [(fault.code, fault.source) for fault in reading.telephony.faults or ()] == [
        ("modem-silent", "AT+COPS?")
    ]


@pytest.mark.parametrize(("slots", "found"), [(1, 1), (2, 2)])
def test_only_the_requested_slots_are_read(slots: int, found: int) -> None:
    reading = read_telephony(EmulatedModem(config(cuban_sim(), american_sim())), slots=slots)
    assert len(reading.telephony.sims or ()) == found


@pytest.mark.parametrize("state", Registration)
@pytest.mark.parametrize("newer_cores", [True, False])
def test_every_registration_is_read(state: Registration, newer_cores: bool) -> None:  # noqa: FBT001 - a parameter
    """Also from a modem that supports only +CREG."""
    registered = state in (Registration.HOME, Registration.ROAMING)
    serving = (
        AT_HOME.model_copy(update={"registration": state}) if registered else Serving(registration=state)
    )
    modem = EmulatedModem(config(cuban_sim(), serving=serving), ModemOptions(newer_cores=newer_cores))
    assert read_telephony(modem).telephony.serving == serving


def test_modem_without_responses_is_silent() -> None:
    reading = read_telephony(EmulatedModem(config(None), faults=ModemFaults(silent=True)))
    assert (reading.imeis, reading.telephony.sims, reading.telephony.serving) == ((), None, None)
    assert [fault.code for fault in reading.telephony.faults or ()] == [FaultCode.MODEM_SILENT]
    assert reading.trouble is ModemTrouble.NO_ANSWER


@pytest.mark.parametrize("noise", [b"", b"x", b"\xff\xfe\x00", b"\r\nwhat?\r\n", b"\r\nOK\r\n"])
def test_modem_whose_responses_make_no_sense_is_not_understood(noise: bytes) -> None:
    """Output that answers no command is not silence."""
    reading = read_telephony(ScriptedModem(lambda _: [noise] if noise else []))
    assert (reading.imeis, reading.telephony.sims is None or noise == b"\r\nOK\r\n") == ((), True)
    assert reading.trouble is (ModemTrouble.NOT_UNDERSTOOD if noise else ModemTrouble.NO_ANSWER)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("+CME ERROR: 4", FaultCode.COMMAND_REFUSED),
        ("490154203237519\r\n\r\nOK", FaultCode.IMEI_INVALID),
        ("000000000000000\r\n\r\nOK", FaultCode.IMEI_INVALID),
        ("OK", FaultCode.ANSWER_EMPTY),
    ],
)
def test_reading_without_an_imei_has_everything_else(answer: str, code: FaultCode) -> None:
    reading = read_telephony(answering(CGSN=answer, GSN=answer, EGMR=answer))
    assert (reading.imeis, reading.trouble) == ((), ModemTrouble.NOT_UNDERSTOOD)
    assert faults_of(reading) == {(code, command.text) for command in commands.IMEIS}
    assert only_sim(reading) == only_sim(read_telephony(answering()))
    assert reading.telephony.serving == AT_HOME


def test_no_fault_contains_output_of_the_modem() -> None:
    reading = read_telephony(answering(CGSN="490154203237519\r\n\r\nOK"))
    assert "4901542" not in reading.telephony.model_dump_json()


def test_endless_output_ends_the_reading() -> None:
    reading = read_telephony(ScriptedModem(lambda _: [b"RING\r\n" * 100]))
    assert reading.trouble is ModemTrouble.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("RING\r\n" * 100, FaultCode.TOO_MANY_LINES),
        ("x" * 2000, FaultCode.LINE_TOO_LONG),
        (("y" * 900 + "\r\n") * 10, FaultCode.ANSWER_TOO_LONG),
    ],
)
def test_excess_of_one_command_costs_only_its_detail(answer: str, code: FaultCode) -> None:
    reading = read_telephony(answering(COPS=answer))
    assert reading.telephony.serving == AT_HOME.model_copy(update={"plmn": None})
    assert faults_of(reading) == {(code, "AT+COPS?")}
    assert reading.imeis == (IMEI,)


def test_second_command_while_one_is_pending_raises_misuse_error() -> None:
    dialogue = Dialogue()
    dialogue.send(commands.PIN_STATE)
    with pytest.raises(DialogueMisuseError):
        dialogue.send(commands.PIN_STATE)


def test_every_command_has_a_clause() -> None:
    found = [value for value in vars(commands).values() if isinstance(value, commands.Command)]
    assert len(found) >= 8
    assert all(command.clause for command in found)

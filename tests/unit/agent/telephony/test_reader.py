"""Reading from modems with unusable SIMs or missing functions."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from agent.telephony import commands
from agent.telephony.dialogue import Dialogue, DialogueMisuseError
from agent.telephony.errors import ElementaryFile, SimFault, SimFileCode, TelephonyCode, TelephonyError
from agent.telephony.reader import read_telephony
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemConfig, ModemFaults, ModemOptions
from lab.world import sim_files
from lab.world.sim import CardCommand, CardResponse, PinState, SimCard
from tests.support.modems import (
    AT_HOME,
    IMEI,
    OTHER_IMEI,
    ScriptedModem,
    american_sim,
    config,
    cuban_sim,
)
from wire.codes import Registration, SimStatus
from wire.evidence import Serving, Sim

STATES = {
    PinState.READY: SimStatus.READY,
    PinState.PIN_REQUIRED: SimStatus.PIN_REQUIRED,
    PinState.PUK_REQUIRED: SimStatus.PUK_REQUIRED,
    PinState.BLOCKED: SimStatus.UNREADABLE,
}


def read_card(card: SimCard | None, **faults: int) -> tuple[Sim, tuple[SimFault, ...]]:
    reading = read_telephony(EmulatedModem(config(card), faults=ModemFaults(**faults)))
    return reading.telephony.sims[0], reading.faults


@pytest.mark.parametrize("state", PinState)
def test_pin_state_gives_the_status(state: PinState) -> None:
    """Only the status of a locked card is read."""
    sim, _ = read_card(replace(cuban_sim(), pin=state))
    assert sim.status is STATES[state]
    if state is not PinState.READY:
        assert sim == Sim(slot=0, status=STATES[state])


def test_empty_slot_is_absent() -> None:
    assert read_card(None) == (Sim(slot=0, status=SimStatus.ABSENT), ())


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
        (),
    )


CPIN_ERRORS = {
    "10": SimStatus.ABSENT,
    "SIM not inserted": SimStatus.ABSENT,
    "11": SimStatus.PIN_REQUIRED,
    "12": SimStatus.PUK_REQUIRED,
    "13": SimStatus.UNREADABLE,
    "14": SimStatus.UNREADABLE,
    "15": SimStatus.UNREADABLE,
    "16": SimStatus.PIN_REQUIRED,
    "17": SimStatus.UNREADABLE,
    "100": SimStatus.UNREADABLE,
    "SIM blocked": SimStatus.UNREADABLE,
}
CPIN_CODES = {
    "SIM PIN": SimStatus.PIN_REQUIRED,
    "SIM PUK": SimStatus.PUK_REQUIRED,
    "NOT INSERTED": SimStatus.ABSENT,
    "PH-NET PIN": SimStatus.UNREADABLE,
    "PH-SIM PIN": SimStatus.UNREADABLE,
    "NOT READY": SimStatus.UNREADABLE,
}


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
    assert reading.telephony.sims == (Sim(slot=0, status=CPIN_ERRORS[error]),)


@pytest.mark.parametrize("code", CPIN_CODES)
def test_code_of_the_pin_command_gives_the_status(code: str) -> None:
    """A card with a personalisation lock is unreadable."""
    reading = read_telephony(answering(CPIN=f"+CPIN: {code}\r\n\r\nOK"))
    assert reading.telephony.sims == (Sim(slot=0, status=CPIN_CODES[code]),)


@pytest.mark.parametrize("error", ["10", "11", "12", "13", "15"])
def test_card_that_is_removed_while_reading_is_a_status(error: str) -> None:
    reading = read_telephony(answering(CRSM=f"+CME ERROR: {error}"))
    assert reading.telephony.sims == (Sim(slot=0, status=CPIN_ERRORS[error]),)


def test_command_is_repeated_while_the_card_is_busy() -> None:
    assert read_card(cuban_sim(), sim_busy=5)[0].status is SimStatus.READY
    assert read_card(cuban_sim(), sim_busy=1000)[0] == Sim(slot=0, status=SimStatus.UNREADABLE)


def test_card_number_is_read_by_ccid_without_file_access() -> None:
    reading = read_telephony(answering(CRSM="+CME ERROR: 4"))
    sim = reading.telephony.sims[0]
    assert (sim.iccid, sim.mcc, sim.mnc, sim.mnc_length, sim.spn) == (
        cuban_sim().ccid,
        "368",
        "01",
        None,
        None,
    )
    assert {(fault.file, fault.code) for fault in reading.faults} == {
        (file, SimFileCode.REFUSED)
        for file in (ElementaryFile.ICCID, ElementaryFile.AD, ElementaryFile.SPN, ElementaryFile.GID1)
    }


def test_imsi_is_read_from_the_file_if_the_modem_has_none() -> None:
    sim, _ = read_card(replace(cuban_sim(), imsi=""))
    assert (sim.status, sim.mcc, sim.mnc) == (SimStatus.READY, "368", "01")


def test_card_without_an_imsi_is_unreadable() -> None:
    files = dict(cuban_sim().files)
    del files[sim_files.EF_IMSI]
    assert read_card(replace(cuban_sim(), imsi="", files=files))[0] == Sim(
        slot=0, status=SimStatus.UNREADABLE
    )


MALFORMED = {
    ElementaryFile.AD: (sim_files.EF_AD, bytes([0, 0, 0, 7]), SimFileCode.MNC_LENGTH, 3),
    ElementaryFile.SPN: (sim_files.EF_SPN, b"\x00\x90" + b"\xff" * 15, SimFileCode.CHARACTER, 1),
    ElementaryFile.GID1: (sim_files.EF_GID1, bytes(21), SimFileCode.LENGTH, 20),
    ElementaryFile.ICCID: (sim_files.EF_ICCID, b"\x98\xaa" + bytes(8), SimFileCode.DIGIT, 1),
}


@pytest.mark.parametrize("file", MALFORMED)
def test_malformed_file_is_omitted_and_reported(file: ElementaryFile) -> None:
    """The rest of the card is read."""
    identifier, content, code, offset = MALFORMED[file]
    card = replace(cuban_sim(), files={**cuban_sim().files, identifier: content})
    sim, faults = read_card(card)
    assert (sim.status, sim.mcc, sim.mnc) == (SimStatus.READY, "368", "01")
    assert faults == (SimFault(0, file, code, offset),)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ((0x69, 0x82), SimFileCode.ACCESS_DENIED),
        ((0x98, 0x04), SimFileCode.ACCESS_DENIED),
        ((0x6F, 0x00), SimFileCode.STATUS_WORD),
        ((0x6B, 0x00), SimFileCode.STATUS_WORD),
        ((0x61, 0x10), SimFileCode.STATUS_WORD),
        ((0x6A, 0x82), None),
        ((0x94, 0x04), None),
    ],
)
def test_status_word_is_reported_unless_the_file_is_absent(
    status: tuple[int, int], code: SimFileCode | None
) -> None:
    read = CardCommand(0xB0, sim_files.EF_SPN, p3=17)
    sim, faults = read_card(replace(cuban_sim(), responses={read: CardResponse(*status)}))
    assert sim.spn is None
    assert faults == (() if code is None else (SimFault(0, ElementaryFile.SPN, code),))


def test_file_is_read_with_the_length_that_the_card_reports() -> None:
    """6C xx (ETSI TS 102 221 clause 7.3.1.1.5)."""
    sized = CardCommand(0xC0, sim_files.EF_SPN, p3=15)
    wrong = CardResponse(0x90, 0, sim_files.file_parameters(sim_files.EF_SPN, 40))
    sim, faults = read_card(replace(cuban_sim(), responses={sized: wrong}))
    assert (sim.spn, faults) == ("CUBACEL", ())


@pytest.mark.parametrize("ending", [b"", b"\xff"])
def test_missing_mnc_length_is_assumed_from_the_country(ending: bytes) -> None:
    """EF_AD without a usable fourth byte: the evidence has the MNC but not its length."""
    card = replace(american_sim(), files={**american_sim().files, sim_files.EF_AD: bytes(3) + ending})
    sim, faults = read_card(card)
    assert (sim.mcc, sim.mnc, sim.mnc_length, faults) == ("310", "260", None, ())


def test_each_slot_has_its_card_and_imei() -> None:
    phone = ModemConfig(imeis=(IMEI, OTHER_IMEI), slots=(cuban_sim(), american_sim()), serving=AT_HOME)
    reading = read_telephony(EmulatedModem(phone))
    assert reading.imeis == (IMEI, OTHER_IMEI)
    assert [(sim.slot, sim.mcc) for sim in reading.telephony.sims] == [(0, "368"), (1, "310")]


def test_registration_is_read_for_the_first_ready_card() -> None:
    modem = EmulatedModem(config(None, cuban_sim()))
    reading = read_telephony(modem)
    assert [sim.status for sim in reading.telephony.sims] == [SimStatus.ABSENT, SimStatus.READY]
    modem.write(b"AT+CSUS?\r")
    assert b"+CSUS: 1" in modem.read(0)


@pytest.mark.parametrize(("slots", "found"), [(1, 1), (2, 2)])
def test_only_the_requested_slots_are_read(slots: int, found: int) -> None:
    reading = read_telephony(EmulatedModem(config(cuban_sim(), american_sim())), slots=slots)
    assert len(reading.telephony.sims) == found


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


def test_modem_without_responses_raises_modem_silent() -> None:
    with pytest.raises(TelephonyError) as caught:
        read_telephony(EmulatedModem(config(None), faults=ModemFaults(silent=True)))
    assert caught.value.code is TelephonyCode.MODEM_SILENT


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("+CME ERROR: 4", TelephonyCode.COMMAND_REFUSED),
        ("490154203237519\r\n\r\nOK", TelephonyCode.IMEI_INVALID),
        ("4901542032375181\r\n\r\nOK", TelephonyCode.IMEI_INVALID),
        ("490154203237518\r\n\r\n490154203237518\r\n\r\nOK", TelephonyCode.ANSWER_MALFORMED),
    ],
)
def test_invalid_imei_is_rejected(answer: str, code: TelephonyCode) -> None:
    with pytest.raises(TelephonyError) as caught:
        read_telephony(answering(CGSN=answer))
    assert (caught.value.code, caught.value.command) == (code, "AT+CGSN")
    assert "4901542" not in str(caught.value)


def test_alphabetic_operator_is_rejected() -> None:
    with pytest.raises(TelephonyError) as caught:
        read_telephony(answering(COPS='+COPS: 0,0,"CUBACEL",7\r\n\r\nOK'))
    assert caught.value.code is TelephonyCode.ANSWER_MALFORMED


def test_endless_output_raises_an_error() -> None:
    with pytest.raises(TelephonyError) as caught:
        read_telephony(ScriptedModem(lambda _: [b"RING\r\n" * 100]))
    assert caught.value.code is TelephonyCode.TOO_MANY_LINES


def test_second_command_while_one_is_pending_raises_misuse_error() -> None:
    dialogue = Dialogue()
    dialogue.send(commands.IMEI)
    with pytest.raises(DialogueMisuseError):
        dialogue.send(commands.IMEI)


def test_every_command_has_a_clause() -> None:
    found = [value for value in vars(commands).values() if isinstance(value, commands.Command)]
    assert len(found) >= 8
    assert all(command.clause for command in found)

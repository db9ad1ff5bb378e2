"""The emulated modem: responses of the standards, options and faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ports import ModemError
from agent.telephony.results import parse_result
from lab.handset.modem.answers import spell_error
from lab.handset.modem.commands import execute
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import (
    TEXTS,
    CmeCode,
    ModemConfig,
    ModemFaults,
    ModemOptions,
    power_up,
)
from tests.support.modems import AT_HOME, IMEI, american_sim, config, cuban_sim
from wire.codes import Registration
from wire.evidence import Serving

QUIET = ModemOptions(echo=False)


def ask(line: str, *, phone: ModemConfig | None = None, options: ModemOptions = QUIET) -> bytes:
    modem = EmulatedModem(phone or config(cuban_sim()), options)
    modem.write(line.encode() + b"\r")
    return modem.read(0)


def lines(answer: bytes) -> list[str]:
    return answer.decode().split("\r\n")[1::2]


ANSWERS = {
    "AT": ["OK"],
    "at": ["OK"],
    "ATE0V1": ["OK"],
    "ATE0;+CMEE?": ["+CMEE: 0", "OK"],
    "AT+CGSN": [IMEI, "OK"],
    "at+cgsn": [IMEI, "OK"],
    "AT+CMEE=1;+CMEE?": ["+CMEE: 1", "OK"],
    "AT+CSQ": ["+CSQ: 99,99", "OK"],
    "AT+CPIN?": ["+CPIN: READY", "OK"],
    "AT+CRSM=192,28589,0,0,15": ['+CRSM: 144,0,"620F8202412183026FAD8A010580020004"', "OK"],
    "AT+CRSM=176,28589,0,0,4": ['+CRSM: 144,0,"00000002"', "OK"],
    "AT+CRSM=176,28589,0,3,1": ['+CRSM: 144,0,"02"', "OK"],
    "AT+CRSM=176,28589,0,0,9": ["+CRSM: 108,4", "OK"],
    "AT+CRSM=176,28589,0,4,1": ["+CRSM: 107,0", "OK"],
    "AT+CRSM=214,28589,0,0,1": ["+CRSM: 109,0", "OK"],
    "AT+CRSM=176,1,0,0,1": ["+CRSM: 106,130", "OK"],
    "AT+COPS?": ['+COPS: 0,0,"CUBACEL",7', "OK"],
    "AT+COPS=3,2;+COPS?": ['+COPS: 0,2,"36801",7', "OK"],
    "AT+CREG?": ["+CREG: 0,1", "OK"],
    "AT+CEREG=2;+CEREG?": ['+CEREG: 2,1,"0065","00012C01",7', "OK"],
    "AT+C5GREG=2;+C5GREG?": ["+C5GREG: 2,0", "OK"],
    "AT+CMEE=1;+CSUS?;+CPIN?;+NOPE": ["+CSUS: 0", "+CPIN: READY", "+CME ERROR: 4"],
    "AT+CSUS=0": ["ERROR"],
    "AT+CRSM=176": ["ERROR"],
    "AT+CRSM=176,70000,0,0,1": ["ERROR"],
    "AT+CRSM=-1,28589,0,0,1": ["ERROR"],
    "AT+CPIN?1": ["ERROR"],
    "AT+CPIN=1234": ["ERROR"],
    "AT+COPS=0": ["ERROR"],
    "AT+CREG=?": ["ERROR"],
    "ATD112": ["ERROR"],
    "hello": [],
    "": [],
}


@pytest.mark.parametrize("line", ANSWERS)
def test_command_has_the_response_of_its_clause(line: str) -> None:
    """ITU-T V.250 and 3GPP TS 27.007."""
    assert lines(ask(line)) == ANSWERS[line]


@pytest.mark.parametrize("code", CmeCode)
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_error_has_the_form_that_cmee_selects(code: CmeCode, mode: int) -> None:
    expected = ["ERROR", f"+CME ERROR: {code.value}", f"+CME ERROR: {TEXTS[code]}"][mode]
    assert spell_error(code, mode, worded=True) == expected


@given(st.text(max_size=40).map(lambda text: "AT" + text))
def test_any_command_line_has_a_response(line: str) -> None:
    state = power_up(config(cuban_sim(), american_sim()), QUIET, ModemFaults())
    last = execute(state, line)[-1]
    assert parse_result(last) is not None or last in ("0", "4")


def test_echo_precedes_the_response_until_it_is_turned_off() -> None:
    modem = EmulatedModem(config(None))
    modem.write(b"ATE0\rAT\r")
    assert modem.read(0) == b"ATE0\r\r\nOK\r\n\r\nOK\r\n"


def test_result_codes_are_numbers_after_atv0() -> None:
    assert ask("ATV0") == b"0\r"


@pytest.mark.parametrize("chunk", [0, 1, 5])
def test_same_seed_gives_the_same_bytes(chunk: int) -> None:
    options = ModemOptions(unsolicited=("RING", "+CREG: 1"), chunk=chunk, seed=11)

    def pieces() -> list[bytes]:
        modem = EmulatedModem(config(cuban_sim()), options)
        modem.write(b"AT+CPIN?\rAT+CIMI\r")
        return list(iter(lambda: modem.read(0), b""))

    assert pieces() == pieces()
    assert chunk == 0 or max(map(len, pieces())) <= chunk


def test_change_of_network_is_reported_if_reports_are_on() -> None:
    modem = EmulatedModem(config(cuban_sim(), serving=Serving(registration=Registration.SEARCHING)), QUIET)
    modem.serve(AT_HOME)
    assert modem.read(0) == b""
    modem.write(b"AT+CREG=2\r")
    modem.read(0)
    modem.serve(AT_HOME)
    assert modem.read(0) == b'\r\n+CREG: 1,"0065","00012C01",7\r\n'


def test_inserted_card_replaces_the_card_in_the_slot() -> None:
    modem = EmulatedModem(config(None), QUIET)
    modem.insert(0, cuban_sim())
    modem.write(b"AT+CIMI\r")
    assert cuban_sim().imsi.encode() in modem.read(0)


def test_silent_modem_sends_no_byte() -> None:
    modem = EmulatedModem(config(None), faults=ModemFaults(silent=True))
    modem.write(b"AT\r")
    assert modem.read(0) == b""


def test_failing_line_ends_within_a_response_and_then_raises_modem_error() -> None:
    modem = EmulatedModem(config(None), QUIET, ModemFaults(dies_after=3))
    modem.write(b"AT\r")
    assert modem.read(0) == b"\r\nO"
    with pytest.raises(ModemError):
        modem.read(0)
    with pytest.raises(ModemError):
        modem.write(b"AT\r")


def test_delayed_response_delays_the_following_ones() -> None:
    modem = EmulatedModem(config(None), QUIET, ModemFaults(delays=((0, 2),)))
    modem.write(b"AT+CGSN\rAT\r")
    assert [modem.read(0) for _ in range(3)][:2] == [b"", b""]
    assert modem.sent == len(f"\r\n{IMEI}\r\n\r\nOK\r\n\r\nOK\r\n")


def test_modem_without_an_imei_raises_value_error() -> None:
    with pytest.raises(ValueError, match="IMEI"):
        EmulatedModem(ModemConfig(imeis=(), slots=(None,)))

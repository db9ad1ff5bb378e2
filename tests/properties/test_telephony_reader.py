"""The reading does not depend on the timing and options of the modem."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.telephony.errors import TelephonyCode, TelephonyError
from agent.telephony.reader import TelephonyReading, read_telephony
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemFaults, ModemOptions
from tests.support.modems import UNSOLICITED, ScriptedModem, american_sim, config, cuban_sim
from tests.support.profiles import examples
from wire.codes import SimStatus

PHONE = config(cuban_sim(), american_sim())


def plain_reading() -> TelephonyReading:
    return read_telephony(EmulatedModem(PHONE, ModemOptions(echo=False)))


EXPECTED = plain_reading()


@settings(max_examples=examples(60))
@given(
    st.builds(
        ModemOptions,
        echo=st.booleans(),
        error_mode=st.integers(0, 2),
        unsolicited=st.just(UNSOLICITED),
        chatter=st.sampled_from([0.0, 0.3, 1.0]),
        chunk=st.integers(0, 30),
        seed=st.integers(0, 2**32),
    )
)
def test_modem_options_do_not_change_the_reading(options: ModemOptions) -> None:
    """Echo, unsolicited codes and pieces."""
    assert read_telephony(EmulatedModem(PHONE, options)) == EXPECTED


def test_reading_byte_by_byte_equals_reading_in_one_piece() -> None:
    assert read_telephony(EmulatedModem(PHONE, ModemOptions(chunk=1))) == EXPECTED


DELAYS = st.dictionaries(st.integers(0, 60), st.integers(1, 8), min_size=1, max_size=6)


@settings(max_examples=examples(150))
@example(
    {6: 4}, 1, 0
)  # an IMSI so late that it came after the second probe, whose IMEI was then read as the IMSI
@given(DELAYS, st.integers(0, 30), st.integers(0, 2**16))
def test_late_response_is_never_used_for_another_command(
    delays: dict[int, int], chunk: int, seed: int
) -> None:
    """After a time-out the old response may still come: the SIM is then unread, but never misread."""
    options = ModemOptions(chunk=chunk, seed=seed, unsolicited=UNSOLICITED, chatter=0.2)
    modem = EmulatedModem(PHONE, options, ModemFaults(delays=tuple(delays.items())))
    try:
        reading = read_telephony(modem)
    except TelephonyError as error:
        late = error
    else:
        assert reading.imeis == EXPECTED.imeis
        assert reading.telephony.serving == EXPECTED.telephony.serving
        for sim, right in zip(reading.telephony.sims, EXPECTED.telephony.sims, strict=True):
            assert sim == right or sim.status is SimStatus.UNREADABLE
        return
    assert late.code in (TelephonyCode.MODEM_SILENT, TelephonyCode.COMMAND_TIMED_OUT)


@pytest.mark.parametrize("command", range(45))
@pytest.mark.parametrize("reads", [1, 2])
def test_one_late_response_does_not_change_the_reading(command: int, reads: int) -> None:
    modem = EmulatedModem(PHONE, ModemOptions(), ModemFaults(delays=((command, reads),)))
    assert read_telephony(modem) == EXPECTED


def transcript_length() -> int:
    modem = EmulatedModem(PHONE)
    read_telephony(modem)
    return modem.sent


def test_modem_that_stops_after_any_byte_is_reported_as_gone() -> None:
    for content in range(0, transcript_length(), 7):
        with pytest.raises(TelephonyError) as caught:
            read_telephony(EmulatedModem(PHONE, faults=ModemFaults(dies_after=content)))
        assert caught.value.code is TelephonyCode.MODEM_GONE


ANSWERS = st.sampled_from(
    [
        b"\r\nOK\r\n",
        b"\r\nERROR\r\n",
        b"\r\n+CME ERROR: 14\r\n",
        b"\r\n+CME ERROR: 10\r\n",
        b"\r\n+CMEE: 1\r\n",
        b"\r\n490154203237518\r\n",
        b"\r\n+CPIN: READY\r\n",
        b"\r\n310260123456789\r\n",
        b'\r\n+CRSM: 144,0,"00000003"\r\n',
        b'\r\n+CRSM: 106,130,""\r\n',
        b'\r\n+COPS: 0,2,"36801",7\r\n',
        b'\r\n+CREG: 2,1,"0065","00012C01",7\r\n',
        b'\r\n+CEREG: 2,1,"0065","00012C01",7\r\n',
    ]
)


@settings(max_examples=examples(150))
@given(st.data())
def test_modem_with_random_responses_gives_a_reading_or_a_documented_error(data: st.DataObject) -> None:
    pieces = st.lists(ANSWERS | st.binary(max_size=20), max_size=4)
    modem = ScriptedModem(lambda _: data.draw(pieces) if len(modem.commands) < 80 else [])
    try:
        reading = read_telephony(modem)
    except TelephonyError as error:
        code: TelephonyCode | None = error.code
    else:
        code = None
        assert len(reading.telephony.sims) in (1, 2)
    assert code is None or code in TelephonyCode

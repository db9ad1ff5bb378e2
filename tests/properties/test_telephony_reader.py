"""The reading does not depend on the timing and options of the modem."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.core.screens import ModemTrouble
from agent.telephony.reader import FaultCode, TelephonyReading, read_telephony
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemFaults, ModemOptions
from tests.support.modems import UNSOLICITED, ScriptedModem, american_sim, config, cuban_sim
from tests.support.profiles import examples
from wire.codes import Registration, SimStatus

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
    """After a time-out the old response may still come: a detail is then absent, but never another one's."""
    options = ModemOptions(chunk=chunk, seed=seed, unsolicited=UNSOLICITED, chatter=0.2)
    modem = EmulatedModem(PHONE, options, ModemFaults(delays=tuple(delays.items())))
    reading = read_telephony(modem)
    assert reading.imeis in ((), EXPECTED.imeis)
    telephony = reading.telephony
    assert telephony.faults is not None or telephony == EXPECTED.telephony
    for sim, right in zip(telephony.sims or (), EXPECTED.telephony.sims or (), strict=False):
        stated = sim.model_dump(exclude_none=True)
        assert sim.status in (SimStatus.READY, SimStatus.UNREADABLE)
        assert {**right.model_dump(), **stated, "status": "ready"} == right.model_dump()
    right_serving = EXPECTED.telephony.serving
    assert right_serving is not None
    if telephony.serving is not None and telephony.serving.registration is not Registration.UNKNOWN:
        assert telephony.serving.registration is right_serving.registration
        assert telephony.serving.plmn in (None, right_serving.plmn)
        assert telephony.serving.cell in (None, right_serving.cell)


@pytest.mark.parametrize("command", range(50))
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
        reading = read_telephony(EmulatedModem(PHONE, faults=ModemFaults(dies_after=content)))
        faults = reading.telephony.faults
        if faults is None:  # only the line feed after the last OK is missing
            assert reading == EXPECTED
            continue
        assert faults[0].code == FaultCode.MODEM_GONE
        assert reading.imeis in ((), EXPECTED.imeis)
        assert reading.trouble in (None, ModemTrouble.NO_ANSWER)


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
def test_modem_with_random_responses_gives_a_reading(data: st.DataObject) -> None:
    pieces = st.lists(ANSWERS | st.binary(max_size=20), max_size=4)
    modem = ScriptedModem(lambda _: data.draw(pieces) if len(modem.commands) < 80 else [])
    reading = read_telephony(modem)
    assert {fault.code for fault in reading.telephony.faults or ()} <= {code.value for code in FaultCode}

"""A real ICC profile of the Cuttlefish modem simulator through the emulated modem and the agent's reader."""

import os
from pathlib import Path

import pytest

from agent.telephony.reader import read_telephony
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemOptions
from lab.world.icc_profile import load_icc_profile
from lab.world.sim import SimCard
from tests.support.modems import UNSOLICITED, config
from wire.codes import SimStatus
from wire.evidence import Sim


@pytest.fixture(scope="module")
def card() -> SimCard:
    folder = os.environ.get("ACTIVATION_VECTORS")
    if folder is None:
        pytest.skip("ACTIVATION_VECTORS is unset: it names the folder with sim/iccprofile_for_sim0.xml")
    return load_icc_profile(Path(folder) / "sim" / "iccprofile_for_sim0.xml")


@pytest.mark.parametrize(
    "options", [ModemOptions(), ModemOptions(chunk=1), ModemOptions(chunk=9, unsolicited=UNSOLICITED)]
)
def test_agent_reads_the_values_of_the_profile(card: SimCard, options: ModemOptions) -> None:
    """In one piece, byte by byte, and with unsolicited output."""
    reading = read_telephony(EmulatedModem(config(card), options))
    assert reading.telephony.sims == (
        Sim(
            slot=0,
            status=SimStatus.READY,
            mcc="311",
            mnc="740",
            mnc_length=3,
            iccid="89860318640220133897",
        ),
    )
    assert reading.telephony.faults is None


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("AT+CIMI", b"\r\n311740123456789\r\n"),
        ("AT+CCID", b"\r\n+CCID: 89860318640220133897\r\n"),
        ("AT+CRSM=176,12258,0,0,10", b'\r\n+CRSM: 144,0,"98683081462002318379"\r\n'),
        (
            "AT+CRSM=192,28589,0,0,15",
            b'\r\n+CRSM: 144,0,"62178202412183026FAD8A01058B036F060180020004880118"\r\n',
        ),
        ("AT+CRSM=176,28589,0,0,4", b'\r\n+CRSM: 144,0,"00000003"\r\n'),
        ("AT+CRSM=178,28480,1,4,28", b'"000000000000000000000000000007915155214365F7FFFFFFFFFFFF"'),
        ("AT+CRSM=192,28433,0,0,15", b"\r\n+CRSM: 106,130\r\n"),
        ("AT+CRSM=192,28486,0,0,15", b"\r\n+CRSM: 106,130\r\n"),
    ],
)
def test_modem_returns_the_files_of_the_profile(card: SimCard, command: str, answer: bytes) -> None:
    """Transparent and linear files, control parameters, cached numbers and missing files."""
    modem = EmulatedModem(config(card), ModemOptions(echo=False))
    modem.write(command.encode() + b"\r")
    assert answer in modem.read(0)

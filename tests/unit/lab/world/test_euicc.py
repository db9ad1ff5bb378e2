"""An eUICC has at most one enabled profile, and refuses what SGP.22 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.telephony.reader import read_telephony
from lab.handset.modem.dialects import dialect_names
from lab.handset.modem.forms import STANDARD, DialectForms, EuiccForm, find_dialect
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemOptions
from lab.world.euicc import EMPTY, Euicc, EuiccError
from tests.support.modems import american_sim, config, cuban_sim
from wire.codes import SimStatus

CARD = cuban_sim()
COMMANDS = {
    "enable": (Euicc.enable, "profileNotInDisabledState"),
    "disable": (Euicc.disable, "profileNotInEnabledState"),
    "delete": (Euicc.delete, "profileNotInDisabledState"),
    "install": (lambda euicc, name: euicc.install(name, CARD), "installFailedDueToIccidAlreadyExistsOnEuicc"),
}  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(list(COMMANDS)), st.sampled_from("abc"))))
def test_euicc_follows_its_commands_and_names_each_refusal(commands: list[tuple[str, str]]) -> None:
    """Compared with a set of names and the name of the enabled one."""
    euicc, installed, enabled = Euicc({}), set[str](), ""
    for command, name in commands:
        execute, refusal = COMMANDS[command]
        fits = {
            "enable": name in installed and name != enabled,
            "disable": name == enabled,
            "delete": name in installed and name != enabled,
            "install": name not in installed,
        }[command]
        if not fits:
            missing = name not in installed and command != "install"
            with pytest.raises(EuiccError, match="iccidOrAidNotFound" if missing else refusal):
                execute(euicc, name)
            continue
        euicc = execute(euicc, name)
        enabled = {"enable": name, "disable": ""}.get(command, enabled)
        if command in ("install", "delete"):
            installed ^= {name}
        assert (set(euicc.profiles), euicc.enabled or "") == (installed, enabled)
        assert euicc.card == (euicc.profiles[enabled] if enabled else EMPTY)


def answer(modem: EmulatedModem, command: str) -> str:
    modem.write(f"{command}\r".encode())
    return modem.read(1).decode("latin-1")


def test_empty_euicc_has_no_number_in_any_dialect() -> None:
    """It is a failure, no card, or a card without a number; a card in the other slot is used all the same."""
    words = set()
    for name in ("", *dialect_names()):
        forms = find_dialect(name) if name else STANDARD
        modem = EmulatedModem(
            config(EMPTY, american_sim()), ModemOptions(error_mode=1, chatter=0, forms=forms)
        )
        while modem.elapsed() < 10:
            modem.read(1)
        answer(modem, "ATE0")
        told = answer(modem, "AT+CPIN?")
        words.add(told.replace("OK", "").replace('"', "").strip())
        for command in ("AT+CIMI", "AT+CCID", "AT+CRSM=176,12258,0,0,10"):
            refused = answer(modem, command)
            assert "ERROR" in refused or "NOT SUPPORT" in refused, (name, command, refused)
    assert words == {"+CME ERROR: 13", "ERROR", "+CPIN: NOT INSERTED", "+CPIN: READY"}


class RecordingModem(EmulatedModem):
    """Keeps the commands that it gets."""

    received = ""

    def write(self, data: bytes) -> None:
        self.received += data.decode()
        super().write(data)


def test_registration_is_read_for_the_card_with_a_subscriber() -> None:
    """Also where the modem calls the empty eUICC in the first slot ready."""
    forms = DialectForms(euicc=EuiccForm(error=22, code="READY"))
    modem = RecordingModem(config(EMPTY, american_sim()), ModemOptions(forms=forms))
    sims = read_telephony(modem).telephony.sims or ()
    assert [(sim.status, sim.mcc) for sim in sims] == [(SimStatus.READY, None), (SimStatus.READY, "310")]
    assert modem.received.rpartition("AT+CSUS=")[2].startswith("1\r")


def test_another_card_needs_its_time_to_start_and_the_same_one_does_not() -> None:
    """REFRESH: as after power-up, 2 seconds in this dialect."""
    modem = EmulatedModem(config(cuban_sim()), ModemOptions(chatter=0, forms=find_dialect("quectel")))
    while modem.elapsed() < 2:
        modem.read(1)
    answer(modem, "ATE0")
    told = {}
    for name, card in (("same", cuban_sim()), ("other", american_sim()), ("none", EMPTY)):
        modem.insert(0, card)
        told[name] = [answer(modem, "AT+CPIN?").partition("\r\n\r\n")[0].strip()]
        modem.read(1)
        modem.read(1)
        told[name].append(answer(modem, "AT+CPIN?").partition("\r\n\r\n")[0].strip())
    assert told == {
        "same": ["+CPIN: READY", "+CPIN: READY"],
        "other": ["+CPIN: NOT READY", "+CPIN: READY"],
        "none": ["+CPIN: NOT READY", "+CPIN: NOT INSERTED"],
    }

"""Modems for tests: one that follows a script, and the parts of phones that several tests use."""

from collections import deque
from collections.abc import Callable, Iterable
from random import Random

from agent.telephony.session import Patience
from lab.handset.modem.state import ModemConfig
from lab.world.sim import SimCard, generate_sim, make_sim
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Plmn, Serving

IMEI = "490154203237518"
OTHER_IMEI = "356938035643809"
CUBACEL = Plmn(mcc="368", mnc="01")
T_MOBILE = Plmn(mcc="310", mnc="260")
AT_HOME = Serving(
    registration=Registration.HOME,
    plmn=CUBACEL,
    cell=Cell(area=0x65, id=0x12C01, technology=AccessTechnology.LTE),
)
QUICK = Patience(answer=0.5, optional=0.5, settle=0.02, busy=0.02, start=0.5)
UNSOLICITED = (
    "RING",
    "+CREG: 1",
    '+CREG: 2,"0F0F","00BEEF00",7',
    '+CEREG: 5,"0F0F","00BEEF00",7',
    "+CRING: VOICE",
    "+CTZV: 8",
    "^MODE: 5,4",
    "NO CARRIER NOW",
    "%CNTRY: 1",
)


def cuban_sim() -> SimCard:
    return generate_sim(CUBACEL, Random(7))


def american_sim() -> SimCard:
    return make_sim("310260123456789", "8901260123456789012", 3, spn="Türk ₺", gid1="BAE1FFFF")


def config(*slots: SimCard | None, serving: Serving = AT_HOME) -> ModemConfig:
    return ModemConfig(imeis=(IMEI,), slots=slots, serving=serving)


class ScriptedModem:
    """Answers each command line by `answer`; a read gives one written piece at a time, nothing when there is none."""

    def __init__(self, answer: Callable[[str], Iterable[bytes]]) -> None:
        self._answer = answer
        self._pieces: deque[bytes] = deque()
        self._line = b""
        self.commands: list[str] = []

    def write(self, data: bytes) -> None:
        self._line += data
        *lines, self._line = self._line.split(b"\r")
        for line in lines:
            self.commands.append(line.decode())
            self._pieces.extend(self._answer(line.decode()))

    def read(self, timeout: float) -> bytes:
        return self._pieces.popleft() if self._pieces else b""

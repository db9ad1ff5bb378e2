"""Reads identity, SIMs and registration from a modem."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from agent.ports import Modem
from agent.telephony import commands
from agent.telephony.errors import MalformedAnswerError, SimFault, TelephonyCode, TelephonyError
from agent.telephony.identity import is_imei
from agent.telephony.registration import REGISTERED, NetworkState, parse_operator, parse_registration
from agent.telephony.session import CommandReply, ModemSession, Patience
from agent.telephony.sim_reader import read_sim
from wire import limits
from wire.codes import Registration, SimStatus
from wire.evidence import Serving, Sim, Telephony

__all__ = ["Patience", "TelephonyCode", "TelephonyError", "TelephonyReading", "read_telephony"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TelephonyReading:
    """What the modem reported. `telephony.bands` is empty: the modem does not report bands.

    `faults` lists the SIM files that are not in `telephony` because they are malformed or not accessible.
    """

    imeis: tuple[str, ...]
    telephony: Telephony
    faults: tuple[SimFault, ...] = ()


def read_telephony(
    modem: Modem, *, slots: int = limits.SIM_SLOTS, patience: Patience | None = None
) -> TelephonyReading:
    """Read identity, SIMs and registration.

    `slots` is the number of card slots to read; a modem that cannot select a slot has one. An unusable SIM is a status
    in the result. Raises TelephonyError if the line fails, times out or exceeds a bound, or if no IMEI is valid.
    """
    session = ModemSession(modem, patience or Patience())
    session.open()
    imeis: list[str] = []
    sims: list[Sim] = []
    faults: list[SimFault] = []
    for slot in range(slots):
        selected = session.ask(commands.select_slot(slot)).ok
        if slot > 0 and not selected:
            break
        imeis.append(_read_imei(session))
        sim, left_out = read_sim(session, slot)
        sims.append(sim)
        faults.extend(left_out)
        if not selected:
            break
    if len(sims) > 1:  # the registration is read for the first ready SIM, or else for slot 0
        ready = (sim.slot for sim in sims if sim.status is SimStatus.READY)
        session.ask(commands.select_slot(next(ready, 0)))
    telephony = Telephony(sims=tuple(sims), serving=_read_serving(session))
    return TelephonyReading(tuple(dict.fromkeys(imeis)), telephony, tuple(faults))


def _read_imei(session: ModemSession) -> str:
    reply = session.ask(commands.IMEI)
    if not reply.ok:
        detail = "the modem has no IMEI to read"
        raise TelephonyError(TelephonyCode.COMMAND_REFUSED, commands.IMEI.text, detail)
    imei = _parse(reply, commands.IMEI, lambda content: content.strip('"'))
    if not is_imei(imei):
        detail = "not fifteen digits with a valid check digit"
        raise TelephonyError(TelephonyCode.IMEI_INVALID, commands.IMEI.text, detail)
    return imei


def _read_serving(session: ModemSession) -> Serving:
    """The registration on the newest core network that has one, or else that on the oldest."""
    state = NetworkState(Registration.UNKNOWN)
    for enable, read in commands.REGISTRATIONS:
        session.ask(enable)
        reply = session.ask(read)
        if reply.ok:
            state = _parse(reply, read, parse_registration)
        if state.registration in REGISTERED:
            break
    if state.registration not in REGISTERED:
        return Serving(registration=state.registration)
    session.ask(commands.NUMERIC_OPERATOR)
    reply = session.ask(commands.OPERATOR)
    plmn = _parse(reply, commands.OPERATOR, parse_operator) if reply.ok else None
    return Serving(registration=state.registration, plmn=plmn, cell=state.cell)


def _parse(reply: CommandReply, command: commands.Command, parse: Callable[[str], T]) -> T:
    """The parsed information response. Raises TelephonyError if it is malformed."""
    try:
        return parse(reply.only(command))
    except MalformedAnswerError as error:
        raise TelephonyError(TelephonyCode.ANSWER_MALFORMED, command.text, str(error)) from None

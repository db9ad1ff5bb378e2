"""The reading: all that the agent wants to know of a modem, in one pass over the line."""

from dataclasses import dataclass

from agent.ports import Modem
from agent.telephony import commands
from agent.telephony.errors import MalformedAnswerError, SimFault, TelephonyCode, TelephonyError
from agent.telephony.identity import is_imei
from agent.telephony.registration import REGISTERED, NetworkState, parse_operator, parse_registration
from agent.telephony.session import ModemSession, Patience
from agent.telephony.sim_reader import read_sim
from wire import limits
from wire.codes import Registration, SimStatus
from wire.evidence import Plmn, Serving, Sim, Telephony

__all__ = ["Patience", "TelephonyCode", "TelephonyError", "TelephonyReading", "read_telephony"]


@dataclass(frozen=True, slots=True)
class TelephonyReading:
    """What the modem told. `telephony.bands` is empty: the modem does not tell them.

    `faults` lists the SIM files that were left out of `telephony` because they are malformed or not accessible.
    """

    imeis: tuple[str, ...]
    telephony: Telephony
    faults: tuple[SimFault, ...] = ()


def read_telephony(
    modem: Modem, *, slots: int = limits.SIM_SLOTS, patience: Patience | None = None
) -> TelephonyReading:
    """Read identity, SIMs and registration.

    `slots` is how many card slots to look into; a modem that cannot select one has one. An unusable SIM is a status
    in the reading. Raises TelephonyError when the modem is gone, silent, babbling, or has no valid IMEI.
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
    _select_active(session, sims)
    telephony = Telephony(sims=tuple(sims), serving=_read_serving(session))
    return TelephonyReading(tuple(dict.fromkeys(imeis)), telephony, tuple(faults))


def _select_active(session: ModemSession, sims: list[Sim]) -> None:
    """The network is asked for the first ready SIM, or for slot 0 without any."""
    if len(sims) > 1:
        ready = (sim.slot for sim in sims if sim.status is SimStatus.READY)
        session.ask(commands.select_slot(next(ready, 0)))


def _read_imei(session: ModemSession) -> str:
    reply = session.ask(commands.IMEI)
    if not reply.ok:
        raise _error(TelephonyCode.COMMAND_REFUSED, commands.IMEI, "a phone without an IMEI cannot ask")
    try:
        imei = reply.only(commands.IMEI).strip('"')
    except MalformedAnswerError as error:
        raise _error(TelephonyCode.ANSWER_MALFORMED, commands.IMEI, str(error)) from None
    if not is_imei(imei):
        raise _error(TelephonyCode.IMEI_INVALID, commands.IMEI, "not fifteen digits with a valid check digit")
    return imei


def _read_serving(session: ModemSession) -> Serving:
    state = _read_network_state(session)
    if state.registration not in REGISTERED:
        return Serving(registration=state.registration)
    return Serving(registration=state.registration, plmn=_read_operator(session), cell=state.cell)


def _read_network_state(session: ModemSession) -> NetworkState:
    """The newest core network on which the phone is registered, else what the oldest command says."""
    state = NetworkState(Registration.UNKNOWN)
    for enable, read in commands.REGISTRATIONS:
        session.ask(enable)
        reply = session.ask(read)
        if not reply.ok:
            continue
        try:
            state = parse_registration(reply.only(read))
        except MalformedAnswerError as error:
            raise _error(TelephonyCode.ANSWER_MALFORMED, read, str(error)) from None
        if state.registration in REGISTERED:
            break
    return state


def _read_operator(session: ModemSession) -> Plmn | None:
    session.ask(commands.NUMERIC_OPERATOR)
    reply = session.ask(commands.OPERATOR)
    if not reply.ok:
        return None
    try:
        return parse_operator(reply.only(commands.OPERATOR))
    except MalformedAnswerError as error:
        raise _error(TelephonyCode.ANSWER_MALFORMED, commands.OPERATOR, str(error)) from None


def _error(code: TelephonyCode, command: commands.Command, detail: str) -> TelephonyError:
    return TelephonyError(code, command.text, detail)

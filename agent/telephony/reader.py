"""Reads identity, SIMs and registration from a modem, as far as the modem gives them."""

from dataclasses import dataclass
from typing import Final

from agent.core.screens import ModemTrouble
from agent.ports import Modem
from agent.telephony import commands
from agent.telephony.errors import FaultCode, FaultLog, MalformedError, SessionEndedError
from agent.telephony.identity import find_imeis
from agent.telephony.registration import REGISTERED, NetworkState, parse_operator, parse_registration
from agent.telephony.session import ModemSession, Patience
from agent.telephony.sim_reader import SimReader
from wire import limits
from wire.codes import Registration, SimStatus
from wire.evidence import Plmn, Serving, Telephony

__all__ = ["FaultCode", "Patience", "TelephonyReading", "read_telephony"]


_NO_ANSWER: Final = frozenset({FaultCode.MODEM_GONE.value, FaultCode.MODEM_SILENT.value})


@dataclass(frozen=True, slots=True)
class TelephonyReading:
    """What the modem reported, in the form of the evidence.

    `imeis` is empty if the modem did not state one. `telephony.bands` is empty: the modem does not report bands.
    `telephony.faults` says what is absent and why.
    """

    imeis: tuple[str, ...]
    telephony: Telephony

    @property
    def trouble(self) -> ModemTrouble | None:
        """Why identity, SIMs or registration are missing. None if only details are."""
        telephony = self.telephony
        if self.imeis and telephony.sims is not None and telephony.serving is not None:
            return None
        codes = {fault.code for fault in telephony.faults or ()}
        return ModemTrouble.NO_ANSWER if codes & _NO_ANSWER else ModemTrouble.NOT_UNDERSTOOD


def read_telephony(
    modem: Modem, *, slots: int = limits.SIM_SLOTS, patience: Patience | None = None
) -> TelephonyReading:
    """Read identity, SIMs and registration.

    `slots` is the number of card slots to read; a modem that cannot select a slot has one. Nothing that the modem
    does or leaves undone is an error: what it does not give in a known form is absent, with a fault.
    """
    reader = _ModemReader(ModemSession(modem, patience or Patience()))
    try:
        reader.read(slots)
    except SessionEndedError as ended:
        reader.faults.note_end(ended)
    return reader.reading()


class _ModemReader:
    """One reading: what is known so far, at any time."""

    def __init__(self, session: ModemSession) -> None:
        self._session = session
        self._imeis: dict[str, None] = {}
        self._cards: list[SimReader] = []
        self._serving: Serving | None = None
        self.faults = FaultLog()

    def read(self, slots: int) -> None:
        """Raises SessionEndedError."""
        self._session.open()
        for slot in range(slots):
            selected = self._select(slot)
            if slot > 0 and not selected:
                break
            self._read_imeis()
            self._cards.append(SimReader(self._session, slot, self.faults))
            self._cards[-1].read()
            if not selected:
                break
        # The registration is read for the first ready SIM, or else for slot 0. Some modems also call an eUICC ready
        # that has no subscriber.
        ready = [slot for slot, card in enumerate(self._cards) if card.status is SimStatus.READY]
        registered = next(
            (slot for slot in ready if self._cards[slot].has_subscriber), ready[0] if ready else 0
        )
        if len(self._cards) > 1:
            self._select(registered)
        self._read_serving()
        if self._cards and self._serving is not None:
            self._cards[registered].complete(self._serving)

    def _select(self, slot: int) -> bool:
        """Whether the modem selected `slot`. A refusal is no fault: many modems have one slot."""
        command = commands.select_slot(slot)
        reply = self._session.ask(command)
        if reply.fault not in (None, FaultCode.COMMAND_REFUSED):
            self.faults.note(reply.fault, command.text)
        return reply.ok

    def reading(self) -> TelephonyReading:
        """What is known."""
        sims = tuple(sim for card in self._cards if (sim := card.sim) is not None)
        telephony = Telephony(sims=sims or None, serving=self._serving, faults=self.faults.faults() or None)
        return TelephonyReading(tuple(self._imeis), telephony)

    def _read_imeis(self) -> None:
        """The IMEIs that the first command states that states any. It is a fault only if none does."""
        failed: list[tuple[FaultCode, str]] = []
        for command in commands.IMEIS:
            reply = self._session.ask(command)
            found = [imei for line in reply.information for imei in find_imeis(line)]
            if found:
                self._imeis.update(dict.fromkeys(found))
                return
            failed.append((reply.fault or FaultCode.IMEI_INVALID, command.text))
        for fault, source in failed:
            self.faults.note(fault, source)

    def _read_serving(self) -> None:
        """The registration on the newest core network that has one, or else that on the oldest.

        A state that the clause does not list ends the search: an older core network cannot say what it means.
        """
        state = NetworkState(Registration.UNKNOWN)
        answered = False
        for enable, read in commands.REGISTRATIONS:
            self._session.ask(enable)
            found = self._read_state(read)
            if found is not None:
                state, answered = found, True
            if state.registration in REGISTERED or FaultCode.STATE_UNKNOWN in state.faults:
                break
        if not answered:
            self.faults.note(FaultCode.COMMAND_REFUSED, commands.REGISTRATIONS[-1][1].text)
        # Known before the operator is asked for: that question can take a modem minutes.
        self._serving = Serving(registration=state.registration, cell=state.cell)
        if state.registration in REGISTERED:
            self._serving = self._serving.model_copy(update={"plmn": self._read_operator()})

    def _read_state(self, command: commands.Command) -> NetworkState | None:
        """The state that one registration command gives. A refusal is no fault: not every modem knows every network."""
        reply = self._session.ask(command)
        if reply.fault not in (None, FaultCode.COMMAND_REFUSED, FaultCode.ANSWER_EMPTY):
            self.faults.note(reply.fault, command.text)
        for line in reply.information:
            try:
                state = parse_registration(line)
            except MalformedError as error:
                self.faults.note(error.code, command.text)
                continue
            for fault in state.faults:
                self.faults.note(fault, command.text)
            return state
        return None

    def _read_operator(self) -> Plmn | None:
        """The first PLMN that the lines of +COPS give."""
        self._session.ask(commands.NUMERIC_OPERATOR)
        reply = self._session.ask(commands.OPERATOR)
        fault = reply.fault or FaultCode.ANSWER_EMPTY
        for line in reply.information:
            try:
                if plmn := parse_operator(line):
                    return plmn
            except MalformedError as error:
                fault = error.code
        self.faults.note(fault, commands.OPERATOR.text)
        return None

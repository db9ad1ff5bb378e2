"""The commands of the emulated modem: an interpreter from a command line to the lines of its response.

It changes only the state of the modem. The registration commands are those of 3GPP TS 27.007.
"""

import re
from collections.abc import Callable
from typing import Final

from lab.handset.modem.state import CmeCode, ModemState, RefusedError, spell_error
from lab.world.operators import UnknownOperatorError, find_operator
from lab.world.sim import CardCommand, PinState, SimCard
from wire.codes import AccessTechnology, Registration
from wire.evidence import Serving

Lines = tuple[str, ...]

_BASIC: Final = re.compile(r"([A-Za-z&])(\d{0,3})", re.ASCII)
_PARTS: Final = re.compile(r'(?:[^;"]|"[^"]*"?)+')
_EXTENDED: Final = re.compile(r"(\+[A-Za-z0-9]+)(=\?|\?|=)?(.*)", re.DOTALL | re.ASCII)
_REGISTRATIONS: Final = frozenset({"+CREG", "+CEREG", "+C5GREG"})

STATES: Final = {
    Registration.NOT_REGISTERED: 0,
    Registration.HOME: 1,
    Registration.SEARCHING: 2,
    Registration.DENIED: 3,
    Registration.UNKNOWN: 4,
    Registration.ROAMING: 5,
    Registration.EMERGENCY_ONLY: 8,
}
ACCESS: Final = {
    AccessTechnology.GSM: 0,
    AccessTechnology.UMTS: 2,
    AccessTechnology.LTE: 7,
    AccessTechnology.NR: 11,
}
_CORES: Final = {"+CEREG": AccessTechnology.LTE, "+C5GREG": AccessTechnology.NR}


def registration_line(name: str, serving: Serving, mode: int, *, solicited: bool) -> str:
    """`<name>: [<mode>,]<stat>[,"<area>","<cell>",<AcT>]`; mode 2 adds the cell.

    +CREG reports a registration on any technology, +CEREG only on LTE, +C5GREG only on NR.
    """
    cell = serving.cell
    core = _CORES.get(name)
    other_core = core is not None and cell is not None and cell.technology is not core
    fields = [str(mode)] if solicited else []
    fields.append("0" if other_core else str(STATES[serving.registration]))
    if mode == 2 and cell is not None and not other_core:
        width = 6 if cell.technology is AccessTechnology.NR else 4
        fields += ["" if cell.area is None else f'"{cell.area:0{width}X}"']
        fields += ["" if cell.id is None else f'"{cell.id:08X}"']
        fields += ["" if cell.technology is None else str(ACCESS[cell.technology])]
    return f"{name}: {','.join(fields)}"


def operator_line(serving: Serving, form: int) -> str:
    """`+COPS: <mode>[,<format>,"<operator>"[,<AcT>]]`: by name in format 0 and 1, by number in format 2."""
    plmn = serving.plmn
    if plmn is None:
        return "+COPS: 0"
    try:
        name = plmn.mcc + plmn.mnc if form == 2 else find_operator(plmn).name.replace('"', "")
    except UnknownOperatorError:
        name = str(plmn)
    technology = serving.cell.technology if serving.cell else None
    access = "" if technology is None else f",{ACCESS[technology]}"
    return f'+COPS: 0,{form},"{name}"{access}'


def execute(state: ModemState, line: str) -> Lines:
    """Execute one command line; returns the lines of the response, the final result code last.

    Empty if the line is not a command. The first part that fails ends the line (ITU-T V.250 clause 5.2.1).
    """
    text = line.strip()
    if text[:2].upper() != "AT":
        return ()
    information: list[str] = []
    try:
        for part in _PARTS.findall(text[2:]):
            information.extend(_execute_part(state, part.strip()))
    except RefusedError as refused:
        return (*information, spell_error(refused.code, state.error_mode, worded=state.worded))
    return (*information, "OK" if state.worded else "0")


def _execute_part(state: ModemState, part: str) -> Lines:
    """One extended command after any number of basic ones without a separator."""
    while match := _BASIC.match(part):
        letter, value = match[1].upper(), int(match[2] or 0)
        if letter not in "EVQZ" or value > 1:
            raise RefusedError(CmeCode.NOT_SUPPORTED)
        # ATE and ATV (ITU-T V.250 clauses 6.2.4 and 6.2.6); ATQ0 and ATZ change nothing here.
        if letter == "E":
            state.echo = value == 1
        if letter == "V":
            state.worded = value == 1
        part = part[match.end() :]
    if not part:
        return ()
    extended = _EXTENDED.fullmatch(part)
    if extended is None:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    name, form, argument = extended[1].upper(), extended[2] or "", extended[3]
    if name in _REGISTRATIONS:
        return _registration(state, name, form, argument)
    if form == "=":
        return _set(state, name, argument)
    read = _READ.get(name + form)
    if read is None or argument:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    return (read(state),)


def _set(state: ModemState, name: str, argument: str) -> Lines:
    """The response to a command with parameters."""
    mode, _, form = argument.partition(",")
    match name:
        case "+CSUS" if len(state.slots) > 1:
            state.selected = _number(argument, len(state.slots) - 1)
        case "+CMEE":
            state.error_mode = _number(argument, 2)
        case "+COPS" if mode == "3":  # only the format; this modem has no manual choice of a network
            state.operator_format = _number(form, 2)
        case "+CRSM":
            return _restricted_access(state, argument)
        case _:
            raise RefusedError(CmeCode.NOT_SUPPORTED)
    return ()


def _stored(value: str) -> str:
    """A value of the card. Raises RefusedError if the card does not have it."""
    if not value:
        raise RefusedError(CmeCode.NOT_FOUND)
    return value


def _number(argument: str, largest: int) -> int:
    if not argument.isascii() or not argument.isdigit() or len(argument) > 5 or int(argument) > largest:
        raise RefusedError(CmeCode.INCORRECT_PARAMETERS)
    return int(argument)


def _inserted_card(state: ModemState) -> SimCard:
    """The card of the selected slot. Raises RefusedError if there is none or if it is busy."""
    if state.card is None:
        raise RefusedError(CmeCode.SIM_NOT_INSERTED)
    if state.sim_busy:
        state.sim_busy -= 1
        raise RefusedError(CmeCode.SIM_BUSY)
    return state.card


_LOCKED: Final = {
    PinState.PIN_REQUIRED: CmeCode.SIM_PIN_REQUIRED,
    PinState.PUK_REQUIRED: CmeCode.SIM_PUK_REQUIRED,
    PinState.BLOCKED: CmeCode.SIM_FAILURE,
}
_PIN_CODES: Final = {
    PinState.READY: "READY",
    PinState.PIN_REQUIRED: "SIM PIN",
    PinState.PUK_REQUIRED: "SIM PUK",
}


def _usable_card(state: ModemState) -> SimCard:
    """The card of the selected slot. Raises RefusedError also if it is locked."""
    card = _inserted_card(state)
    if card.pin is not PinState.READY:
        raise RefusedError(_LOCKED[card.pin])
    return card


def _pin_state(state: ModemState) -> str:
    pin = _inserted_card(state).pin
    if pin is PinState.BLOCKED:
        raise RefusedError(CmeCode.SIM_FAILURE)
    return _PIN_CODES[pin]


def _restricted_access(state: ModemState, argument: str) -> Lines:
    """+CRSM (3GPP TS 27.007 clause 8.18): instruction, file, P1, P2, P3; reading needs neither data nor path."""
    card = _usable_card(state)
    fields = argument.split(",")
    if len(fields) < 5:
        raise RefusedError(CmeCode.INCORRECT_PARAMETERS)
    instruction, file_id = _number(fields[0], 0xFF), _number(fields[1], 0xFFFF)
    p1, p2, p3 = (_number(field, 0xFF) for field in fields[2:5])
    response = card.answer(CardCommand(instruction, file_id, p1, p2, p3))
    data = f',"{response.data.hex().upper()}"' if response.data else ""
    return (f"+CRSM: {response.sw1},{response.sw2}{data}",)


def _registration(state: ModemState, name: str, form: str, argument: str) -> Lines:
    if name != "+CREG" and not state.newer_cores:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    if form == "?" and not argument:
        return (registration_line(name, state.serving, state.reports.get(name, 0), solicited=True),)
    if form != "=":
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    state.reports[name] = _number(argument, 2)
    return ()


_READ: Final[dict[str, Callable[[ModemState], str]]] = {
    "+CGSN": lambda state: state.imeis[min(state.selected, len(state.imeis) - 1)],
    "+CIMI": lambda state: _stored(_usable_card(state).imsi),
    "+CCID": lambda state: f"+CCID: {_stored(_usable_card(state).ccid)}",
    "+CPIN?": lambda state: f"+CPIN: {_pin_state(state)}",
    "+CSUS?": lambda state: f"+CSUS: {state.selected}",
    "+CMEE?": lambda state: f"+CMEE: {state.error_mode}",
    "+COPS?": lambda state: operator_line(state.serving, state.operator_format),
}
"""The responses to commands without parameters."""

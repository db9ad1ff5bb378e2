"""The commands of the emulated modem: a pure interpreter from a command line to the lines of its answer."""

import re
from collections.abc import Callable
from typing import Final

from lab.handset.modem.errors import CmeCode, RefusedError, spell_error
from lab.handset.modem.registration import operator_line, registration_line
from lab.handset.modem.state import ModemState
from lab.world.sim import CardCommand, PinState, SimCard

Lines = tuple[str, ...]
Handler = Callable[[ModemState, str], Lines]

_BASIC: Final = re.compile(r"([A-Za-z&])(\d{0,3})", re.ASCII)
_PARTS: Final = re.compile(r'(?:[^;"]|"[^"]*"?)+')
_EXTENDED: Final = re.compile(r"(\+[A-Za-z0-9]+)(=\?|\?|=)?(.*)", re.DOTALL | re.ASCII)
_REGISTRATIONS: Final = frozenset({"+CREG", "+CEREG", "+C5GREG"})


def execute(state: ModemState, line: str) -> Lines:
    """Carry out one command line; the answer's lines, the final result code last. Empty where there is no command.

    The first part that fails ends the line (ITU-T V.250 clause 5.2.1).
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
    """One extended command, behind any number of basic ones without separator."""
    while match := _BASIC.match(part):
        _basic(state, match[1].upper(), int(match[2] or 0))
        part = part[match.end() :]
    if not part:
        return ()
    extended = _EXTENDED.fullmatch(part)
    if extended is None:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    name, form, argument = extended[1].upper(), extended[2] or "", extended[3]
    if name in _REGISTRATIONS:
        return _registration(state, name, form, argument)
    handler = _HANDLERS.get(name + form)
    if handler is None or (form != "=" and argument):
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    return handler(state, argument)


def _basic(state: ModemState, letter: str, value: int) -> None:
    """ATE and ATV (ITU-T V.250 clauses 6.2.4 and 6.2.6); ATQ0 and ATZ change nothing here."""
    if letter not in "EVQZ" or value > 1:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    if letter == "E":
        state.echo = value == 1
    if letter == "V":
        state.worded = value == 1


def _number(argument: str, largest: int) -> int:
    if not argument.isascii() or not argument.isdigit() or len(argument) > 5 or int(argument) > largest:
        raise RefusedError(CmeCode.INCORRECT_PARAMETERS)
    return int(argument)


def _usable_card(state: ModemState) -> SimCard:
    """The card of the selected slot. Refuses as a modem does when it is absent, busy or locked."""
    card = state.card
    if card is None:
        raise RefusedError(CmeCode.SIM_NOT_INSERTED)
    _spend_busy(state)
    if card.pin is not PinState.READY:
        raise RefusedError(_LOCKED[card.pin])
    return card


def _spend_busy(state: ModemState) -> None:
    if state.sim_busy:
        state.sim_busy -= 1
        raise RefusedError(CmeCode.SIM_BUSY)


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


def _pin_state(state: ModemState, _: str) -> Lines:
    if state.card is None:
        raise RefusedError(CmeCode.SIM_NOT_INSERTED)
    _spend_busy(state)
    if state.card.pin is PinState.BLOCKED:
        raise RefusedError(CmeCode.SIM_FAILURE)
    return (f"+CPIN: {_PIN_CODES[state.card.pin]}",)


def _imei(state: ModemState, _: str) -> Lines:
    return (state.imeis[min(state.selected, len(state.imeis) - 1)],)


def _imsi(state: ModemState, _: str) -> Lines:
    imsi = _usable_card(state).imsi
    if not imsi:
        raise RefusedError(CmeCode.NOT_FOUND)
    return (imsi,)


def _card_number(state: ModemState, _: str) -> Lines:
    number = _usable_card(state).ccid
    if not number:
        raise RefusedError(CmeCode.NOT_FOUND)
    return (f"+CCID: {number}",)


def _select_slot(state: ModemState, argument: str) -> Lines:
    if len(state.slots) == 1:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    state.selected = _number(argument, len(state.slots) - 1)
    return ()


def _selected_slot(state: ModemState, _: str) -> Lines:
    return (f"+CSUS: {state.selected}",)


def _set_error_mode(state: ModemState, argument: str) -> Lines:
    state.error_mode = _number(argument, 2)
    return ()


def _error_mode(state: ModemState, _: str) -> Lines:
    return (f"+CMEE: {state.error_mode}",)


def _restricted_access(state: ModemState, argument: str) -> Lines:
    """+CRSM (3GPP TS 27.007 clause 8.18): instruction, file, P1, P2, P3; data and path are not needed for reading."""
    card = _usable_card(state)
    fields = argument.split(",")
    if len(fields) < 5:
        raise RefusedError(CmeCode.INCORRECT_PARAMETERS)
    instruction, file_id = _number(fields[0], 0xFF), _number(fields[1], 0xFFFF)
    p1, p2, p3 = (_number(field, 0xFF) for field in fields[2:5])
    response = card.answer(CardCommand(instruction, file_id, p1, p2, p3))
    data = f',"{response.data.hex().upper()}"' if response.data else ""
    return (f"+CRSM: {response.sw1},{response.sw2}{data}",)


def _set_operator_format(state: ModemState, argument: str) -> Lines:
    """AT+COPS=3,<format>. Choosing a network by hand is not part of this modem."""
    mode, _, form = argument.partition(",")
    if mode != "3":
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    state.operator_format = _number(form, 2)
    return ()


def _operator(state: ModemState, _: str) -> Lines:
    return (operator_line(state.serving, state.operator_format),)


def _registration(state: ModemState, name: str, form: str, argument: str) -> Lines:
    if name != "+CREG" and not state.newer_cores:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    if form == "?" and not argument:
        return (registration_line(name, state.serving, state.reports.get(name, 0), solicited=True),)
    if form != "=":
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    state.reports[name] = _number(argument, 2)
    return ()


_HANDLERS: Final[dict[str, Handler]] = {
    "+CGSN": _imei,
    "+CIMI": _imsi,
    "+CCID": _card_number,
    "+CPIN?": _pin_state,
    "+CSUS=": _select_slot,
    "+CSUS?": _selected_slot,
    "+CMEE=": _set_error_mode,
    "+CMEE?": _error_mode,
    "+CRSM=": _restricted_access,
    "+COPS=": _set_operator_format,
    "+COPS?": _operator,
}

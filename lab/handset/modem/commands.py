"""The commands of the emulated modem: an interpreter from a command line to the lines of its response.

It changes only the state of the modem. The commands are those of 3GPP TS 27.007 and those of the modem's dialect.
"""

import re
from dataclasses import replace
from typing import Final

from lab.handset.modem.answers import file_line, operator_line, registration_line, spell_error
from lab.handset.modem.forms import FileReading, ParameterReading, ReportTime
from lab.handset.modem.state import CmeCode, ModemState, RefusedError
from lab.world.sim import GET_RESPONSE, READ_BINARY, CardCommand, CardResponse, PinState, SimCard

Lines = tuple[str, ...]

_BASIC: Final = re.compile(r"([A-Za-z&])(\d{0,3})", re.ASCII)
_PARTS: Final = re.compile(r'(?:[^;"]|"[^"]*"?)+')
_EXTENDED: Final = re.compile(r"([+#^%!*][A-Za-z0-9]+)(=\?|\?|=)?(.*)", re.DOTALL | re.ASCII)
_NEWER_CORES: Final = frozenset({"+CEREG", "+C5GREG"})
_NO_SIGNAL_QUALITY: Final = "+CSQ: 99,99"
"""Signal quality is not emulated: neither its strength nor its error rate is known (3GPP TS 27.007 clause 8.5)."""
_SOFTWARE_VERSION: Final = "01"
"""The last two digits of an IMEISV (3GPP TS 23.003 clause 6.2.2)."""


def execute(state: ModemState, line: str) -> Lines:
    """Execute one command line; returns the lines of the response, the final result code last; empty if there is none.

    No line if `line` is not a command. The first part that fails ends the line (ITU-T V.250 clause 5.2.1).
    """
    text = line.strip()
    if text[:2].upper() != "AT":
        return ()
    information: list[str] = []
    try:
        for part in _PARTS.findall(text[2:]):
            information.extend(_execute_part(state, part.strip()))
    except RefusedError as refused:
        form = state.forms.error
        return (*information, spell_error(refused.code, state.error_mode, worded=state.worded, form=form))
    if text[2:].strip().upper() == "+CPIN?" and not state.forms.pin.final:
        return (*information, "")
    return (*information, "OK" if state.worded else "0")


def _execute_part(state: ModemState, part: str) -> Lines:
    """One extended command after any number of basic ones without a separator."""
    while match := _BASIC.match(part):
        letter, value = match[1].upper(), int(match[2] or 0)
        if letter not in ("EVQZ" if state.forms.echo.settable else "QZ") or value > 1:
            raise RefusedError(CmeCode.NOT_SUPPORTED)
        # ATE and ATV (ITU-T V.250 clauses 6.2.4 and 6.2.6); ATQ0 and ATZ change nothing here.
        if letter == "E":
            state.echo = value == 1
        if letter == "V":
            state.worded = value == 1
        part = part[match.end() :]
    return _execute_extended(state, part) if part else ()


def _execute_extended(state: ModemState, part: str) -> Lines:
    extended = _EXTENDED.fullmatch(part)
    if extended is None:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    name, form, argument = extended[1].upper(), extended[2] or "", extended[3]
    if number := _number_line(state, part.upper()):
        return (number,)
    if name in state.forms.registration.located:
        return _registration(state, name, form, argument)
    if name == state.forms.slot.command:
        return _slot(state, form, argument)
    if form == "=":
        return _set(state, name, argument)
    if argument:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    return (_read(state, name + form),)


def _number_line(state: ModemState, command: str) -> str | None:
    """The answer to a command that gives the IMEI, the IMSI or the ICCID; None for any other command."""
    forms = state.forms
    if template := forms.identity.answers.get(command):
        body = state.imei[:14]
        return template.format(imei=state.imei, body=body, imeisv=body + _SOFTWARE_VERSION)
    if template := forms.subscriber.answers.get(command):
        return template.format(imsi=_stored(_usable_card(state).imsi))
    if template := forms.card_number.answers.get(command):
        iccid = _stored(_usable_card(state).ccid)
        return template.format(iccid=iccid, padded=iccid.ljust(20, "F"))
    return None


def _read(state: ModemState, command: str) -> str:
    """The response to a command without parameters."""
    match command:
        case "+CPIN?":
            return state.forms.pin.answer.format(code=_pin_code(state))
        case "+CSQ":
            return _NO_SIGNAL_QUALITY
        case "+CMEE?":
            return f"+CMEE: {state.error_mode}"
        case "+COPS?":
            return operator_line(state.serving, state.operator_format, state.forms.operator)
        case _:
            raise RefusedError(CmeCode.NOT_SUPPORTED)


def _set(state: ModemState, name: str, argument: str) -> Lines:
    """The response to a command with parameters."""
    mode, _, form = argument.partition(",")
    match name:
        case "+CMEE":
            state.error_mode = _number(argument, 2)
        case "+COPS" if mode == "3":  # only the format; this modem has no manual choice of a network
            number = _number(form, 2)
            if number not in state.forms.operator.formats:
                raise RefusedError(CmeCode.NOT_SUPPORTED)
            state.operator_format = number
        case "+CRSM":
            return (_restricted_access(state, argument),)
        case _:
            raise RefusedError(CmeCode.NOT_SUPPORTED)
    return ()


def _slot(state: ModemState, form: str, argument: str) -> Lines:
    """The command that selects a slot (3GPP TS 27.007 clause 8.66, or the maker's own)."""
    slot = state.forms.slot
    if form == "?" and not argument:
        return (slot.answer.format(number=slot.first + state.selected, position=state.selected + 1),)
    if form != "=" or len(state.slots) == 1:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    number = _number(argument, slot.first + len(state.slots) - 1)
    if number < slot.first:
        raise RefusedError(CmeCode.INCORRECT_PARAMETERS)
    state.selected = number - slot.first
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
    if state.sim_busy or state.sim_starts:
        state.sim_busy = max(0, state.sim_busy - 1)
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
    if card.empty:
        raise RefusedError(CmeCode(state.forms.euicc.error))
    if card.pin is not PinState.READY:
        raise RefusedError(_LOCKED[card.pin])
    return card


def _pin_code(state: ModemState) -> str:
    if state.sim_starts and state.card is not None and state.forms.start.sim_code is not None:
        return state.forms.start.sim_code
    if state.card is None and state.forms.pin.absent is not None:
        return state.forms.pin.absent
    card = _inserted_card(state)
    if card.empty and state.forms.euicc.code is not None:
        return state.forms.euicc.code
    if card.empty:
        raise RefusedError(CmeCode(state.forms.euicc.error))
    pin = card.pin
    if pin is PinState.BLOCKED:
        raise RefusedError(CmeCode.SIM_FAILURE)
    return _PIN_CODES[pin]


def _restricted_access(state: ModemState, argument: str) -> str:
    """+CRSM (3GPP TS 27.007 clause 8.18): instruction, file, P1, P2, P3; reading needs neither data nor path."""
    card = _usable_card(state)
    fields = argument.split(",")
    if len(fields) < 5:
        raise RefusedError(CmeCode.INCORRECT_PARAMETERS)
    instruction, file_id = _number(fields[0], 0xFF), _number(fields[1], 0xFFFF)
    p1, p2, p3 = (_number(field, 0xFF) for field in fields[2:5])
    command = CardCommand(instruction, file_id, p1, p2, p3)
    return file_line(_card_response(state, card, command), state.forms.file)


def _card_response(state: ModemState, card: SimCard, command: CardCommand) -> CardResponse:
    """The response of the card, as a modem of this dialect passes it on."""
    form, response = state.forms.file, card.answer(command)
    rest = len(card.files.get(command.file_id, b"")) - (command.p1 << 8 | command.p2)
    if command.instruction == READ_BINARY and rest > 0:
        if form.reading is FileReading.IGNORED:
            return card.answer(replace(command, p3=rest & 0xFF))
        if form.reading is FileReading.EXACT and command.p3 != rest & 0xFF:
            return CardResponse(0x6C, rest & 0xFF)
    if command.instruction == GET_RESPONSE and response.data:
        match form.parameters:
            case ParameterReading.REFUSED:
                raise RefusedError(CmeCode.NOT_SUPPORTED)
            case ParameterReading.PENDING:
                return CardResponse(0x61, len(response.data), response.data)
            case ParameterReading.EXACT if command.p3 != len(response.data):
                return CardResponse(0x67, 0)
    return response


def _registration(state: ModemState, name: str, form: str, argument: str) -> Lines:
    if name in _NEWER_CORES and not state.newer_cores:
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    forms = state.forms.registration
    if form == "?" and not argument:
        mode = state.reports.get(name, 0)
        return (registration_line(name, state.serving, mode, solicited=True, form=forms),)
    if form != "=":
        raise RefusedError(CmeCode.NOT_SUPPORTED)
    state.reports[name] = mode = _number(argument, forms.largest_mode)
    if not mode or forms.reports_when_set is ReportTime.NEVER:
        return ()
    report = registration_line(name, state.serving, mode, solicited=False, form=forms)
    if forms.reports_when_set is ReportTime.BEFORE_RESULT:
        return (report,)
    state.late_reports.append(report)
    return ()

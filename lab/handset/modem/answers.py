"""Spells the facts that the emulated modem knows in the forms of its dialect: network, operator, files, errors."""

from typing import Final

from lab.handset.modem.forms import STANDARD, ErrorForm, FileForm, OperatorForm, RegistrationForm
from lab.handset.modem.state import TEXTS, CmeCode
from lab.world.operators import UnknownOperatorError, find_operator
from lab.world.sim import CardResponse
from wire.codes import AccessTechnology, Registration
from wire.evidence import Plmn, Serving

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
_SMS_ONLY: Final = {1: 6, 5: 7}
_PACKET_ONLY: Final = frozenset(_CORES.values())


def registration_line(
    name: str, serving: Serving, mode: int, *, solicited: bool, form: RegistrationForm = STANDARD.registration
) -> str:
    """The answer of the registration command `name`, or its unsolicited report. Mode 2 and above add the cell.

    +CREG reports a registration on any technology, +CEREG only on LTE, +C5GREG only on NR, unless `form` says that
    every command reports all.
    """
    cell = serving.cell
    core = None if form.every_core else _CORES.get(name)
    other_core = core is not None and cell is not None and cell.technology is not core
    stat = 0 if other_core else STATES[serving.registration]
    if form.sms_only and name == "+CREG" and cell is not None and cell.technology in _PACKET_ONLY:
        stat = _SMS_ONLY.get(stat, stat)
    values: dict[str, object] = {"mode": mode, "stat": stat}
    if mode < 2:
        template = "{mode},{stat}"
    elif cell is None or other_core:
        template = form.unlocated
    else:
        template = form.located[name]
        values |= {"area": cell.area or 0, "cell": cell.id or 0}
        values["act"] = "" if cell.technology is None else (ACCESS | form.access)[cell.technology]
    content = template if solicited else template.partition(",")[2]
    return f"{name}: {content.format_map(values)}"


def operator_line(serving: Serving, number: int, form: OperatorForm = STANDARD.operator) -> str:
    """The answer to AT+COPS?: the operator by name in format 0 and 1, by number in format 2."""
    if serving.plmn is None:
        return form.unregistered
    plmn = serving.plmn
    operator = plmn.mcc + plmn.mnc if number == 2 else _operator_name(plmn)
    if form.ucs2 and number != 2:
        operator = operator.encode("utf-16-be").hex().upper()
    technology = serving.cell and serving.cell.technology
    template = form.registered if technology else form.registered.replace(",{act}", "")
    return template.format(format=number, operator=operator, act=technology and ACCESS[technology])


def _operator_name(plmn: Plmn) -> str:
    try:
        return find_operator(plmn).name.replace('"', "")
    except UnknownOperatorError:
        return str(plmn)


def file_line(response: CardResponse, form: FileForm = STANDARD.file) -> str:
    """The answer to AT+CRSM."""
    data = response.data.hex() if form.lower_case else response.data.hex().upper()
    template = form.answer if data else form.empty
    return template.format(sw1=response.sw1, sw2=response.sw2, data=data)


def spell_error(code: CmeCode, mode: int, *, worded: bool, form: ErrorForm = STANDARD.error) -> str:
    """The final result code for `code` under AT+CMEE=`mode`; `worded` is true under ATV1.

    >>> spell_error(CmeCode.SIM_BUSY, 2, worded=True)
    '+CME ERROR: SIM busy'
    """
    if code in form.results and worded:
        return form.results[code]
    mode = mode if form.mode is None else form.mode
    if mode == 0:
        return "ERROR" if worded else "4"
    return f"+CME ERROR: {form.texts.get(code, TEXTS[code]) if mode == 2 else code.value}"

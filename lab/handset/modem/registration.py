"""How the emulated modem words its registration: +COPS, +CREG, +CEREG and +C5GREG (3GPP TS 27.007)."""

from typing import Final

from lab.world.operators import UnknownOperatorError, find_operator
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


def registration_line(name: str, serving: Serving, mode: int, *, solicited: bool) -> str:
    """`<name>: [<mode>,]<stat>[,"<area>","<cell>",<AcT>]`; mode 2 adds the cell.

    +CREG speaks of whatever the phone is registered on, +CEREG of LTE alone, +C5GREG of NR alone.
    """
    cell = serving.cell
    core = _CORES.get(name)
    elsewhere = core is not None and cell is not None and cell.technology is not core
    fields = [str(mode)] if solicited else []
    fields.append("0" if elsewhere else str(STATES[serving.registration]))
    if mode == 2 and cell is not None and not elsewhere:
        width = 6 if cell.technology is AccessTechnology.NR else 4
        fields += [f'"{cell.area:0{width}X}"', f'"{cell.id:08X}"', str(ACCESS[cell.technology])]
    return f"{name}: {','.join(fields)}"


def operator_line(serving: Serving, form: int) -> str:
    """`+COPS: <mode>[,<format>,"<operator>"[,<AcT>]]`: by name in format 0 and 1, by number in format 2."""
    if serving.plmn is None:
        return "+COPS: 0"
    name = serving.plmn.mcc + serving.plmn.mnc if form == 2 else _name(serving.plmn)
    access = f",{ACCESS[serving.cell.technology]}" if serving.cell is not None else ""
    return f'+COPS: 0,{form},"{name}"{access}'


def _name(plmn: Plmn) -> str:
    try:
        return find_operator(plmn).name.replace('"', "")
    except UnknownOperatorError:
        return str(plmn)

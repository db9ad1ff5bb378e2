"""Parsers of +CREG, +CEREG, +C5GREG (3GPP TS 27.007 clauses 7.2, 10.1.22, 10.1.47) and +COPS (7.3)."""

import re
from dataclasses import dataclass
from typing import Final

from agent.telephony.errors import MalformedAnswerError
from agent.telephony.results import split_fields
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Plmn

_STATES: Final = {
    0: Registration.NOT_REGISTERED,
    1: Registration.HOME,
    2: Registration.SEARCHING,
    3: Registration.DENIED,
    4: Registration.UNKNOWN,
    5: Registration.ROAMING,
    6: Registration.HOME,  # for SMS only
    7: Registration.ROAMING,  # for SMS only
    8: Registration.EMERGENCY_ONLY,
    9: Registration.HOME,  # CSFB not preferred
    10: Registration.ROAMING,  # CSFB not preferred
    11: Registration.EMERGENCY_ONLY,  # restricted local operator services
}

_TECHNOLOGIES: Final = {
    0: AccessTechnology.GSM,
    1: AccessTechnology.GSM,
    2: AccessTechnology.UMTS,
    3: AccessTechnology.GSM,
    4: AccessTechnology.UMTS,
    5: AccessTechnology.UMTS,
    6: AccessTechnology.UMTS,
    7: AccessTechnology.LTE,
    8: AccessTechnology.GSM,
    9: AccessTechnology.LTE,
    10: AccessTechnology.LTE,
    11: AccessTechnology.NR,
    12: AccessTechnology.NR,
    13: AccessTechnology.LTE,  # dual connectivity: the anchor is an LTE cell
}

REGISTERED: Final = frozenset({Registration.HOME, Registration.ROAMING})

_HEX: Final = re.compile(r"[0-9A-Fa-f]{1,9}")
_NUMBER: Final = re.compile(r"[0-9]{1,2}")
_PLMN: Final = re.compile(r"[0-9]{5,6}")


@dataclass(frozen=True, slots=True)
class NetworkState:
    """The response to a registration command."""

    registration: Registration
    cell: Cell | None = None


def parse_registration(content: str) -> NetworkState:
    """`<n>,<stat>[,<area>,<cell>,<AcT>…]`; area and cell are hexadecimal. Raises MalformedAnswerError.

    >>> parse_registration('2,5,"00C3","0001A2D1",7').cell.technology
    <AccessTechnology.LTE: 'lte'>
    """
    fields = split_fields(content)
    if len(fields) < 2 or not all(_NUMBER.fullmatch(field) for field in fields[:2]):
        raise MalformedAnswerError("no registration state")
    state = _STATES.get(int(fields[1]))
    if state is None:
        raise MalformedAnswerError("unknown registration state")
    if state not in REGISTERED or len(fields) < 5 or not all(fields[2:5]):
        return NetworkState(state)
    area, identity, number = fields[2:5]
    technology = _TECHNOLOGIES.get(int(number)) if _NUMBER.fullmatch(number) else None
    if technology is None or not _HEX.fullmatch(area) or len(area) > 6 or not _HEX.fullmatch(identity):
        raise MalformedAnswerError("cell information")
    return NetworkState(state, Cell(area=int(area, 16), id=int(identity, 16), technology=technology))


def parse_operator(content: str) -> Plmn | None:
    """`<mode>[,<format>,<oper>[,<AcT>]]` in numeric format; None without an operator. Raises MalformedAnswerError.

    >>> str(parse_operator('0,2,"36801",7'))
    '368-01'
    """
    fields = split_fields(content)
    if not _NUMBER.fullmatch(fields[0]):
        raise MalformedAnswerError("no selection mode")
    if len(fields) < 3:
        return None
    if fields[1] != "2" or not _PLMN.fullmatch(fields[2]):
        raise MalformedAnswerError("operator is not numeric")
    return Plmn(mcc=fields[2][:3], mnc=fields[2][3:])

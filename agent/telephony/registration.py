"""Parsers of +CREG, +CEREG, +C5GREG (3GPP TS 27.007 clauses 7.2, 10.1.22, 10.1.47) and +COPS (7.3)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.telephony.errors import FaultCode, MalformedError
from agent.telephony.results import in_plain_characters, split_fields
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

_ON_5G_CORE: Final = 10  # E-UTRA connected to a 5G core network: an LTE cell in a tracking area of 24 bits

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
    _ON_5G_CORE: AccessTechnology.LTE,
    11: AccessTechnology.NR,
    12: AccessTechnology.NR,
    13: AccessTechnology.LTE,  # dual connectivity: the anchor is an LTE cell
    14: AccessTechnology.LTE,  # satellite, NB-S1
    15: AccessTechnology.LTE,  # satellite, WB-S1
    16: AccessTechnology.NR,  # satellite
}

_WORDS: Final = {
    AccessTechnology.GSM: ("GSM", "GPRS", "EDGE", "EGPRS", "GERAN", "ECGSM", "2G"),
    AccessTechnology.UMTS: ("UMTS", "WCDMA", "UTRA", "TDSCDMA", "HSDPA", "HSUPA", "HSPA", "DCHSPA", "3G"),
    AccessTechnology.LTE: (
        *("LTE", "EUTRA", "FDDLTE", "TDDLTE", "EMTC", "CATM", "CATNB", "NBIOT", "4G"),
        *("NR5GNSA", "NRNSA", "ENDC", "5GNSA"),  # dual connectivity
    ),
    AccessTechnology.NR: ("NR", "5G", "NGRA", "FDDNR", "TDDNR"),
}
_BY_WORD: Final = {word: technology for technology, words in _WORDS.items() for word in words}
_WORD_LENGTHS: Final = sorted({len(word) for word in _BY_WORD}, reverse=True)
"""Makers write a technology as a word, also with more behind it: `E-UTRAN (NB-S1 mode)`, `TDD LTE`, `NR5G-SA`."""

REGISTERED: Final = frozenset({Registration.HOME, Registration.ROAMING})

_HEX: Final = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{1,16})[hH]?")
_NUMBER: Final = re.compile(r"[0-9]{1,3}")
_PLMN: Final = re.compile(r"([0-9]{3})[ -]?([0-9]{2,3})[fF]?")


@dataclass(frozen=True, slots=True)
class NetworkState:
    """The response to a registration command. `faults` says what it contains that is not used."""

    registration: Registration
    cell: Cell | None = None
    faults: tuple[FaultCode, ...] = ()


def parse_registration(content: str) -> NetworkState:
    """`<n>,<stat>[,<area>[,<rac>],<cell>,<AcT>…]`; area and cell are hexadecimal.

    A member of the cell that is not in a known form is absent. A state that is not listed is unknown. Raises
    MalformedError if there is no state.

    >>> parse_registration('2,5,"00C3","0001A2D1",7').cell.technology
    <AccessTechnology.LTE: 'lte'>
    """
    fields = split_fields(content)
    if len(fields) < 2 or not _NUMBER.fullmatch(fields[1]):
        raise MalformedError
    state = _STATES.get(int(fields[1]))
    if state is None:
        return NetworkState(Registration.UNKNOWN, faults=(FaultCode.STATE_UNKNOWN,))
    if state not in REGISTERED:
        return NetworkState(state)
    return _with_cell(state, fields[2:])


def _with_cell(state: Registration, fields: Sequence[str]) -> NetworkState:
    if _has_routing_area(fields):
        fields = [fields[0], *fields[2:]]
    area, identity, access = (*fields[:3], "", "", "")[:3]
    technology = _technology(access)
    wide = technology in (None, AccessTechnology.NR)
    five = wide or access.lstrip("0") == str(_ON_5G_CORE)
    cell = Cell(
        area=_bounded(area, 24 if five else 16),
        id=_bounded(identity, 36 if wide else 28),
        technology=technology,
    )
    unused = any(
        text and value is None
        for text, value in ((area, cell.area), (identity, cell.id), (access, technology))
    )
    faults = (FaultCode.ANSWER_MALFORMED,) if unused else ()
    return NetworkState(state, cell if cell != Cell() else None, faults)


def _has_routing_area(fields: Sequence[str]) -> bool:
    """Whether the form is `<area>,<rac>,<cell>,<AcT>` of early Release 8, with a routing area of 8 bits."""
    return (
        len(fields) >= 4
        and _technology(fields[2]) is None
        and _technology(fields[3]) is not None
        and _bounded(fields[1], 8) is not None
    )


def _technology(text: str) -> AccessTechnology | None:
    """`<AcT>` as a number or, from some modems, as a word: the longest known one with which it begins."""
    if _NUMBER.fullmatch(text):
        return _TECHNOLOGIES.get(int(text))
    word = re.sub(r"[^0-9A-Z]", "", text.upper())
    found = (_BY_WORD.get(word[:length]) for length in _WORD_LENGTHS)
    return next((technology for technology in found if technology is not None), None)


def _bounded(text: str, bits: int) -> int | None:
    """A hexadecimal number of at most `bits` bits, or None."""
    match = _HEX.fullmatch(text)
    value = int(match[1], 16) if match else None
    return value if value is not None and value < 1 << bits else None


def parse_operator(content: str) -> Plmn | None:
    """The PLMN in `<mode>[,<format>,<oper>[,<AcT>]]`; None without an operator.

    The number is used in whatever format the modem declares for it: some show the number of a network whose name they
    do not know. Raises MalformedError if the operator is given by name.

    >>> str(parse_operator('0,2,"36801",7'))
    '368-01'
    """
    fields = split_fields(content)
    operator = in_plain_characters(fields[2]) if len(fields) > 2 else ""
    if not operator:
        return None
    match = _PLMN.fullmatch(operator)
    if match is None:
        raise MalformedError(FaultCode.OPERATOR_NOT_NUMERIC)
    return Plmn(mcc=match[1], mnc=match[2]) if match[1] != "000" else None

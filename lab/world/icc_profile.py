"""SIM cards from ICC profiles in the XML format of the Cuttlefish modem simulator.

The master file (`MF`) nests `DF`, `ADF` and `EF`. An `EF` has an `id` and records of what the card answers: `SIMIO`
with `cmd`, `p1`, `p2`, `p3` in hexadecimal and, as text, SW1 and SW2 in decimal and the data in hexadecimal. `CCID`
and `CIMI` are what the modem reports from its cache. `PinProfile/PINSTATE` says whether the card is locked. All
else in the format (proactive commands, logical channels, passwords) does not concern the reading of a card.

The recorded answers are served verbatim. Where a card has the same identifier twice, the file of the USIM
application counts, as it does for a modem that has selected the application.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lab.world.sim import READ_BINARY, CardCommand, CardResponse, PinState, SimCard
from lab.world.xml_tree import Element, XmlError, parse_xml

PROFILE_MAX: Final = 1024 * 1024
"""Octets. The largest profile that is read."""

_PIN_STATES: Final = {
    "PINSTATE_UNKNOWN": PinState.READY,
    "PINSTATE_DISABLED": PinState.READY,
    "PINSTATE_ENABLED_VERIFIED": PinState.READY,
    "PINSTATE_ENABLED_NOT_VERIFIED": PinState.PIN_REQUIRED,
    "PINSTATE_ENABLED_BLOCKED": PinState.PUK_REQUIRED,
    "PINSTATE_ENABLED_PERM_BLOCKED": PinState.BLOCKED,
}
_RESPONSE: Final = re.compile(r"(\d{1,3}),(\d{1,3})(?:,((?:[0-9A-Fa-f]{2})*))?")
_HEX_ATTRIBUTE: Final = re.compile(r"[0-9A-Fa-f]{1,4}")
_CCID: Final = re.compile(r"[0-9]{18,20}[Ff]?")
_CIMI: Final = re.compile(r"[0-9]{6,15}")


class IccProfileError(Exception):
    """Not an ICC profile. `line` is the line of the fault in the file, from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"ICC profile, line {line}: {detail}")
        self.line = line
        self.detail = detail


def load_icc_profile(path: Path) -> SimCard:
    """The card that the file describes. Raises IccProfileError, and OSError where the file cannot be read."""
    with path.open("rb") as file:
        return parse_icc_profile(file.read(PROFILE_MAX + 1))


def parse_icc_profile(document: bytes) -> SimCard:
    """The card that the XML document describes. Raises IccProfileError."""
    if len(document) > PROFILE_MAX:
        raise IccProfileError(1, f"more than {PROFILE_MAX} octets")
    try:
        root = parse_xml(document)
    except XmlError as error:
        raise IccProfileError(error.line, error.detail) from error
    master = root.child("MF")
    if root.name != "IccProfile" or master is None:
        raise IccProfileError(root.line, "the root must be IccProfile and hold an MF")
    return _card(root, list(_files(master)))


def _card(root: Element, files: list[Element]) -> SimCard:
    responses: dict[CardCommand, CardResponse] = {}
    contents: dict[int, bytes] = {}
    for file in files:
        recorded = dict(_record(file, entry) for entry in file.children if entry.name == "SIMIO")
        responses.update(recorded)
        contents.update(_whole_contents(recorded))
    return SimCard(
        imsi=_cached(files, "CIMI", _CIMI),
        ccid=_cached(files, "CCID", _CCID),
        pin=_pin_state(root),
        files=MappingProxyType(contents),
        responses=MappingProxyType(responses),
    )


def _files(master: Element) -> Iterator[Element]:
    """Every EF; those of the USIM application last, so that they replace others with the same identifier."""
    applications = [child for child in master.children if child.name == "ADF"]
    usim = [child for child in applications if child.attributes.get("name") == "USIM"]
    for folder in [child for child in master.children if child not in usim] + usim:
        yield from folder.walk("EF")


def _record(file: Element, entry: Element) -> tuple[CardCommand, CardResponse]:
    command = CardCommand(
        instruction=_hexadecimal(entry, "cmd", 0xFF),
        file_id=_hexadecimal(file, "id", 0xFFFF),
        p1=_hexadecimal(entry, "p1", 0xFF),
        p2=_hexadecimal(entry, "p2", 0xFF),
        p3=_hexadecimal(entry, "p3", 0xFF),
    )
    match = _RESPONSE.fullmatch(entry.text.strip())
    if match is None or int(match[1]) > 0xFF or int(match[2]) > 0xFF:
        raise IccProfileError(entry.line, "SIMIO must hold SW1 and SW2 in decimal, then data in hexadecimal")
    return command, CardResponse(int(match[1]), int(match[2]), bytes.fromhex(match[3] or ""))


def _hexadecimal(element: Element, name: str, largest: int) -> int:
    text = element.attributes.get(name, "")
    if not _HEX_ATTRIBUTE.fullmatch(text) or int(text, 16) > largest:
        raise IccProfileError(
            element.line, f"{element.name} needs {name!r} in hexadecimal, at most {largest:X}"
        )
    return int(text, 16)


def _whole_contents(recorded: dict[CardCommand, CardResponse]) -> dict[int, bytes]:
    """What a read from the start shows of a transparent file: from it, reads of other lengths are answered."""
    return {
        command.file_id: response.data
        for command, response in sorted(recorded.items(), key=lambda item: item[0].p3)
        if command.instruction == READ_BINARY and not (command.p1 or command.p2) and response.sw1 == 0x90
    }


def _cached(files: list[Element], name: str, form: re.Pattern[str]) -> str:
    found = [child for file in files for child in file.children if child.name == name]
    if not found:
        return ""
    text = found[-1].text.strip()
    if not form.fullmatch(text):
        raise IccProfileError(found[-1].line, f"{name} is not a number of that kind")
    return text


def _pin_state(root: Element) -> PinState:
    profile = root.child("PinProfile")
    element = profile.child("PINSTATE") if profile is not None else None
    if element is None:
        return PinState.READY
    state = _PIN_STATES.get(element.text.strip())
    if state is None:
        raise IccProfileError(element.line, "PINSTATE must be one of " + ", ".join(_PIN_STATES))
    return state

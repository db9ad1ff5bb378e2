"""SIM cards from ICC profiles in the XML format of the Cuttlefish modem simulator.

The master file (`MF`) nests `DF`, `ADF` and `EF`. An `EF` has an `id` and the recorded responses of the card: `SIMIO`
with `cmd`, `p1`, `p2`, `p3` in hexadecimal and, as text, SW1 and SW2 in decimal and the data in hexadecimal. `CCID`
and `CIMI` are the values that the modem reports from its cache. `PinProfile/PINSTATE` says whether the card is locked.
Everything else in the format (proactive commands, logical channels, passwords) is ignored.

The recorded responses are returned unchanged. If a card has the same file identifier twice, the file of the USIM
application is used, as by a modem that has selected the application. Document types, and so entities, are rejected.
"""

import re
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from lab.world.sim import READ_BINARY, CardCommand, CardResponse, PinState, SimCard

PROFILE_MAX: Final = 1024 * 1024
"""Bytes."""

_DEPTH_MAX: Final = 32
_ELEMENTS_MAX: Final = 20_000

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
    """Not an ICC profile. `line` is the line of the error in the file, from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"ICC profile, line {line}: {detail}")
        self.line = line
        self.detail = detail

    @classmethod
    def at(cls, element: Element, detail: str) -> Self:
        """The error at an element of the document."""
        return cls(vars(element)["line"], detail)


class _Element(Element):
    """An element, and its line from 1."""

    line = 0


class _ElementReader:
    """Handlers of an expat parser that builds a tree of `_Element`."""

    def __init__(self) -> None:
        self._builder = TreeBuilder(element_factory=_Element)
        self._depth = self._count = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._builder.data

    def parse(self, document: bytes) -> Element:
        """The root element. Raises IccProfileError."""
        try:
            self._parser.Parse(document, True)  # noqa: FBT003 - expat takes the flag by position only
        except expat.ExpatError as error:
            raise IccProfileError(error.lineno, expat.ErrorString(error.code)) from error
        except (ValueError, LookupError) as error:
            raise IccProfileError(1, "an encoding that is not supported") from error
        return self._builder.close()

    def _refuse_doctype(self, *_: object) -> None:
        raise IccProfileError(self._parser.CurrentLineNumber, "a document type or entity is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth, self._count = self._depth + 1, self._count + 1
        element = self._builder.start(name, attributes)
        vars(element)["line"] = self._parser.CurrentLineNumber
        if self._depth > _DEPTH_MAX:
            raise IccProfileError.at(element, f"nested more than {_DEPTH_MAX} deep")
        if self._count > _ELEMENTS_MAX:
            raise IccProfileError.at(element, f"more than {_ELEMENTS_MAX} elements")

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(name)


def load_icc_profile(path: Path) -> SimCard:
    """The card that the file describes. Raises IccProfileError, or OSError if the file cannot be read."""
    with path.open("rb") as file:
        return parse_icc_profile(file.read(PROFILE_MAX + 1))


def parse_icc_profile(document: bytes) -> SimCard:
    """The card that the XML document describes. Raises IccProfileError."""
    if len(document) > PROFILE_MAX:
        raise IccProfileError(1, f"more than {PROFILE_MAX} bytes")
    root = _ElementReader().parse(document)
    master = root.find("MF")
    if root.tag != "IccProfile" or master is None:
        raise IccProfileError.at(root, "the root must be IccProfile and hold an MF")
    # Those of the USIM application are last, because they replace others with the same identifier.
    folders = sorted(master, key=lambda folder: folder.tag == "ADF" and folder.get("name") == "USIM")
    files = [file for folder in folders for file in folder.iter("EF")]
    responses: dict[CardCommand, CardResponse] = {}
    contents: dict[int, bytes] = {}
    for file in files:
        recorded = dict(_record(file, entry) for entry in file.findall("SIMIO"))
        responses.update(recorded)
        # A read from the start shows the content of a transparent file; reads of other lengths are answered from it.
        contents.update(
            (command.file_id, response.data)
            for command, response in sorted(recorded.items(), key=lambda item: item[0].p3)
            if command.instruction == READ_BINARY and not (command.p1 or command.p2) and response.sw1 == 0x90
        )
    return SimCard(
        imsi=_cached(files, "CIMI", _CIMI),
        ccid=_cached(files, "CCID", _CCID),
        pin=_pin_state(root),
        files=MappingProxyType(contents),
        responses=MappingProxyType(responses),
    )


def _record(file: Element, entry: Element) -> tuple[CardCommand, CardResponse]:
    command = CardCommand(
        instruction=_hexadecimal(entry, "cmd", 0xFF),
        file_id=_hexadecimal(file, "id", 0xFFFF),
        p1=_hexadecimal(entry, "p1", 0xFF),
        p2=_hexadecimal(entry, "p2", 0xFF),
        p3=_hexadecimal(entry, "p3", 0xFF),
    )
    match = _RESPONSE.fullmatch((entry.text or "").strip())
    if match is None or int(match[1]) > 0xFF or int(match[2]) > 0xFF:
        raise IccProfileError.at(entry, "SIMIO must hold SW1 and SW2 in decimal, then data in hexadecimal")
    return command, CardResponse(int(match[1]), int(match[2]), bytes.fromhex(match[3] or ""))


def _hexadecimal(element: Element, name: str, largest: int) -> int:
    text = element.get(name, "")
    if not _HEX_ATTRIBUTE.fullmatch(text) or int(text, 16) > largest:
        raise IccProfileError.at(element, f"{element.tag} needs {name!r} in hexadecimal, at most {largest:X}")
    return int(text, 16)


def _cached(files: list[Element], name: str, form: re.Pattern[str]) -> str:
    found = [child for file in files for child in file.findall(name)]
    if not found:
        return ""
    text = (found[-1].text or "").strip()
    if not form.fullmatch(text):
        raise IccProfileError.at(found[-1], f"{name} is not a number of that kind")
    return text


def _pin_state(root: Element) -> PinState:
    element = root.find("PinProfile/PINSTATE")
    if element is None:
        return PinState.READY
    state = _PIN_STATES.get((element.text or "").strip())
    if state is None:
        raise IccProfileError.at(element, "PINSTATE must be one of " + ", ".join(_PIN_STATES))
    return state

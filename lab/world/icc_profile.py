"""SIM cards from ICC profiles in the XML format of the Cuttlefish modem simulator.

The master file (`MF`) nests `DF`, `ADF` and `EF`. An `EF` has an `id` and the recorded responses of the card: `SIMIO`
with `cmd`, `p1`, `p2`, `p3` in hexadecimal and, as text, SW1 and SW2 in decimal and the data in hexadecimal. `CCID`
and `CIMI` are the values that the modem reports from its cache. `PinProfile/PINSTATE` says whether the card is locked.
Everything else in the format (proactive commands, logical channels, passwords) is ignored.

The recorded responses are returned unchanged. If a card has the same file identifier twice, the file of the USIM
application is used, as by a modem that has selected the application. Document types, and so entities, are rejected.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final
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


@dataclass(eq=False, slots=True)
class XmlElement:
    """An element of the document. `texts` are the pieces between its children, `line` counts from 1."""

    name: str
    attributes: dict[str, str]
    line: int
    children: list["XmlElement"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of this element."""
        return "".join(self.texts)

    def child(self, name: str) -> "XmlElement | None":
        """The first child called `name`."""
        return next((child for child in self.children if child.name == name), None)

    def walk(self, name: str) -> Iterator["XmlElement"]:
        """This element and its descendants that are called `name`, in document order."""
        if self.name == name:
            yield self
        for child in self.children:
            yield from child.walk(name)


class _TreeBuilder:
    """Handlers of an expat parser that build a tree under `top`."""

    def __init__(self) -> None:
        self.top = XmlElement("", {}, 0)
        self._open = [self.top]
        self._count = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def parse(self, document: bytes) -> XmlElement:
        """The root element. Raises IccProfileError."""
        try:
            self._parser.Parse(document, True)  # noqa: FBT003 - expat takes the flag by position only
        except expat.ExpatError as error:
            raise IccProfileError(error.lineno, expat.ErrorString(error.code)) from error
        except (ValueError, LookupError) as error:
            raise IccProfileError(1, "an encoding that is not supported") from error
        return self.top.children[0]

    def _refuse_doctype(self, *_: object) -> None:
        raise IccProfileError(self._parser.CurrentLineNumber, "a document type or entity is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > _DEPTH_MAX:
            raise IccProfileError(self._parser.CurrentLineNumber, f"nested more than {_DEPTH_MAX} deep")
        self._count += 1
        if self._count > _ELEMENTS_MAX:
            raise IccProfileError(self._parser.CurrentLineNumber, f"more than {_ELEMENTS_MAX} elements")
        element = XmlElement(name, attributes, self._parser.CurrentLineNumber)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].texts.append(text)


def load_icc_profile(path: Path) -> SimCard:
    """The card that the file describes. Raises IccProfileError, or OSError if the file cannot be read."""
    with path.open("rb") as file:
        return parse_icc_profile(file.read(PROFILE_MAX + 1))


def parse_icc_profile(document: bytes) -> SimCard:
    """The card that the XML document describes. Raises IccProfileError."""
    if len(document) > PROFILE_MAX:
        raise IccProfileError(1, f"more than {PROFILE_MAX} bytes")
    root = _TreeBuilder().parse(document)
    master = root.child("MF")
    if root.name != "IccProfile" or master is None:
        raise IccProfileError(root.line, "the root must be IccProfile and hold an MF")
    files = _files(master)
    responses: dict[CardCommand, CardResponse] = {}
    contents: dict[int, bytes] = {}
    for file in files:
        recorded = dict(_record(file, entry) for entry in file.children if entry.name == "SIMIO")
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


def _files(master: XmlElement) -> list[XmlElement]:
    """Every EF; those of the USIM application last, because they replace others with the same identifier."""
    folders = sorted(master.children, key=_is_usim)
    return [file for folder in folders for file in folder.walk("EF")]


def _is_usim(folder: XmlElement) -> bool:
    return folder.name == "ADF" and folder.attributes.get("name") == "USIM"


def _record(file: XmlElement, entry: XmlElement) -> tuple[CardCommand, CardResponse]:
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


def _hexadecimal(element: XmlElement, name: str, largest: int) -> int:
    text = element.attributes.get(name, "")
    if not _HEX_ATTRIBUTE.fullmatch(text) or int(text, 16) > largest:
        raise IccProfileError(
            element.line, f"{element.name} needs {name!r} in hexadecimal, at most {largest:X}"
        )
    return int(text, 16)


def _cached(files: list[XmlElement], name: str, form: re.Pattern[str]) -> str:
    found = [child for file in files for child in file.children if child.name == name]
    if not found:
        return ""
    text = found[-1].text.strip()
    if not form.fullmatch(text):
        raise IccProfileError(found[-1].line, f"{name} is not a number of that kind")
    return text


def _pin_state(root: XmlElement) -> PinState:
    profile = root.child("PinProfile")
    element = profile.child("PINSTATE") if profile is not None else None
    if element is None:
        return PinState.READY
    state = _PIN_STATES.get(element.text.strip())
    if state is None:
        raise IccProfileError(element.line, "PINSTATE must be one of " + ", ".join(_PIN_STATES))
    return state

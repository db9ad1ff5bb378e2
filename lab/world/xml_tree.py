"""XML into a small tree with line numbers. Document types, and with them entities, are refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

DEPTH_MAX: Final = 32


class XmlError(Exception):
    """Not well-formed, or not allowed. `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"line {line}: {detail}")
        self.line = line
        self.detail = detail


@dataclass(eq=False, slots=True)
class Element:
    """An element: its text without that of its children."""

    name: str
    attributes: dict[str, str]
    line: int
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def child(self, name: str) -> "Element | None":
        """The first child called `name`."""
        return next((child for child in self.children if child.name == name), None)

    def walk(self, name: str) -> Iterator["Element"]:
        """This element and those below it that are called `name`, in document order."""
        if self.name == name:
            yield self
        for child in self.children:
            yield from child.walk(name)


class _Builder:
    def __init__(self) -> None:
        self.top = Element("", {}, 0)
        self._open = [self.top]
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def parse(self, document: bytes) -> Element:
        try:
            self._parser.Parse(document, True)  # noqa: FBT003 - expat takes the flag by position only
        except expat.ExpatError as error:
            raise XmlError(error.lineno, expat.ErrorString(error.code)) from error
        except (ValueError, LookupError) as error:
            raise XmlError(1, "an encoding that is not understood") from error
        return self.top.children[0]

    def _refuse_doctype(self, *_: object) -> None:
        raise XmlError(self._parser.CurrentLineNumber, "a document type or entity is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > DEPTH_MAX:
            raise XmlError(self._parser.CurrentLineNumber, f"nested more than {DEPTH_MAX} deep")
        element = Element(name, attributes, self._parser.CurrentLineNumber)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].text += text


def parse_xml(document: bytes) -> Element:
    """The root element. Raises XmlError."""
    return _Builder().parse(document)

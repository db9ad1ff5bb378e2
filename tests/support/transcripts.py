"""A modem that answers by a transcript, and the forms of answers of real modems in `forms.toml` of the reader's tests.

It shares no code with the emulated modem of the lab or with the reader. Its time passes only in empty reads.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

Answer = str | Sequence[str] | Sequence[Sequence[str]]
"""Raw text; or lines, each framed by CR and LF; or one list of lines for each asking, the last one repeated."""

BASE: Final[Mapping[str, Answer]] = {
    "AT": ["OK"],
    "ATE0V1": ["OK"],
    "AT+CMEE=1": ["OK"],
    "AT+CMEE?": ["+CMEE: 1", "OK"],
    "AT+CSQ": ["+CSQ: 21,99", "OK"],
    "AT+CGSN=1": ['+CGSN: "356938035643809"', "OK"],
    "AT+CGSN": ["356938035643809", "OK"],
    "AT+CPIN?": ["+CPIN: READY", "OK"],
    "AT+CIMI": ["262011234567890", "OK"],
    "AT+C5GREG=2": ["OK"],
    "AT+C5GREG?": ["+C5GREG: 2,0", "OK"],
    "AT+CEREG=2": ["OK"],
    "AT+CEREG?": ['+CEREG: 2,1,"1A2B","0012C01F",7', "OK"],
    "AT+CREG=2": ["OK"],
    "AT+CREG?": ['+CREG: 2,1,"1A2B","0012C01F",7', "OK"],
    "AT+COPS=3,2": ["OK"],
    "AT+COPS?": ['+COPS: 0,2,"26201",7', "OK"],
}
"""What the modem answers if a form does not say otherwise. Any other command is refused."""

FILES: Final = {
    "2FE2": "989410325476981032F4",
    "6F07": "082926102143658709",
    "6FAD": "00000002",
    "6F46": "014E65747AFFFFFFFFFFFFFFFFFFFFFFFF",
    "6F3E": "AB12FFFF",
}

READING: Final[Mapping[str, Any]] = {
    "imeis.0": "356938035643809",
    "sims.0.slot": 0,
    "sims.0.status": "ready",
    "sims.0.mcc": "262",
    "sims.0.mnc": "01",
    "sims.0.mnc_length": 2,
    "sims.0.iccid": "8949012345678901234",
    "sims.0.spn": "Netz",
    "sims.0.gid1": "AB12",
    "serving.registration": "home",
    "serving.plmn.mcc": "262",
    "serving.plmn.mnc": "01",
    "serving.cell.area": 0x1A2B,
    "serving.cell.id": 0x12C01F,
    "serving.cell.technology": "lte",
}
"""The reading of this modem, by dotted paths."""


@dataclass(frozen=True, slots=True)
class Card:
    """How a card answers +CRSM.

    `parameters`: `fcp` is a template whose size is behind byte 15, `fci` the same with tag 6F, `classic` the layout of
    a GSM SIM; `exact`, `announced` and `announced-gsm` answer another length than that of the template by 6Cxx, 61xx
    and 9Fxx, `wrong` by 6700, `broken` always by 6F00, and `refused` by ERROR. `binary`: what a read answers that asks
    for more than there is: `exact` 6Cxx, `gsm` 67xx, `wrong` 6700, `end` the bytes and 6282, `short` the bytes. `most`
    is the most bytes of one answer, and with `all` false a length of 0 is an error.
    """

    parameters: str = "fcp"
    binary: str = "exact"
    most: int = 256
    all: bool = True


class TranscriptModem:
    """The `Modem` port. `answers` replace those of `BASE`, `files` those of `FILES`; an empty one is absent."""

    def __init__(
        self,
        answers: Mapping[str, Answer] | None = None,
        files: Mapping[str, str] | None = None,
        card: Card | None = None,
    ) -> None:
        self._answers = [(_pattern(key), _pieces(answer)) for key, answer in (answers or {}).items()]
        self._files = {int(key, 16): content for key, content in {**FILES, **(files or {})}.items()}
        self._card = card or Card()
        self._output = b""
        self._line = b""
        self.commands: list[str] = []
        self.waited = 0.0

    def write(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\r")
        for line in lines:
            self.commands.append(line.decode())
            self._output += self._answer(line.decode())

    def read(self, timeout: float) -> bytes:
        data, self._output = self._output, b""
        self.waited += 0.0 if data else timeout
        return data

    def _answer(self, command: str) -> bytes:
        for pattern, pieces in self._answers:
            if pattern.fullmatch(command):
                return pieces.pop(0) if len(pieces) > 1 else pieces[0]
        if access := re.fullmatch(r"AT\+CRSM=(\d+),(\d+),(\d+),(\d+),(\d+)", command):
            return self._restricted_access(*map(int, access.groups()))
        return _pieces(BASE.get(command, ["ERROR"]))[0]

    def _restricted_access(self, instruction: int, file_id: int, p1: int, p2: int, p3: int) -> bytes:
        hexadecimal = self._files.get(file_id)
        if not hexadecimal:
            return _status(0x6A, 0x82)
        content = bytes.fromhex(hexadecimal)
        if instruction == 192:
            return self._parameters(file_id, len(content), p3)
        return self._binary(content[p1 << 8 | p2 :], p3) if instruction == 176 else _status(0x6D, 0)

    def _parameters(self, file_id: int, size: int, p3: int) -> bytes:
        kind = self._card.parameters
        if kind == "refused":
            return _pieces(["ERROR"])[0]
        if kind == "broken":
            return _status(0x6F, 0)
        if kind == "classic":
            layout = bytes(2) + size.to_bytes(2) + file_id.to_bytes(2) + bytes.fromhex("040011FFFF01020000")
            return _status(0x90, 0, layout[: p3 or 256])
        inner = bytes.fromhex("82024121A506C00100CA01808A01058B036F06028302") + file_id.to_bytes(2)
        inner += b"\x80\x02" + size.to_bytes(2) + b"\x88\x00"
        whole = (b"\x6f" if kind == "fci" else b"\x62") + bytes([len(inner)]) + inner
        refusal = {
            "exact": (0x6C, len(whole)),
            "announced": (0x61, len(whole)),
            "announced-gsm": (0x9F, len(whole)),
        }
        if kind in refusal and p3 != len(whole):
            return _status(*refusal[kind])
        if kind == "wrong" and p3 not in (0, len(whole)):
            return _status(0x67, 0)
        return _status(0x90, 0, whole[: p3 or 256])

    def _binary(self, rest: bytes, p3: int) -> bytes:
        card = self._card
        if not rest:
            return _status(0x6B, 0)
        if p3 == 0 and not card.all:
            return _pieces(["+CME ERROR: 50"])[0]
        refusals = {"exact": (0x6C, len(rest)), "gsm": (0x67, len(rest)), "wrong": (0x67, 0)}
        if p3 > len(rest) and card.binary in refusals:
            return _status(*refusals[card.binary])
        ended = p3 > len(rest) and card.binary == "end"
        return _status(*((0x62, 0x82) if ended else (0x90, 0)), rest[: min(p3 or 256, card.most)])


class TimedTranscriptModem(TranscriptModem):
    """A transcript whose line also knows the time."""

    def elapsed(self) -> float:
        return self.waited


def _status(sw1: int, sw2: int, data: bytes = b"") -> bytes:
    response = f',"{data.hex().upper()}"' if data else ""
    return _pieces([f"+CRSM: {sw1},{sw2}{response}", "OK"])[0]


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile(re.escape(key).replace(r"\*", ".*"))


def _pieces(answer: Answer) -> list[bytes]:
    if isinstance(answer, str):
        return [answer.encode("latin-1")]
    lists = [answer] if not answer or isinstance(answer[0], str) else answer
    return ["".join(f"\r\n{line}\r\n" for line in lines).encode("latin-1") for lines in lists]


@dataclass(frozen=True, slots=True)
class Form:
    """One form of an answer, and what the reading is then: `READING` with `expect`, and without `absent` paths.

    `source` is the clause, the maker's manual or the public report that it rests on. `faults` are pairs of code and
    source, in any order. `unused` are values that it states too, but that are not in the reading.
    """

    name: str
    source: str
    answers: Mapping[str, Answer] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    absent: Sequence[str] = ()
    faults: Sequence[str] = ()
    unused: Mapping[str, Any] = field(default_factory=dict)

    def modem(self, kind: Callable[..., TranscriptModem] = TranscriptModem) -> TranscriptModem:
        return kind(self.answers, self.files, Card(**self.card))

    def reading(self) -> dict[str, Any]:
        whole = {**READING, **self.expect}
        return {path: whole[path] for path in whole if not _is_below(path, self.absent)}


def _is_below(path: str, parents: Sequence[str]) -> bool:
    return any(path == parent or path.startswith(f"{parent}.") for parent in parents)


def load_forms(path: Path) -> tuple[Form, ...]:
    """The forms in a TOML file, in its order."""
    tables = tomllib.loads(path.read_text("utf-8"))
    return tuple(Form(name=name, **table) for name, table in tables.items())


def flatten(value: object, path: str = "") -> dict[str, Any]:
    """The leaves of nested mappings and lists, by dotted paths."""
    if isinstance(value, Mapping):
        pairs = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        pairs = [(str(index), item) for index, item in enumerate(value)]
    else:
        return {path: value}
    leaves: dict[str, Any] = {}
    for key, item in pairs:
        leaves |= flatten(item, f"{path}.{key}" if path else key)
    return leaves

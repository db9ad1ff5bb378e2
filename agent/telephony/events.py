"""What the dialogue makes of the octets that it is fed."""

from dataclasses import dataclass

from agent.telephony.errors import TelephonyCode
from agent.telephony.results import FinalResult


@dataclass(frozen=True, slots=True)
class Information:
    """A line that the pending command asked for, without its prefix."""

    content: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The pending command has ended."""

    result: FinalResult


@dataclass(frozen=True, slots=True)
class Unsolicited:
    """A result code that nobody asked for."""

    line: str


@dataclass(frozen=True, slots=True)
class Stray:
    """Noise, or what is left of an answer that came too late. Its content is not kept."""

    octets: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The modem broke a bound: the line cannot be trusted any more."""

    code: TelephonyCode


Event = Information | Ended | Unsolicited | Stray | Broken


@dataclass(frozen=True, slots=True)
class DialogueBounds:
    """Octets of one line; octets and lines that may come while one command is pending."""

    line: int = 1024
    answer: int = 8192
    lines: int = 64

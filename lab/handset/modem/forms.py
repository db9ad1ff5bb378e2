"""Forms of a modem's answers: what makers spell differently, one model for each kind, and dialects made of them.

The defaults are the forms of the standards. A form names its source, so that each value can be checked. Answers are
templates for `str.format`; the placeholders of each are in the docstring of its model.
"""

from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from lab.handset.modem.dialects import dialect_names, dialect_tables
from text_input.suggestions import suggestion
from wire.codes import AccessTechnology

Frame = tuple[str, str]


class AnswerForm(BaseModel):
    """Base of the forms. `source` is a manual with its section, or a public report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=12)] = "3GPP TS 27.007, ITU-T V.250"


class EchoForm(AnswerForm):
    """ATE and ATV (ITU-T V.250 clauses 6.2.4 and 6.2.6): the echo after power-up, and whether the modem knows them."""

    on: bool = True
    settable: bool = True


class LineForm(AnswerForm):
    """The bytes before and after a line of information and a final result (V.250 clause 5.7.1)."""

    information: Frame = ("\r\n", "\r\n")
    result: Frame = ("\r\n", "\r\n")


class IdentityForm(AnswerForm):
    """The commands that give the IMEI: `imei` (15 digits), `body` (14 without check digit), `imeisv` (16)."""

    answers: dict[str, str] = {"+CGSN": "{imei}", "+CGSN=1": '+CGSN: "{imei}"'}


class PinForm(AnswerForm):
    """The answer to AT+CPIN? with `code`, the code instead of an error where no card is inserted, and whether a final
    result follows the answer."""

    answer: str = "+CPIN: {code}"
    absent: str | None = None
    final: bool = True


class SubscriberForm(AnswerForm):
    """The commands that give the `imsi`."""

    answers: dict[str, str] = {"+CIMI": "{imsi}"}


class CardNumberForm(AnswerForm):
    """The commands that give the `iccid`, or `padded` with F to 20 digits."""

    answers: dict[str, str] = {"+CCID": "+CCID: {iccid}"}


class ReportTime(StrEnum):
    """When a modem reports the registration because reports were turned on."""

    NEVER = "never"
    BEFORE_RESULT = "before-result"
    AFTER_RESULT = "after-result"


class RegistrationForm(AnswerForm):
    """+CREG, +CEREG and +C5GREG: `mode`, `stat`, `area`, `cell` (numbers) and `act`.

    `located` has the answer of each command that the modem knows, where the mode asks for a cell and there is one;
    `unlocated` is the answer without a cell where the mode asks for it. Reports are the same without `{mode},`.
    `largest_mode` is the largest mode that it accepts. `access` has other numbers for `act` than the usual ones.
    `sms_only`: +CREG states "SMS only" on LTE and NR. `every_core`: a command also reports the registration on other
    core networks.
    """

    located: dict[str, str] = {
        "+CREG": '{mode},{stat},"{area:04X}","{cell:08X}",{act}',
        "+CEREG": '{mode},{stat},"{area:04X}","{cell:08X}",{act}',
        "+C5GREG": '{mode},{stat},"{area:06X}","{cell:010X}",{act}',
    }
    unlocated: str = "{mode},{stat}"
    largest_mode: int = 2
    access: dict[AccessTechnology, int] = {}
    sms_only: bool = False
    every_core: bool = False
    reports_when_set: ReportTime = ReportTime.NEVER


class OperatorForm(AnswerForm):
    """+COPS: `format`, `operator` (name or number), `act`. `formats` are those that AT+COPS=3 accepts, the first one
    after power-up. `ucs2`: names are in UCS2, in hexadecimal."""

    registered: str = '+COPS: 0,{format},"{operator}",{act}'
    unregistered: str = "+COPS: 0"
    formats: tuple[int, ...] = (0, 1, 2)
    ucs2: bool = False


class FileReading(StrEnum):
    """What READ BINARY by +CRSM does with a length P3 that is not that of the rest of the file."""

    HONOURED = "honoured"
    """So many bytes, or 6Cxx if the file is shorter."""
    IGNORED = "ignored"
    """The whole file from the offset on."""
    EXACT = "exact"
    """6Cxx with the length of the rest, whether P3 is smaller or larger."""


class ParameterReading(StrEnum):
    """What GET RESPONSE by +CRSM gives."""

    GIVEN = "given"
    """The control parameters, whatever the length asked for."""
    PENDING = "pending"
    """The control parameters with status 61xx."""
    EXACT = "exact"
    """6700 if the length asked for is not the length of the control parameters."""
    REFUSED = "refused"
    """The final result for a command that is not supported."""


class FileForm(AnswerForm):
    """The answer to +CRSM: `sw1`, `sw2`, `data`; `empty` is the one without data."""

    answer: str = '+CRSM: {sw1},{sw2},"{data}"'
    empty: str = "+CRSM: {sw1},{sw2}"
    lower_case: bool = False
    reading: FileReading = FileReading.HONOURED
    parameters: ParameterReading = ParameterReading.GIVEN


class SlotForm(AnswerForm):
    """The command that selects a card slot, the number of the first slot, and the answer to its read form: `number`,
    and `position` from 1. Empty where only the first slot can be used."""

    command: str = "+CSUS"
    first: int = 0
    answer: str = "+CSUS: {number}"


class ErrorForm(AnswerForm):
    """Final results instead of `+CME ERROR`, by its number; texts of verbose errors, by number; and the AT+CMEE mode
    that holds whatever is set."""

    results: dict[int, str] = {}
    texts: dict[int, str] = {}
    mode: Annotated[int, Field(ge=0, le=2)] | None = None


class EuiccForm(AnswerForm):
    """An eUICC without an enabled profile: the number of the error of every command, and the code of AT+CPIN? instead
    of the error."""

    source: Annotated[str, Field(min_length=12)] = (
        "3GPP TS 27.007 clause 9.2.1; devzone.nordicsemi.com/f/nordic-q-a/121365 (nRF9151): +CME ERROR: 13"
    )
    error: Literal[10, 13, 15, 22] = 13
    code: str | None = None


class UnsolicitedForm(AnswerForm):
    """Lines that the modem sends between the lines of its answers."""

    lines: tuple[str, ...] = ()


class StartForm(AnswerForm):
    """The start. Input is dropped for `unresponsive` seconds; then `lines` are sent, and `ready_lines` if the card is
    ready. For `sim` seconds after power-up the card is busy, and AT+CPIN? gives `sim_code` if it is set."""

    lines: tuple[str, ...] = ()
    ready_lines: tuple[str, ...] = ()
    unresponsive: float = 0.0
    sim: float = 0.0
    sim_code: str | None = None


class DialectForms(BaseModel):
    """One form of each kind. They are independent of each other, so that tests can mix them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    echo: EchoForm = EchoForm()
    line: LineForm = LineForm()
    identity: IdentityForm = IdentityForm()
    pin: PinForm = PinForm()
    subscriber: SubscriberForm = SubscriberForm()
    card_number: CardNumberForm = CardNumberForm()
    registration: RegistrationForm = RegistrationForm()
    operator: OperatorForm = OperatorForm()
    file: FileForm = FileForm()
    slot: SlotForm = SlotForm()
    error: ErrorForm = ErrorForm()
    euicc: EuiccForm = EuiccForm()
    unsolicited: UnsolicitedForm = UnsolicitedForm()
    start: StartForm = StartForm()


class Dialect(DialectForms):
    """The forms of one maker. `models` are those that the sources describe."""

    maker: str
    models: str


STANDARD: Final = DialectForms()
"""The forms of the standards."""


class UnknownDialectError(ValueError):
    """No dialect has this name. The message suggests the nearest names."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no modem dialect is called {name!r}; {suggestion(name, dialect_names())}")


@lru_cache(maxsize=32)
def find_dialect(name: str) -> Dialect:
    """The shipped dialect called `name`. Raises UnknownDialectError."""
    if name not in dialect_names():
        raise UnknownDialectError(name)
    return Dialect.model_validate(dialect_tables()[name])

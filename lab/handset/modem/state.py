"""State and configuration of an emulated modem, its faults, and the errors that it reports (3GPP TS 27.007, 9.2)."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from lab.handset.modem.forms import STANDARD, DialectForms
from lab.world.sim import SimCard
from wire.codes import Registration
from wire.evidence import Serving

OFF_AIR = Serving(registration=Registration.NOT_REGISTERED)


class CmeCode(IntEnum):
    """`<err>` of +CME ERROR."""

    NOT_SUPPORTED = 4
    SIM_NOT_INSERTED = 10
    SIM_PIN_REQUIRED = 11
    SIM_PUK_REQUIRED = 12
    SIM_FAILURE = 13
    SIM_BUSY = 14
    SIM_WRONG = 15
    NOT_FOUND = 22
    INCORRECT_PARAMETERS = 50


TEXTS: Final = {
    CmeCode.NOT_SUPPORTED: "operation not supported",
    CmeCode.SIM_NOT_INSERTED: "SIM not inserted",
    CmeCode.SIM_PIN_REQUIRED: "SIM PIN required",
    CmeCode.SIM_PUK_REQUIRED: "SIM PUK required",
    CmeCode.SIM_FAILURE: "SIM failure",
    CmeCode.SIM_BUSY: "SIM busy",
    CmeCode.SIM_WRONG: "SIM wrong",
    CmeCode.NOT_FOUND: "not found",
    CmeCode.INCORRECT_PARAMETERS: "Incorrect parameters",
}


class RefusedError(Exception):
    """The modem rejects a command."""

    def __init__(self, code: CmeCode) -> None:
        super().__init__(TEXTS[code])
        self.code = code


@dataclass(frozen=True, slots=True)
class ModemConfig:
    """The hardware: one IMEI for each slot, or one for all; the cards in the slots; the network of the registration."""

    imeis: tuple[str, ...]
    slots: tuple[SimCard | None, ...]
    serving: Serving = OFF_AIR


@dataclass(frozen=True, slots=True)
class ModemOptions:
    """Behaviour of the modem that the standard allows, and the forms of its dialect.

    `echo` and `error_mode` (AT+CMEE) are the values after power-up. `unsolicited` are result codes that it sends
    between the lines of its responses, in addition to those of its dialect, in each gap with probability `chatter`.
    One read returns at most `chunk` bytes, all if it is 0; sizes, gaps and codes are drawn from `seed`. `newer_cores`
    states whether it supports +CEREG and +C5GREG.
    """

    echo: bool = True
    error_mode: int = 0
    unsolicited: tuple[str, ...] = ()
    chatter: float = 0.5
    chunk: int = 0
    seed: int = 0
    newer_cores: bool = True
    forms: DialectForms = STANDARD


@dataclass(frozen=True, slots=True)
class ModemFaults:
    """Faults of the modem.

    `silent`: it sends no response. `dies_after`: the line fails after so many bytes of output. `sim_busy`: so many SIM
    commands get the response "SIM busy". `delays`: for pairs (n, reads), the response to the n-th command line, from 0,
    comes after so many empty reads. `ignored`: command lines that begin with one of these get no response.
    """

    silent: bool = False
    dies_after: int | None = None
    sim_busy: int = 0
    delays: tuple[tuple[int, int], ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(slots=True)
class ModemState:
    """The state that commands read and change. `elapsed` is the time since power-up in seconds.

    `sim_from` is the time at which a card was started last. `late_reports` are the unsolicited lines to send after the
    response.
    """

    imeis: tuple[str, ...]
    slots: list[SimCard | None]
    serving: Serving
    echo: bool
    error_mode: int
    newer_cores: bool
    sim_busy: int
    forms: DialectForms
    elapsed: float = 0.0
    sim_from: float = 0.0
    selected: int = 0
    worded: bool = True
    operator_format: int = 0
    reports: dict[str, int] = field(default_factory=dict)
    late_reports: list[str] = field(default_factory=list)

    @property
    def card(self) -> SimCard | None:
        """The card in the selected slot."""
        return self.slots[self.selected]

    @property
    def imei(self) -> str:
        """The IMEI of the selected slot, or the only one."""
        return self.imeis[min(self.selected, len(self.imeis) - 1)]

    @property
    def sim_starts(self) -> bool:
        """Whether the card is not ready yet because the modem was switched on, or the card was changed."""
        return self.elapsed - self.sim_from < self.forms.start.sim


def power_up(config: ModemConfig, options: ModemOptions, faults: ModemFaults) -> ModemState:
    """The state after power-up. Raises ValueError without an IMEI or a slot."""
    if not config.imeis or not config.slots:
        raise ValueError("a modem has at least one IMEI and one slot")
    return ModemState(
        imeis=config.imeis,
        slots=list(config.slots),
        serving=config.serving,
        echo=options.echo and options.forms.echo.on,
        error_mode=options.error_mode,
        newer_cores=options.newer_cores,
        sim_busy=faults.sim_busy,
        forms=options.forms,
        operator_format=options.forms.operator.formats[0],
    )

"""What an emulated modem knows, and what its user or a fault can change."""

from dataclasses import dataclass, field

from lab.world.sim import SimCard
from wire.codes import Registration
from wire.evidence import Serving

OFF_AIR = Serving(registration=Registration.NOT_REGISTERED)


@dataclass(frozen=True, slots=True)
class ModemConfig:
    """The hardware: one IMEI a slot, or one for all; the cards in the slots; where the radio ended up."""

    imeis: tuple[str, ...]
    slots: tuple[SimCard | None, ...]
    serving: Serving = OFF_AIR


@dataclass(frozen=True, slots=True)
class ModemOptions:
    """How the modem behaves on its line, within the standard.

    `echo` and `error_mode` (AT+CMEE) are those of power-up. `unsolicited` are codes that it sends in the gaps of its
    answers, each gap with probability `chatter`. `chunk` is the most octets that one read gives, 0 for all there is;
    sizes, gaps and codes are drawn from `seed`. `newer_cores` tells whether it knows +CEREG and +C5GREG.
    """

    echo: bool = True
    error_mode: int = 0
    unsolicited: tuple[str, ...] = ()
    chatter: float = 0.5
    chunk: int = 0
    seed: int = 0
    newer_cores: bool = True


@dataclass(frozen=True, slots=True)
class ModemFaults:
    """What is wrong with the modem.

    `silent`: it takes commands and says nothing. `dies_after`: the line breaks after so many octets of output.
    `sim_busy`: so many SIM commands are answered by "SIM busy". `delays`: the answer to the n-th command line, from
    0, comes only after so many reads that found nothing.
    """

    silent: bool = False
    dies_after: int | None = None
    sim_busy: int = 0
    delays: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class ModemState:
    """The state that commands read and change."""

    imeis: tuple[str, ...]
    slots: list[SimCard | None]
    serving: Serving
    echo: bool
    error_mode: int
    newer_cores: bool
    sim_busy: int
    selected: int = 0
    worded: bool = True
    operator_format: int = 0
    reports: dict[str, int] = field(default_factory=dict)

    @property
    def card(self) -> SimCard | None:
        """The card in the selected slot."""
        return self.slots[self.selected]


def power_up(config: ModemConfig, options: ModemOptions, faults: ModemFaults) -> ModemState:
    """The state after switching on."""
    if not config.imeis or not config.slots:
        raise ValueError("a modem has at least one IMEI and one slot")
    return ModemState(
        imeis=config.imeis,
        slots=list(config.slots),
        serving=config.serving,
        echo=options.echo,
        error_mode=options.error_mode,
        newer_cores=options.newer_cores,
        sim_busy=faults.sim_busy,
    )

"""The stories of the demo: one device each, from power-on to its last screen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agent.screens import Screen
from lab.backend.http_host import HttpHost
from lab.handset.handset import Handset, next_to_wake
from lab.handset.outcome import Result
from lab.handset.timeline import Entry, Who
from lab.handset.timeline_summary import TimestampFormat, without_routine_entries
from lab.manufacturer.policies import BEFORE
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.places import find_place
from server_stub.policies.loading import shipped
from server_stub.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class StoryPlan:
    """The device of a story, and its description."""

    profile: str
    place: str
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A screen in a story. `challenge` is the unlock challenge on it, or empty."""

    caption: str
    screen: Screen
    challenge: str


@dataclass(frozen=True, slots=True)
class Story:
    """A story as it ran. The last of `shots` is the last screen."""

    plot: StoryPlan
    entries: tuple[Entry, ...]
    result: Result
    shots: tuple[Screenshot, ...]

    @property
    def brief(self) -> bool:
        """Whether it is short enough to show every message in full."""
        return not TimestampFormat.of(self.entries).long


HAVANA: Final = StoryPlan(
    "official-global",
    "havana",
    "An official phone in Havana",
    "It reads its SIM and network, sends evidence, verifies the response, and locks.",
)
CUSTOM: Final = StoryPlan(
    "custom-aosp",
    "havana",
    "The same phone with other firmware",
    "The image has no agent: it sends no request and shows the home screen.",
)
LATE: Final = StoryPlan(
    "official-global",
    "havana",
    "Locked five days later",
    "Activated in Havana before the measure, used for five days, locked by the campaign, unlocked over Wi-Fi after it.",
)
CARRIED: Final = StoryPlan(
    "official-global",
    "paris",
    "Carried to Havana, and spared",
    "The same model, activated in Paris in the same hour: where it was activated counts, not where it is.",
)

BEGINNING: Final = datetime(2021, 9, 1, 10, tzinfo=UTC)
MEASURE: Final = datetime(2021, 9, 3, tzinfo=UTC)
CAMPAIGN: Final = datetime(2021, 9, 6, tzinfo=UTC)
LIFTED: Final = datetime(2021, 9, 15, tzinfo=UTC)
_HOUR: Final = 3600


def run_stories(simulation: Simulation) -> Iterator[Story]:
    """Run the two stories that take an hour."""
    for plot in (HAVANA, CUSTOM):
        phone = simulation.phone(plot.profile, plot.place)
        phone.power_on()
        phone.walk_setup()
        yield _story(plot, phone, [])


def run_september_stories(seed: str, modem_dialect: str | None = None) -> Iterator[Story]:
    """Run the two stories of September 2021 in parallel, in a simulation that begins before the measure."""
    policy = Policy.parse(BEFORE, "open-2021-08.toml")
    with Simulation(
        seed,
        world=World(int(BEGINNING.timestamp())),
        policy=policy,
        host=HttpHost,
        modem_dialect=modem_dialect,
    ) as simulation:
        late, carried = (
            simulation.phone(LATE.profile, LATE.place),
            simulation.phone(CARRIED.profile, CARRIED.place),
        )
        for phone in (late, carried):
            phone.power_on()
            phone.walk_setup()
        shots = list(_september(simulation, late, carried))
        yield _story(LATE, late, shots)
        yield _story(CARRIED, carried, [])


def _september(simulation: Simulation, late: Handset, carried: Handset) -> Iterator[Screenshot]:
    """The first sixteen days; yields the lock screen of the late one."""
    both = (late, carried)
    live(both, MEASURE)
    simulation.server.adopt(shipped())
    _announce(both, "the export policy of September 2021 is in force")
    carried.carry(find_place("havana"))
    live(both, CAMPAIGN)
    _announce(both, "the campaign against phones activated in prohibited territories begins")
    live(both, CAMPAIGN, 30 * _HOUR)
    yield _shot(late, "on the sixth day")
    late.insert(None)
    live(both, LIFTED)
    _announce(both, "the campaign is lifted")
    live(both, LIFTED, 20 * _HOUR)
    late.join_wifi()
    carried.retry()


def live(phones: Sequence[Handset], until: datetime, more: float = 0.0) -> None:
    """Let time pass for devices of one world until `more` seconds after a time, with their alarms."""
    end = until.timestamp() + more
    world = phones[0].world
    while first := next_to_wake(phones, end):
        first.wait_for_alarm()
    world.wait(max(0.0, end - world.exact()))


def _announce(phones: Sequence[Handset], what: str) -> None:
    for phone in phones:
        phone.timeline.note(Who.MANUFACTURER, what)


def _story(plot: StoryPlan, phone: Handset, shots: Sequence[Screenshot]) -> Story:
    result = phone.result(plot.place)
    end = _shot(phone, f"{plot.profile} in {plot.place}: {result.outcome.value}")
    return Story(plot, without_routine_entries(phone.timeline.entries), result, (*shots, end))


def _shot(phone: Handset, caption: str) -> Screenshot:
    screen, now = phone.screen(), phone.display.current
    if screen is None or now is None:
        raise ValueError(f"{phone.profile.name} shows nothing; a story needs a device that boots")
    return Screenshot(caption, screen, now.facts.challenge)

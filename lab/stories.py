"""The stories of the demo: one phone each, from switching on to the screen on which it ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent.screens import Screen
from lab.outcome import Result
from lab.scene import Scene
from lab.timeline import Entry


@dataclass(frozen=True, slots=True)
class Plot:
    """A story before it happens."""

    profile: str
    place: str
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Story:
    """A story that happened."""

    plot: Plot
    entries: tuple[Entry, ...]
    result: Result
    screen: Screen

    @property
    def caption(self) -> str:
        """What the last screen is."""
        return f"{self.plot.profile} in {self.plot.place}: {self.result.outcome.value}"


PLOTS: Final = (
    Plot(
        "official-global",
        "havana",
        "An official phone in Havana",
        "It reads its SIM and network, proves what it is, asks, verifies the answer, and locks.",
    ),
    Plot(
        "custom-aosp",
        "havana",
        "The same phone with other firmware",
        "The image has no agent: it asks nobody and goes home.",
    ),
)


def tell(scene: Scene) -> Iterator[Story]:
    """Let every story happen in `scene`."""
    for plot in PLOTS:
        phone = scene.phone(plot.profile, plot.place)
        phone.power_on()
        phone.walk_setup()
        screen = phone.screen()
        if screen is None:
            raise ValueError(f"{plot.profile} shows nothing; a story needs a phone that boots")
        yield Story(plot, tuple(phone.timeline.entries), phone.result(plot.place), screen)

"""One emulated phone: hardware, the image that runs on it, and what its user does.

The phone wires the real agent to emulated hardware and wakes it for the events that its image registers for.
It decides nothing itself: what it does follows from its firmware profile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.adapters.pinned_keys import PinnedKeys
from agent.adapters.tuf_keys import TufKeys
from agent.core.events import Event, Happened, Kind, LanguageChosen, TermsAccepted
from agent.core.screens import ScreenFacts, ScreenId
from agent.core.states import FRESH_LOCALE, Exchange, Lock, Setup
from agent.ports import KeySource, Modem, MonotonicCounter, Ports, SealedStore, Surroundings
from agent.runtime import Agent
from agent.screens import Screen, build
from firmware_profiles.boot import boots
from firmware_profiles.model import DisplayHook, Profile, Wake
from lab.clock import PhoneClock, World
from lab.handset.alarm import VirtualAlarm
from lab.handset.counter import EmulatedCounter
from lab.handset.image import Trust, agent_image, boot_facts
from lab.handset.keystore import EmulatedKeystore
from lab.handset.panel import Panel
from lab.handset.storage import EmulatedStore
from lab.network import Network, Onward
from lab.outcome import Outcome, Result, VerdictSummary
from lab.seed import Seed
from lab.timeline import Timeline, Who
from lab.vendor import Authority

_WAKES: Final = {
    Kind.BOOTED: Wake.BOOT,
    Kind.SIM_CHANGED: Wake.SIM_CHANGE,
    Kind.RETRY: Wake.RETRY,
    Kind.CONNECTED: Wake.RETRY,
}
"""Which registration of the image delivers which event once its setup is done."""


READING: Final = 10.0
"""Seconds that a user spends on a screen of the wizard."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """The parts of a phone that its image does not choose.

    `folder` is where it keeps the metadata of verdict keys; a phone whose image pins the keys themselves needs none.
    """

    imeis: tuple[str, ...]
    modem: Modem
    surroundings: Surroundings
    authority: Authority
    store: SealedStore
    counter: MonotonicCounter
    folder: Path | None = None


def blank_storage() -> tuple[EmulatedStore, EmulatedCounter]:
    """State partition and counter as they leave the factory."""
    return EmulatedStore(), EmulatedCounter()


NetworkMaker = Callable[[Timeline], Network]
"""Makes the data connection of a phone, which tells the phone's timeline what it carries."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where a phone finds itself: the world, its data connection, whose verdicts its image takes, and its seed."""

    world: World
    network: NetworkMaker
    trust: Trust
    seed: Seed


class Handset:
    """A phone with `profile` on `hardware`."""

    def __init__(self, profile: Profile, hardware: Hardware, circumstances: Circumstances) -> None:
        world = circumstances.world
        self.profile = profile
        self.world = world
        self.timeline = Timeline(world.exact)
        self.clock = PhoneClock(world)
        self.alarm = VirtualAlarm(world.exact)
        self.network = circumstances.network(self.timeline)
        self.panel = Panel(self.clock.elapsed, self.timeline.shown, hooked=_hooked(profile))
        self._hardware = hardware
        self._trust = circumstances.trust
        self._seed = circumstances.seed
        self._provisioned = False
        self.agent: Agent | None = None

    def power_on(self) -> None:
        """The bootloader, and then what it starts."""
        self.clock.reboot()
        self.alarm.clear()
        self.agent = None
        if not boots(self.profile):
            self.timeline.note(Who.PHONE, "not booted", reason="the bootloader refuses the image")
            return
        self.timeline.note(Who.PHONE, "booted", firmware=self.profile.name)
        if self.profile.agent is None or not self._registered(Kind.BOOTED):
            self.panel.show(ScreenId.HOME, ScreenFacts())
            return
        self.agent = Agent(agent_image(self.profile, self._trust), self._ports())
        self.agent.boot()
        self._notice_provisioning()

    def walk_setup(self, locale: str | None = None) -> None:
        """What a user does who wants to use the phone: language, terms, and the network if there is one.

        Without `locale` the user takes English, or what comes first. Raises ValueError for a language that the
        image does not offer.
        """
        if self.agent is None or self.agent.state.setup is Setup.DONE:
            return
        language = LanguageChosen(self._offered(locale))
        self.wait(READING)
        self._act(language)
        self.wait(READING)
        self._act(TermsAccepted(self._terms()))
        if self.network.data_path:
            self.happen(Kind.CONNECTED)

    def retry(self) -> None:
        """The user asks the phone to try again."""
        self._act(Happened(Kind.RETRY))

    def happen(self, kind: Kind) -> None:
        """Something that the system tells the agent, if the image registers for it."""
        if self.agent is not None and self._registered(kind):
            self.agent.handle(Happened(kind))
            self._notice_provisioning()

    def wait(self, seconds: float) -> None:
        """Let time pass, alarms included."""
        end = self.world.exact() + seconds
        while self.alarm.at is not None and self.alarm.at <= end:
            at, self.alarm.at = self.alarm.at, None
            self.world.wait(max(0.0, at - self.world.exact()))
            self._alarm_went()
        self.world.wait(max(0.0, end - self.world.exact()))

    def result(self, place: str) -> Result:
        """What became of the phone, for a table."""
        verdicts = self.timeline.verdicts
        summary = VerdictSummary.of(verdicts[-1]) if verdicts else None
        outcome = self.outcome()
        return Result(self.profile.name, place, outcome, self.usable, bool(self.network.requests), summary)

    @property
    def modem(self) -> Modem:
        """The modem that the agent hears."""
        return self._hardware.modem

    @property
    def locale(self) -> str:
        """The language that the user chose."""
        return self.agent.state.memory.locale if self.agent else FRESH_LOCALE

    def screen(self) -> Screen | None:
        """What the user sees, in the user's language; nothing on a phone that did not boot."""
        now = self.panel.now
        return build(now.screen, now.facts, self.locale) if now else None

    @property
    def usable(self) -> bool:
        """Whether the user is at home, or one tap away from it."""
        now = self.panel.now
        return now is not None and now.screen in (ScreenId.HOME, ScreenId.NOTICE, ScreenId.OFFLINE_WARNING)

    def outcome(self) -> Outcome:
        """How it ended, by what the panel shows and what the agent was told."""
        now = self.panel.now
        if now is None:
            return Outcome.NO_BOOT
        if self.profile.agent is None:
            return Outcome.HOME
        if now.screen is ScreenId.LOCKED:
            return Outcome.LOCKED
        if not self.usable:
            return Outcome.PENDING
        allowed = self.agent is None or self.agent.state.lock in (Lock.ACTIVATED, Lock.NOTICE, Lock.RELEASED)
        return Outcome.ACTIVATED if allowed else Outcome.IGNORED

    def _act(self, event: Event) -> None:
        self.timeline.note(Who.USER, event.kind.value)
        if self.agent is not None:
            self.agent.handle(event)
            self._notice_provisioning()

    def _alarm_went(self) -> None:
        if self.agent is None or self.profile.agent is None:
            return
        retrying = self.agent.state.exchange is Exchange.BACKOFF
        if (Wake.RETRY if retrying else Wake.ALARM) in self.profile.agent.wakes_on:
            self.timeline.note(Who.PHONE, "alarm")
            self.agent.wake()
            self._notice_provisioning()

    def _registered(self, kind: Kind) -> bool:
        """Until setup is done the wizard runs the agent for everything; after that, its registrations do."""
        wakes = self.profile.agent.wakes_on if self.profile.agent else ()
        return not self._provisioned or _WAKES[kind] in wakes

    def _notice_provisioning(self) -> None:
        """The system remembers that the wizard is done; a factory reset would make it forget."""
        self._provisioned = self._provisioned or (
            self.agent is not None and self.agent.state.setup is Setup.DONE
        )

    def _offered(self, locale: str | None) -> str:
        offered = self.profile.image.languages
        if locale is None:
            return FRESH_LOCALE if FRESH_LOCALE in offered else offered[0]
        if locale not in offered:
            raise ValueError(
                f"{self.profile.name} does not offer {locale!r}; its languages are {', '.join(offered)}"
            )
        return locale

    def _terms(self) -> str:
        return self.profile.agent.terms_version if self.profile.agent else ""

    def _ports(self) -> Ports:
        hardware, seed = self._hardware, self._seed
        return Ports(
            clock=self.clock,
            transport=self.network,
            modem=hardware.modem,
            keystore=EmulatedKeystore(seed, hardware.authority, boot_facts(self.profile, hardware.imeis)),
            store=hardware.store,
            counter=hardware.counter,
            keys=self._key_source(),
            surroundings=hardware.surroundings,
            display=self.panel,
            alarm=self.alarm,
            entropy=_Jitter(seed),
            journal=self.timeline,
        )

    def _key_source(self) -> KeySource:
        trust, folder = self._trust, self._hardware.folder
        if not trust.root:
            return PinnedKeys(trust.jwks)
        if folder is None:
            raise ValueError("an image that pins a root needs a folder for what the key repository sends")
        return TufKeys(trust.root, folder, self.network)


class _Jitter:
    """Implements `agent.ports.Entropy` under a seed."""

    def __init__(self, seed: Seed) -> None:
        self.fraction = seed.random("jitter").random


def _hooked(profile: Profile) -> bool:
    return profile.hooks is not None and profile.hooks.display is DisplayHook.HOOKED


def over(transport: Onward, *, data_path: bool) -> NetworkMaker:
    """A network that leads to `transport`, if the place has a data path."""
    return lambda timeline: Network(transport, data_path, timeline.carried)

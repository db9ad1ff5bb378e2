"""An emulated device: hardware, the image that runs on it, and the actions of its user.

It connects the real agent to emulated hardware and wakes it for the events that the image registers for. It makes no
decisions: its behaviour follows from its firmware profile.
"""

import shutil
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

from agent.core.events import Event, EventKind, LanguageChosen, SimpleEvent, TermsAccepted
from agent.core.screens import ScreenFacts, ScreenId
from agent.core.states import FRESH_LOCALE, Exchange, Lock, Setup
from agent.ports import Modem, Ports
from agent.runtime import Agent
from agent.screens import Screen, build, lookup
from firmware_profiles.boot import boots
from firmware_profiles.model import Profile
from lab.handset.assembly import DeviceContext, Hardware, Jitter, key_source
from lab.handset.display import EmulatedDisplay, VirtualAlarm
from lab.handset.environment import MovableDevice
from lab.handset.image import WAKES, agent_image, boot_facts, hides_agent_screens, is_provisioned
from lab.handset.keystore import EmulatedKeystore
from lab.handset.outcome import Outcome, Result, VerdictSummary
from lab.handset.storage import Erasable
from lab.handset.timeline import Timeline, Who
from lab.world.clock import PhoneClock
from lab.world.network import Network
from lab.world.seed import Seed

READING: Final = 10.0
"""Seconds that a user spends on a screen of the setup wizard."""


class Power(Enum):
    """Whether a device runs."""

    OFF = "off"
    REFUSED = "refused"
    """It was switched on, and its bootloader rejected the image."""
    ON = "on"


def offers(profile: Profile, tag: str) -> bool:
    """Whether an image offers the language of `tag`, also in another region or by another name (CLDR)."""
    offered = profile.image.languages
    language = lookup(tag)
    return tag in offered or (language is not None and language in map(lookup, offered))


class Handset(MovableDevice):
    """Made by `lab.handset.builder.build_device`."""

    def __init__(self, profile: Profile, hardware: Hardware, context: DeviceContext) -> None:
        world, location = context.world, context.location
        self.profile = profile
        self.world = world
        self.timeline = Timeline(world.exact)
        self.clock = PhoneClock(world)
        self.alarm = VirtualAlarm(world.exact)
        self._binding = context.bind(profile)
        self.network = Network(
            self._binding.upstream,
            location.has_data_path(profile),
            self.timeline.carried,
            address=location.address(profile),
        )
        self.display = EmulatedDisplay(
            self.clock.elapsed, self.timeline.shown, suppresses_agent_screens=hides_agent_screens(profile)
        )
        self.hardware = hardware
        self._context = context
        self._provisioned = False
        self.agent: Agent | None = None
        self.profiles = [profile.name]
        self.power = Power.OFF

    def power_on(self) -> None:
        """Switch on: the bootloader runs, and then the image."""
        self.clock.reboot()
        self.alarm.clear()
        self.agent = None
        self.display.turn_off()
        self.power = Power.ON if boots(self.profile) else Power.REFUSED
        if self.power is Power.REFUSED:
            self.timeline.note(Who.PHONE, "not booted", reason="the bootloader refuses the image")
            return
        self.timeline.note(Who.PHONE, "booted", firmware=self.profile.name)
        if self.profile.agent is None or not self._registered(EventKind.BOOTED):
            self.display.show(ScreenId.HOME, ScreenFacts())
            return
        self.agent = self.new_agent()
        self.agent.boot()
        self._notice_provisioning()

    def new_agent(self) -> Agent:
        """The agent of the image with the parts of this device, before it boots. Raises ValueError if there is none."""
        hardware, trust = self.hardware, self._binding.trust
        ports = Ports(
            clock=self.clock,
            transport=self.network,
            modem=hardware.modem,
            keystore=self.keystore(self._context.seed),
            store=hardware.store,
            counter=hardware.counter,
            keys=key_source(hardware, self.network, trust),
            surroundings=hardware.surroundings,
            display=self.display,
            alarm=self.alarm,
            entropy=Jitter(self._context.seed),
            journal=self.timeline,
        )
        return Agent(agent_image(self.profile, trust), self._context.ports(ports))

    def keystore(self, seed: Seed) -> EmulatedKeystore:
        """A keystore of this device and its image that makes its keys from `seed`."""
        facts = boot_facts(self.profile, self.imeis)
        return EmulatedKeystore(seed, self._binding.authority, facts, self.hardware.keystore)

    def sealing_key(self) -> bytes:
        """The key by which the image that is installed seals its record."""
        return self.keystore(self._context.seed).sealing_key()

    def walk_setup(self, locale: str | None = None) -> None:
        """The user completes the setup wizard, as in `setup_pauses`."""
        for seconds in self.setup_pauses(locale):
            self.wait(seconds)

    def setup_pauses(self, locale: str | None = None) -> Iterator[float]:
        """Walk through the setup wizard: language, terms, and the network if there is one.

        Yields the seconds that the user spends on a screen, before the action on it. Without `locale` the user chooses
        English, or the first language. Raises ValueError for a language that the image does not offer.
        """
        language = LanguageChosen(self.offered(locale))
        if self.agent is None or self.agent.state.setup is Setup.DONE:
            return
        if locale is not None or self.agent.state.setup is Setup.LANGUAGE:
            yield READING
            self.act(language)
        if self.agent.state.setup is Setup.TERMS:
            yield READING
            self.act(TermsAccepted(self.profile.agent.terms_version if self.profile.agent else ""))
        if self.network.data_path:
            self.deliver_event(EventKind.CONNECTED)

    def power_off(self) -> None:
        """Switch off, by the user or because the battery is empty."""
        self.timeline.note(Who.PHONE, "switched off")
        self.power = Power.OFF
        self.display.turn_off()
        self.alarm.clear()
        self.agent = None

    def factory_reset(self) -> None:
        """Erase the storage and restart; counter and keystore stay. Raises TypeError for storage without `erase`."""
        store = self.hardware.store
        if not isinstance(store, Erasable):
            raise TypeError("the storage of this phone cannot be erased")
        self.timeline.note(Who.USER, "factory reset")
        store.erase()
        if self.hardware.folder is not None:
            shutil.rmtree(self.hardware.folder, ignore_errors=True)
        self._provisioned = False
        self.power_on()

    def flash(self, profile: Profile) -> None:
        """Replace the image and switch off; storage, counter, keystore and IMEI stay."""
        self.power_off()
        self.timeline.note(Who.USER, "flashed", firmware=profile.name)
        self.profiles.append(profile.name)
        self.profile, self._binding = profile, self._context.bind(profile)
        self.network.upstream = self._binding.upstream
        self.display.suppresses_agent_screens = hides_agent_screens(profile)
        self._retune()

    def enter_code(self, code: bytes) -> None:
        """The user enters an unlock code on the lock screen."""
        self.timeline.note(Who.USER, "enter-code", octets=len(code))
        if self.agent is not None:
            self.agent.enter_code(code)
            self._notice_provisioning()

    def set_wall(self, epoch: int) -> None:
        """The user sets the clock."""
        self.timeline.note(Who.USER, "clock set", to=epoch)
        self.clock.set_wall(epoch)

    def retry(self) -> None:
        """The user taps `Try again`."""
        self.act(SimpleEvent(EventKind.RETRY))

    def put_away(self) -> None:
        """The user closes the screen in front of the home screen."""
        self.act(SimpleEvent(EventKind.CONTINUE))

    def deliver_event(self, kind: EventKind) -> None:
        """Deliver an event of the system to the agent, if the image registers for it."""
        if self.agent is not None and self._registered(kind):
            self.agent.handle(SimpleEvent(kind))
            self._notice_provisioning()

    def wait(self, seconds: float) -> None:
        """Let this many seconds pass, with the alarms that are due in them."""
        end = self.world.exact() + seconds
        while self.alarm.at is not None and self.alarm.at <= end:
            at, self.alarm.at = self.alarm.at, None
            self.world.wait(max(0.0, at - self.world.exact()))
            self._alarm_went()
        self.world.wait(max(0.0, end - self.world.exact()))

    def wait_for_alarm(self) -> None:
        """Let time pass up to the alarm, which must be set, and wake the agent."""
        self.wait(max(0.0, (self.alarm.at or 0.0) - self.world.exact()))

    def result(self, place: str) -> Result:
        """The outcome, for a table."""
        verdicts = self.timeline.verdicts
        summary = VerdictSummary.of(verdicts[-1]) if verdicts else None
        outcome = self.outcome()
        return Result(self.profile.name, place, outcome, self.usable, bool(self.network.requests), summary)

    @property
    def imeis(self) -> tuple[str, ...]:
        """The IMEIs, of 15 digits."""
        return self.hardware.imeis

    @property
    def modem(self) -> Modem:
        """The modem that the agent uses."""
        return self.hardware.modem

    @property
    def locale(self) -> str:
        """The language that the user chose."""
        return self.agent.state.memory.locale if self.agent else FRESH_LOCALE

    def screen(self) -> Screen | None:
        """The screen in the user's language; None if the device is off or did not boot."""
        now = self.display.current
        return build(now.screen, now.facts, self.locale) if now else None

    @property
    def usable(self) -> bool:
        """Whether the home screen is shown, or can be reached by one tap."""
        now = self.display.current
        return now is not None and now.screen in (ScreenId.HOME, ScreenId.NOTICE, ScreenId.OFFLINE_WARNING)

    def outcome(self) -> Outcome:
        """The outcome by the display and the lock state of the agent."""
        now = self.display.current
        if now is None:
            return Outcome.OFF if self.power is Power.OFF else Outcome.NO_BOOT
        if self.profile.agent is None:
            return Outcome.HOME
        if now.screen is ScreenId.LOCKED:
            return Outcome.LOCKED
        if not self.usable:
            return Outcome.PENDING
        allowed = self.agent is None or self.agent.state.lock in (Lock.ACTIVATED, Lock.NOTICE, Lock.RELEASED)
        return Outcome.ACTIVATED if allowed else Outcome.IGNORED

    def act(self, event: Event) -> None:
        """An action of the user on the screen, as an event of the agent."""
        self.timeline.note(Who.USER, event.kind.value)
        if self.agent is not None:
            self.agent.handle(event)
            self._notice_provisioning()

    def _alarm_went(self) -> None:
        if self.agent is None or self.profile.agent is None:
            return
        retrying = self.agent.state.exchange is Exchange.BACKOFF
        if WAKES[EventKind.RETRY_DUE if retrying else EventKind.HEARTBEAT] in self.profile.agent.wakes_on:
            self.timeline.note(Who.PHONE, "alarm")
            self.agent.wake()
            self._notice_provisioning()

    def _registered(self, kind: EventKind) -> bool:
        """Until setup is done, the wizard delivers every event to the agent; after that, registrations decide."""
        wakes = self.profile.agent.wakes_on if self.profile.agent else ()
        return not self._provisioned or WAKES[kind] in wakes

    def _notice_provisioning(self) -> None:
        """The system stores that setup is done, and treats a locked device as not set up.

        So the agent starts at boot like the wizard, also in an older image without another registration.
        """
        if self.agent is not None:
            self._provisioned = is_provisioned(self.agent.state)

    def offers(self, tag: str) -> bool:
        """Whether the image offers the language of `tag`, also in another region or by another name (CLDR)."""
        return offers(self.profile, tag)

    def offered(self, locale: str | None) -> str:
        """`locale`, or without it English or the first language. Raises ValueError if the image does not offer it."""
        offered = self.profile.image.languages
        if locale is None:
            return FRESH_LOCALE if FRESH_LOCALE in offered else offered[0]
        if not self.offers(locale):
            raise ValueError(
                f"{self.profile.name} does not offer {locale!r}; its languages are {', '.join(offered)}"
            )
        return locale


def next_to_wake(handsets: Iterable[Handset], end: float) -> Handset | None:
    """The handset with the earliest alarm up to `end`, the first of several; None without one."""
    due = [handset for handset in handsets if handset.alarm.at is not None and handset.alarm.at <= end]
    return min(due, key=lambda handset: handset.alarm.at or 0.0, default=None)

"""Devices for benchmarks: the agent on the lab's emulated hardware, without the lab's timeline.

A device is built before the measurement. The measurement contains its work: boot, setup wizard, AT dialogue with the
modem, a new attested key, evidence, verification of the verdict, and sealing the state five times.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.core.effects import Effect
from agent.core.events import Event, EventKind, LanguageChosen, SimpleEvent, TermsAccepted
from agent.core.screens import ScreenFacts, ScreenId
from agent.core.states import Lock, State
from agent.core.step import RejectedEventError
from agent.ports import Answer, PortError, Ports, PublishedKeys, TransportError, TransportFault
from agent.runtime import Agent
from agent.sealing import SealFault
from agent.verification.bounds import TimestampBounds
from agent.verification.keyset import KeySet
from firmware_profiles.loader import load_named
from lab.handset.assembly import ImageBinding
from lab.handset.builder import DeviceOptions, build_device
from lab.handset.image import Trust
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import World
from lab.world.network import UpstreamTransport
from lab.world.places import find_place
from lab.world.seed import Seed
from server_stub.verdicts.service import VerdictService
from wire import media

MANUFACTURER = Manufacturer("benchmark")
PROFILE = load_named("official-global")
PLACE = find_place("paris")
TERMS = PROFILE.agent.terms_version if PROFILE.agent else ""


@dataclass(frozen=True)
class DirectTransport:
    """Implements `UpstreamTransport` by calling the service in this process."""

    service: VerdictService

    def get(self, path: str, *, accept: str) -> Answer:
        """Raises TransportError: there is no key repository."""
        raise TransportError(
            TransportFault.UNREACHABLE, f"{path} is not served here, as {accept} or otherwise"
        )

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """The response of the route, without HTTP."""
        if path == media.CHALLENGES_PATH:
            return Answer(200, accept, self.service.challenge().to_wire())
        if content_type != media.EVIDENCE:
            return Answer(415, media.PROBLEM, b"")
        return Answer(200, accept, self.service.answer(body).encode())


def activate(agent: Agent) -> None:
    """Boot and walk through setup. Raises RuntimeError if the device is not activated."""
    agent.boot()
    for event in (LanguageChosen("en"), TermsAccepted(TERMS), SimpleEvent(EventKind.CONNECTED)):
        agent.handle(event)
    if agent.state.lock is not Lock.ACTIVATED:
        raise RuntimeError("the device was not activated, so nothing was measured")


def make_phone(number: int, transport: UpstreamTransport, world: World) -> Agent:
    """The agent of a new device in Paris; `number` distinguishes it from others.

    Its image pins the verdict keys, so it uses no key repository.
    """
    seed = Seed.of("benchmark").child(f"phone {number}")
    quiet = _Quiet()

    def quiet_ports(ports: Ports) -> Ports:
        return replace(
            ports,
            transport=transport,
            keys=_Pinned(),
            display=quiet,
            alarm=quiet,
            entropy=quiet,
            journal=quiet,
        )

    trust = Trust(MANUFACTURER.issuer, MANUFACTURER.audience, MANUFACTURER.pinned_jwks)
    authority = MANUFACTURER.authority(PROFILE.hardware.keystore)
    return build_device(
        PROFILE,
        PLACE,
        seed,
        world,
        lambda _: ImageBinding(trust, transport, authority),
        options=DeviceOptions(ports=quiet_ports),
    ).new_agent()


class _Pinned:
    """Implements `agent.ports.KeySource` with keys that were read before the measurement."""

    _keys = KeySet.from_jwks(MANUFACTURER.pinned_jwks)

    def keys(self, known: TimestampBounds, _in_time: Callable[[], bool]) -> PublishedKeys:
        return PublishedKeys(self._keys, known, None)

    def cached_keys(self) -> KeySet:
        return self._keys


class _Quiet:
    """Display, alarm, entropy and journal without an effect: the measurement would contain those of the lab."""

    def show(self, screen: ScreenId, facts: ScreenFacts) -> None:
        pass

    def set(self, after: float) -> None:
        pass

    def fraction(self) -> float:
        return 0.5

    def recovered(self, state: State, fault: SealFault | None) -> None:
        pass

    def stepped(self, event: Event, before: State, after: State, effects: Sequence[Effect]) -> None:
        pass

    def rejected(self, error: RejectedEventError) -> None:
        pass

    def not_sealed(self, event: Event, error: PortError) -> None:
        pass

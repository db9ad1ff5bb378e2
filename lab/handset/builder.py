"""Builds emulated devices: the one function that simulations, attacks, benchmarks and tests use."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.ports import Modem, Ports
from agent.telephony.reader import read_telephony
from firmware_profiles.model import Profile
from lab.handset.assembly import DeviceContext, Hardware, ImageBinding
from lab.handset.handset import Handset
from lab.handset.image import imeis
from lab.handset.keystore import KeystoreOptions
from lab.handset.location import DeviceLocation, EmulatedSurroundings, cards_at
from lab.handset.modem.forms import find_dialect
from lab.handset.modem.state import ModemOptions
from lab.handset.storage import DeviceStorage
from lab.world.clock import World
from lab.world.euicc import SlotContent
from lab.world.network import UpstreamTransport
from lab.world.places import Place
from lab.world.seed import Seed


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """What distinguishes one device from others of its profile and place.

    The identity of the device derives from `name` and the seed of its simulation. `cards` are in its slots instead of
    those that a device in its place carries. `modem_dialect` is the name of the dialect of the emulated modem, that of
    the standards by default; `keystore` says what its keystore writes; `subscriber` is its number in the network of its
    place. `hardware` may replace parts, `transport` what leads to the server of any image, and `ports` the ports of the
    agent.
    """

    name: str = ""
    cards: tuple[SlotContent, ...] | None = None
    modem_dialect: str | None = None
    keystore: KeystoreOptions | None = None
    subscriber: int = 0
    hardware: Callable[[Hardware], Hardware] = lambda hardware: hardware
    transport: Callable[[UpstreamTransport], UpstreamTransport] = lambda upstream: upstream
    ports: Callable[[Ports], Ports] = lambda ports: ports


def build_device(  # noqa: PLR0913 - each is a separate part
    profile: Profile,
    place: Place,
    seed: Seed,
    world: World,
    bind: Callable[[Profile], ImageBinding],
    *,
    storage: DeviceStorage | None = None,
    modem: Modem | None = None,
    options: DeviceOptions | None = None,
) -> Handset:
    """A device with the firmware `profile` in `place`, switched off; everything random in it derives from `seed`.

    `bind` says what an image trusts and where its requests go. `modem` replaces the emulated one. The IMEIs are those
    of `storage` if it has any, else those that the modem reports, else those of the profile. Raises what `find_dialect`
    and `bind` raise.
    """
    storage, options = storage or DeviceStorage(), options or DeviceOptions()
    cards = options.cards or cards_at(place, seed)
    location = DeviceLocation(
        place, list(cards), seed, carrier=modem is not None, subscriber=options.subscriber
    )
    radio = location.reported_radio(profile)
    numbers = storage.imeis or (read_telephony(modem).imeis if modem else ()) or imeis(profile, seed)
    dialect = ModemOptions()
    if options.modem_dialect is not None:
        forms = find_dialect(options.modem_dialect)
        dialect = ModemOptions(forms=forms, seed=seed.random("modem").getrandbits(32))
    hardware = Hardware(
        imeis=numbers,
        modem=modem or radio.modem(numbers, dialect),
        surroundings=EmulatedSurroundings(radio),
        store=storage.store,
        counter=storage.counter,
        folder=storage.folder,
        keystore=options.keystore,
    )

    def bind_image(image: Profile) -> ImageBinding:
        binding = bind(image)
        return replace(binding, upstream=options.transport(binding.upstream))

    context = DeviceContext(world, seed, location, bind_image, options.ports)
    return Handset(profile, options.hardware(hardware), context)

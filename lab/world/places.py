"""Places as data: position, networks on the air, and the SIMs of a device there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from lab.world.operators import BandError, UnknownOperatorError, find_operator, parse_bands
from lab.world.radio import Guests, ReceivedNetwork
from text_input.documents import DocumentError, DocumentKind, located, parse_document, read_document
from text_input.files import is_path, read_text
from text_input.model_errors import DocumentCode
from text_input.toml import FILE_MAX
from text_input.toml import Path as DocumentPath
from wire.codes import Registration
from wire.evidence import Location, Plmn, Serving, Wifi
from wire.model import CountryCode, Message, Sequence, Word

SHIPPED: Final = Path(__file__).with_name("places.toml")

_PlmnText = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}-[0-9]{2,3}$")]
_Latitude = Annotated[float, Field(ge=-90, le=90)]
_Longitude = Annotated[float, Field(ge=-180, le=180)]
_PlaceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]


class PlaceError(DocumentError):
    """A place cannot be used."""

    kind = DocumentKind.PLACES


@dataclass(frozen=True, slots=True)
class Place:
    """A place where a device can be.

    `networks` are in the order in which a roaming device tries them. `address` is the country of the source address of
    its requests. `sims` are the home networks of the SIMs of a device there, None for an empty slot.
    """

    name: str
    sentence: str
    networks: tuple[ReceivedNetwork, ...]
    location: Location
    wifi: Wifi
    address: str
    sims: tuple[Plmn | None, ...]

    def has_data_path(self, serving: Serving) -> bool:
        """Whether a device here with this registration can reach a server, by Wi-Fi or by mobile data."""
        return self.wifi.connected or serving.registration in (Registration.HOME, Registration.ROAMING)


class _NetworkEntry(Message):
    """One network. `bands` replaces those of the operator table, `on_air` its status "not operational"."""

    area: Annotated[int, Field(ge=0, le=0xFFFF)]
    cell: Annotated[int, Field(ge=0, le=0xFFFFFFF)]
    bands: Sequence[str] | None = None
    guests: Word[Guests] = Guests.FOREIGN
    on_air: bool = False


class _PlaceEntry(Message):
    sentence: Annotated[str, Field(min_length=1, max_length=200)]
    position: Annotated[tuple[_Latitude, _Longitude], Field(strict=False)]
    address: CountryCode
    sims: Annotated[Sequence[_PlmnText], Field(max_length=2)]
    wifi: Wifi = Wifi(connected=False)
    networks: Annotated[dict[_PlmnText, _NetworkEntry], Field(default_factory=dict)]


class _NetworkError(Exception):
    """A network entry that fits the schema but contradicts the operator table."""


def read_places(file: Path) -> Mapping[str, Place]:
    """The places of a TOML file. Raises PlaceError."""
    text = read_document(file, PlaceError)
    entries = parse_document(text, str(file), dict[_PlaceName, _PlaceEntry], PlaceError)
    if wrong := [each for name, entry in entries.items() for each in _contradictions(name, entry)]:
        raise PlaceError(located(text, str(file), wrong))
    return MappingProxyType({name: _place(name, entry) for name, entry in entries.items()})


@lru_cache(maxsize=1)
def load_places() -> Mapping[str, Place]:
    """The shipped places, by name."""
    return read_places(SHIPPED)


def find_place(name: str, folder: Path | None = None) -> Place:
    """The shipped place called `name`. Raises PlaceError with similar names, or a file of that name in `folder`."""
    places = load_places()
    if name not in places:
        raise PlaceError.unknown("place", name, places, folder)
    return places[name]


def resolve_place(value: str, folder: Path = Path()) -> Place:
    """The shipped place of this name, or that of a file if `value` is a path, relative to `folder`.

    A file of several places is followed by `#` and the name of one: `lab.toml#cellar`. Raises PlaceError.
    """
    path, _, name = value.partition("#")
    if not is_path(path):
        return find_place(value, folder)
    file = folder / path
    places = read_places(file)
    if name:
        if name not in places:
            raise PlaceError.unknown(f"place of {file}", name, places)
        return places[name]
    if len(places) != 1:
        example = f"{path}#{next(iter(places), 'name')}"
        text = f"has {len(places)} places; write which one, as in {example}"
        raise PlaceError.one(str(file), None, text, DocumentCode.BAD_VALUE)
    return next(iter(places.values()))


def table_text(file: Path, name: str) -> str:
    """The TOML text of the place called `name` in a valid file. Raises UnusableFileError."""
    kept, lines = False, []
    for line in read_text(file, FILE_MAX).splitlines():
        if line.startswith("["):
            kept = line.strip("[] ").split(".")[0].strip("'\" ") == name
        if kept:
            lines.append(line)
    return "\n".join(lines).rstrip()


def _contradictions(name: str, entry: _PlaceEntry) -> Iterator[tuple[DocumentPath, str]]:
    """Path and message of what is wrong in a place whose values are each valid."""
    for at, plmn in enumerate(entry.sims):
        try:
            find_operator(_plmn(plmn))
        except UnknownOperatorError as error:
            yield (name, "sims", at), str(error)
    for plmn, network in entry.networks.items():
        try:
            _network(_plmn(plmn), network)
        except (UnknownOperatorError, BandError, _NetworkError) as error:
            yield (name, "networks", plmn), str(error)


def _place(name: str, entry: _PlaceEntry) -> Place:
    networks = tuple(_network(_plmn(plmn), network) for plmn, network in entry.networks.items())
    latitude, longitude = entry.position
    location = Location(latitude=latitude, longitude=longitude, accuracy=50.0)
    sims = tuple(map(_plmn, entry.sims))
    return Place(name, entry.sentence, networks, location, entry.wifi, entry.address, sims)


def _network(plmn: Plmn, entry: _NetworkEntry) -> ReceivedNetwork:
    operator = find_operator(plmn)
    if not operator.on_air and not entry.on_air:
        raise _NetworkError(
            "the operator table lists this network as not operational; write on_air = true if it operates here"
        )
    bands = operator.bands if entry.bands is None else parse_bands(entry.bands)
    if not bands:
        raise _NetworkError("the operator table lists no supported band; write bands = [...]")
    return ReceivedNetwork(plmn, entry.area, entry.cell, bands, entry.guests)


def _plmn(text: str) -> Plmn:
    mcc, _, mnc = text.partition("-")
    return Plmn(mcc=mcc, mnc=mnc)

"""Places as data: position, networks on the air, and the SIMs of a device there."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationError

from lab.world.operators import BandError, UnknownOperatorError, find_operator, parse_bands
from lab.world.radio import Guests, ReceivedNetwork
from text_input.files import UnusableFileError, UserInputError, is_path, read_text
from text_input.suggestions import suggestion
from text_input.toml import FILE_MAX, TomlError, TomlPositions, parse_toml
from wire.codes import Registration
from wire.evidence import Location, Plmn, Serving, Wifi
from wire.model import CountryCode, Message, Sequence, Word

SHIPPED: Final = Path(__file__).with_name("places.toml")

_PlmnText = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}-[0-9]{2,3}$")]
_PlaceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]


class PlaceFileError(UserInputError):
    """A file of places is not valid. `line` counts from 1, `key` is the dotted key of the error."""

    def __init__(self, file: Path, line: int, key: str, detail: str) -> None:
        super().__init__(f"{file.name}:{line}: {key}: {detail}" if key else f"{file.name}:{line}: {detail}")
        self.file = file
        self.line = line
        self.key = key
        self.detail = detail

    @property
    def code(self) -> str:
        """`unreadable` for a file that cannot be read, else `bad-value`."""
        return "unreadable" if isinstance(self.__cause__, UnusableFileError) else "bad-value"

    @classmethod
    def at(cls, file: Path, text: str, path: tuple[str, ...], detail: str) -> "PlaceFileError":
        """The error at `path` of the TOML document `text`."""
        return cls(file, TomlPositions(text).line_of(path), ".".join(path), detail)


class UnknownPlaceError(UserInputError, LookupError):
    """No place has this name. The message suggests the nearest names."""

    def __init__(self, name: str, known: Mapping[str, "Place"]) -> None:
        self.name = name
        super().__init__(f"no place {name!r}; {suggestion(name, known)}")


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
    position: Annotated[tuple[float, float], Field(strict=False)]
    address: CountryCode
    sims: Annotated[Sequence[_PlmnText], Field(max_length=2)]
    wifi: Wifi = Wifi(connected=False)
    networks: Annotated[dict[_PlmnText, _NetworkEntry], Field(default_factory=dict)]


class _PlaceFile(Message):
    places: dict[_PlaceName, _PlaceEntry]


class _NetworkError(Exception):
    """A network entry that fits the schema but contradicts the operator table."""


def read_places(file: Path) -> Mapping[str, Place]:
    """The places of a TOML file. Raises PlaceFileError."""
    try:
        text = read_text(file, FILE_MAX)
        document = parse_toml(text)
    except UnusableFileError as error:
        raise PlaceFileError(file, 1, "", error.reason) from error
    except TomlError as error:
        raise PlaceFileError(file, error.line, "", f"is not TOML: {error.detail}") from error
    try:
        entries = _PlaceFile(places=document).places
    except ValidationError as error:
        details = error.errors(include_url=False)
        first = next((item for item in details if item["type"] == "extra_forbidden"), details[0])
        path = tuple(part for part in first["loc"][1:] if isinstance(part, str) and part != "[key]")
        message = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
        raise PlaceFileError.at(file, text, path, message) from error
    return MappingProxyType({name: _place(file, text, name, entry) for name, entry in entries.items()})


@lru_cache(maxsize=1)
def load_places() -> Mapping[str, Place]:
    """The shipped places, by name."""
    return read_places(SHIPPED)


def find_place(name: str) -> Place:
    """The shipped place called `name`. Raises UnknownPlaceError with similar names."""
    places = load_places()
    if name not in places:
        raise UnknownPlaceError(name, places)
    return places[name]


def resolve_place(value: str, folder: Path = Path()) -> Place:
    """The shipped place of this name, or that of a file if `value` is a path, relative to `folder`.

    A file of several places is followed by `#` and the name of one: `lab.toml#cellar`. Raises UnknownPlaceError and
    PlaceFileError.
    """
    path, _, name = value.partition("#")
    if not is_path(path):
        return find_place(value)
    file = folder / path
    places = read_places(file)
    if name:
        if name not in places:
            raise UnknownPlaceError(name, places)
        return places[name]
    if len(places) != 1:
        example = f"{path}#{next(iter(places), 'name')}"
        raise PlaceFileError(file, 1, "", f"has {len(places)} places; write which one, as in {example}")
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


def _place(file: Path, text: str, name: str, entry: _PlaceEntry) -> Place:
    networks: list[ReceivedNetwork] = []
    for plmn, network in entry.networks.items():
        try:
            networks.append(_network(_plmn(plmn), network))
        except (UnknownOperatorError, BandError, _NetworkError) as error:
            raise PlaceFileError.at(file, text, (name, "networks", plmn), str(error)) from error
    latitude, longitude = entry.position
    try:
        location = Location(latitude=latitude, longitude=longitude, accuracy=50.0)
    except ValidationError as error:
        detail = "write latitude and longitude in degrees"
        raise PlaceFileError.at(file, text, (name, "position"), detail) from error
    sims = tuple(map(_plmn, entry.sims))
    return Place(name, entry.sentence, tuple(networks), location, entry.wifi, entry.address, sims)


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

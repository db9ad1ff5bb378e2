"""The catalogues: one TOML file for each language. A catalogue loads only if it is complete."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from agent.core.screens import Action, ModemTrouble, ScreenId, Trouble
from agent.screens.fill import Sentence
from agent.screens.screen import Direction
from agent.screens.tags import LANGUAGES
from wire.codes import MessageKey


class Label(StrEnum):
    """Short lines that are used on several screens. A line is omitted if its argument is unknown."""

    CASE = "case"
    CHALLENGE = "challenge"
    DATE = "date"
    TERRITORY = "territory"
    IMEI = "imei"
    RETRY = "retry"


class CatalogueError(Exception):
    """An error in a catalogue, at `key` of `language`. `code` is stable."""

    def __init__(self, code: str, language: str, key: str) -> None:
        super().__init__(f"{code}: {key} in the catalogue of {language!r}")
        self.code = code
        self.language = language
        self.key = key


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language. `territories` has the names that CLDR does not have."""

    tag: str
    name: str
    direction: Direction
    titles: Mapping[ScreenId, str]
    bodies: Mapping[ScreenId, tuple[Sentence, ...]]
    actions: Mapping[Action, str]
    troubles: Mapping[Trouble, Sentence]
    modem: Mapping[ModemTrouble, Sentence]
    messages: Mapping[MessageKey, Sentence]
    labels: Mapping[Label, Sentence]
    territories: Mapping[str, str]


@cache
def load(tag: str) -> Catalogue:
    """The catalogue of an offered language (see `tags.resolve`). Raises CatalogueError."""
    if tag not in LANGUAGES:
        raise CatalogueError("language-not-offered", tag, "language.tag")
    text = files("agent.screens").joinpath("locales", f"{tag}.toml").read_text(encoding="utf-8")
    return parse(tag, tomllib.loads(text))


@cache
def languages() -> tuple[tuple[str, str], ...]:
    """The tag and the native name of each offered language, in the order of the language screen."""
    return tuple((tag, load(tag).name) for tag in LANGUAGES)


def parse(tag: str, document: Mapping[str, Any]) -> Catalogue:
    """The catalogue in a TOML document. Raises CatalogueError for the first wrong key."""
    reader = _Reader(tag, document)
    language = reader.table("language", ("tag", "name", "direction"))
    if language["tag"] != tag:
        raise CatalogueError("tag-differs", tag, "language.tag")
    screens = {screen: reader.screen(screen) for screen in reader.by(ScreenId, "screens")}
    return Catalogue(
        tag=tag,
        name=language["name"],
        direction=Direction(language["direction"]),
        titles={screen: entry["title"] for screen, entry in screens.items()},
        bodies={screen: tuple(map(_sentence, entry["body"])) for screen, entry in screens.items()},
        actions=reader.by(Action, "actions"),
        troubles={key: _sentence(entry) for key, entry in reader.by(Trouble, "troubles").items()},
        modem={key: _sentence(entry) for key, entry in reader.by(ModemTrouble, "modem").items()},
        messages={key: _sentence(entry) for key, entry in reader.by(MessageKey, "messages").items()},
        labels={key: _sentence(entry) for key, entry in reader.by(Label, "labels").items()},
        territories=reader.table("territories", ("UA-40", "UA-43")),
    )


K = TypeVar("K", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class _Reader:
    tag: str
    document: Mapping[str, Any]

    def table(self, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """The table `name`, which must have exactly `keys`."""
        return self._exactly(name, dict(self.document.get(name, {})), keys)

    def screen(self, screen: ScreenId) -> dict[str, Any]:
        """The title and body of a screen."""
        return self._exactly(f"screens.{screen}", self.document["screens"][screen], ("title", "body"))

    def _exactly(self, name: str, found: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
        for key in keys:
            if key not in found:
                raise CatalogueError("missing", self.tag, f"{name}.{key}")
        for key in found:
            if key not in keys:
                raise CatalogueError("unknown", self.tag, f"{name}.{key}")
        return found

    def by(self, names: type[K], name: str) -> dict[K, Any]:
        """The table `name`, which must have exactly the members of an enum as keys."""
        found = self.table(name, tuple(names))
        return {member: found[member] for member in names}


def _sentence(entry: str | list[str]) -> Sentence:
    return Sentence((entry,) if isinstance(entry, str) else tuple(entry))

"""The catalogues: one TOML file a language, with every title, sentence and label, or it does not load."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from agent.core.screens import Action, ScreenId, Trouble
from agent.screens.fill import Sentence
from agent.screens.screen import Direction
from agent.screens.tags import LANGUAGES
from wire.codes import MessageKey


class Label(StrEnum):
    """Short lines that stand on more than one screen. Each is left out when its argument is not known."""

    CASE = "case"
    CHALLENGE = "challenge"
    TERRITORY = "territory"
    IMEI = "imei"
    RETRY = "retry"


class CatalogueError(Exception):
    """A catalogue is not complete. `code` is stable; `language` and `key` say where."""

    def __init__(self, code: str, language: str, key: str) -> None:
        super().__init__(f"{code}: {key} in the catalogue of {language!r}")
        self.code = code
        self.language = language
        self.key = key


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All words of one language. `territories` names those that CLDR does not."""

    tag: str
    name: str
    direction: Direction
    titles: Mapping[ScreenId, str]
    bodies: Mapping[ScreenId, tuple[Sentence, ...]]
    actions: Mapping[Action, str]
    troubles: Mapping[Trouble, Sentence]
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
    """Each offered language's tag and its name in itself, in the order in which they are offered."""
    return tuple((tag, load(tag).name) for tag in LANGUAGES)


def parse(tag: str, document: Mapping[str, Any]) -> Catalogue:
    """A catalogue from its TOML document. Raises CatalogueError at the first key that is wrong."""
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
        """The table `name`, which holds exactly `keys`."""
        return self._exactly(name, dict(self.document.get(name, {})), keys)

    def screen(self, screen: ScreenId) -> dict[str, Any]:
        """The title and the body of a screen."""
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
        """The table `name`, which holds an entry for every member of an enum and nothing else."""
        found = self.table(name, tuple(names))
        return {member: found[member] for member in names}


def _sentence(entry: str | list[str]) -> Sentence:
    return Sentence((entry,) if isinstance(entry, str) else tuple(entry))

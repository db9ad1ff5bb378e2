"""Steps on the current screen of a device: press a button, take a picture, compare with a file."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from agent.core.screens import Action
from lab.scenario.model.field_types import Line, Locale, Name, Subject, Word
from lab.scenario.model.named_files import FileScope
from lab.scenario.model.step import HandsetStep

_BELOW: Final = r"^[^/\\\x00-\x1f]+(/[^/\\\x00-\x1f]+)*"


def _fitting(path: str, suffix: str) -> bool:
    """Whether a text can be the path of a file with this suffix: relative, of at most 200 characters."""
    return len(path) <= 200 and re.fullmatch(rf"{_BELOW}(?<=\.{suffix})", path) is not None


def _png(path: str) -> str:
    if not _fitting(path, "png") or any(part.strip(".") == "" for part in path.split("/")):
        raise ValueError(
            f"is {path[:60]!r}; write a path that ends in `.png`, without `..` and a first `/`: pictures are written "
            "below one folder"
        )
    return path


PngFile = Annotated[
    str, AfterValidator(_png), WithJsonSchema({"type": "string", "pattern": rf"{_BELOW}\.png$"})
]


def _golden(path: Any, info: ValidationInfo) -> Any:
    """The path from the folder of the scenario. It is relative to its file, and leads below the root of the run."""
    if not isinstance(path, str):
        return path
    scope: FileScope = info.context or FileScope()
    if not _fitting(path, "json"):
        raise ValueError(f"is {path[:60]!r}; write a path that ends in `.json`, relative to this file")
    found = os.path.normpath(f"{getattr(path, 'folder', '') or '.'}/{path}")
    if not Path(os.path.normpath(scope.folder.resolve() / found)).is_relative_to(scope.root):
        raise scope.outside(str(path))
    return found


JsonFile = Annotated[
    str, BeforeValidator(_golden), WithJsonSchema({"type": "string", "pattern": rf"{_BELOW}\.json$"})
]


class ScreenStep(HandsetStep):
    """A step whose verb says what is done on the screen; `of` selects the handsets."""

    of: Subject = Field(None, description="The handsets; all by default.")

    @classmethod
    def subject_field(cls) -> str:
        """The name of the field with the handsets."""
        return "of"


class Press(ScreenStep):
    """Press a button of the current screen."""

    press: Word[Action]
    language: Locale | None = Field(
        None, description="For `language`, and `continue` on the screen `language`."
    )
    code: Name | None = Field(None, description="As in `enter-code`.")
    text: Line | None = Field(None, description="As in `enter-code`.")

    @model_validator(mode="after")
    def _used(self) -> Self:
        if self.press is Action.LANGUAGE and self.language is None:
            raise ValueError("chooses a language; add `language`, as in `language: fr`")
        if self.language and self.press not in (Action.LANGUAGE, Action.CONTINUE):
            raise ValueError(f"{self.press} takes no `language`")
        if (self.code or self.text) and self.press is not Action.ENTER_CODE:
            raise ValueError(f"{self.press} takes no code")
        return self


class ScreenshotStep(ScreenStep):
    """Write the current screen as a PNG file below the folder of `--screenshots`."""

    screenshot: PngFile


class Golden(ScreenStep):
    """Compare the current screen with a JSON file; `--update-golden` writes it."""

    golden: JsonFile

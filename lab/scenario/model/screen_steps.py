"""Steps on the current screen of a device: press a button, take a picture, compare with a file."""

import os
import re
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from agent.core.screens import Action
from lab.scenario.model.field_types import Line, Locale, Name, Subject, Word
from lab.scenario.model.named_files import IncludedText
from lab.scenario.model.step import HandsetStep

_BELOW: Final = r"^[^/\\\x00-\x1f]+(/[^/\\\x00-\x1f]+)*"


def _file(suffix: str) -> tuple[AfterValidator, WithJsonSchema]:
    """A path of at most 200 characters below a folder, whose name ends in `suffix`."""

    def check(path: str) -> str:
        dots = any(part.strip(".") == "" for part in path.split("/"))
        if dots or len(path) > 200 or not re.fullmatch(rf"{_BELOW}(?<=\.{suffix})", path):
            raise ValueError(
                f"is not a file below the folder; write a path that ends in `.{suffix}`, without `..` and a first `/`"
            )
        return path

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": rf"{_BELOW}\.{suffix}$"})


PngFile = Annotated[str, *_file("png")]


def _from_scenario(path: Any) -> Any:
    """The path from the folder of the scenario; a path in an included file is relative to that file."""
    return os.path.normpath(f"{path.folder}/{path}") if isinstance(path, IncludedText) else path


JsonFile = Annotated[str, BeforeValidator(_from_scenario), *_file("json")]


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

"""The values of the world that a step `capture` can store, by their words in scenario files."""

from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from lab.scenario.model.claims import known_paths
from text_input.suggestions import suggestion
from wire.verdict import UncheckedVerdict

MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    "screen": ("id", "title", "text", "locale", "direction"),
    "state": (
        *("setup", "exchange", "lock", "attention", "trouble", "modem"),
        *("locale", "terms", "policy-version", "serial"),
    ),
    "record": ("activation-territory", "sale-region", "override", "locked"),
}
"""The members of the screen, of the states of the agent and of the server's record."""

SINGLE: Final = ("challenge", "code", "imei", "nonce", "time")
"""The challenge on the screen, the newest unlock code, the first IMEI, the nonce of the newest evidence, the time."""

SOURCES: Final = (
    *SINGLE,
    *(f"{group}.{member}" for group, members in MEMBERS.items() for member in members),
    *(f"verdict.{path}" for path in sorted(known_paths(UncheckedVerdict))),
    *(f"evidence.{path}" for path in sorted(known_paths())),
)


def _source(text: str) -> str:
    plain = ".".join(part for part in text.split(".") if not part.isdigit())
    if plain not in SOURCES or (plain != text and not text.startswith("evidence.")):
        groups = ", ".join(repr(word) for word in (*SINGLE, "screen.text", "state.lock", "verdict.case"))
        raise ValueError(
            f"nothing is called {text!r}; {suggestion(plain, SOURCES, f'use a word as {groups}')}"
        )
    return text


Source = Annotated[
    str, AfterValidator(_source), WithJsonSchema({"type": "string", "examples": list(SOURCES)})
]
"""A value of the world. Claims have dotted paths, with numbers for items of lists: `evidence.telephony.sims.0.mcc`."""

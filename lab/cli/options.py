"""Option types that several commands share, and options that decorators add to commands."""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from wire.limits import NONCE_LIFETIME, TEXT_MAX

with deferred():
    import pydantic

    import firmware_profiles
    from lab.handset import client_keys, keystore
    from lab.handset.modem import dialects
    from lab.world import places
    from text_input import files
    from wire import challenge

T = TypeVar("T")

Command = Callable[..., None]

_CHALLENGE_BYTES_MAX: Final = 4096
"""Bytes that are read from standard input."""


def option(name: str, annotation: Any, default: object) -> inspect.Parameter:
    """The parameter of an option that a decorator adds to a command."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def with_parameters(command: Command, parameters: Sequence[inspect.Parameter]) -> Command:
    """`command`, whose parameters typer sees as these, in this order."""
    named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    vars(command)["__signature__"] = inspect.Signature(named)
    command.__annotations__ = {each.name: each.annotation for each in named}
    return command


def _completion(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Shell completion by the names that the function returns. It is called, and its module loaded, on completion."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


_LINE: Final = re.compile(r"[^\0-\x1f\x7f-\x9f\ud800-\udfff]+")
"""As in the admin API: one line, and no bytes that are not UTF-8, which a database does not store."""


def check_line(text: str, name: str = "--reason") -> None:
    """Exit with an error that mentions `name` if this cannot be a reason or a name in the database."""
    if not 0 < len(text) <= TEXT_MAX:
        output.exit_with_error(f"{name} has {len(text)} characters; use 1 to {TEXT_MAX}")
    if not _LINE.fullmatch(text):
        output.exit_with_error(f"{name} is {text!a}; use one line of text, without control characters")


Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Seed = Annotated[str, typer.Option(help="The same seed gives the same devices, keys and verdicts.")]
Profile = Annotated[
    str,
    typer.Option(
        help="Firmware profile; see `activation profiles`. Or the path of a TOML file.",
        autocompletion=_completion(lambda: firmware_profiles.names()),  # noqa: PLW0108 - deferred
    ),
]
Place = Annotated[
    str,
    typer.Option(
        help="Where the device is; see `activation places`. Or the path of a TOML file.",
        autocompletion=_completion(lambda: places.load_places()),  # noqa: PLW0108 - deferred
    ),
]


def _known_dialect(name: str | None) -> str | None:
    return name and output.known_name(name, list(dialects.dialect_names()), "modem dialect")


ModemDialect = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=_known_dialect,
        help="Maker whose AT dialect the emulated modem speaks: quectel, sierra, telit, u-blox, huawei, simcom, "
        "mediatek, nordic, fibocom, …",
        autocompletion=_completion(lambda: dialects.dialect_names()),  # noqa: PLW0108 - deferred
    ),
]


def _known_algorithm(name: str | None) -> str | None:
    return name and output.known_name(name, ATTESTED_KEYS, "algorithm of attested keys")


ATTESTED_KEYS: Final = ["ES256", "Ed25519", "ML-DSA-65"]
"""Names of the signature algorithms of evidence that the emulated keystore has."""

AttestedKey = Annotated[
    str | None,
    typer.Option(
        "--alg",
        "--attested-key",
        metavar="NAME",
        callback=_known_algorithm,
        help="Algorithm of the attested key that signs evidence: ES256 (by default), Ed25519 or ML-DSA-65.",
        autocompletion=_completion(lambda: ATTESTED_KEYS),
    ),
]


def keystore_options(name: str | None) -> "keystore.KeystoreOptions":
    """The options of a keystore with attested keys of this algorithm, ES256 by default."""
    return keystore.KeystoreOptions(keystore.KeyAlgorithm(name or "ES256"))


def read_nonce(argument: str | None) -> str:
    """The nonce: the argument itself, or a member of the server's response on standard input for None or `-`.

    Exits with an error if it is none.
    """
    text = sys.stdin.read(_CHALLENGE_BYTES_MAX).strip() if argument in (None, "-") else argument
    try:
        if text.startswith("{"):
            return challenge.Challenge.model_validate_json(text).nonce
        return challenge.Challenge(nonce=text, expires_in=NONCE_LIFETIME).nonce
    except pydantic.ValidationError:
        output.exit_with_error(
            "this is not a challenge: give the nonce, or - and the response of POST /v1/challenges on standard input"
        )


def read_key(file: Path, read: Callable[[str], T]) -> T:
    """The key of a client in `file`. Exits with an error if there is none. Raises UnusableFileError."""
    try:
        return read(files.read_text(file, client_keys.KEY_TEXT_MAX))
    except client_keys.ClientKeyError as error:
        output.exit_with_error(f"{file}: {error}")


DeviceNumber = Annotated[
    int | None,
    typer.Option(
        "--device",
        metavar="N",
        min=0,
        help="Device of the lab: 0 to 499999. Each has its own IMEIs and keys.",
    ),
]


Case = Annotated[str | None, typer.Option(help="Case number; the device's own by default.")]
Challenge = Annotated[
    str, typer.Argument(help="The challenge on the lock screen; spaces and case are ignored.")
]
Undelivered = Annotated[
    int, typer.Option(min=0, help="How many of the newest verdicts did not reach the device.")
]
CodePicture = Annotated[Path | None, typer.Option(help="Write the code as a QR picture (PNG).")]
CodeFile = Annotated[Path | None, typer.Option(help="Write the code to a file instead of printing it.")]

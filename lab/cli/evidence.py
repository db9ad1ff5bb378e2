"""`activation evidence`."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from firmware_profiles import loader
from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import AttestedKey, ModemDialect, Place, Profile, keystore_options
from lab.world import places
from wire.challenge import Challenge
from wire.limits import BODY_MAX, NONCE_LIFETIME

with deferred():
    from lab.backend import http_host
    from lab.simulation import simulation, standalone_evidence
    from lab.world import clock
    from text_input import files

_CHALLENGE_BYTES_MAX: Final = 4096
"""Bytes that are read from standard input."""


def evidence(
    challenge: Annotated[
        str,
        typer.Argument(
            help="The nonce of a challenge, or - to read the server's response from standard input."
        ),
    ],
    profile: Profile = "official-global",
    place: Place = "paris",
    claims: Annotated[
        Path | None,
        typer.Option(help="Sign the claims in this JSON file, instead of the claims of the device."),
    ] = None,
    show_claims: Annotated[
        bool, typer.Option("--show-claims", help="Print the claims as JSON, for editing; sign nothing.")
    ] = False,
    key: Annotated[
        Path | None, typer.Option(help="Write the attested private key with its chain to this file (JWK).")
    ] = None,
    seed: Annotated[str, typer.Option(help="Selects the manufacturer; the server's seed.")] = "2021",
    modem_dialect: ModemDialect = None,
    attested_key: AttestedKey = "ES256",
) -> None:
    """Print the signed evidence of a device for a challenge, to send it manually or with your own client.

    The device is the one of `activation device` with the same firmware, place and seed.

    \b
    Example:
      curl -s -X POST http://127.0.0.1:8021/v1/challenges | activation evidence - --place havana > evidence.jwt
      curl -s -H 'Content-Type: application/eat+jwt' --data-binary @evidence.jwt http://127.0.0.1:8021/v1/verdicts
    """
    output.known_name(profile, list(loader.names()), "profile")
    output.known_name(place, list(places.load_places()), "place")
    nonce = _read_nonce(challenge)
    edited = _read_claims(claims) if claims else None
    with simulation.Simulation.open(
        seed, world=clock.World(int(time.time())), host=http_host.HttpHost, modem_dialect=modem_dialect
    ) as opened:
        builder = standalone_evidence.prepare_evidence(
            opened, profile, place, nonce, keystore_options(attested_key)
        )
    if builder is None:
        output.exit_with_error(
            f"a device with {profile} in {place} sends no evidence; choose another --profile or --place"
        )
    if key is not None:
        # In place, unlike `write_private`: the file can be a device such as /dev/stdout.
        output.write(key, json.dumps(builder.key.private_jwk(), indent=2) + "\n", private=True)
    if show_claims:
        output.as_json(edited or builder.claims)
    else:
        output.say(builder.token(None if edited is None else edited | {"eat_nonce": nonce}), nl=False)


def _read_nonce(argument: str) -> str:
    """The nonce: the argument itself, or a member of the server's response on standard input."""
    text = sys.stdin.read(_CHALLENGE_BYTES_MAX).strip() if argument == "-" else argument
    try:
        if text.startswith("{"):
            return Challenge.model_validate_json(text).nonce
        return Challenge(nonce=text, expires_in=NONCE_LIFETIME).nonce
    except ValidationError:
        output.exit_with_error(
            "this is not a challenge: give the nonce, or - and the response of POST /v1/challenges on standard input"
        )


def _read_claims(file: Path) -> dict[str, Any]:
    try:
        claims = json.loads(files.read_text(file, BODY_MAX))
    except files.UnusableFileError as error:
        output.exit_with_error(str(error))
    except (ValueError, RecursionError) as error:
        output.exit_with_error(f"{file} is not JSON: {error}")
    if not isinstance(claims, dict):
        output.exit_with_error(f"{file} contains no object of claims; start with --show-claims")
    return claims

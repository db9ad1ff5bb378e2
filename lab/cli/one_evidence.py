"""Evidence for `activation evidence`: made, edited and printed."""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer
from pydantic import ValidationError

from firmware_profiles.loader import load_all
from lab.cli import output
from lab.simulation.simulation import Simulation
from lab.simulation.standalone_evidence import EvidenceBuilder, by_hand
from lab.world.clock import World
from lab.world.places import load_places
from wire.challenge import Challenge
from wire.limits import NONCE_LIFETIME

_READ: Final = 4096
"""Octets of a challenge that are read from standard input."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user of the command asked for."""

    challenge: str
    profile: str
    place: str
    claims: Path | None
    show_claims: bool
    key: Path | None
    seed: str


def run(wish: Wish) -> None:
    """Print what was wished. Stops with an error and an exit code where that cannot be done."""
    output.known_name(wish.profile, list(load_all()), "profile")
    output.known_name(wish.place, list(load_places()), "place")
    nonce = _nonce(wish.challenge)
    edited = _edited(wish.claims)
    with Simulation.open(wish.seed, world=World(int(time.time()))) as simulation:
        made = by_hand(simulation, wish.profile, wish.place, nonce)
    if made is None:
        output.exit_with_error(
            f"a phone with {wish.profile} in {wish.place} asks no server; choose another --profile or --place"
        )
    if wish.key is not None:
        _write_key(wish.key, made)
    if wish.show_claims:
        output.as_json(edited or made.claims)
    else:
        typer.echo(made.token(None if edited is None else edited | {"eat_nonce": nonce}), nl=False)


def _nonce(text: str) -> str:
    """The nonce in what the user gave: the nonce itself, or the server's answer on standard input."""
    given = sys.stdin.read(_READ).strip() if text == "-" else text
    try:
        if given.startswith("{"):
            return Challenge.model_validate_json(given).nonce
        return Challenge(nonce=given, expires_in=NONCE_LIFETIME).nonce
    except ValidationError:
        output.exit_with_error(
            "this is no challenge: give the nonce, or the answer of POST /v1/challenges on standard input with -"
        )


def _edited(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        claims = json.loads(file.read_text("utf-8"))
    except OSError as error:
        output.exit_with_error(f"{file} cannot be read: {error.strerror}")
    except ValueError as error:
        output.exit_with_error(f"{file} is no JSON: {error}")
    if not isinstance(claims, dict):
        output.exit_with_error(f"{file} holds no object of claims; begin with --show-claims")
    return claims


def _write_key(file: Path, made: EvidenceBuilder) -> None:
    """For its owner's eyes, as a private key is."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            json.dump(made.key.private_jwk(), opened, indent=2)
    except OSError as error:
        output.exit_with_error(f"cannot write {file}: {error.strerror}", output.OUTSIDE)

"""`activation evidence`."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import (
    AttestedKey,
    DeviceNumber,
    ModemDialect,
    Place,
    Profile,
    keystore_options,
    read_key,
    read_nonce,
)
from wire.limits import BODY_MAX

with deferred():
    import firmware_profiles
    from lab.handset import client_keys, keystore
    from lab.simulation import standalone_evidence
    from lab.world import places
    from text_input import files

if TYPE_CHECKING:
    from lab.world.jose import AttestablePrivateKey


def evidence(
    challenge: Annotated[
        str | None,
        typer.Argument(
            help="The nonce of a challenge, or - to read the server's response from standard input (the default)."
        ),
    ] = None,
    nonce: Annotated[str | None, typer.Option(help="The nonce of a challenge, as an option.")] = None,
    device: DeviceNumber = None,
    profile: Profile = "official-global",
    place: Place = "paris",
    private_key: Annotated[
        Path | None,
        typer.Option(help="Attest this key of your own and sign with it: PEM, or JWK."),
    ] = None,
    attested_key: AttestedKey = None,
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
) -> None:
    """Print the signed evidence of a device for a challenge, to send it manually or with your own client.

    Without --device it is the device of `activation device` with the same firmware, place and seed. A device with a
    number is the same one with all firmware of its model and in all places.

    \b
    Example:
      curl -s -X POST http://127.0.0.1:8021/v1/challenges | activation evidence - --place havana > evidence.jwt
      curl -s -H 'Content-Type: application/eat+jwt' --data-binary @evidence.jwt http://127.0.0.1:8021/v1/verdicts
    """
    firmware, where = firmware_profiles.find(profile), places.resolve_place(place)
    if challenge is not None and nonce is not None:
        output.exit_with_error("give one nonce: as an argument or as --nonce")
    edited = _read_claims(claims) if claims else None
    nonce = read_nonce(nonce or challenge)
    own = None if private_key is None else read_key(private_key, client_keys.read_private_key)
    options = _keystore(own, attested_key)
    try:
        builder = standalone_evidence.prepare_evidence(
            seed,
            firmware,
            where,
            nonce,
            int(time.time()),
            number=device,
            keystore=options,
            key=own,
            modem_dialect=modem_dialect,
        )
    except ValueError as error:
        output.exit_with_error(str(error))
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


def _keystore(own: "AttestablePrivateKey | None", algorithm: str | None) -> "keystore.KeystoreOptions":
    """The options of the keystore. Exits with an error if the user's own key is not of `algorithm`."""
    if own is None:
        return keystore_options(algorithm)
    known = keystore.algorithm_of(own.public_key())
    if algorithm not in (None, known.value):
        output.exit_with_error(f"the key of --private-key is of {known}, not of {algorithm}; omit --alg")
    return keystore_options(known)


def _read_claims(file: Path) -> dict[str, Any]:
    text = files.read_text(file, BODY_MAX)
    try:
        claims = json.loads(text)
    except (ValueError, RecursionError) as error:
        output.exit_with_error(f"{file} is not JSON: {error}")
    if not isinstance(claims, dict):
        output.exit_with_error(f"{file} contains no object of claims; start with --show-claims")
    return claims

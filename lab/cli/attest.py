"""`activation attest`."""

import base64
import ssl
from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import DeviceNumber, Json, Profile, read_key, read_nonce

with deferred():
    import firmware_profiles
    from lab.handset import client_keys, keystore, numbered_device


def attest(
    nonce: Annotated[
        str,
        typer.Option(
            help="The nonce of a challenge, or - to read the server's response from standard input."
        ),
    ],
    public_key: Annotated[
        Path, typer.Option(help="Public key of your client, P-256, Ed25519 or ML-DSA-65: PEM, or JWK.")
    ],
    device: DeviceNumber = 0,
    profile: Profile = "official-global",
    seed: Annotated[str, typer.Option(help="Selects the manufacturer; the server's seed.")] = "2021",
    json: Json = False,
) -> None:
    """Print the attestation chain of a key of your own for a challenge: PEM, leaf first, without the root.

    \b
    Example:
      activation attest --device 7 --nonce - --public-key public.pem < challenge.json
    """
    firmware = firmware_profiles.find(profile)
    key = read_key(public_key, client_keys.read_public_key)
    challenge = read_nonce(nonce)
    algorithm = keystore.algorithm_of(key)
    try:
        made = numbered_device.NumberedDevice.of(seed, device or 0, firmware)
    except ValueError as error:
        output.exit_with_error(str(error))
    chain = made.keystore(keystore.KeystoreOptions(algorithm)).certify(key, challenge.encode())
    x5c = [base64.b64encode(certificate).decode() for certificate in chain]
    if json:
        output.as_json(
            {"device": device, "imeis": made.imeis, "alg": algorithm.value, "nonce": challenge, "x5c": x5c}
        )
        return
    for certificate in chain:
        output.say(ssl.DER_cert_to_PEM_cert(certificate), nl=False)

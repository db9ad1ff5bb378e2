"""The devices of the lab: list them, and attest a key of a client's own on one of them."""

import base64
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field

from firmware_profiles.errors import ProfileError
from firmware_profiles.loader import load_named
from firmware_profiles.model import Profile
from lab.api.context import PREFIX, Lab
from lab.handset.client_keys import KEY_TEXT_MAX, ClientKeyError, public_jwk, read_public_key
from lab.handset.keystore import KeystoreOptions, algorithm_of
from lab.handset.numbered_device import DEVICES_MAX, NumberedDevice, device_imeis
from lab.simulation.standalone_evidence import prepare_evidence
from lab.world.places import PlaceError, find_place
from server_stub.api.admin.base_models import PAGE, Limit, RequestModel, ResponseModel
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Context, resource
from wire.model import Nonce

router = resource("/devices", prefix=PREFIX)

_NAME = r"^[a-z][a-z0-9-]{0,63}$"
_Name = Annotated[str, Field(pattern=_NAME)]
_JWK_MEMBERS_MAX = 16


class LabDevice(ResponseModel):
    """A device of the lab. `sub` is its pseudonym in verdicts and in the admin API."""

    device: int
    imeis: list[str]
    sub: str
    model: str


class LabDeviceList(ResponseModel):
    """Devices by number. `next` is the number after the last one, null if there is none."""

    items: list[LabDevice]
    next: int | None


class KeyToAttest(RequestModel):
    """`public_key` is a P-256, Ed25519 or ML-DSA-65 key: PEM text, or a JWK. `profile` is the firmware of the device.

    `place` is where the device is; the claims in the response depend on it.
    """

    nonce: Nonce
    public_key: (
        Annotated[str, Field(max_length=KEY_TEXT_MAX)]
        | Annotated[dict[Annotated[str, Field(max_length=64)], Any], Field(max_length=_JWK_MEMBERS_MAX)]
    )
    profile: _Name = "official-global"
    place: _Name = "paris"


class AttestedKeyChain(ResponseModel):
    """`x5c` is the chain for the header of evidence, `alg` the algorithm of the key.

    `claims` is what the device would state in evidence with this nonce; null if it would never ask for a verdict.
    """

    device: int
    alg: str
    x5c: list[str]
    claims: dict[str, Any] | None


@router.get("", responses=responses())
def list_lab_devices(
    lab: Lab,
    context: Context,
    profile: Annotated[str, Query(pattern=_NAME, description="Firmware profile.")] = "official-global",
    start: Annotated[int, Query(ge=0, lt=DEVICES_MAX, description="The first number.")] = 0,
    limit: Limit = PAGE,
) -> LabDeviceList:
    """The devices of a model, which all exist from the start."""
    firmware = _profile(profile)
    end = min(start + limit, DEVICES_MAX)
    pseudonyms = context.service.signing_context.pseudonyms
    items = []
    for number in range(start, end):
        imeis = device_imeis(lab.seed, number, firmware)
        items.append(
            LabDevice(
                device=number,
                imeis=list(imeis),
                sub=pseudonyms.device(imeis[0]),
                model=firmware.hardware.model,
            )
        )
    return LabDeviceList(items=items, next=end if end < DEVICES_MAX else None)


@router.post("/{device}/attest", responses=responses(400, 413, 415))
def attest_key(
    lab: Lab,
    context: Context,
    device: Annotated[int, Path(ge=0, lt=DEVICES_MAX, description="The number of the device.")],
    body: KeyToAttest,
) -> AttestedKeyChain:
    """Attest a key of the client's own for a nonce, as the secure hardware of the device would."""
    given = body.public_key
    try:
        firmware, place = _profile(body.profile), find_place(body.place)
        key = read_public_key(given) if isinstance(given, str) else public_jwk(given)
    except (PlaceError, ClientKeyError) as error:
        raise AdminError(422, AdminCode.REQUEST_INVALID, str(error)) from error
    keystore = KeystoreOptions(algorithm_of(key))
    chain = NumberedDevice.of(lab.seed, device, firmware).keystore(keystore).certify(key, body.nonce.encode())
    evidence = prepare_evidence(
        lab.seed, firmware, place, body.nonce, context.clock(), number=device, keystore=keystore
    )
    return AttestedKeyChain(
        device=device,
        alg=keystore.algorithm.value,
        x5c=[base64.b64encode(certificate).decode() for certificate in chain],
        claims=None if evidence is None else evidence.claims,
    )


def _profile(name: str) -> Profile:
    try:
        return load_named(name)
    except ProfileError as error:
        raise AdminError(422, AdminCode.REQUEST_INVALID, str(error)) from error

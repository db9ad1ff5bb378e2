"""Every attack, in the order of the chapters that a reviewer reads."""

from typing import Final

from lab.attacks import (
    chains,
    device_clock,
    device_image,
    device_storage,
    evidence,
    key_repository,
    on_the_wire,
    tokens_claims,
    tokens_form,
    tokens_header,
    tokens_json,
    tokens_signature,
)
from lab.attacks.model import Attack

CATALOGUE: Final[tuple[Attack, ...]] = (
    *tokens_form.ATTACKS,
    *tokens_header.ATTACKS,
    *tokens_signature.ATTACKS,
    *tokens_json.ATTACKS,
    *tokens_claims.ATTACKS,
    *on_the_wire.ATTACKS,
    *key_repository.ATTACKS,
    *evidence.ATTACKS,
    *chains.ATTACKS,
    *device_clock.ATTACKS,
    *device_storage.ATTACKS,
    *device_image.ATTACKS,
)

BY_ID: Final[dict[str, Attack]] = {attack.id: attack for attack in CATALOGUE}

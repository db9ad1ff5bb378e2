"""Every attack, in the order of the chapters that a reviewer reads."""

from typing import Final

from lab.attacks.device import clock, image, modem, storage, unlock
from lab.attacks.model import Attack
from lab.attacks.server import attestation_chains, evidence, files, key_repository, strangers, transport
from lab.attacks.tokens import claims, form, header, payload_json, signature

CATALOGUE: Final[tuple[Attack, ...]] = (
    *form.ATTACKS,
    *header.ATTACKS,
    *signature.ATTACKS,
    *payload_json.ATTACKS,
    *claims.ATTACKS,
    *transport.ATTACKS,
    *key_repository.ATTACKS,
    *evidence.ATTACKS,
    *attestation_chains.ATTACKS,
    *strangers.ATTACKS,
    *files.ATTACKS,
    *clock.ATTACKS,
    *storage.ATTACKS,
    *unlock.ATTACKS,
    *image.ATTACKS,
    *modem.ATTACKS,
)

BY_ID: Final[dict[str, Attack]] = {attack.id: attack for attack in CATALOGUE}

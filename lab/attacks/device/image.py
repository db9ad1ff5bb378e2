"""Attacks on what the phone runs and carries: another image, another trust root, another card."""

from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import Final

from agent.core.screens import ScreenId
from agent.core.states import Lock
from lab.attacks.device.base import DENIED, HOME, LOCKED, attack, drop
from lab.attacks.device_state import DeviceState
from lab.attacks.harness.environment import LANTERN, TrialContext
from lab.attacks.harness.target_phone import Phone
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic
from lab.world import sim_files
from lab.world.sim import generate_sim
from wire.evidence import Plmn

_T = Topic


def _french_card(stage: TrialContext) -> Phone:
    phone = stage.locked()
    return stage.set_up(stage.phone("havana-french-sim", like=phone))


def _hostile_card(stage: TrialContext) -> Phone:
    """A card whose files hold what no card has."""
    card = generate_sim(Plmn(mcc="368", mnc="01"), Random(7))  # noqa: S311 - a card, not a key
    hostile = {
        sim_files.EF_SPN: b"\xff\x00\x1b[2J\x80\x80",
        sim_files.EF_GID1: b"",
        sim_files.EF_ICCID: b"\xaa" * 10,
    }
    files = MappingProxyType({**card.files, **hostile})
    phone = stage.locked()
    return stage.set_up(stage.phone("havana", card=replace(card, files=files), like=phone))


def _cuban_card(stage: TrialContext) -> Phone:
    return stage.set_up(stage.phone("paris-cuban-sim"))


CARDS: Final[tuple[Attack, ...]] = (
    attack("sim-exchanged", "Put a French card into a locked phone.", "CWE-290", AttackerCapability.SIM, _T.SIM,
            _french_card, DENIED),
    attack("sim-hostile", "Put a card with malformed files into a locked phone.", "CWE-20",
            AttackerCapability.SIM, _T.SIM,
            _hostile_card, DENIED),
    attack("sim-planted", "Plant a Cuban card on somebody in Paris, to have the phone locked.", "CWE-290",
            AttackerCapability.SIM, _T.SIM, _cuban_card, DeviceState(*HOME, "allow territory-eligible")),
)  # fmt: skip


def _flashed(profile: str) -> AttackRun:
    """A locked phone gets another image and boots it, its storage as it was."""

    def play(stage: TrialContext) -> Phone:
        return stage.set_up(stage.phone("havana", profile, like=stage.locked()))

    return play


def _fresh(profile: str) -> AttackRun:
    """A phone that never had another image."""
    return lambda stage: stage.set_up(stage.phone("havana", profile))


def _flashed_and_back(stage: TrialContext) -> Phone:
    phone = stage.locked()
    custom = stage.set_up(stage.phone("havana", "custom-aosp", like=phone))
    stage.require(custom.ending().screen is ScreenId.HOME, "the custom image reaches home")
    back = stage.phone("havana", like=custom)
    back.wire.act = drop
    back.handset.power_on()
    return back


def _silent(profile: str) -> AttackRun:
    def play(stage: TrialContext) -> Phone:
        phone = _flashed(profile)(stage)
        stage.require(not phone.handset.network.requests, "no request leaves the phone")
        return phone

    return play


def _evident(profile: str) -> AttackRun:
    """The evidence shows what the image is."""

    def play(stage: TrialContext) -> Phone:
        phone = stage.set_up(stage.phone("havana", profile))
        tiers = [verdict.claims.trust.value for verdict in phone.handset.timeline.verdicts]
        stage.require(tiers == ["contraindicated"], "the appraisal is contraindicated")
        return phone

    return play


def _other_root(stage: TrialContext) -> Phone:
    """An official image asks while a server under another root answers: the pin decides."""
    other = stage.theatre.shared(LANTERN).transport
    phone = stage.locked()
    phone.wire.act = lambda call: call.forward(onward=other)
    phone.handset.retry()
    return phone


_FLASH: Final = AttackerCapability.FLASH_ACCESS

IMAGES: Final[tuple[Attack, ...]] = (
    attack("trust-root-flashed", "Replace the trust root in the image of a phone whose bootloader is locked.",
            "CWE-1326", _FLASH, _T.TRUST_ROOT, _flashed("official-tampered"), DeviceState(None, None, "not booted")),
    attack("other-server-same-root", "Answer everything from a server that stands under another root.",
            "CWE-346", AttackerCapability.OWN_SERVER, _T.TRUST_ROOT, _other_root, DeviceState(*LOCKED, "tuf-unsigned")),
    attack("image-downgraded", "Flash an older official image onto a locked phone.", "CWE-1328", _FLASH,
            _T.FIRMWARE, _flashed("official-legacy"), DENIED),
    attack("image-of-another-region", "Flash the image of another sale region onto a locked phone.", "CWE-1328",
            _FLASH, _T.FIRMWARE, _flashed("official-china"), DENIED),
    attack("image-there-and-back", "Flash a custom image onto a locked phone, and the official one again.",
            "CWE-693", _FLASH, _T.FIRMWARE, _flashed_and_back, DeviceState(*LOCKED, "unreachable")),
    attack("image-unlocked", "Run the official image on an unlocked bootloader.", "RFC 9334 section 8.4", _FLASH,
            _T.FIRMWARE, _evident("official-unlocked"), DENIED),
    attack("image-spoofing", "Falsify card, network and position, with a keystore in software.",
            "RFC 9334 section 8.4", _FLASH, _T.FIRMWARE, _fresh("custom-spoofing"),
            DeviceState(Lock.UNPROVISIONED, ScreenId.WAITING, "defer evidence-unattested")),
    attack("image-rooted", "Swallow the agent's screens in a rooted official image.", "CWE-693", _FLASH,
            _T.FIRMWARE, _evident("official-rooted"),
            DeviceState(Lock.LOCKED, ScreenId.HOME, "deny territory-prohibited"),
            falls="who controls the display controls what is enforced; the evidence shows the image"),
    attack("image-resigned", "Re-sign the image with a trust root and a server of one's own.", "CWE-1326", _FLASH,
            _T.FIRMWARE, _flashed("custom-resigned"), DeviceState(*HOME, "allow territory-eligible"),
            falls="the agent obeys whoever holds the root that its image pins"),
    attack("image-without-agent", "Flash a community's image without the agent.", "CWE-693", _FLASH,
            _T.FIRMWARE, _silent("custom-aosp"), DeviceState(None, ScreenId.HOME, "nothing"),
            falls="there is nothing left that could ask or lock"),
    attack("image-without-agent-vendor-base", "Flash a rebuilt vendor image without the agent.", "CWE-693", _FLASH,
            _T.FIRMWARE, _silent("custom-vendor-base"), DeviceState(None, ScreenId.HOME, "nothing"),
            falls="there is nothing left that could ask or lock"),
)  # fmt: skip

ATTACKS: Final = CARDS + IMAGES

"""Attacks on what the device runs and carries: another image, another trust root, another card."""

from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import Final

from agent.core.screens import ScreenId
from agent.core.states import Lock
from firmware_profiles.loader import load_named
from firmware_profiles.model import KeyStorage
from lab.attacks.device.base import DENIED, HOME, LOCKED, device_attack
from lab.attacks.harness.environment import LANTERN, TrialContext
from lab.attacks.harness.interceptor import drop
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic
from lab.world import sim_files
from lab.world.sim import generate_sim
from wire.codes import TrustTier
from wire.evidence import Plmn


def _hostile_card(trial: TrialContext) -> TargetDevice:
    """A card with malformed files."""
    card = generate_sim(Plmn(mcc="368", mnc="01"), Random(7))  # noqa: S311 - a card, not a key
    malformed = {
        sim_files.EF_SPN: b"\xff\x00\x1b[2J\x80\x80",
        sim_files.EF_GID1: b"",
        sim_files.EF_ICCID: b"\xaa" * 10,
    }
    card = replace(card, files=MappingProxyType({**card.files, **malformed}))
    locked = trial.locked()
    return trial.set_up(trial.device("havana", card=card, hardware_of=locked))


def _card(name: str, sentence: str, source: str, run: AttackRun, expected: DeviceState) -> Attack:
    return device_attack(name, sentence, source, AttackerCapability.SIM, Topic.SIM, run, expected)


CARDS: Final[tuple[Attack, ...]] = (
    _card("sim-exchanged", "Put a French card into a locked device.", "CWE-290",
          lambda trial: trial.set_up(trial.device("havana-french-sim", hardware_of=trial.locked())), DENIED),
    _card("sim-hostile", "Put a card with malformed files into a locked device.", "CWE-20", _hostile_card, DENIED),
    _card("sim-planted", "Put a Cuban card into another person's device in Paris, so that it is locked.", "CWE-290",
          lambda trial: trial.set_up(trial.device("paris-cuban-sim")), DeviceState(*HOME, "allow territory-eligible")),
)  # fmt: skip


def _flashed(profile: str, *, silent: bool = False) -> AttackRun:
    """A locked device gets another image; if `silent`, this image must send no request."""

    def run(trial: TrialContext) -> TargetDevice:
        device = trial.set_up(trial.device("havana", profile, hardware_of=trial.locked()))
        if silent:
            trial.require(not device.handset.network.requests, "no request leaves the device")
        return device

    return run


def _new(profile: str, *, contraindicated: bool = False) -> AttackRun:
    """A device that never had another image; if `contraindicated`, the appraisal must have this result."""

    def run(trial: TrialContext) -> TargetDevice:
        device = trial.set_up(trial.device("havana", profile))
        tiers = [verdict.claims.trust.value for verdict in device.handset.timeline.verdicts]
        if contraindicated:
            trial.require(tiers == ["contraindicated"], "the appraisal is contraindicated")
        return device

    return run


def _spoofing(trial: TrialContext) -> TargetDevice:
    """A device whose keystore is honest and says so: the image is not verified. It reports Paris."""
    image = load_named("custom-spoofing").with_hardware(keystore=KeyStorage.TEE)
    device = trial.set_up(trial.device("havana", image))
    (verdict,) = device.handset.timeline.verdicts
    trial.require(verdict.claims.trust is TrustTier.CONTRAINDICATED, "the appraisal is contraindicated")
    return device


def _activated_by_spoofing(trial: TrialContext) -> TargetDevice:
    spoofing = _spoofing(trial)
    trial.require(spoofing.state().screen is ScreenId.HOME, "the false place is allowed")
    return trial.set_up(trial.device("havana", hardware_of=spoofing))


def _flashed_and_back(trial: TrialContext) -> TargetDevice:
    locked = trial.locked()
    custom = trial.set_up(trial.device("havana", "custom-aosp", hardware_of=locked))
    trial.require(custom.state().screen is ScreenId.HOME, "the custom image reaches home")
    official = trial.device("havana", hardware_of=custom)
    official.interceptor.handler = drop
    official.handset.power_on()
    return official


def _other_root(trial: TrialContext) -> TargetDevice:
    """An official image asks, and a server under another root responds."""
    other = trial.environment.shared(LANTERN).transport
    device = trial.locked()
    device.interceptor.handler = lambda request: request.forward(upstream=other)
    device.handset.retry()
    return device


def _image(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    run: AttackRun,
    expected: DeviceState,
    succeeds_because: str = "",
    *,
    topic: Topic = Topic.FIRMWARE,
) -> Attack:
    return device_attack(
        name, sentence, source, AttackerCapability.FLASH_ACCESS, topic, run, expected, succeeds_because
    )


_NO_AGENT: Final = "the image contains no agent that could ask or lock"

IMAGES: Final[tuple[Attack, ...]] = (
    _image("trust-root-flashed", "Replace the trust root in the image of a device whose bootloader is locked.",
           "CWE-1326", _flashed("official-tampered"), DeviceState(None, None, "not booted"), topic=Topic.TRUST_ROOT),
    device_attack("other-server-same-root", "Respond to all requests from a server under another root.",
                  "CWE-346", AttackerCapability.OWN_SERVER, Topic.TRUST_ROOT, _other_root,
                  DeviceState(*LOCKED, "tuf-unsigned")),
    _image("image-downgraded", "Flash an older official image onto a locked device.", "CWE-1328",
           _flashed("official-legacy"), DENIED),
    _image("image-of-another-region", "Flash the image of another sale region onto a locked device.", "CWE-1328",
           _flashed("official-china"), DENIED),
    _image("image-there-and-back", "Flash a custom image onto a locked device, and then the official one again.",
           "CWE-693", _flashed_and_back, DeviceState(*LOCKED, "unreachable")),
    _image("image-unlocked", "Run the official image on an unlocked bootloader.", "RFC 9334 section 8.4",
           _new("official-unlocked", contraindicated=True), DENIED),
    _image("image-spoofing", "Falsify card, network and position, with a keystore in software.",
           "RFC 9334 section 8.4", _new("custom-spoofing"),
           DeviceState(Lock.UNPROVISIONED, ScreenId.WAITING, "defer evidence-unattested")),
    _image("image-spoofing-tee", "Falsify card, network and position, with keys of the device's own hardware.",
           "RFC 9334 section 8.4", _spoofing, DeviceState(*HOME, "allow territory-eligible"),
           "no rule of the policy in force asks for trust, which `activation policy check` notes"),
    _image("image-spoofing-and-back",
           "Falsify the place until an allow, then flash the official image, so that the activation lasts.",
           "RFC 9334 section 8.4", _activated_by_spoofing, DENIED),
    _image("image-rooted", "Suppress the agent's screens in a rooted official image.", "CWE-693",
           _new("official-rooted", contraindicated=True),
           DeviceState(Lock.LOCKED, ScreenId.HOME, "deny territory-prohibited"),
           "an attacker who controls the display controls what is enforced; the evidence identifies the image"),
    _image("image-resigned", "Re-sign the image with the attacker's trust root and server.", "CWE-1326",
           _flashed("custom-resigned"), DeviceState(*HOME, "allow territory-eligible"),
           "the agent accepts the verdicts of the holder of the root that its image pins"),
    _image("image-without-agent", "Flash a community image without the agent.", "CWE-693",
           _flashed("custom-aosp", silent=True), DeviceState(None, ScreenId.HOME, "nothing"), _NO_AGENT),
    _image("image-without-agent-vendor-base", "Flash a rebuilt manufacturer's image without the agent.", "CWE-693",
           _flashed("custom-vendor-base", silent=True), DeviceState(None, ScreenId.HOME, "nothing"), _NO_AGENT),
)  # fmt: skip

ATTACKS: Final = CARDS + IMAGES

"""Attacks with unlock codes on a locked device. The server's operator signs each code, as support does."""

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from lab.attacks.device.base import LOCKED, device_attack
from lab.attacks.harness.environment import MANUFACTURER, TrialContext
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act, DeviceAdmin
from wire.unlock import NONCE_LENGTH, UnlockChallenge

ATTACKS: Final[list[Attack]] = []


def _attack(name: str, source: str, code: str) -> Callable[[AttackRun], AttackRun]:
    """Add the attack that the decorated function runs; its docstring is the sentence. The device stays locked."""

    def add(run: AttackRun) -> AttackRun:
        state, capability = DeviceState(*LOCKED, code), AttackerCapability.OWNER
        ATTACKS.append(
            device_attack(name, str(run.__doc__), source, capability, Topic.UNLOCK_CODE, run, state)
        )
        return run

    return add


def _operators(trial: TrialContext) -> DeviceAdmin:
    return device_admin(trial.environment.shared(MANUFACTURER).service)


def _challenge(device: TargetDevice) -> UnlockChallenge:
    """The challenge on the lock screen."""
    display = device.handset.display.current
    if display is None:
        raise ValueError("the attack shows a device without a lock screen")
    return UnlockChallenge.parse(display.facts.challenge)


def _code(trial: TrialContext, challenge: UnlockChallenge) -> bytes:
    return _operators(trial).unlock_code(challenge, reason="attack").token.encode()


def _denied_again(trial: TrialContext, device: TargetDevice) -> TargetDevice:
    """The device after its next verdict. Without the operator's decision, the policy denies it as before."""
    _operators(trial).act_on(_challenge(device).imei14, Act.WITHDRAW, reason="withdrawn")
    device.handset.retry()
    return device


@_attack("unlock-code-earlier", "CWE-294", "earlier-challenge")
def earlier(trial: TrialContext) -> TargetDevice:
    """Enter the code for a challenge that the device showed before its newest verdict."""
    device = trial.locked()
    shown = _challenge(device)
    code = _code(trial, shown)
    _denied_again(trial, device)
    trial.require(_challenge(device) != shown, "a verdict changes the challenge")
    device.handset.enter_code(code)
    return device


@_attack("unlock-code-used", "CWE-294", "earlier-challenge")
def used(trial: TrialContext) -> TargetDevice:
    """Enter a code that unlocked the device once more after it was locked again."""
    device = trial.locked()
    imei14, code = _challenge(device).imei14, _code(trial, _challenge(device))
    device.handset.enter_code(code)
    trial.require(device.state().lock is not LOCKED[0], "the code unlocks the device once")
    _operators(trial).act_on(imei14, Act.LOCK, reason="stolen")
    device.handset.power_on()
    device.handset.enter_code(code)
    return device


@_attack("unlock-code-factory-reset", "CWE-294", "earlier-challenge")
def after_factory_reset(trial: TrialContext) -> TargetDevice:
    """Ask for a code, erase the device, set it up again, and enter the code."""
    device = trial.locked()
    imei14, code = _challenge(device).imei14, _code(trial, _challenge(device))
    _operators(trial).act_on(imei14, Act.WITHDRAW, reason="withdrawn")
    device.store.erase()
    trial.set_up(device)
    device.handset.enter_code(code)
    return device


@_attack("unlock-code-earlier-release", "CWE-323", "earlier-challenge")
def earlier_release(trial: TrialContext) -> TargetDevice:
    """Enter the code for the challenge as the release before derives it, from the sealing key itself."""
    device = trial.locked()
    agent = device.handset.agent
    jti = agent.state.memory.jti if agent else ""
    key = device.handset.keystore(device.seed).sealing_key()
    nonce = hmac.digest(key, b"unlock code" + jti.encode(), "sha256")[:NONCE_LENGTH]
    device.handset.enter_code(_code(trial, replace(_challenge(device), nonce=nonce)))
    return device


@_attack("unlock-code-guessed", "CWE-340", "nonce-mismatch")
def guessed(trial: TrialContext) -> TargetDevice:
    """Ask for a code with the IMEI of the device and a guessed nonce."""
    device = trial.locked()
    challenge = replace(_challenge(device), nonce=trial.seed.bytes("guess", NONCE_LENGTH))
    device.handset.enter_code(_code(trial, challenge))
    return device


@_attack("unlock-code-other-device", "RFC 7800 section 3.1", "key-binding-mismatch")
def of_another_device(trial: TrialContext) -> TargetDevice:
    """Enter the code for another locked device."""
    device, other = trial.locked(), trial.locked()
    device.handset.enter_code(_code(trial, _challenge(other)))
    return device


@_attack("unlock-code-changed", "RFC 7515 section 5.2", "signature-invalid")
def changed(trial: TrialContext) -> TargetDevice:
    """Change one character of the signature of a code."""
    device = trial.locked()
    code = _code(trial, _challenge(device))
    head, dot, signature = code.rpartition(b".")
    device.handset.enter_code(head + dot + (b"B" if signature[:1] == b"A" else b"A") + signature[1:])
    return device


@_attack("unlock-code-expired", "RFC 7519 section 4.1.4", "expired")
def expired(trial: TrialContext) -> TargetDevice:
    """Keep a code for two days before it is entered on a device without a network."""
    device = trial.locked()
    code = _code(trial, _challenge(device))
    device.handset.network_down()
    device.handset.wait(2 * 24 * 3600)
    device.handset.enter_code(code)
    return device

"""What trust means for the record of a device, and for a policy that asks for boot keys, deviations and roaming."""

from dataclasses import replace
from itertools import product

import pytest

from lab.handset.keystore import EmulatedKeystore, KeystoreOptions
from lab.handset.keystore_habits import KeystoreHabit
from lab.world.seed import Seed
from server_stub.admin.context import policy_admin
from server_stub.attestation.deviations import Deviation
from server_stub.policies import read
from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation, Policy
from server_stub.store.records import VerdictRecord
from server_stub.verdicts.service import VerdictService
from tests.support.server_phone import IMEI, NOW, Clock, Phone, facts, service, telephony
from wire.codes import Decision, Intent, TrustTier, VerifiedBootState
from wire.verdict import Verdict

PARIS = telephony("208", home=("208", "01"))
HAVANA = telephony("368", home=("368", "01"))
SILENT = {"faults": [{"code": "silence", "source": "AT"}]}
KEY = bytes(range(32))
UNLOCKED = Phone(boot=facts(verified_boot_state=VerifiedBootState.ORANGE, device_locked=False))
SYSTEM = Phone(boot=facts(verified_boot_state=VerifiedBootState.YELLOW, verified_boot_key=KEY))

ASKING = """\
id = "asking"
version = 3
title = "Asks for everything"
boot_keys = [{keys}]
[territories]
prohibited = []
[[rules]]
id = "first"
when = {{ {when} }}
decision = "defer"
reason = "territory-unknown"
retry_after = 60
[[rules]]
id = "rest"
decision = "allow"
reason = "territory-eligible"
check_in = 60
offline_limit = 60
"""


def asking(when: str, *keys: str) -> Policy:
    return Policy.parse(ASKING.format(when=when, keys=", ".join(f'"{key}"' for key in keys)), "asking.toml")


def ask(server: VerdictService, phone: Phone, **changes: object) -> Verdict:
    return server.judge(phone.evidence(server.challenge().nonce, telephony=PARIS, **changes))[0]


def newest(server: VerdictService, sub: str) -> VerdictRecord:
    with server.store.reading() as reading:
        return reading.history(sub, limit=1).items[0]


def activation(server: VerdictService, sub: str) -> Activation | None:
    with server.store.reading() as reading:
        device = reading.device(sub)
        assert device is not None
        return device.activation


@pytest.mark.parametrize(
    ("state", "locked", "debugging", "intent"),
    list(product(VerifiedBootState, [True, False], ["disabled", "enabled"], Intent)),
)
def test_allow_is_an_activation_unless_the_evidence_is_contraindicated(
    state: VerifiedBootState, *, locked: bool, debugging: str, intent: Intent
) -> None:
    server = service()
    phone = Phone(boot=facts(verified_boot_state=state, device_locked=locked))
    verdict = ask(server, phone, dbgstat=debugging, intent=intent.value)
    assert verdict.decision is Decision.ALLOW
    expected = None if verdict.trust is TrustTier.CONTRAINDICATED else Activation(NOW, "FR")
    assert activation(server, verdict.sub) == expected
    trusted = locked and state in (VerifiedBootState.GREEN, VerifiedBootState.YELLOW)
    assert (expected is not None) == trusted


def test_contraindicated_allow_does_not_complete_an_activation_without_a_territory() -> None:
    server = service()
    server.enroll(IMEI, Activation(NOW - 9000, None))
    verdict = ask(server, UNLOCKED, intent="check-in")
    assert (verdict.decision, verdict.trust) == (Decision.ALLOW, TrustTier.CONTRAINDICATED)
    assert activation(server, verdict.sub) == Activation(NOW - 9000, None)
    ask(server, Phone(), intent="check-in")
    assert activation(server, verdict.sub) == Activation(NOW - 9000, "FR")


def test_recorded_activation_stays_when_the_evidence_becomes_contraindicated() -> None:
    server = service()
    ask(server, Phone())
    verdict = ask(server, UNLOCKED, intent="check-in")
    assert activation(server, verdict.sub) == Activation(NOW, "FR")


def test_operator_who_unlocks_an_unverified_device_does_not_activate_it() -> None:
    server = service()
    sub = ask(server, UNLOCKED).sub
    with server.store.transaction() as transaction:
        device = transaction.device(sub)
        assert device is not None
        override = Override(Decision.ALLOW, "a mistake", "SLV-AAAAA-BBBBB", NOW)
        transaction.put_device(replace(device, override=override))
    assert ask(server, UNLOCKED).decision is Decision.ALLOW
    assert activation(server, sub) is None


@pytest.mark.parametrize("phone", [UNLOCKED, SYSTEM])
def test_false_place_gains_nothing_for_the_official_image(phone: Phone) -> None:
    """Only a system that the hardware verified earns an activation."""
    server = service()
    assert ask(server, phone).decision is Decision.ALLOW
    nonce = server.challenge().nonce
    official = server.judge(Phone().evidence(nonce, telephony=HAVANA, intent="check-in"))[0]
    assert official.decision is (Decision.DENY if phone is UNLOCKED else Decision.ALLOW)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(("state", "locked"), list(product(VerifiedBootState, [True, False])))
def test_listed_boot_key_is_judged_as_official_firmware_only_if_it_verified_the_image(
    state: VerifiedBootState, *, locked: bool, listed: bool
) -> None:
    phone = Phone(boot=facts(verified_boot_state=state, device_locked=locked, verified_boot_key=KEY))
    server = service(policy=asking('boot_key = ["unknown"]', *([KEY.hex().upper()] if listed else [])))
    verdict = ask(server, phone)
    official = locked and state is VerifiedBootState.GREEN
    known = official or (listed and locked and state is VerifiedBootState.YELLOW)
    assert verdict.policy.rule == ("rest" if known else "first")
    if known:
        assert verdict.trust is TrustTier.AFFIRMING
    elif locked and state is VerifiedBootState.YELLOW:
        assert verdict.trust is TrustTier.WARNING
    else:
        assert verdict.trust is TrustTier.CONTRAINDICATED
    reason = newest(server, verdict.sub).appraisal["executables"]
    assert reason == ("boot-key-known" if known and not official else f"boot-{state}")


def test_boot_key_of_another_policy_is_unknown() -> None:
    server = service(policy=asking('boot_key = ["known"]', "00" * 32))
    assert ask(server, SYSTEM).policy.rule == "rest"


def with_habits(*habits: KeystoreHabit) -> Phone:
    phone = Phone()
    authority = phone.manufacturer.authority(phone.level)
    options = KeystoreOptions(habits=habits)
    phone.keystore = EmulatedKeystore(Seed.of("phone"), authority, phone.boot, options)
    return phone


@pytest.mark.parametrize("asked", [Deviation.SET_UNSORTED, Deviation.CERTIFICATE_EXPIRED])
def test_deviation_of_the_attestation_reaches_the_policy(asked: Deviation) -> None:
    server = service(policy=asking(f'deviations = ["{asked}", "imei-malformed"]'))
    for phone, deviates in ((Phone(), False), (with_habits(KeystoreHabit.SET_UNSORTED), True)):
        verdict = ask(server, phone)
        met = deviates and asked is Deviation.SET_UNSORTED
        assert verdict.policy.rule == ("first" if met else "rest")


@pytest.mark.parametrize("wanted", ["true", "false"])
def test_silent_modem_meets_no_condition_on_roaming(wanted: str) -> None:
    server = service(policy=asking(f"roaming = {wanted}"))
    nonce = server.challenge().nonce
    assert server.judge(Phone().evidence(nonce, telephony=SILENT))[0].policy.rule == "rest"


DRAFTS = {
    'boot_key = ["known"]': {"official": True, "system": True, "unlocked": False, "deviating": True},
    'trust = ["affirming"]': {"official": True, "system": True, "unlocked": False, "deviating": False},
    'trust = ["contraindicated"]': {"official": False, "system": False, "unlocked": True, "deviating": False},
    'deviations = ["set-unsorted"]': {
        "official": False,
        "system": False,
        "unlocked": False,
        "deviating": True,
    },
    "roaming = false": {"official": True, "system": True, "unlocked": True, "deviating": True},
}


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("when", DRAFTS)
def test_simulation_judges_recorded_evidence_as_the_next_check_in_would(
    when: str, *, before: bool, listed: bool
) -> None:
    """Under a draft that knows the boot key or does not, whatever the policy in force knew."""
    clock = Clock()
    known = [KEY.hex()] if before else []
    server = service(clock=clock, policy=asking('identity = ["unattested"]', *known))
    phones = {
        "official": Phone(),
        "system": SYSTEM,
        "unlocked": UNLOCKED,
        "deviating": with_habits(KeystoreHabit.SET_UNSORTED),
    }
    draft = asking(when, *([KEY.hex()] if listed else []))
    for name, phone in phones.items():
        ask(server, phone)
        result = policy_admin(server).simulate(draft.text)
        met = DRAFTS[when][name] and (listed or name != "system" or when == "roaming = false")
        wanted = Decision.DEFER if met else Decision.ALLOW
        assert dict(result.decisions) == {(Decision.ALLOW, wanted): 1}, name
        real = service(clock=clock, policy=draft)
        assert ask(real, phone, intent="check-in").decision is wanted


def test_simulation_judges_the_evidence_of_a_silent_modem() -> None:
    server = service(policy=asking('identity = ["unattested"]'))
    server.judge(Phone().evidence(server.challenge().nonce, telephony=SILENT))
    for wanted in ("true", "false"):
        result = policy_admin(server).simulate(asking(f"roaming = {wanted}").text)
        assert dict(result.decisions) == {(Decision.ALLOW, Decision.ALLOW): 1}


def test_record_of_an_earlier_release_is_judged_with_its_recorded_trust() -> None:
    """It has no boot key: a draft that lists the key changes nothing until the device checks in."""
    server = service(policy=asking('identity = ["unattested"]'))
    verdict = ask(server, SYSTEM)
    older = newest(server, verdict.sub)
    appraisal = {key: value for key, value in older.appraisal.items() if isinstance(value, str)}
    assert appraisal != older.appraisal
    with server.store.transaction() as transaction:
        later = older.verdict.model_copy(update={"jti": "older", "serial": older.verdict.serial + 1})
        transaction.append_verdict(replace(older, appraisal=appraisal, verdict=later))
    result = policy_admin(server).simulate(asking('trust = ["affirming"]', KEY.hex()).text)
    assert dict(result.decisions) == {(Decision.ALLOW, Decision.ALLOW): 1}


def test_example_policy_knows_the_hardened_system() -> None:
    """Its key is the one of the firmware profile."""
    policy = Policy.parse(read("example"), "example.toml")
    (key,) = policy.boot_keys
    system = Phone(
        boot=facts(verified_boot_state=VerifiedBootState.YELLOW, verified_boot_key=bytes.fromhex(key))
    )
    assert ask(service(policy=policy), system).trust is TrustTier.AFFIRMING

"""What an attestation proves."""

from itertools import product

import pytest

from firmware_profiles.model import KeyStorage
from lab.manufacturer.manufacturer import Manufacturer
from server_stub.attestation.appraisal import (
    Appraisal,
    AppraisedClaim,
    BootKey,
    Identity,
    TrustClaim,
    appraise,
    claimed_digits,
)
from server_stub.attestation.chain import ChainVerifier
from server_stub.evidence import evidence_token as reader
from server_stub.evidence.errors import EvidenceError
from tests.support.server_phone import IMEI, MANUFACTURER, NOW, SECOND_IMEI, Phone, claims, facts, ueid
from wire.codes import TrustTier, VerifiedBootState

NONCE = "A" * 44


def judge(
    phone: Phone,
    *,
    challenge: str | None = None,
    manufacturer: Manufacturer = MANUFACTURER,
    **changes: object,
) -> Appraisal:
    token = reader.read(phone.evidence(NONCE, challenge=challenge, **changes))
    path = ChainVerifier((manufacturer.attestation_root,)).verify(token.chain, NOW)
    return appraise(path, token.evidence)


def result(appraisal: Appraisal, claim: TrustClaim) -> AppraisedClaim:
    return next(each for each in appraisal.results if each.claim is claim)


@pytest.mark.parametrize("level", [KeyStorage.STRONGBOX, KeyStorage.TEE])
def test_official_locked_device_is_affirmed_in_every_claim(level: KeyStorage) -> None:
    appraisal = judge(Phone(level))
    assert (appraisal.identity, appraisal.tier, appraisal.imei) == (
        Identity.ATTESTED,
        TrustTier.AFFIRMING,
        IMEI,
    )
    assert {each.claim for each in appraisal.results} == set(TrustClaim)


@pytest.mark.parametrize(("state", "lock"), list(product(VerifiedBootState, ["locked", "unlocked"])))
def test_worst_claim_gives_the_tier(state: VerifiedBootState, lock: str) -> None:
    appraisal = judge(Phone(boot=facts(verified_boot_state=state, device_locked=lock == "locked")))
    boot = {VerifiedBootState.GREEN: TrustTier.AFFIRMING, VerifiedBootState.YELLOW: TrustTier.WARNING}
    expected = boot.get(state, TrustTier.CONTRAINDICATED) if lock == "locked" else TrustTier.CONTRAINDICATED
    assert appraisal.tier is expected
    assert appraisal.identity is Identity.ATTESTED


KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("state", "locked", "listed", "debugging"),
    list(product(VerifiedBootState, [True, False], [True, False], ["disabled", "enabled"])),
)
def test_a_listed_boot_key_counts_as_the_manufacturers_only_below_a_locked_bootloader(
    state: VerifiedBootState, *, locked: bool, listed: bool, debugging: str
) -> None:
    boot = facts(verified_boot_state=state, device_locked=locked, verified_boot_key=KEY)
    before = judge(Phone(boot=boot), dbgstat=debugging)
    after = before.knowing({KEY.hex()} if listed else {"00" * 32})
    raised = listed and locked and state is VerifiedBootState.YELLOW
    official = locked and state is VerifiedBootState.GREEN
    assert after.boot_key is (BootKey.KNOWN if raised or official else BootKey.UNKNOWN)
    if not raised:
        assert after == before
        return
    green = judge(
        Phone(boot=facts(verified_boot_state=VerifiedBootState.GREEN, verified_boot_key=KEY)),
        dbgstat=debugging,
    )
    assert after.tier is green.tier
    assert after.reasons() == green.reasons() | {"executables": "boot-key-known"}
    assert before.tier is TrustTier.WARNING


@pytest.mark.parametrize("phone", [Phone(KeyStorage.SOFTWARE), Phone(boot=facts(imeis=()))])
def test_an_unattested_device_has_no_known_boot_key(phone: Phone) -> None:
    appraisal = judge(phone)
    assert appraisal.knowing({bytes(32).hex()}) == appraisal
    assert (appraisal.boot_key, appraisal.verified_boot_key) == (BootKey.UNKNOWN, None)


@pytest.mark.parametrize(
    ("phone", "challenge", "reason"),
    [
        (Phone(KeyStorage.SOFTWARE), None, "chain-not-anchored"),
        (Phone(manufacturer=Manufacturer("another manufacturer")), None, "chain-not-anchored"),
        (Phone(), "B" * 44, "challenge-not-fresh"),
        (Phone(boot=facts(imeis=())), None, "imei-not-attested"),
    ],
)
def test_device_without_fresh_attested_imei_is_unattested(
    phone: Phone, challenge: str | None, reason: str
) -> None:
    appraisal = judge(phone, challenge=challenge)
    assert (appraisal.identity, appraisal.tier) == (Identity.UNATTESTED, TrustTier.CONTRAINDICATED)
    assert (appraisal.imei, appraisal.model) == (None, None)
    assert result(appraisal, TrustClaim.INSTANCE_IDENTITY).reason == reason
    others = [each for each in appraisal.results if each.claim is not TrustClaim.INSTANCE_IDENTITY]
    assert {each.tier for each in others} == {TrustTier.NONE}


def test_software_keystore_of_the_manufacturer_has_its_own_reason() -> None:
    phone, secrets = Phone(KeyStorage.SOFTWARE), MANUFACTURER.secrets
    token = reader.read(phone.evidence(NONCE))
    verifier = ChainVerifier(secrets.attestation_roots, software_roots=secrets.software_roots)
    appraisal = appraise(verifier.verify(token.chain, NOW), token.evidence)
    assert (appraisal.identity, appraisal.tier) == (Identity.UNATTESTED, TrustTier.CONTRAINDICATED)
    assert result(appraisal, TrustClaim.INSTANCE_IDENTITY).reason == "root-of-software"


def test_false_ueid_is_contraindicated_and_the_attested_imei_is_used() -> None:
    appraisal = judge(Phone(), ueid=ueid("490154203237518"))
    assert (appraisal.identity, appraisal.imei) == (Identity.ATTESTED, IMEI)
    assert result(appraisal, TrustClaim.INSTANCE_IDENTITY).reason == "ueid-is-not-the-attested-imei"
    assert appraisal.tier is TrustTier.CONTRAINDICATED


def test_second_imei_is_accepted_as_ueid() -> None:
    appraisal = judge(Phone(), ueid=ueid(SECOND_IMEI))
    assert (appraisal.tier, appraisal.imei) == (TrustTier.AFFIRMING, IMEI)


def test_debugging_gives_a_warning() -> None:
    assert judge(Phone(), dbgstat="enabled").tier is TrustTier.WARNING


@pytest.mark.parametrize(
    ("claimed", "digits"),
    [(ueid(IMEI), IMEI[:14]), ("AQ", ""), ("AwABAgMEBQYHCAkKCwwN", ""), ("A", ""), ("", "")],
)
def test_only_an_imei_type_ueid_has_digits(claimed: str, digits: str) -> None:
    """RFC 9711 section 4.2.1: type 0x03 and 14 bytes, each a digit."""
    assert claimed_digits(claimed) == digits


@pytest.mark.parametrize(
    ("at", "deviation"), [(1_000_000_000, "not-yet-valid"), (2_500_000_000, "expired")], ids=["early", "late"]
)
def test_certificates_of_a_factory_outside_their_validity_are_a_warning(at: int, deviation: str) -> None:
    """Validity is checked every time, although issuers are cached."""
    verifier = ChainVerifier((MANUFACTURER.attestation_root,))
    token = reader.read(Phone().evidence(NONCE))
    for time, found, tier in (
        (NOW, (), TrustTier.AFFIRMING),
        (at, (f"certificate-{deviation}",), TrustTier.WARNING),
        (NOW, (), TrustTier.AFFIRMING),
    ):
        appraisal = appraise(verifier.verify(token.chain, time), token.evidence)
        assert (appraisal.identity, appraisal.deviations, appraisal.tier) == (Identity.ATTESTED, found, tier)


def judge_without_ueid(phone: Phone) -> Appraisal:
    payload = {name: value for name, value in claims(NONCE).items() if name != "ueid"}
    token = reader.read(phone.sign(payload, NONCE))
    return appraise(ChainVerifier((MANUFACTURER.attestation_root,)).verify(token.chain, NOW), token.evidence)


def test_silent_modem_leaves_the_identity_to_the_chain() -> None:
    """Evidence without a UEID claims no IMEI, so none is compared; the attested one still has to be there."""
    appraisal = judge_without_ueid(Phone())
    assert (appraisal.identity, appraisal.tier, appraisal.imei) == (
        Identity.ATTESTED,
        TrustTier.AFFIRMING,
        IMEI,
    )
    nameless = judge_without_ueid(Phone(boot=facts(imeis=())))
    assert (nameless.identity, nameless.tier) == (Identity.UNATTESTED, TrustTier.CONTRAINDICATED)
    assert result(nameless, TrustClaim.INSTANCE_IDENTITY).reason == "imei-not-attested"


@pytest.mark.parametrize(
    ("imei", "attested"),
    [(IMEI[:14], True), (IMEI, True), (f"{IMEI[:14]}01", True), (IMEI[:13], False), (f"{IMEI}012", False)],
)
def test_imei_of_14_to_16_digits_is_compared_by_its_first_14(imei: str, attested: bool) -> None:  # noqa: FBT001
    appraisal = judge(Phone(boot=facts(imeis=(imei,))))
    assert appraisal.identity is (Identity.ATTESTED if attested else Identity.UNATTESTED)
    assert appraisal.imei == (imei if attested else None)


def test_leaf_cannot_issue_another_leaf() -> None:
    """Otherwise every attested key could attest others."""
    chain = reader.read(Phone().evidence(NONCE)).chain
    with pytest.raises(EvidenceError, match="may not issue"):
        ChainVerifier((MANUFACTURER.attestation_root,)).verify((chain[0], *chain), NOW)


def test_chain_in_the_wrong_order_is_rejected() -> None:
    chain = reader.read(Phone().evidence(NONCE)).chain
    other = reader.read(Phone(KeyStorage.TEE).evidence(NONCE)).chain
    with pytest.raises(EvidenceError, match="has an issuer that is not the subject of the next certificate"):
        ChainVerifier((MANUFACTURER.attestation_root,)).verify((chain[0], other[1]), NOW)


def test_batch_with_the_right_name_and_another_key_is_rejected() -> None:
    chain = reader.read(Phone().evidence(NONCE)).chain
    forged = reader.read(Phone(manufacturer=Manufacturer("impostor")).evidence(NONCE)).chain
    with pytest.raises(EvidenceError, match="not signed"):
        ChainVerifier((MANUFACTURER.attestation_root,)).verify((forged[0], chain[1]), NOW)

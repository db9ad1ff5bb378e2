"""What an attestation proves."""

from itertools import product

import pytest

from lab.manufacturer.manufacturer import KeystoreLevel, Manufacturer
from server_stub.attestation.appraisal import (
    Appraisal,
    AppraisedClaim,
    Identity,
    TrustClaim,
    appraise,
    claimed_digits,
)
from server_stub.attestation.chain import ChainVerifier
from server_stub.evidence import evidence_token as reader
from server_stub.evidence.errors import EvidenceError
from tests.support.server_phone import IMEI, NOW, SECOND_IMEI, VENDOR, Phone, facts, ueid
from wire.codes import ProblemCode, TrustTier, VerifiedBootState

NONCE = "A" * 44


def judge(
    phone: Phone, *, challenge: str | None = None, vendor: Manufacturer = VENDOR, **changes: object
) -> Appraisal:
    token = reader.read(phone.evidence(NONCE, challenge=challenge, **changes))
    path = ChainVerifier((vendor.attestation_root,)).verify(token.chain, NOW)
    return appraise(path, token.evidence)


def result(appraisal: Appraisal, claim: TrustClaim) -> AppraisedClaim:
    return next(each for each in appraisal.results if each.claim is claim)


@pytest.mark.parametrize("level", [KeystoreLevel.STRONGBOX, KeystoreLevel.TEE])
def test_an_official_locked_phone_is_affirmed_in_every_claim(level: KeystoreLevel) -> None:
    """Nothing speaks against it."""
    appraisal = judge(Phone(level))
    assert (appraisal.identity, appraisal.tier, appraisal.imei) == (
        Identity.ATTESTED,
        TrustTier.AFFIRMING,
        IMEI,
    )
    assert {each.claim for each in appraisal.results} == set(TrustClaim)


@pytest.mark.parametrize(("state", "lock"), list(product(VerifiedBootState, ["locked", "unlocked"])))
def test_the_worst_claim_gives_the_tier(state: VerifiedBootState, lock: str) -> None:
    """A chain is as strong as its weakest link: an unlocked bootloader outweighs good hardware."""
    appraisal = judge(Phone(boot=facts(verified_boot_state=state, device_locked=lock == "locked")))
    boot = {VerifiedBootState.GREEN: TrustTier.AFFIRMING, VerifiedBootState.YELLOW: TrustTier.WARNING}
    expected = boot.get(state, TrustTier.CONTRAINDICATED) if lock == "locked" else TrustTier.CONTRAINDICATED
    assert appraisal.tier is expected
    assert appraisal.identity is Identity.ATTESTED


@pytest.mark.parametrize(
    ("phone", "challenge", "reason"),
    [
        (Phone(KeystoreLevel.SOFTWARE), None, "chain-not-anchored"),
        (Phone(vendor=Manufacturer("somebody else")), None, "chain-not-anchored"),
        (Phone(), "B" * 44, "challenge-not-fresh"),
        (Phone(boot=facts(imeis=())), None, "imei-not-attested"),
    ],
)
def test_a_phone_that_hardware_does_not_name_now_is_unattested(
    phone: Phone, challenge: str | None, reason: str
) -> None:
    """It is appraised, so that policy may decide; nothing that it says of itself is vouched for."""
    appraisal = judge(phone, challenge=challenge)
    assert (appraisal.identity, appraisal.tier) == (Identity.UNATTESTED, TrustTier.CONTRAINDICATED)
    assert (appraisal.imei, appraisal.model) == (None, None)
    assert result(appraisal, TrustClaim.INSTANCE_IDENTITY).reason == reason
    others = [each for each in appraisal.results if each.claim is not TrustClaim.INSTANCE_IDENTITY]
    assert {each.tier for each in others} == {TrustTier.NONE}


def test_the_vendor_knows_a_keystore_in_software_by_its_root() -> None:
    """The commonest impostor deserves a reason of its own; it is believed no more for it."""
    phone, secrets = Phone(KeystoreLevel.SOFTWARE), VENDOR.secrets
    token = reader.read(phone.evidence(NONCE))
    verifier = ChainVerifier(secrets.attestation_roots, software_roots=secrets.software_roots)
    appraisal = appraise(verifier.verify(token.chain, NOW), token.evidence)
    assert (appraisal.identity, appraisal.tier) == (Identity.UNATTESTED, TrustTier.CONTRAINDICATED)
    assert result(appraisal, TrustClaim.INSTANCE_IDENTITY).reason == "root-of-software"


def test_a_false_ueid_is_seen_and_the_hardware_believed() -> None:
    """Identity comes from the hardware: whoever lies about it is still known."""
    appraisal = judge(Phone(), ueid=ueid("490154203237518"))
    assert (appraisal.identity, appraisal.imei) == (Identity.ATTESTED, IMEI)
    assert result(appraisal, TrustClaim.INSTANCE_IDENTITY).reason == "ueid-is-not-the-attested-imei"
    assert appraisal.tier is TrustTier.CONTRAINDICATED


def test_the_second_imei_names_the_same_phone() -> None:
    """A phone of two slots may state either."""
    appraisal = judge(Phone(), ueid=ueid(SECOND_IMEI))
    assert (appraisal.tier, appraisal.imei) == (TrustTier.AFFIRMING, IMEI)


def test_debugging_is_a_warning() -> None:
    """It is a fact about the image and no proof of tampering."""
    assert judge(Phone(), dbgstat="enabled").tier is TrustTier.WARNING


@pytest.mark.parametrize(
    ("claimed", "digits"),
    [(ueid(IMEI), IMEI[:14]), ("AQ", ""), ("AwABAgMEBQYHCAkKCwwN", ""), ("A", ""), ("", "")],
)
def test_only_an_imei_type_ueid_has_digits(claimed: str, digits: str) -> None:
    """RFC 9711 section 4.2.1: type 0x03 and 14 octets, each a digit."""
    assert claimed_digits(claimed) == digits


def test_certificates_out_of_their_time_are_refused() -> None:
    """Validity is checked anew each time, though issuers are remembered."""
    verifier = ChainVerifier((VENDOR.attestation_root,))
    chain = reader.read(Phone().evidence(NONCE)).chain
    assert verifier.verify(chain, NOW).anchored
    for at in (1_000_000_000, 2_500_000_000):
        with pytest.raises(EvidenceError) as caught:
            verifier.verify(chain, at)
        assert caught.value.code is ProblemCode.CHAIN_INVALID


def test_a_leaf_cannot_issue_another_leaf() -> None:
    """Otherwise every attested key could attest: the oldest attack on this format."""
    chain = reader.read(Phone().evidence(NONCE)).chain
    with pytest.raises(EvidenceError, match="may not issue"):
        ChainVerifier((VENDOR.attestation_root,)).verify((chain[0], *chain), NOW)


def test_a_chain_in_the_wrong_order_is_refused() -> None:
    """Each certificate must be signed by the next."""
    chain = reader.read(Phone().evidence(NONCE)).chain
    other = reader.read(Phone(KeystoreLevel.TEE).evidence(NONCE)).chain
    with pytest.raises(EvidenceError, match="has an issuer that is not the subject of the next certificate"):
        ChainVerifier((VENDOR.attestation_root,)).verify((chain[0], other[1]), NOW)


def test_an_impostor_with_the_batch_name_is_refused() -> None:
    """A name proves nothing; the signature does."""
    chain = reader.read(Phone().evidence(NONCE)).chain
    forged = reader.read(Phone(vendor=Manufacturer("impostor")).evidence(NONCE)).chain
    with pytest.raises(EvidenceError, match="not signed"):
        ChainVerifier((VENDOR.attestation_root,)).verify((forged[0], chain[1]), NOW)

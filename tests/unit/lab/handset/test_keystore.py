"""The emulated keystore."""

import base64
import datetime
import hashlib

import jwt.algorithms
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey, thumbprint

from agent.ports import AttestedKey, Keystore
from firmware_profiles.model import KeyStorage
from lab.handset.keystore import EmulatedKey, EmulatedKeystore, KeyAlgorithm, KeystoreOptions
from lab.handset.keystore_habits import KeystoreHabit
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.seed import Seed
from server_stub.attestation import key_description
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.key_description import AuthorizationList, SecurityLevel
from tests.support.server_phone import IMEI, MANUFACTURER, SECOND_IMEI, facts
from wire.codes import VerifiedBootState


def keystore(level: KeyStorage = KeyStorage.STRONGBOX, **changes: object) -> EmulatedKeystore:
    return EmulatedKeystore(Seed.of("phone"), MANUFACTURER.authority(level), facts(**changes))


def leaf_of(key: AttestedKey) -> x509.Certificate:
    return x509.load_der_x509_certificate(key.chain[0])


def describe(leaf: x509.Certificate) -> key_description.KeyDescription:
    value = leaf.extensions.get_extension_for_oid(key_description.OID).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return key_description.decode(value.value)


def test_keystore_implements_the_port_of_the_agent() -> None:
    store: Keystore = keystore()
    key: AttestedKey = store.attest(b"challenge")
    assert isinstance(key, EmulatedKey)
    assert key.algorithm == "ES256"


@pytest.mark.parametrize("level", KeyStorage)
def test_leaf_certificate_has_the_fields_that_android_writes(level: KeyStorage) -> None:
    leaf = leaf_of(keystore(level).attest(b"challenge"))
    assert leaf.version is x509.Version.v3
    assert leaf.serial_number == 1
    assert leaf.issuer == MANUFACTURER.authority(level).certificate.subject
    assert leaf.subject.rfc4514_string() == "CN=Android Keystore Key"
    assert leaf.not_valid_before_utc == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert leaf.not_valid_after_utc == datetime.datetime(2048, 1, 1, tzinfo=datetime.UTC)
    usage, attestation = leaf.extensions
    assert (usage.value, usage.critical) == (x509.KeyUsage(*(bit == 0 for bit in range(9))), True)
    assert (attestation.oid, attestation.critical) == (key_description.OID, False)


def test_leaf_certificate_bytes_follow_from_the_seed() -> None:
    """Reports and vectors of earlier releases contain these bytes."""
    digests = [
        hashlib.sha256(keystore(level).attest(b"challenge").chain[0]).hexdigest()[:16] for level in KeyStorage
    ]
    assert digests == ["60369acf15620c3a", "c69c84d28516429a", "27d18e2fb94578b6"]


@pytest.mark.parametrize("level", KeyStorage)
def test_chain_leads_to_the_root_of_its_level(level: KeyStorage) -> None:
    leaf, batch = map(x509.load_der_x509_certificate, keystore(level).attest(b"c").chain)
    root = MANUFACTURER.software_root if level is KeyStorage.SOFTWARE else MANUFACTURER.attestation_root
    assert (leaf.issuer, batch.issuer) == (batch.subject, root.subject)
    leaf.verify_directly_issued_by(batch)
    batch.verify_directly_issued_by(root)


@pytest.mark.parametrize("state", VerifiedBootState)
@pytest.mark.parametrize("lock", ["locked", "unlocked"])
def test_hardware_list_has_the_boot_facts(state: VerifiedBootState, lock: str) -> None:
    locked = lock == "locked"
    key = keystore(verified_boot_state=state, device_locked=locked).attest(b"nonce")
    description = describe(leaf_of(key))
    root = description.hardware.root_of_trust
    assert root is not None
    assert (root.verified_boot_state, root.device_locked) == (state, locked)
    assert description.challenge == b"nonce"
    assert (description.hardware.imei, description.hardware.second_imei) == (IMEI, SECOND_IMEI)
    assert (description.hardware.os_patch_level, description.hardware.boot_patch_level) == (202108, 20210805)


def test_software_keystore_leaves_the_hardware_list_empty() -> None:
    description = describe(leaf_of(keystore(KeyStorage.SOFTWARE).attest(b"c")))
    assert description.attestation_level is SecurityLevel.SOFTWARE
    assert description.hardware == AuthorizationList()
    assert description.software.imei == IMEI


def test_signatures_and_thumbprints_agree_with_another_library() -> None:
    for number in range(20):
        key = keystore().attest(f"{number}".encode())
        public = leaf_of(key).public_key()
        assert isinstance(public, EllipticCurvePublicKey)
        signature = key.sign(b"message")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        public.verify(encode_dss_signature(r, s), b"message", ECDSA(hashes.SHA256()))
        assert jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).verify(
            b"message", public, signature
        )
        assert key.thumbprint == ECKey.import_key(public).thumbprint()


def test_same_seed_gives_the_same_bytes() -> None:
    first, second = (keystore().attest(b"c") for _ in range(2))
    assert first.chain == second.chain
    assert first.sign(b"m") == second.sign(b"m")


def test_each_attestation_has_a_new_key() -> None:
    store = keystore()
    assert store.attest(b"c").thumbprint != store.attest(b"c").thumbprint


def test_sealing_key_is_constant_and_differs_between_devices() -> None:
    other = EmulatedKeystore(Seed.of("other"), MANUFACTURER.authority(KeyStorage.TEE), facts())
    assert keystore().sealing_key() == keystore().sealing_key() != other.sealing_key()
    assert len(keystore().sealing_key()) == 32


def test_manufacturers_are_equal_only_for_the_same_seed() -> None:
    same, other = Manufacturer("tests"), Manufacturer("others")
    assert same.pinned_jwks == MANUFACTURER.pinned_jwks != other.pinned_jwks
    assert same.attestation_root == MANUFACTURER.attestation_root != other.attestation_root


VERSIONED = {
    "imei": 2,
    "model": 2,
    "vendor_patch_level": 3,
    "boot_patch_level": 3,
    "second_imei": 300,
}
"""The first version that has the field."""


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
@pytest.mark.parametrize("version", key_description.ATTESTATION_VERSIONS)
def test_keystore_writes_each_version_with_the_fields_of_that_version(
    version: int, algorithm: KeyAlgorithm
) -> None:
    options = KeystoreOptions(algorithm, version)
    store = EmulatedKeystore(Seed.of("phone"), MANUFACTURER.authority(KeyStorage.TEE), facts(), options)
    description = describe(leaf_of(store.attest(b"c")))
    assert not description.deviations
    assert description.attestation_version == version
    assert description.keymint_version == {1: 2, 2: 3, 3: 4, 4: 41}.get(version, version)
    for name, first in VERSIONED.items():
        assert (getattr(description.hardware, name) is not None) == (version >= first), name
    root = description.hardware.root_of_trust
    assert root is not None
    assert (root.verified_boot_hash is not None) == (version >= 3)


DEVIATIONS = {
    KeystoreHabit.TAGS_UNSORTED: Deviation.TAGS_UNSORTED,
    KeystoreHabit.SET_UNSORTED: Deviation.SET_UNSORTED,
    KeystoreHabit.SET_REPEATED: Deviation.SET_REPEATED,
    KeystoreHabit.LONG_LENGTHS: Deviation.LENGTH_NOT_MINIMAL,
    KeystoreHabit.ENUMERATED_AS_INTEGER: Deviation.NUMBER_TYPE,
    KeystoreHabit.FLAG_WITH_VALUE: Deviation.FLAG_NOT_NULL,
    KeystoreHabit.TAG_REPEATED: Deviation.TAG_REPEATED,
    KeystoreHabit.PATCH_LEVEL_ZERO: Deviation.PATCH_LEVEL_MALFORMED,
    KeystoreHabit.TEXT_WITH_NUL: Deviation.TEXT_UNUSABLE,
    KeystoreHabit.APPLICATION_EMPTY: Deviation.APPLICATION_ID_MALFORMED,
    KeystoreHabit.UNKNOWN_TAG: None,
    KeystoreHabit.DATA_AFTER_END: Deviation.TRAILING_DATA,
}


@pytest.mark.parametrize("habit", KeystoreHabit)
@pytest.mark.parametrize("version", [2, 300, 500])
def test_habit_of_a_maker_costs_no_fact_that_decides(version: int, habit: KeystoreHabit) -> None:
    def described(*habits: KeystoreHabit) -> key_description.KeyDescription:
        options = KeystoreOptions(version=version, habits=habits)
        authority = MANUFACTURER.authority(KeyStorage.TEE)
        return describe(leaf_of(EmulatedKeystore(Seed.of("phone"), authority, facts(), options).attest(b"c")))

    plain, read = described(), described(habit)
    deviation = DEVIATIONS[habit]
    assert read.deviations == ({deviation} if deviation else set())
    assert read.hardware.unread == ({799} if habit is KeystoreHabit.UNKNOWN_TAG else set())
    assert (read.challenge, read.attestation_level) == (plain.challenge, plain.attestation_level)
    for name in ("imei", "second_imei", "origin", "root_of_trust", "no_auth_required"):
        assert getattr(read.hardware, name) == getattr(plain.hardware, name)
    assert plain.hardware.purposes <= read.hardware.purposes


def test_all_habits_together_are_read() -> None:
    options = KeystoreOptions(version=450, habits=tuple(KeystoreHabit))
    authority = MANUFACTURER.authority(KeyStorage.STRONGBOX)
    read = describe(leaf_of(EmulatedKeystore(Seed.of("phone"), authority, facts(), options).attest(b"c")))
    assert read.hardware.imei == IMEI
    expected = {each for each in DEVIATIONS.values() if each} | {Deviation.VERSION_UNPUBLISHED}
    assert read.deviations == expected


def test_ml_dsa_key_signs_evidence_with_the_thumbprint_of_another_library() -> None:
    options = KeystoreOptions(KeyAlgorithm.ML_DSA_65, 500)
    authority = MANUFACTURER.authority(KeyStorage.STRONGBOX)
    key = EmulatedKeystore(Seed.of("phone"), authority, facts(), options).attest(b"c")
    public = leaf_of(key).public_key()
    assert isinstance(public, MLDSA65PublicKey)
    signature = key.sign(b"message")
    assert (key.algorithm, len(signature)) == ("ML-DSA-65", 3309)
    public.verify(signature, b"message")
    jwk = key.private_jwk()
    required = {name: jwk[name] for name in ("alg", "kty", "pub")}
    assert key.thumbprint == thumbprint(required)
    assert (jwk["kty"], jwk["alg"]) == ("AKP", "ML-DSA-65")
    assert isinstance(jwk["priv"], str)
    private = MLDSA65PrivateKey.from_seed_bytes(base64.urlsafe_b64decode(jwk["priv"] + "=="))
    assert private.public_key() == public
    hardware = describe(leaf_of(key)).hardware
    assert (hardware.algorithm, hardware.ml_dsa_variant, hardware.digests) == (4, 1, {0})
    assert (hardware.key_size, hardware.ec_curve) == (None, None)

"""Attestations that deviate from their standards, on a server: recorded with the verdict, or refused by a setting."""

import pytest
from cryptography import x509

from firmware_profiles.model import KeyStorage
from lab.handset.keystore import EmulatedKeystore
from lab.world.seed import Seed
from server_stub.configuration import Configuration
from server_stub.server import build_service
from server_stub.settings import Settings
from server_stub.settings_sources import LoadedSettings
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import ServiceError, VerdictService
from tests.support.server_phone import MANUFACTURER, Clock, Phone, Randomness, facts
from wire.codes import ProblemCode

AFTER_THE_BATCH = 2_500_000_000
"""In 2049; the certificates of the lab's factory end in 2048."""


def serve(store: SqlStore, clock: Clock, treatment: str) -> VerdictService:
    configured = Configuration.load(
        LoadedSettings(Settings.model_validate({"attestation_deviations": treatment}))
    )
    return build_service(
        configured,
        MANUFACTURER.secrets,
        store,
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
        clock=clock,
        random=Randomness(),
    )


def recorded(store: SqlStore, sub: str) -> dict[str, str]:
    with store.reading() as reading:
        return dict(reading.history(sub).items[-1].appraisal)


def test_deviation_and_provisioning_are_recorded_with_the_verdict() -> None:
    store, clock = SqlStore(), Clock()
    server = serve(store, clock, "warn")
    sub = server.judge(Phone().evidence(server.challenge().nonce))[0].sub
    assert "deviations" not in recorded(store, sub)
    clock.now = AFTER_THE_BATCH
    server.judge(Phone().evidence(server.challenge().nonce))
    with store.reading() as reading:
        kept = [record.appraisal for record in reading.history(sub).items]
    late = next(each for each in kept if "deviations" in each)
    assert (late["deviations"], late["provisioning"]) == ("certificate-expired", "factory")
    assert late["instance-identity"] == "recognized"
    assert len(kept) == 2


def test_certificates_issued_are_recorded_with_the_verdict() -> None:
    information = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.30"), b"\xa1\x01\x08"
    )
    store, phone = SqlStore(), Phone(KeyStorage.TEE)
    authority = MANUFACTURER.special_authority("Provisioned key", information)
    phone.keystore = EmulatedKeystore(Seed.of("phone"), authority, facts())
    server = serve(store, Clock(), "warn")
    sub = server.judge(phone.evidence(server.challenge().nonce))[0].sub
    kept = recorded(store, sub)
    assert (kept["provisioning"], kept["certificates-issued"]) == ("remote", "8")


@pytest.mark.parametrize("treatment", ["warn", "refuse"])
def test_setting_decides_whether_a_deviation_is_refused_by_name(treatment: str) -> None:
    clock = Clock(AFTER_THE_BATCH)
    server = serve(SqlStore(), clock, treatment)
    token = Phone().evidence(server.challenge().nonce)
    if treatment == "warn":
        server.answer(token)
        return
    with pytest.raises(ServiceError) as caught:
        server.answer(token)
    assert caught.value.code is ProblemCode.CHAIN_INVALID
    assert "certificate 1 of x5c (CN=Solvane StrongBox Batch 1) deviates" in caught.value.detail
    assert "certificate-expired" in caught.value.detail

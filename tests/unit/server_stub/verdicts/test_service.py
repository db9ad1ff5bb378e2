"""The service without HTTP."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import jwt
import pytest
from cryptography import x509
from joserfc import jws
from joserfc.jwk import ECKey, KeySet
from joserfc.jws import JWSRegistry

from lab.manufacturer.manufacturer import KeystoreLevel
from server_stub.evidence import evidence_token as reader
from server_stub.policy.policy import Activation
from server_stub.signing.signing_key import SigningKey
from server_stub.store.records import Store
from server_stub.verdicts.service import ServiceError, VerdictService
from tests.support.server_phone import (
    AFTER,
    DURING,
    IMEI,
    NOW,
    SECOND_IMEI,
    VENDOR,
    Clock,
    Phone,
    Randomness,
    facts,
    service,
    telephony,
    ueid,
)
from tests.support.stores import KINDS, opened
from wire.codes import Decision, ProblemCode, Reason
from wire.limits import INTEGER_MAX, NONCE_LIFETIME
from wire.verdict import Verdict

PARIS = telephony("208", home=("208", "01"))
HAVANA = telephony("368", home=("368", "01"))


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opened(request.param, tmp_path) as made:
        yield made


def ask(server: VerdictService, phone: Phone, **changes: object) -> Verdict:
    return server.judge(phone.evidence(server.challenge().nonce, **changes))[0]


def refused(server: VerdictService, token: bytes) -> ProblemCode:
    with pytest.raises(ServiceError) as caught:
        server.judge(token)
    assert 400 <= caught.value.status < 500
    return caught.value.code


def test_the_token_verifies_with_other_libraries() -> None:
    """A verdict is only worth what a client that is not ours can verify."""
    server = service()
    nonce = server.challenge().nonce
    token = server.answer(Phone().evidence(nonce))
    keys = KeySet.import_key_set(VENDOR.pinned_jwks)
    found = jws.deserialize_compact(token, keys, registry=JWSRegistry(algorithms=["Ed25519"]))
    assert set(found.headers()) == {"alg", "kid", "typ"}
    assert found.headers()["typ"] == "activation-verdict+jwt"
    verdict = Verdict.model_validate_json(found.payload or b"")
    assert (verdict.eat_nonce, verdict.iss, verdict.aud) == (nonce, VENDOR.issuer, VENDOR.audience)
    es256 = SigningKey.of(VENDOR._seed.p256("verdict key es256"))
    public = jwt.PyJWK(es256.public_jwk()).key
    decoded = jwt.decode(
        es256.sign(verdict), public, ["ES256"], options={"verify_exp": False, "verify_aud": False}
    )
    assert decoded["decision"] == verdict.decision


def test_the_verdict_is_bound_to_the_key_that_signed_the_evidence() -> None:
    """Another phone cannot use it."""
    server = service()
    token = Phone().evidence(server.challenge().nonce)
    leaf = reader.read(token).chain[0]
    key = ECKey.import_key(x509.load_der_x509_certificate(leaf).public_key())
    assert server.judge(token)[0].cnf.jkt == key.thumbprint()


def test_an_absent_claim_is_absent_and_never_null() -> None:
    """The contract reads null as a claim of the wrong type."""
    token = service_answer()
    payload = jwt.decode(token, options={"verify_signature": False})
    assert None not in payload.values()


def service_answer() -> str:
    server = service()
    return server.answer(Phone().evidence(server.challenge().nonce))


def test_a_nonce_is_spent_once(store: Store) -> None:
    """The same evidence twice is a replay, whoever sends it."""
    server = service(store)
    token = Phone().evidence(server.challenge().nonce)
    server.answer(token)
    assert refused(server, token) is ProblemCode.CHALLENGE_SPENT


def test_a_nonce_expires() -> None:
    """To the second: a nonce must not outlive the memory of its spending."""
    clock = Clock()
    server = service(clock=clock)
    early, late = (Phone().evidence(server.challenge().nonce) for _ in range(2))
    clock.now += NONCE_LIFETIME - 1
    server.answer(early)
    clock.now += 1
    assert refused(server, late) is ProblemCode.CHALLENGE_EXPIRED


def test_refused_evidence_spends_no_nonce(store: Store) -> None:
    """Otherwise whoever sees a nonce could burn it."""
    server = service(store)
    nonce = server.challenge().nonce
    good = Phone().evidence(nonce)
    broken = good[:-4] + b"AAAA"
    assert refused(server, broken) is ProblemCode.EVIDENCE_SIGNATURE_INVALID
    server.answer(good)


def test_serials_rise_by_device_and_never_fall(store: Store) -> None:
    """The phone refuses a verdict that is not newer than the one that it sealed."""
    server = service(store)
    phone, other = Phone(), Phone(boot=facts(imeis=("490154203237518",)))
    assert [ask(server, phone).serial for _ in range(3)] == [1, 2, 3]
    assert ask(server, other, ueid=ueid("490154203237518")).serial == 1
    sealed = {"jti": "old", "serial": 40}
    assert ask(server, phone, last_verdict=sealed).serial == 41
    assert ask(server, phone).serial == 42


def test_a_stranger_who_keeps_its_key_is_answered_again(store: Store) -> None:
    """Software can certify one key for many challenges; its serials rise too, or the records would clash."""
    phone = Phone(level=KeystoreLevel.SOFTWARE)
    key = phone.keystore._seed.p256("kept")
    phone.keystore._seed = SimpleNamespace(p256=lambda _: key)  # type: ignore[assignment]
    server = service(store)
    verdicts = [ask(server, phone) for _ in range(3)]
    assert [verdict.serial for verdict in verdicts] == [1, 2, 3]
    assert len({verdict.sub for verdict in verdicts}) == 1


def test_a_serial_without_room_above_is_not_believed(store: Store) -> None:
    """A phone could otherwise drive its own serial to where no verdict fits."""
    server = service(store)
    assert ask(server, Phone(), last_verdict={"jti": "x", "serial": INTEGER_MAX}).serial == 1


def test_the_first_allow_is_the_activation(store: Store) -> None:
    """Activated in Paris, carried to Havana: spared, though a new phone there is denied."""
    server = service(store)
    phone = Phone()
    assert ask(server, phone, telephony=PARIS).decision is Decision.ALLOW
    spared = ask(server, phone, telephony=HAVANA, intent="check-in")
    assert (spared.decision, spared.policy.rule, spared.territory) == (Decision.ALLOW, "carried-in", "CU")


def test_a_denied_activation_is_none(store: Store) -> None:
    """Asking again from Havana under another intent changes nothing; asking from Paris does."""
    server = service(store)
    phone = Phone()
    assert ask(server, phone).decision is Decision.DENY
    assert ask(server, phone, intent="check-in").decision is Decision.DENY
    assert ask(server, phone, intent="check-in", telephony=PARIS).decision is Decision.ALLOW


def test_an_activation_in_silence_is_completed_by_the_first_territory_that_is_known(store: Store) -> None:
    """Setting a phone up without a SIM in Havana must not make it one that was activated elsewhere."""
    server = service(store)
    phone, traveller = Phone(), Phone(boot=facts(imeis=("490154203237518",)))
    assert ask(server, phone, telephony=telephony(None)).reason is Reason.TERRITORY_UNKNOWN
    assert ask(server, phone, intent="check-in", telephony=HAVANA).decision is Decision.DENY
    ask(server, traveller, telephony=telephony(None), ueid=ueid("490154203237518"))
    for mine in (PARIS, HAVANA):
        told = ask(server, traveller, intent="check-in", telephony=mine, ueid=ueid("490154203237518"))
        assert told.decision is Decision.ALLOW


def test_the_campaign_locks_and_unlocks_what_was_activated_in_cuba(store: Store) -> None:
    """The event itself: at peace, locked days later without warning, unlocked when it was called off."""
    clock = Clock()
    server = service(store, clock)
    server.enroll(IMEI, Activation(NOW - 9000, "CU"))
    told = []
    for now in (NOW, DURING, AFTER):
        clock.now = now
        told.append(ask(server, Phone(), intent="check-in", telephony=HAVANA).decision)
    assert told == [Decision.ALLOW, Decision.DENY, Decision.ALLOW]


def test_a_factory_reset_does_not_undo_the_campaign(store: Store) -> None:
    """The server remembers the attested identity, not the phone's word."""
    server = service(store, Clock(DURING))
    server.enroll(IMEI, Activation(NOW, "CU"))
    reset = ask(server, Phone(), intent="activate", telephony=PARIS)
    assert reset.reason is Reason.ACTIVATED_IN_PROHIBITED_TERRITORY


@pytest.mark.parametrize("claimed", [IMEI, SECOND_IMEI])
def test_an_impostor_never_touches_the_record_of_the_phone_it_claims_to_be(
    store: Store, claimed: str
) -> None:
    """Else anybody could activate, lock or number somebody else's phone."""
    server = service(store)
    before = ask(server, Phone(), telephony=PARIS)
    for _ in range(3):
        impostor = Phone(KeystoreLevel.SOFTWARE)
        told = ask(server, impostor, ueid=ueid(claimed), last_verdict={"jti": "x", "serial": 500})
        assert (told.decision, told.reason) == (Decision.DEFER, Reason.EVIDENCE_UNATTESTED)
        assert told.sub != before.sub
        assert told.serial == 501
    after = ask(server, Phone(), intent="check-in", telephony=HAVANA)
    assert (after.sub, after.serial, after.policy.rule) == (before.sub, before.serial + 1, "carried-in")


def test_a_liar_about_its_ueid_is_recorded_as_itself(store: Store) -> None:
    """The attested IMEI names the record, not the claimed one."""
    server = service(store)
    victim = ask(server, Phone(boot=facts(imeis=("490154203237518",))), ueid=ueid("490154203237518"))
    liar = ask(server, Phone(), ueid=ueid("490154203237518"))
    assert liar.sub != victim.sub
    assert liar.sub == ask(server, Phone()).sub


def test_two_services_of_one_seed_give_the_same_octets() -> None:
    """A report of the lab is repeatable down to the signature."""
    assert service_answer() == service_answer()


def test_a_case_number_belongs_to_a_device_and_tells_nothing() -> None:
    """Support is quoted it; it must stay the same, and not contain the pseudonym."""
    server = service()
    first, second = ask(server, Phone()), ask(server, Phone())
    assert first.case == second.case
    assert first.case is not None
    assert first.sub[2:12].lower() not in first.case.lower()


def test_randomness_is_asked_for_the_nonce_and_the_jti_alone() -> None:
    """Two challenges of one second differ."""
    server = service()
    assert server.challenge().nonce != server.challenge().nonce
    assert Randomness()(8) == Randomness()(8)

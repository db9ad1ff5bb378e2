"""The verdict service without HTTP."""

from collections.abc import Iterator
from pathlib import Path
from secrets import token_bytes
from types import SimpleNamespace

import jwt
import pytest
from cryptography import x509
from joserfc import jws
from joserfc.jwk import ECKey, KeySet
from joserfc.jws import JWSRegistry

from firmware_profiles.model import KeyStorage
from server_stub.attestation.chain import ChainVerifier
from server_stub.evidence import evidence_token as reader
from server_stub.policy.policy import Activation
from server_stub.signing.signing_key import SigningKey
from server_stub.store.transaction import Store
from server_stub.verdicts.service import ServiceError, VerdictService
from tests.support.server_phone import (
    AFTER,
    DURING,
    IMEI,
    MANUFACTURER,
    NOW,
    SECOND_IMEI,
    Clock,
    Phone,
    Randomness,
    claims,
    facts,
    service,
    telephony,
    ueid,
)
from tests.support.stores import KINDS, opened
from wire.codes import Decision, ProblemCode, Reason
from wire.limits import INTEGER_MAX, NONCE_LIFETIME, SKEW
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


def test_verdict_verifies_with_other_libraries() -> None:
    server = service()
    nonce = server.challenge().nonce
    token = server.answer(Phone().evidence(nonce))
    keys = KeySet.import_key_set(MANUFACTURER.pinned_jwks)
    found = jws.deserialize_compact(token, keys, registry=JWSRegistry(algorithms=["Ed25519"]))
    assert set(found.headers()) == {"alg", "kid", "typ"}
    assert found.headers()["typ"] == "activation-verdict+jwt"
    verdict = Verdict.model_validate_json(found.payload or b"")
    assert (verdict.eat_nonce, verdict.iss, verdict.aud) == (
        nonce,
        MANUFACTURER.issuer,
        MANUFACTURER.audience,
    )
    es256 = SigningKey.of(MANUFACTURER._seed.p256("verdict key es256"))
    public = jwt.PyJWK(es256.public_jwk()).key
    decoded = jwt.decode(
        es256.sign(verdict), public, ["ES256"], options={"verify_exp": False, "verify_aud": False}
    )
    assert decoded["decision"] == verdict.decision


def test_verdict_is_bound_to_the_key_that_signed_the_evidence() -> None:
    server = service()
    token = Phone().evidence(server.challenge().nonce)
    leaf = reader.read(token).chain[0]
    key = ECKey.import_key(x509.load_der_x509_certificate(leaf).public_key())
    assert server.judge(token)[0].cnf.jkt == key.thumbprint()


def test_absent_claims_are_omitted_and_not_null() -> None:
    token = service_answer()
    payload = jwt.decode(token, options={"verify_signature": False})
    assert None not in payload.values()


def service_answer() -> str:
    server = service()
    return server.answer(Phone().evidence(server.challenge().nonce))


def test_evidence_sent_twice_is_rejected(store: Store) -> None:
    server = service(store)
    token = Phone().evidence(server.challenge().nonce)
    server.answer(token)
    assert refused(server, token) is ProblemCode.CHALLENGE_SPENT


def test_nonce_expires_to_the_second() -> None:
    clock = Clock()
    server = service(clock=clock)
    early, late = (Phone().evidence(server.challenge().nonce) for _ in range(2))
    clock.now += NONCE_LIFETIME - 1
    server.answer(early)
    clock.now += 1
    assert refused(server, late) is ProblemCode.CHALLENGE_EXPIRED


def test_hosts_whose_clocks_differ_accept_the_nonces_of_each_other_and_spend_them_once(store: Store) -> None:
    ahead, behind = Clock(NOW + SKEW), Clock()
    first, second = service(store, clock=ahead), service(store, clock=behind)
    second._random = token_bytes  # otherwise two verdicts have one jti
    token = Phone().evidence(first.challenge().nonce)
    second.answer(token)
    behind.now += SKEW
    ahead.now += SKEW
    first.answer(Phone().evidence(first.challenge().nonce))  # deletes expired nonces
    assert refused(second, token) is ProblemCode.CHALLENGE_SPENT


def test_rejected_evidence_does_not_spend_its_nonce_unless_its_signature_is_wrong(store: Store) -> None:
    server = service(store)
    nonce, other = server.challenge().nonce, server.challenge().nonce
    phone = Phone()
    malformed = [b"", b"e30.e30.AAAA", phone.sign(claims(nonce) | {"extra": 1}, nonce)]
    for token in (*malformed, phone.sign(claims(nonce), nonce, x5c=["AAAA"])):
        refused(server, token)
    server.answer(phone.evidence(nonce))
    good = phone.evidence(other)
    assert refused(server, good[:-4] + b"AAAA") is ProblemCode.EVIDENCE_SIGNATURE_INVALID
    assert refused(server, good) is ProblemCode.CHALLENGE_SPENT
    server.answer(phone.evidence(server.challenge().nonce))


def test_signature_and_chain_are_checked_once_for_each_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the nonce was spent by a verdict: the second repetition is rejected before the costly steps."""
    server = service()
    spent, broken = (Phone().evidence(server.challenge().nonce) for _ in range(2))
    broken = broken[:-4] + b"AAAA"
    server.answer(spent)
    for token in (spent, broken):
        refused(server, token)
    monkeypatch.setattr(ChainVerifier, "verify", None)
    for token in (spent, broken):
        assert refused(server, token) is ProblemCode.CHALLENGE_SPENT


HIDDEN = {"faults": [{"code": "modem-silent", "source": "ATE0V1"}]}
"""The telephony claim of a phone whose modem does not answer."""


def without_modem(phone: Phone, nonce: str, **changes: object) -> bytes:
    """Evidence of a phone that could not read its modem: without `ueid`, cards and network."""
    content = claims(nonce, telephony=HIDDEN, **changes)
    del content["ueid"]
    return phone.sign(content, nonce)


def test_evidence_without_a_modem_is_that_of_the_attested_device(store: Store) -> None:
    server = service(store)
    phone = Phone()
    named = ask(server, phone, telephony=PARIS, wifi={"connected": True, "country": "FR"})
    nonce = server.challenge().nonce
    hidden = server.judge(without_modem(phone, nonce, wifi={"connected": True, "country": "FR"}))[0]
    assert (hidden.sub, hidden.serial, hidden.trust) == (named.sub, named.serial + 1, named.trust)
    assert (hidden.decision, hidden.territory) == (Decision.ALLOW, "FR")
    with store.reading() as reading:
        newest = reading.history(hidden.sub, limit=1).items[0]
    assert newest.inputs["telephony"] == HIDDEN
    assert "ueid" not in newest.inputs


def test_recorded_activation_decides_about_a_phone_that_hides_its_modem(store: Store) -> None:
    """The campaign finds it, although no signal shows where it is."""
    clock = Clock(DURING)
    server, phone = service(store, clock), Phone()
    server.enroll(IMEI, Activation(NOW, "CU"))
    verdict = server.judge(without_modem(phone, server.challenge().nonce))[0]
    assert (verdict.decision, verdict.reason) == (Decision.DENY, Reason.ACTIVATED_IN_PROHIBITED_TERRITORY)


NO_CARD = telephony(None)


@pytest.mark.parametrize("activated_in", [None, "FR", "CU", "nowhere"])
@pytest.mark.parametrize("now", [NOW, DURING, AFTER])
@pytest.mark.parametrize("country", [None, "FR", "CU"])
def test_hiding_the_modem_gains_what_taking_the_card_out_gains(
    activated_in: str | None, now: int, country: str | None
) -> None:
    wifi = {"connected": True, "country": country} if country else {"connected": True}
    decided = []
    for hidden in (True, False):
        server, phone = service(clock=Clock(now)), Phone()
        if activated_in is not None:
            server.enroll(IMEI, Activation(NOW - 1, None if activated_in == "nowhere" else activated_in))
        nonce = server.challenge().nonce
        token = without_modem(phone, nonce, wifi=wifi)
        if not hidden:
            token = phone.evidence(nonce, telephony=NO_CARD, wifi=wifi)
        verdict = server.judge(token)[0]
        decided.append((verdict.decision, verdict.reason, verdict.territory, verdict.policy.rule))
    assert decided[0] == decided[1]


@pytest.mark.parametrize("state", ["activated", "notice", "locked"])
def test_record_of_a_device_follows_the_offline_limit_that_a_defer_renews(state: str) -> None:
    """A record that names an earlier time would show a working phone as locked."""
    clock = Clock()
    server, phone = service(clock=clock), Phone()
    sub = ask(server, phone, telephony=PARIS, wifi={"connected": True, "country": "FR"}).sub
    limit = 90 * 86_400
    clock.now += 60 * 86_400
    paris = {"latitude": 48.85, "longitude": 2.35, "accuracy": 10.0}
    verdict = ask(server, phone, telephony=HAVANA, location=paris, lock_state=state)
    assert verdict.decision is Decision.DEFER
    with server.store.reading() as reading:
        device = reading.device(sub)
    assert device is not None
    assert device.locks_at == (clock.now if state == "activated" else NOW) + limit


def test_serials_rise_for_each_device_and_never_fall(store: Store) -> None:
    """The device rejects a verdict that is not newer than the sealed one."""
    server = service(store)
    phone, other = Phone(), Phone(boot=facts(imeis=("490154203237518",)))
    assert [ask(server, phone).serial for _ in range(3)] == [1, 2, 3]
    assert ask(server, other, ueid=ueid("490154203237518")).serial == 1
    sealed = {"jti": "old", "serial": 40}
    assert ask(server, phone, last_verdict=sealed).serial == 41
    assert ask(server, phone).serial == 42


def test_unattested_device_that_keeps_its_key_gets_rising_serials(store: Store) -> None:
    """Software can certify one key for many challenges."""
    phone = Phone(level=KeyStorage.SOFTWARE)
    keystore, key = phone.keystore, phone.keystore._seed.p256("kept")
    phone.keystore = SimpleNamespace(attest=lambda challenge: keystore.attest_key(key, challenge))  # type: ignore[assignment]
    server = service(store)
    verdicts = [ask(server, phone) for _ in range(3)]
    assert [verdict.serial for verdict in verdicts] == [1, 2, 3]
    assert len({verdict.sub for verdict in verdicts}) == 1


def test_claimed_serial_near_the_maximum_is_ignored(store: Store) -> None:
    server = service(store)
    assert ask(server, Phone(), last_verdict={"jti": "x", "serial": INTEGER_MAX}).serial == 1


def test_first_allow_is_the_activation(store: Store) -> None:
    """A device activated in Paris and carried to Havana is allowed; a new device there is denied."""
    server = service(store)
    phone = Phone()
    assert ask(server, phone, telephony=PARIS).decision is Decision.ALLOW
    spared = ask(server, phone, telephony=HAVANA, intent="check-in")
    assert (spared.decision, spared.policy.rule, spared.territory) == (Decision.ALLOW, "carried-in", "CU")


def test_denied_activation_is_not_recorded(store: Store) -> None:
    server = service(store)
    phone = Phone()
    assert ask(server, phone).decision is Decision.DENY
    assert ask(server, phone, intent="check-in").decision is Decision.DENY
    assert ask(server, phone, intent="check-in", telephony=PARIS).decision is Decision.ALLOW


def test_activation_without_territory_gets_the_first_known_one(store: Store) -> None:
    server = service(store)
    phone, traveller = Phone(), Phone(boot=facts(imeis=("490154203237518",)))
    assert ask(server, phone, telephony=telephony(None)).reason is Reason.TERRITORY_UNKNOWN
    assert ask(server, phone, intent="check-in", telephony=HAVANA).decision is Decision.DENY
    ask(server, traveller, telephony=telephony(None), ueid=ueid("490154203237518"))
    for mine in (PARIS, HAVANA):
        verdict = ask(server, traveller, intent="check-in", telephony=mine, ueid=ueid("490154203237518"))
        assert verdict.decision is Decision.ALLOW


def test_campaign_locks_and_unlocks_a_device_activated_in_cuba(store: Store) -> None:
    clock = Clock()
    server = service(store, clock)
    server.enroll(IMEI, Activation(NOW - 9000, "CU"))
    decisions = []
    for now in (NOW, DURING, AFTER):
        clock.now = now
        decisions.append(ask(server, Phone(), intent="check-in", telephony=HAVANA).decision)
    assert decisions == [Decision.ALLOW, Decision.DENY, Decision.ALLOW]


def test_factory_reset_does_not_change_the_recorded_activation(store: Store) -> None:
    server = service(store, Clock(DURING))
    server.enroll(IMEI, Activation(NOW, "CU"))
    reset = ask(server, Phone(), intent="activate", telephony=PARIS)
    assert reset.reason is Reason.ACTIVATED_IN_PROHIBITED_TERRITORY


@pytest.mark.parametrize("claimed", [IMEI, SECOND_IMEI])
def test_unattested_claim_of_an_identity_does_not_change_its_record(store: Store, claimed: str) -> None:
    server = service(store)
    before = ask(server, Phone(), telephony=PARIS)
    for _ in range(3):
        impostor = Phone(KeyStorage.SOFTWARE)
        verdict = ask(server, impostor, ueid=ueid(claimed), last_verdict={"jti": "x", "serial": 500})
        assert (verdict.decision, verdict.reason) == (Decision.DEFER, Reason.EVIDENCE_UNATTESTED)
        assert verdict.sub != before.sub
        assert verdict.serial == 501
    after = ask(server, Phone(), intent="check-in", telephony=HAVANA)
    assert (after.sub, after.serial, after.policy.rule) == (before.sub, before.serial + 1, "carried-in")


def test_record_is_selected_by_the_attested_imei_and_not_the_claimed_one(store: Store) -> None:
    server = service(store)
    victim = ask(server, Phone(boot=facts(imeis=("490154203237518",))), ueid=ueid("490154203237518"))
    liar = ask(server, Phone(), ueid=ueid("490154203237518"))
    assert liar.sub != victim.sub
    assert liar.sub == ask(server, Phone()).sub


def test_services_of_one_seed_return_the_same_bytes() -> None:
    assert service_answer() == service_answer()


def test_case_number_is_constant_and_does_not_contain_the_pseudonym() -> None:
    server = service()
    first, second = ask(server, Phone()), ask(server, Phone())
    assert first.case == second.case
    assert first.case is not None
    assert first.sub[2:12].lower() not in first.case.lower()


def test_challenges_of_one_second_differ() -> None:
    server = service()
    assert server.challenge().nonce != server.challenge().nonce
    assert Randomness()(8) == Randomness()(8)

"""What was not verified stays where it was found: no log, journal, screen, error or record repeats it."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from agent.ports import Answer
from lab.attacks.harness.environment import AttackEnvironment, TrialContext
from lab.attacks.harness.interceptor import Act, Call
from lab.attacks.harness.target_phone import Phone
from lab.attacks.harness.token_forge import TokenForge, text
from lab.attacks.substitution import LOCKED, replace_response, request_under
from lab.handset.timeline import Who
from server_stub.api.logs import json_log
from server_stub.server import ServerThread
from server_stub.store.sql import SqlStore
from tests.support.attacks import SEED
from tests.support.server_phone import ICCID, IMEI, VENDOR, service, ueid
from tests.support.server_phone import Phone as BarePhone
from wire import media
from wire.codes import Decision

MARK = "PLANTED-7f3a"
KEPT = "ACCEPTED-11c9"
PROBLEM = {
    "type": f"https://x.example/{MARK}",
    "title": MARK,
    "status": 401,
    "code": "chain-invalid",
    "detail": MARK,
    "instance": f"urn:{MARK}",
}

MARKED_TOKENS = {
    "kid": lambda f: f.signed(header=f.ring.own.header(kid=MARK), by=f.ring.own),
    "alg": lambda f: f.signed(header=f.ring.vendor.header(alg=MARK)),
    "typ": lambda f: f.signed(header=f.ring.vendor.header(typ=MARK)),
    "header member": lambda f: f.signed(header=f.ring.vendor.header(**{MARK: MARK})),
    "header text": lambda f: f.signed(header=MARK.encode()),
    "claims under a wrong signature": lambda f: f.signed(
        f.claims(case=MARK), f.ring.vendor.header(), by=f.ring.own
    ),
    "issuer": lambda f: f.signed(f.claims(iss=MARK)),
    "audience": lambda f: f.signed(f.claims(aud=MARK)),
    "subject of a foreign issuer": lambda f: f.signed(f.claims(iss="x", sub=MARK, jti=MARK, case=MARK)),
    "nonce": lambda f: f.signed(f.claims(eat_nonce=MARK)),
    "claim name": lambda f: f.signed(text(f.claims() | {MARK: 1})),
    "claim value": lambda f: f.signed(f.claims(territory=MARK)),
    "decision": lambda f: f.signed(f.claims(decision=MARK)),
    "reason": lambda f: f.signed(f.claims(reason=MARK)),
    "payload text": lambda f: f.signed(MARK.encode()),
    "expired message": lambda f: f.signed(
        f.claims(iat=1, nbf=1, exp=2, message={"key": "not-sold-here", "args": {"case": MARK}})
    ),
    "no token": lambda _: MARK.encode(),
}

MARKED_ANSWERS = {
    "page": Answer(200, "text/html", MARK.encode()),
    "media type": Answer(200, MARK, MARK.encode()),
    "problem": Answer(401, media.PROBLEM, text(PROBLEM)),
    "problem of an unknown code": Answer(401, media.PROBLEM, text(PROBLEM | {"code": MARK})),
    "error": Answer(500, "text/plain", MARK.encode()),
}


@pytest.fixture
def stage() -> Iterator[TrialContext]:
    with AttackEnvironment.open(SEED) as theatre, theatre.stage("secrecy") as opened:
        yield opened


def told(phone: Phone, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> str:
    """All that the phone journals, shows, seals, logs and prints, without what the lab records on the network."""
    agent, screen = phone.handset.agent, phone.handset.screen()
    assert agent
    entries = [entry for entry in phone.handset.timeline.entries if entry.who is not Who.NETWORK]
    printed = capsys.readouterr()
    return "\n".join(
        map(str, (entries, screen, agent.state, caplog.text, printed.out, printed.err, phone.store.read()))
    )


def attacked(stage: TrialContext, act_on: Any) -> Phone:
    phone = stage.locked()
    request_under(phone, act_on(stage, phone))
    assert phone.ending().lock is LOCKED.lock
    return phone


@pytest.mark.parametrize("where", MARKED_TOKENS)
def test_the_phone_repeats_nothing_of_a_refused_token(
    stage: TrialContext, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    """Whoever may write into a log or on a screen may lie there."""
    caplog.set_level(logging.DEBUG)

    def marked(forge: TokenForge) -> bytes:
        return MARKED_TOKENS[where](forge)

    phone = attacked(stage, lambda s, p: replace_response(s, p, Decision.ALLOW, marked))
    assert MARK not in told(phone, caplog, capsys)


def test_what_was_verified_is_shown(
    stage: TrialContext, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The search for the mark finds it where it belongs, so it would find it elsewhere."""

    def marked(forge: TokenForge) -> bytes:
        return forge.signed(forge.claims(case=MARK))

    phone = attacked(stage, lambda s, p: replace_response(s, p, Decision.DENY, marked))
    assert MARK in told(phone, caplog, capsys)


@pytest.mark.parametrize("answer", MARKED_ANSWERS)
def test_the_phone_repeats_nothing_of_an_answer_that_is_no_verdict(
    stage: TrialContext, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    """An error's words are the server's, or anybody's."""
    caplog.set_level(logging.DEBUG)

    def act(_stage: TrialContext, _phone: Phone) -> Act:
        def answered(call: Call) -> Answer:
            return MARKED_ANSWERS[answer] if call.asks_verdict else call.forward()

        return answered

    assert MARK not in told(attacked(stage, act), caplog, capsys)


def test_the_phone_repeats_nothing_of_the_key_repository(
    stage: TrialContext, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Metadata is not verified before it is."""
    caplog.set_level(logging.DEBUG)
    marked = Answer(200, media.JSON, text({"signed": {"_type": MARK}, "signatures": [{"keyid": MARK}]}))

    def act(_stage: TrialContext, _phone: Phone) -> Act:
        return lambda call: marked if call.asks_metadata("timestamp.json") else call.forward()

    assert MARK not in told(attacked(stage, act), caplog, capsys)


def refused_evidence(phone: BarePhone, nonce: str) -> list[bytes]:
    claims = json.loads(json.dumps({"eat_nonce": nonce}))
    good = phone.evidence(nonce)
    return [
        MARK.encode(),
        phone.sign(MARK.encode(), nonce),
        phone.sign(claims | {MARK: MARK}, nonce),
        phone.evidence(nonce, swname=MARK, dbgstat=MARK),
        phone.evidence(MARK),
        phone.sign({"eat_nonce": nonce}, nonce, typ=MARK),
        phone.evidence(nonce, swname=MARK)[:-8] + good[-8:],
        phone.sign({"eat_nonce": nonce}, nonce, x5c=[MARK]),
    ]


def test_the_server_neither_logs_stores_nor_answers_what_it_refused(tmp_path: Path) -> None:
    """And what it accepted it keeps without the identifiers and keys in the clear."""
    log, answers = io.StringIO(), ""
    store = SqlStore(tmp_path / "records.sqlite")
    phone = BarePhone()
    with ServerThread(service(store), log=json_log(log)) as server:
        for number in range(9):
            nonce = requests.post(server.origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
            body = [*refused_evidence(phone, nonce), phone.evidence(nonce, swname=KEPT)][number]
            headers = {"Content-Type": media.EVIDENCE, "User-Agent": MARK, "X-Request-Id": MARK}
            answer = requests.post(
                f"{server.origin}{media.VERDICTS_PATH}?{MARK}", body, headers=headers, timeout=10
            )
            assert (answer.status_code == 200) == (number == 8), log.getvalue()
            answers += answer.text + str(answer.headers)
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert KEPT.encode() in kept
    for place in (log.getvalue().encode(), kept, answers.encode()):
        assert MARK.encode() not in place
    secrets = (VENDOR.secrets.nonce_key, VENDOR.secrets.identifier_key)
    clear = (
        IMEI.encode(),
        ICCID.encode(),
        ueid(IMEI).encode(),
        *secrets,
        *(s.hex().encode() for s in secrets),
    )
    assert not [value for value in clear if value in log.getvalue().encode() + kept + answers.encode()]

"""Unverified input does not appear in a log, journal, screen, error or record."""

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
from lab.attacks.harness.interceptor import Handler, InterceptedRequest
from lab.attacks.harness.target_device import TargetDevice
from lab.attacks.harness.token_forge import TokenForge, to_json
from lab.attacks.substitution import LOCKED, replace_response, request_under
from lab.handset.timeline import Who
from server_stub.api.json_log import json_log
from server_stub.server import ServerThread
from tests.support.attacks import SEED
from tests.support.server_phone import ICCID, IMEI, MANUFACTURER, service, ueid
from tests.support.server_phone import Phone as BarePhone
from tests.support.stores import open_store
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
    "kid": lambda f: f.signed(header=f.keys.own.header(kid=MARK), by=f.keys.own),
    "alg": lambda f: f.signed(header=f.keys.genuine.header(alg=MARK)),
    "typ": lambda f: f.signed(header=f.keys.genuine.header(typ=MARK)),
    "header member": lambda f: f.signed(header=f.keys.genuine.header(**{MARK: MARK})),
    "header text": lambda f: f.signed(header=MARK.encode()),
    "claims under a wrong signature": lambda f: f.signed(
        f.claims(case=MARK), f.keys.genuine.header(), by=f.keys.own
    ),
    "issuer": lambda f: f.signed(f.claims(iss=MARK)),
    "audience": lambda f: f.signed(f.claims(aud=MARK)),
    "subject of a foreign issuer": lambda f: f.signed(f.claims(iss="x", sub=MARK, jti=MARK, case=MARK)),
    "nonce": lambda f: f.signed(f.claims(eat_nonce=MARK)),
    "claim name": lambda f: f.signed(to_json(f.claims() | {MARK: 1})),
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
    "problem": Answer(401, media.PROBLEM, to_json(PROBLEM)),
    "problem of an unknown code": Answer(401, media.PROBLEM, to_json(PROBLEM | {"code": MARK})),
    "error": Answer(500, "text/plain", MARK.encode()),
}


@pytest.fixture
def trial() -> Iterator[TrialContext]:
    with AttackEnvironment.open(SEED) as environment, environment.trial("secrecy") as opened:
        yield opened


def output_of(
    device: TargetDevice, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> str:
    """The journal, screen, state, log and standard output of the device, without the lab's record of the network."""
    agent, screen = device.handset.agent, device.handset.screen()
    assert agent
    entries = [entry for entry in device.handset.timeline.entries if entry.who is not Who.NETWORK]
    printed = capsys.readouterr()
    return "\n".join(
        map(str, (entries, screen, agent.state, caplog.text, printed.out, printed.err, device.store.read()))
    )


def attacked(trial: TrialContext, make_handler: Any) -> TargetDevice:
    device = trial.locked()
    request_under(device, make_handler(trial, device))
    assert device.state().lock is LOCKED.lock
    return device


@pytest.mark.sample(3)
@pytest.mark.parametrize("where", MARKED_TOKENS)
def test_device_repeats_no_content_of_a_rejected_token(
    trial: TrialContext, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    caplog.set_level(logging.DEBUG)

    def marked(forge: TokenForge) -> bytes:
        return MARKED_TOKENS[where](forge)

    device = attacked(trial, lambda s, p: replace_response(s, p, Decision.ALLOW, marked))
    assert MARK not in output_of(device, caplog, capsys)


def test_device_shows_content_of_a_verified_token(
    trial: TrialContext, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shows that the search for the mark works."""

    def marked(forge: TokenForge) -> bytes:
        return forge.signed(forge.claims(case=MARK))

    device = attacked(trial, lambda s, p: replace_response(s, p, Decision.DENY, marked))
    assert MARK in output_of(device, caplog, capsys)


@pytest.mark.parametrize("answer", MARKED_ANSWERS)
def test_device_repeats_no_content_of_a_response_that_is_not_a_verdict(
    trial: TrialContext, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    caplog.set_level(logging.DEBUG)

    def make_handler(_trial: TrialContext, _device: TargetDevice) -> Handler:
        def handler(request: InterceptedRequest) -> Answer:
            return MARKED_ANSWERS[answer] if request.asks_verdict else request.forward()

        return handler

    assert MARK not in output_of(attacked(trial, make_handler), caplog, capsys)


def test_device_repeats_no_content_of_unverified_metadata(
    trial: TrialContext, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    marked = Answer(200, media.JSON, to_json({"signed": {"_type": MARK}, "signatures": [{"keyid": MARK}]}))

    def make_handler(_trial: TrialContext, _device: TargetDevice) -> Handler:
        return lambda request: marked if request.asks_metadata("timestamp.json") else request.forward()

    assert MARK not in output_of(attacked(trial, make_handler), caplog, capsys)


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


def test_server_logs_stores_and_returns_no_content_of_rejected_evidence(tmp_path: Path) -> None:
    """It stores accepted evidence without identifiers and keys in clear text."""
    log, answers = io.StringIO(), ""
    store = open_store(tmp_path / "records.sqlite")
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
    secrets = (MANUFACTURER.secrets.nonce_key, MANUFACTURER.secrets.identifier_key)
    clear = (
        IMEI.encode(),
        ICCID.encode(),
        ueid(IMEI).encode(),
        *secrets,
        *(s.hex().encode() for s in secrets),
    )
    assert not [value for value in clear if value in log.getvalue().encode() + kept + answers.encode()]

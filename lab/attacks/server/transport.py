"""Attacks on the exchange: responses of a hostile network, or of a server that is not the manufacturer's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.ports import Answer
from lab.attacks.harness import rogue_server
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.interceptor import Handler, InterceptedRequest, drop
from lab.attacks.harness.target_device import TargetDevice
from lab.attacks.harness.token_forge import to_json
from lab.attacks.model import NETWORK, OWN_SERVER, Attack, AttackerCapability, Topic, Trial
from lab.attacks.substitution import ALL_TARGETS, LOCKED, Target, prepare_target, request_under
from wire import limits, media

_T = Topic

MakeHandler = Callable[[TrialContext, TargetDevice], Handler]
"""Makes the handler of the requests that a device sends."""

Respond = Callable[[TrialContext, TargetDevice, InterceptedRequest], Answer]
"""The response to a request of a device."""


def network_attack(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    topics: tuple[Topic, ...],
    code: str,
    make_handler: MakeHandler,
    *,
    capabilities: tuple[AttackerCapability, ...] = NETWORK,
    targets: tuple[Target, ...] = ALL_TARGETS,
) -> Attack:
    """An attack while devices request a verdict, after which their state must be unchanged."""

    def trial_on(target: Target) -> Trial:
        def run(trial: TrialContext) -> TargetDevice:
            device = prepare_target(trial, target)
            request_under(device, make_handler(trial, device))
            return device

        return Trial(target.name, run, target.unchanged(code))

    return Attack(name, sentence, source, capabilities, topics, tuple(map(trial_on, targets)))


def on_verdict_request(respond: Respond) -> MakeHandler:
    """Respond to the request for a verdict, and forward other requests."""
    return lambda trial, device: (
        lambda request: respond(trial, device, request) if request.asks_verdict else request.forward()
    )


def on_challenge_request(respond: Respond) -> MakeHandler:
    """Respond to the request for a nonce, and forward other requests."""
    return lambda trial, device: (
        lambda request: respond(trial, device, request) if request.asks_challenge else request.forward()
    )


def _response(status: int, media_type: str, body: bytes) -> MakeHandler:
    return on_verdict_request(lambda *_: Answer(status, media_type, body))


def _problem(status: int, code: str) -> MakeHandler:
    document = {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": "No."}
    return _response(status, media.PROBLEM, to_json(document))


def _challenge(body: bytes) -> MakeHandler:
    return on_challenge_request(lambda *_: Answer(200, media.JSON, body))


def _late(trial: TrialContext, _: TargetDevice, request: InterceptedRequest) -> Answer:
    answer = request.forward()
    trial.world.wait(2 * limits.LIFETIME_MAX)
    return answer


def _swapped(trial: TrialContext, device: TargetDevice) -> Handler:
    """Two devices send requests at the same time, and each gets the verdict of the other."""
    other = trial.activated()
    verdicts_of_other: list[bytes] = []

    def swap(trial: TrialContext, device: TargetDevice, request: InterceptedRequest) -> Answer:
        answer = request.forward()

        def respond(_: TrialContext, other: TargetDevice, theirs: InterceptedRequest) -> Answer:
            verdicts_of_other.append(theirs.forward().body)
            other.capture(answer.body, theirs.body)
            return answer

        request_under(other, on_verdict_request(respond)(trial, other))
        trial.require(
            other.state().last_code == "key-binding-mismatch",
            "the other device rejects the swapped verdict too",
        )
        device.capture(verdicts_of_other[-1], request.body)
        return replace(answer, body=verdicts_of_other[-1])

    return on_verdict_request(swap)(trial, device)


def _http(
    name: str, sentence: str, source: str, code: str, script: rogue_server.Script, *topics: Topic
) -> Attack:
    """The request for a verdict goes to a server that runs `script`, over the agent's own HTTP."""

    def make_handler(trial: TrialContext, device: TargetDevice) -> Handler:
        transport = trial.transport_to(trial.stack.enter_context(rogue_server.serving(script)))
        forward = on_verdict_request(lambda _, __, request: request.forward(upstream=transport))
        return forward(trial, device)

    return network_attack(
        name, sentence, source, (_T.TRANSPORT, *topics), code, make_handler, capabilities=OWN_SERVER
    )


_DENY: Final = to_json({"decision": "deny", "reason": "territory-prohibited"})

ATTACKS: Final[tuple[Attack, ...]] = (
    network_attack("captive-portal", "Respond with a web page.", "CWE-346", (_T.TRANSPORT,), "not-a-verdict",
                   _response(200, "text/html", b"<html>Sign in</html>")),
    network_attack("unsigned-decision", "Respond with a decision in plain JSON.", "CWE-345",
                   (_T.TRANSPORT, _T.SIGNATURE), "not-a-verdict", _response(200, media.JSON, _DENY)),
    network_attack("no-content", "Respond with status 204.", "CWE-754", (_T.TRANSPORT,), "status-204",
                   _response(204, media.VERDICT, b"")),
    network_attack("verdict-in-an-error", "Respond with a decision and an error status.", "CWE-345", (_T.TRANSPORT,),
                   "status-403", _response(403, media.VERDICT, _DENY)),
    network_attack("problem-invented", "Respond with a problem document that the server did not send.", "CWE-345",
                   (_T.TRANSPORT,), "chain-invalid", _problem(401, "chain-invalid")),
    network_attack("problem-unknown", "Respond with a problem document with an unknown code.", "CWE-1287",
                   (_T.TRANSPORT,), "status-451", _problem(451, "locked-by-law")),
    network_attack("dropped", "Drop the request for a verdict.", "CWE-400", (_T.TRANSPORT,), "unreachable",
                   on_verdict_request(lambda _, __, request: drop(request))),
    network_attack("delayed", "Delay the genuine verdict by two days.", "CWE-294", (_T.EXPIRED, _T.REPLAY),
                   "expired", on_verdict_request(_late)),
    network_attack("swapped", "Give each of two devices the verdict of the other.", "RFC 7800 section 3.1",
                   (_T.SWAP, _T.OTHER_DEVICE), "key-binding-mismatch", _swapped, targets=(LOCKED,)),
    network_attack("challenge-malformed", "Respond with a nonce that is a number.", "CWE-1287", (_T.TRANSPORT,),
                   "challenge-malformed", _challenge(b'{"nonce":1,"expires_in":300}')),
    network_attack("challenge-hostile", "Respond with a nonce that contains JSON syntax.", "CWE-74", (_T.TRANSPORT,),
                   "challenge-malformed", _challenge(rb'{"nonce":"\",\"a\":\"","expires_in":300}')),
    _http("http-endless", "Respond with a body that does not end.", "CWE-400", "too-large",
          rogue_server.endless, _T.LENGTH),
    _http("http-redirect", "Redirect the device to another host.", "CWE-601", "redirected", rogue_server.redirect),
    _http("http-compressed", "Respond with a small compressed body that is large when decompressed.", "CWE-409",
          "broken-answer", rogue_server.compressed, _T.LENGTH),
    _http("http-garbage", "Respond with bytes that are not HTTP.", "CWE-754", "unreachable", rogue_server.garbage),
    _http("http-header-flood", "Respond with thousands of header fields.", "CWE-770", "unreachable",
          rogue_server.header_flood, _T.LENGTH),
    _http("http-body-cut", "Close the connection in the middle of the response.", "CWE-754", "broken-answer",
          rogue_server.cut, _T.TRUNCATION),
)  # fmt: skip

"""Attacks on the exchange: what a network, or a server that is not the vendor's, can answer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.ports import Answer, TransportError, TransportFault
from lab.attacks.harness import rogue_server
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.interceptor import Act, Call
from lab.attacks.harness.target_phone import Phone
from lab.attacks.harness.token_forge import text
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic, Trial
from lab.attacks.substitution import ALL_TARGETS, LOCKED, Target, prepare_target, request_under
from wire import media

_NETWORK: Final = (AttackerCapability.NETWORK,)
_OWN_SERVER: Final = (AttackerCapability.NETWORK, AttackerCapability.OWN_SERVER)
_T = Topic

Disturb = Callable[[TrialContext, Phone], Act]
"""Makes what the network does while a phone asks."""


def disturbed(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    topics: tuple[Topic, ...],
    told: str,
    disturb: Disturb,
    *,
    means: tuple[AttackerCapability, ...] = _NETWORK,
    targets: tuple[Target, ...] = ALL_TARGETS,
) -> Attack:
    """An attack during which phones ask, and after which they are as they were."""
    trials = tuple(Trial(target.name, _play(target, disturb), target.unchanged(told)) for target in targets)
    return Attack(name, sentence, source, means, topics, trials)


def _play(target: Target, disturb: Disturb) -> AttackRun:
    def play(stage: TrialContext) -> Phone:
        phone = prepare_target(stage, target)
        request_under(phone, disturb(stage, phone))
        return phone

    return play


def on_verdict_request(make: Callable[[Call], Answer]) -> Disturb:
    """Answer the question for a verdict so, and leave the rest alone."""
    return lambda _stage, _phone: lambda call: make(call) if call.asks_verdict else call.forward()


def to_challenge(make: Callable[[Call], Answer]) -> Disturb:
    """Answer the question for a nonce so, and leave the rest alone."""
    return lambda _stage, _phone: lambda call: make(call) if call.asks_challenge else call.forward()


def _says(status: int, media_type: str, body: bytes) -> Disturb:
    return on_verdict_request(lambda _: Answer(status, media_type, body))


def _by_rogue(script: rogue_server.Script) -> Disturb:
    """Lead the question for a verdict to a server that plays `script`, over the phone's own HTTP."""

    def disturb(stage: TrialContext, _phone: Phone) -> Act:
        transport = stage.transport_to(stage.stack.enter_context(rogue_server.serving(script)))
        return lambda call: call.forward(onward=transport) if call.asks_verdict else call.forward()

    return disturb


def _fails(_call: Call) -> Answer:
    raise TransportError(TransportFault.UNREACHABLE, "the network drops it")


def _late(stage: TrialContext, _phone: Phone) -> Act:
    def act(call: Call) -> Answer:
        answer = call.forward()
        if call.asks_verdict:
            stage.world.wait(2 * 3600)
        return answer

    return act


def _swapped(stage: TrialContext, phone: Phone) -> Act:
    """Two phones ask at the same time, and each gets the verdict of the other."""
    other = stage.activated()

    def act(call: Call) -> Answer:
        answer = call.forward()
        if not call.asks_verdict:
            return answer
        request_under(other, on_verdict_request(lambda theirs: _give(other, theirs, answer))(stage, other))
        stage.require(
            other.ending().last_code == "key-binding-mismatch",
            "the other phone refuses the swapped verdict too",
        )
        phone.note(genuine[-1], call.body)
        return replace(answer, body=genuine[-1])

    genuine: list[bytes] = []

    def _give(receiver: Phone, call: Call, answer: Answer) -> Answer:
        genuine.append(call.forward().body)
        receiver.note(answer.body, call.body)
        return answer

    return act


def _problem(status: int, code: str) -> Disturb:
    document = {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": "No."}
    return _says(status, media.PROBLEM, text(document))


_DENY: Final = text({"decision": "deny", "reason": "territory-prohibited"})

ANSWERS: Final[tuple[Attack, ...]] = (
    disturbed("captive-portal", "Answer with a page for people.", "CWE-346", (_T.TRANSPORT,), "not-a-verdict",
              _says(200, "text/html", b"<html>Sign in</html>")),
    disturbed("unsigned-decision", "Answer with a decision as plain JSON.", "CWE-345", (_T.TRANSPORT, _T.SIGNATURE),
              "not-a-verdict", _says(200, media.JSON, _DENY)),
    disturbed("no-content", "Answer that there is nothing to say.", "CWE-754", (_T.TRANSPORT,), "status-204",
              _says(204, media.VERDICT, b"")),
    disturbed("verdict-in-an-error", "Answer with a decision in an error.", "CWE-345", (_T.TRANSPORT,), "status-403",
              _says(403, media.VERDICT, _DENY)),
    disturbed("problem-invented", "Answer with a problem document that the server never sent.", "CWE-345",
              (_T.TRANSPORT,), "chain-invalid", _problem(401, "chain-invalid"), targets=ALL_TARGETS),
    disturbed("problem-unknown", "Answer with a problem of an unknown code.", "CWE-1287", (_T.TRANSPORT,),
              "status-451", _problem(451, "locked-by-law")),
    disturbed("dropped", "Drop the question for a verdict.", "CWE-400", (_T.TRANSPORT,), "unreachable",
              on_verdict_request(_fails)),
    disturbed("delayed", "Hold the genuine verdict back for two hours.", "CWE-294", (_T.EXPIRED, _T.REPLAY),
              "expired", _late),
    disturbed("swapped", "Give each of two phones the verdict of the other.", "RFC 7800 section 3.1",
              (_T.SWAP, _T.OTHER_DEVICE), "key-binding-mismatch", _swapped, targets=(LOCKED,)),
    disturbed("challenge-malformed", "Answer with a nonce that is a number.", "CWE-1287", (_T.TRANSPORT,),
              "challenge-malformed",
              to_challenge(lambda _: Answer(200, media.JSON, b'{"nonce":1,"expires_in":300}'))),
    disturbed("challenge-hostile", "Answer with a nonce that would break out of JSON.", "CWE-74", (_T.TRANSPORT,),
              "challenge-malformed",
              to_challenge(lambda _: Answer(200, media.JSON, rb'{"nonce":"\",\"a\":\"","expires_in":300}'))),
)  # fmt: skip

HTTP: Final[tuple[Attack, ...]] = (
    disturbed("http-endless", "Answer with a body that does not end.", "CWE-400", (_T.TRANSPORT, _T.LENGTH),
              "too-large", _by_rogue(rogue_server.endless), means=_OWN_SERVER),
    disturbed("http-redirect", "Lead the phone to another host.", "CWE-601", (_T.TRANSPORT,), "redirected",
              _by_rogue(rogue_server.redirect), means=_OWN_SERVER),
    disturbed("http-compressed", "Answer with a small body that grows.", "CWE-409", (_T.TRANSPORT, _T.LENGTH),
              "broken-answer", _by_rogue(rogue_server.compressed), means=_OWN_SERVER),
    disturbed("http-garbage", "Answer with what is no HTTP.", "CWE-754", (_T.TRANSPORT,), "unreachable",
              _by_rogue(rogue_server.garbage), means=_OWN_SERVER),
    disturbed("http-header-flood", "Answer with more header fields than anybody reads.", "CWE-770",
              (_T.TRANSPORT, _T.LENGTH), "unreachable", _by_rogue(rogue_server.header_flood), means=_OWN_SERVER),
    disturbed("http-body-cut", "Close the connection in the middle of the answer.", "CWE-754",
              (_T.TRANSPORT, _T.TRUNCATION), "broken-answer", _by_rogue(rogue_server.cut), means=_OWN_SERVER),
)  # fmt: skip

ATTACKS: Final = ANSWERS + HTTP

"""Attacks on the repository that carries the verdict keys, by the names that the TUF specification gives them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from agent.ports import Answer, TransportError, TransportFault
from lab.attacks.harness.environment import LANTERN, Server, TrialContext
from lab.attacks.harness.interceptor import Act, Call
from lab.attacks.harness.target_phone import Phone
from lab.attacks.harness.token_forge import text
from lab.attacks.model import Attack, AttackerCapability, Topic, Trial
from lab.attacks.substitution import FRESH, LOCKED, Target, prepare_target, replace_response, request_under
from lab.manufacturer.key_ceremony import FIRST_ROOT_EXPIRES
from server_stub.key_repository import next_root
from wire import media
from wire.codes import Decision
from wire.key_repository import TARGETS_PATH, TIMESTAMP_MAX

_NETWORK: Final = (AttackerCapability.NETWORK,)
_DAY: Final = 24 * 3600

Disturb = Callable[[TrialContext, Phone, Server], Act]


def _attack(  # noqa: PLR0913 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    told: str,
    disturb: Disturb,
    *,
    target: Target = LOCKED,
    means: tuple[AttackerCapability, ...] = _NETWORK,
) -> Attack:
    """An attack on a phone while it asks a server of its own, after which the phone is as it was."""

    def play(stage: TrialContext) -> Phone:
        server = stage.server()
        phone = prepare_target(stage, target, server)
        request_under(phone, disturb(stage, phone, server))
        return phone

    trial = Trial(target.name, play, target.unchanged(told))
    return Attack(name, sentence, f"TUF: {source}", means, (Topic.KEY_REPOSITORY,), (trial,))


def _instead(name: str, make: Callable[[Call], Answer]) -> Act:
    """Answer so where a metadata file of that name is asked for."""
    return lambda call: make(call) if call.asks_metadata(name) else call.forward()


def _republished(stage: TrialContext, phone: Phone, server: Server) -> dict[str, Answer]:
    """Let the vendor publish once more and the phone see it; returns what was published before."""
    before = dict(phone.wire.files)
    server.repository.introduce(stage.ring.own_es256.jwk(kid="introduced-later"))
    phone.handset.retry()
    return before


def _rollback(stage: TrialContext, phone: Phone, server: Server) -> Act:
    old = _republished(stage, phone, server)
    return _instead("timestamp.json", lambda call: old[call.path])


def _freeze(stage: TrialContext, phone: Phone, _server: Server) -> Act:
    old = dict(phone.wire.files)
    stage.world.wait(2 * _DAY)
    return _instead("timestamp.json", lambda call: old[call.path])


def _mix(stage: TrialContext, phone: Phone, server: Server) -> Act:
    """The new timestamp with the old snapshot."""
    old = dict(phone.wire.files)
    server.repository.introduce(stage.ring.own_es256.jwk(kid="introduced-later"))
    snapshot = next(answer for path, answer in old.items() if path.endswith("snapshot.json"))
    return _instead("snapshot.json", lambda _: snapshot)


def _endless(_stage: TrialContext, _phone: Phone, _server: Server) -> Act:
    body = b'{"signed":' + b" " * TIMESTAMP_MAX
    return _instead("timestamp.json", lambda _: Answer(200, media.JSON, body))


def _changed(document: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    metadata: dict[str, Any] = json.loads(document)
    change(metadata)
    return text(metadata)


def _resigned(metadata: dict[str, Any]) -> None:
    metadata["signatures"] = [{"keyid": "f" * 64, "sig": "00" * 64}]


def _later(metadata: dict[str, Any]) -> None:
    metadata["signed"]["version"] += 1


def _tampered(change: Callable[[dict[str, Any]], None]) -> Disturb:
    """The genuine timestamp, changed."""

    def answer(call: Call) -> Answer:
        genuine = call.forward()
        return replace(genuine, body=_changed(genuine.body, change))

    return lambda _stage, _phone, _server: _instead("timestamp.json", answer)


def _wrong_repository(stage: TrialContext, _phone: Phone, _server: Server) -> Act:
    """Lantern's repository, which is in good order."""
    other = stage.theatre.shared(LANTERN).transport
    return lambda call: call.forward() if call.content_type else call.forward(onward=other)


def _own_root(stage: TrialContext, _phone: Phone, _server: Server) -> Act:
    """A second root that hands the repository to the attacker, signed by the attacker alone."""
    ceremony, house = stage.theatre.houses[LANTERN].ceremony, stage.theatre.houses["vendor"]
    root = next_root(house.trust.root, ceremony.holder(), ceremony.online(), FIRST_ROOT_EXPIRES)
    return _instead("2.root.json", lambda _: Answer(200, media.JSON, root))


def _own_keys(stage: TrialContext, _phone: Phone, _server: Server) -> Act:
    """Another key set under the right name."""
    jwks = Answer(200, media.JSON, text({"keys": [stage.ring.own.jwk()]}))
    return lambda call: jwks if call.path.startswith(TARGETS_PATH) else call.forward()


def _withheld(_stage: TrialContext, _phone: Phone, _server: Server) -> Act:
    def fail(_: Call) -> Answer:
        raise TransportError(TransportFault.UNREACHABLE, "the network drops it")

    return _instead("timestamp.json", fail)


def _revoked_meanwhile(stage: TrialContext) -> Phone:
    """The key is revoked while the phone is locked; the thief tries it, and then the vendor answers for itself."""
    server = stage.server()
    phone = prepare_target(stage, LOCKED, server)
    server.repository.revoke(stage.ring.vendor.kid)
    request_under(phone, replace_response(stage, phone, Decision.ALLOW, lambda forge: forge.signed()))
    stage.require(phone.ending() == LOCKED.unchanged("key-revoked"), "the phone refuses the revoked key")
    phone.specimen = None
    phone.handset.retry()
    return phone


ATTACKS: Final[tuple[Attack, ...]] = (
    _attack("tuf-rollback", "Offer the key list of before once the phone has seen a newer one.",
            "rollback attack", "tuf-rollback", _rollback),
    _attack("tuf-freeze", "Go on offering the same key list, so that a revocation never arrives.",
            "indefinite freeze attack", "tuf-expired", _freeze),
    _attack("tuf-mix-and-match", "Offer an old snapshot under a new timestamp.",
            "mix-and-match attack", "tuf-mismatch", _mix),
    _attack("tuf-endless-data", "Offer a timestamp longer than any may be.",
            "endless data attack", "tuf-too-large", _endless),
    _attack("tuf-arbitrary-keys", "Sign the timestamp with a key that the root does not name.",
            "arbitrary software attack", "tuf-unsigned", _tampered(_resigned)),
    _attack("tuf-fast-forward", "Raise the version in the timestamp beyond its signature.",
            "fast-forward attack", "tuf-unsigned", _tampered(_later)),
    _attack("tuf-wrong-repository", "Lead the phone to another repository that is in good order.",
            "wrong software attack", "tuf-unsigned", _wrong_repository,
            means=(AttackerCapability.NETWORK, AttackerCapability.OWN_SERVER)),
    _attack("tuf-own-root", "Offer a next root that only the attacker has signed.",
            "arbitrary software attack", "tuf-unsigned", _own_root, means=(AttackerCapability.NETWORK,
                    AttackerCapability.OWN_SERVER)),
    _attack("tuf-own-key-set", "Offer another key set under the right name, at first contact.",
            "arbitrary software attack", "tuf-mismatch", _own_keys, target=FRESH),
    _attack("tuf-withheld", "Keep the timestamp from the phone.",
            "slow retrieval attack", "tuf-unreachable", _withheld),
    Attack("key-revoked-meanwhile", "Use a stolen key after the vendor has revoked it, on a phone that it locked.",
           "TUF: key compromise", (AttackerCapability.NETWORK, AttackerCapability.STOLEN_KEY),
                   (Topic.KEY_REVOKED, Topic.KEY_REPOSITORY),
           (Trial("locked", _revoked_meanwhile, LOCKED.unchanged("deny territory-prohibited")),)),
)  # fmt: skip

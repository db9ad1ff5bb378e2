"""Attacks on the repository of the verdict keys, named as in the TUF specification."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from shutil import rmtree
from typing import Any, Final

from tuf.api.metadata import Metadata, Timestamp

from agent.core.states import Lock
from agent.ports import Answer
from lab.attacks.harness.environment import LANTERN, MANUFACTURER, Server, TrialContext
from lab.attacks.harness.interceptor import Handler, InterceptedRequest, drop
from lab.attacks.harness.target_device import TargetDevice
from lab.attacks.harness.token_forge import TokenForge, to_json
from lab.attacks.model import NETWORK, OWN_SERVER, STOLEN_KEY, Attack, AttackerCapability, Topic, Trial
from lab.attacks.substitution import FRESH, LOCKED, Target, prepare_target, replace_response, request_under
from lab.manufacturer.key_ceremony import FIRST_ROOT_EXPIRES
from server_stub.key_repository import OnlineRole, next_root
from wire import media
from wire.codes import Decision
from wire.key_repository import CLOCK, TARGETS_PATH, TIMESTAMP_MAX

MakeHandler = Callable[[TrialContext, TargetDevice, Server], Handler]


ATTACKS: Final[list[Attack]] = []


def _attack(
    name: str,
    source: str,
    code: str,
    *,
    target: Target = LOCKED,
    capabilities: tuple[AttackerCapability, ...] = NETWORK,
) -> Callable[[MakeHandler], MakeHandler]:
    """Add the attack with the handler that the decorated function makes; its docstring is the sentence.

    The device has a separate server. Its state must be unchanged.
    """

    def add(make_handler: MakeHandler) -> MakeHandler:
        def run(trial: TrialContext) -> TargetDevice:
            server = trial.server()
            device = prepare_target(trial, target, server)
            request_under(device, make_handler(trial, device, server))
            return device

        trial = Trial(target.name, run, target.unchanged(code))
        sentence, topics = str(make_handler.__doc__), (Topic.KEY_REPOSITORY,)
        ATTACKS.append(Attack(name, sentence, f"TUF: {source}", capabilities, topics, (trial,)))
        return make_handler

    return add


def _on_metadata(name: str, respond: Handler) -> Handler:
    """Respond to a request for a metadata file whose name ends with `name`, and forward other requests."""
    return lambda request: respond(request) if request.asks_metadata(name) else request.forward()


def _publish_again(trial: TrialContext, server: Server) -> None:
    server.repository.introduce(trial.keys.own_es256.jwk(kid="introduced-later"))


def _tampered_timestamp(change: Callable[[dict[str, Any]], None]) -> Handler:
    def respond(request: InterceptedRequest) -> Answer:
        genuine = request.forward()
        metadata = json.loads(genuine.body)
        change(metadata)
        return replace(genuine, body=to_json(metadata))

    return _on_metadata("timestamp.json", respond)


@_attack("tuf-rollback", "rollback attack", "tuf-rollback")
def rollback(trial: TrialContext, device: TargetDevice, server: Server) -> Handler:
    """Send an earlier key list after the device has received a newer one."""
    old = dict(device.interceptor.files)
    _publish_again(trial, server)
    device.handset.retry()
    return _on_metadata("timestamp.json", lambda request: old[request.path])


@_attack("tuf-freeze", "indefinite freeze attack", "tuf-expired")
def freeze(trial: TrialContext, device: TargetDevice, _server: Server) -> Handler:
    """Send the same key list for two days, so that a revocation does not arrive."""
    old = dict(device.interceptor.files)
    trial.world.wait(2 * 24 * 3600)
    return _on_metadata("timestamp.json", lambda request: old[request.path])


@_attack("tuf-mix-and-match", "mix-and-match attack", "tuf-mismatch")
def mix_and_match(trial: TrialContext, device: TargetDevice, server: Server) -> Handler:
    """Send an old snapshot under a new timestamp."""
    old = dict(device.interceptor.files)
    _publish_again(trial, server)
    snapshot = next(answer for path, answer in old.items() if path.endswith("snapshot.json"))
    return _on_metadata("snapshot.json", lambda _: snapshot)


@_attack("tuf-endless-data", "endless data attack", "tuf-too-large")
def endless_data(_trial: TrialContext, _device: TargetDevice, _server: Server) -> Handler:
    """Send a timestamp longer than allowed."""
    body = b'{"signed":' + b" " * TIMESTAMP_MAX
    return _on_metadata("timestamp.json", lambda _: Answer(200, media.JSON, body))


@_attack("tuf-arbitrary-keys", "arbitrary software attack", "tuf-unsigned")
def arbitrary_keys(_trial: TrialContext, _device: TargetDevice, _server: Server) -> Handler:
    """Sign the timestamp with a key that the root does not contain."""
    signatures = [{"keyid": "f" * 64, "sig": "00" * 64}]
    return _tampered_timestamp(lambda metadata: metadata.update(signatures=signatures))


@_attack("tuf-fast-forward", "fast-forward attack", "tuf-unsigned")
def fast_forward(_trial: TrialContext, _device: TargetDevice, _server: Server) -> Handler:
    """Raise the version in a signed timestamp."""
    return _tampered_timestamp(
        lambda metadata: metadata["signed"].update(version=metadata["signed"]["version"] + 1)
    )


@_attack("tuf-wrong-repository", "wrong software attack", "tuf-unsigned", capabilities=OWN_SERVER)
def wrong_repository(trial: TrialContext, _device: TargetDevice, _server: Server) -> Handler:
    """Forward the device to another valid repository."""
    other = trial.environment.shared(LANTERN).transport
    return lambda request: request.forward() if request.content_type else request.forward(upstream=other)


@_attack("tuf-own-root", "arbitrary software attack", "tuf-unsigned", capabilities=OWN_SERVER)
def own_root(trial: TrialContext, _device: TargetDevice, _server: Server) -> Handler:
    """Send a next root that only the attacker has signed."""
    owners = trial.environment.owners
    ceremony, genuine = owners[LANTERN].ceremony, owners[MANUFACTURER].trust.root
    root = next_root(genuine, ceremony.holder(), ceremony.online(), FIRST_ROOT_EXPIRES)
    return _on_metadata("2.root.json", lambda _: Answer(200, media.JSON, root))


@_attack("tuf-own-key-set", "arbitrary software attack", "tuf-mismatch", target=FRESH)
def own_key_set(trial: TrialContext, _device: TargetDevice, _server: Server) -> Handler:
    """Send another key set under the right name, at first contact."""
    jwks = Answer(200, media.JSON, to_json({"keys": [trial.keys.own.jwk()]}))
    return lambda request: jwks if request.path.startswith(TARGETS_PATH) else request.forward()


@_attack("tuf-withheld", "slow retrieval attack", "tuf-unreachable")
def withheld(_trial: TrialContext, _device: TargetDevice, _server: Server) -> Handler:
    """Drop the requests for the timestamp."""
    return _on_metadata("timestamp.json", drop)


def _resigned_timestamp(server: Server, change: Callable[[Timestamp], None]) -> Handler:
    """The timestamps of the server under a high version, changed and signed with its stolen timestamp key."""

    def respond(request: InterceptedRequest) -> Answer:
        genuine = request.forward()
        metadata = Metadata[Timestamp].from_bytes(genuine.body)
        metadata.signed.version += 2**31
        change(metadata.signed)
        metadata.sign(server.owner.ceremony.online().signer(OnlineRole.TIMESTAMP))
        return replace(genuine, body=metadata.to_bytes())

    return _on_metadata("timestamp.json", respond)


def _ahead(seconds: int) -> Callable[[Timestamp], None]:
    """A timestamp that expires later, and whose clock number no operator reaches."""

    def change(timestamp: Timestamp) -> None:
        timestamp.expires += timedelta(seconds=seconds)
        timestamp.unrecognized_fields[CLOCK] = 2**31

    return change


def _with_clock(number: object) -> Callable[[Timestamp], None]:
    return lambda timestamp: timestamp.unrecognized_fields.update({CLOCK: number})


def _replace_online_keys(server: Server) -> None:
    """The manufacturer's ceremony after the theft of an online key."""
    ceremony = server.owner.ceremony
    online = ceremony.online(1)
    root = next_root(server.repository.root(), ceremony.holder(), online, FIRST_ROOT_EXPIRES)
    server.repository.install_root(root)


@_attack("timestamp-clock-malformed", "fast-forward attack", "tuf-malformed", capabilities=STOLEN_KEY)
def clock_malformed(_trial: TrialContext, _device: TargetDevice, server: Server) -> Handler:
    """Sign a timestamp with a clock number that is a text, with the stolen timestamp key."""
    return _resigned_timestamp(server, _with_clock("2"))


@_attack("timestamp-clock-rolled-back", "rollback attack", "tuf-rollback", capabilities=STOLEN_KEY)
def clock_rolled_back(trial: TrialContext, device: TargetDevice, server: Server) -> Handler:
    """Sign a timestamp with an earlier clock number, with the stolen timestamp key."""
    server.repository.accept_clock(trial.world.now())
    device.handset.retry()
    return _resigned_timestamp(server, _with_clock(0))


@_attack("timestamp-years-ahead", "fast-forward attack", "tuf-expired", capabilities=STOLEN_KEY)
def years_ahead(_trial: TrialContext, _device: TargetDevice, server: Server) -> Handler:
    """Sign a timestamp of the year after next with the stolen timestamp key: all other metadata has expired by then."""
    return _resigned_timestamp(server, _ahead(2 * 366 * 86_400))


@_attack("timestamp-long-lived", "fast-forward attack", "expired", capabilities=STOLEN_KEY)
def long_lived(_trial: TrialContext, _device: TargetDevice, server: Server) -> Handler:
    """Sign a timestamp that lives for four days with the stolen timestamp key: the genuine verdict has expired."""
    return _resigned_timestamp(server, _ahead(3 * 86_400))


@_attack(
    "timestamp-of-before-a-correction",
    "rollback attack",
    "tuf-rollback",
    capabilities=(*NETWORK, AttackerCapability.FLASH_ACCESS),
)
def before_a_correction(trial: TrialContext, device: TargetDevice, server: Server) -> Handler:
    """Delete the stored metadata, and show the genuine files of before a correction of the server's clock."""
    old = dict(device.interceptor.files)
    server.repository.accept_clock(trial.world.now())
    device.handset.retry()
    rmtree(device.folder / "metadata")
    return lambda request: old.get(request.path) or request.forward()


@_attack(
    "timestamp-key-after-its-replacement",
    "rollback attack",
    "tuf-rollback",
    capabilities=(*STOLEN_KEY, AttackerCapability.FLASH_ACCESS),
)
def withheld_root(_trial: TrialContext, device: TargetDevice, server: Server) -> Handler:
    """Delete the stored metadata and withhold the root that replaced the stolen timestamp key, to retract the floor."""
    old = dict(device.interceptor.files)
    _replace_online_keys(server)
    device.handset.retry()
    rmtree(device.folder / "metadata")
    missing = Answer(404, media.PROBLEM, b"{}")

    def respond(request: InterceptedRequest) -> Answer:
        return request.forward() if request.content_type else old.get(request.path, missing)

    return respond


def stolen_until_replaced(trial: TrialContext) -> TargetDevice:
    """The thief moves the floor as far as genuine verdicts allow; then the manufacturer replaces the online keys."""
    server = trial.server()
    device = prepare_target(trial, LOCKED, server)
    request_under(device, _resigned_timestamp(server, _ahead(20 * 3600)))
    trial.require(_floor_ahead(trial, device) > 19 * 3600, "the floor is hours ahead")
    device.handset.retry()
    trial.require(
        device.state() == LOCKED.unchanged("tuf-rollback"), "the device rejects the genuine timestamp"
    )
    _replace_online_keys(server)
    device.handset.retry()
    trial.require(_floor_ahead(trial, device) <= 0, "the floor is not ahead of the time")
    return device


def stolen_at_the_ceiling(trial: TrialContext) -> TargetDevice:
    """The thief issues a verdict as late as possible; then the key is revoked."""
    server = trial.server()
    device = prepare_target(trial, LOCKED, server)

    def latest(forge: TokenForge) -> bytes:
        at = device.recorded.published.latest or 0
        return forge.signed(forge.claims(iat=at, nbf=at, exp=at + 3600))

    request_under(device, replace_response(trial, device, Decision.ALLOW, latest))
    trial.require(device.state().lock is Lock.ACTIVATED, "the verdict is accepted")
    device.captured = None
    server.repository.revoke(trial.keys.genuine.kid)
    device.handset.retry()
    agent = device.handset.agent
    trial.require(
        agent is not None and agent.state.memory.time.epoch == trial.world.now(),
        "trusted time is right again",
    )
    return device


def _floor_ahead(trial: TrialContext, device: TargetDevice) -> int:
    """Seconds by which the floor of trusted time is ahead of the true time."""
    agent = device.handset.agent
    return agent.state.memory.bounds.floor - trial.world.now() if agent else 0


def revoked_meanwhile(trial: TrialContext) -> TargetDevice:
    """The attacker uses the key after it was revoked; then the device gets a genuine verdict."""
    server = trial.server()
    device = prepare_target(trial, LOCKED, server)
    server.repository.revoke(trial.keys.genuine.kid)
    request_under(device, replace_response(trial, device, Decision.ALLOW, lambda forge: forge.signed()))
    trial.require(device.state() == LOCKED.unchanged("key-revoked"), "the device rejects the revoked key")
    device.captured = None
    device.handset.retry()
    return device


ATTACKS.extend((
    Attack("key-revoked-meanwhile", "Use a stolen key after its revocation, on a device that it locked.",
           "TUF: key compromise", STOLEN_KEY, (Topic.KEY_REVOKED, Topic.KEY_REPOSITORY),
           (Trial("locked", revoked_meanwhile, LOCKED.unchanged("deny territory-prohibited")),)),
    Attack("timestamp-key-until-its-replacement",
           "Move the floor of trusted time with a stolen timestamp key, until a root replaces the key.",
           "TUF: key compromise", STOLEN_KEY, (Topic.CLOCK, Topic.KEY_REPOSITORY),
           (Trial("locked", stolen_until_replaced, LOCKED.unchanged("deny territory-prohibited")),)),
    Attack("key-used-at-the-ceiling", "Move trusted time with a stolen verdict key as far as possible.",
           "CWE-294", STOLEN_KEY, (Topic.CLOCK, Topic.STOLEN_KEY),
           (Trial("locked", stolen_at_the_ceiling, LOCKED.unchanged("deny territory-prohibited")),)),
))  # fmt: skip

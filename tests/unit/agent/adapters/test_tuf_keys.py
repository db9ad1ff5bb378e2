"""The key source over TUF, fault by fault, over a repository that is called directly; HTTP is in the contract tests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata, TargetFile, Targets

from agent.adapters.tuf_errors import TufFault
from agent.adapters.tuf_keys import TufKeys
from agent.core.screens import Trouble
from agent.ports import Answer, KeySourceError, TransportError, TransportFault
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import START, World
from server_stub.key_repository import KeyRepository, OnlineRole, publication
from server_stub.key_repository.publication import MetadataPublisher
from wire import media
from wire.key_repository import METADATA_PATH, TARGET, TARGETS_PATH

VENDOR = Manufacturer("key source tests")
KEYS = VENDOR.secrets.signing_keys


@dataclass
class Direct:
    """`agent.ports.Downloads` over a repository, with other answers where a test wants them."""

    repository: KeyRepository
    instead: dict[str, Answer | TransportError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, *, accept: str) -> Answer:
        self.asked.append(path)
        for prefix, answer in self.instead.items():
            if path.startswith(prefix):
                if isinstance(answer, TransportError):
                    raise answer
                return answer
        read = self.repository.metadata if path.startswith(METADATA_PATH) else self.repository.target
        content = read(path.rsplit("/", 1)[-1])
        return Answer(404, media.PROBLEM, b"{}") if content is None else Answer(200, media.JSON, content)


@dataclass
class Bench:
    world: World
    direct: Direct
    source: TufKeys

    def code(self, now: int = START) -> TufFault:
        return TufFault(self.error(now).code)

    def error(self, now: int = START) -> KeySourceError:
        with pytest.raises(KeySourceError) as caught:
            self.source.keys(now)
        return caught.value


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    world = World()
    with VENDOR.ceremony.open(tmp_path / "server", KEYS, world.now) as repository:
        direct = Direct(repository)
        yield Bench(world, direct, TufKeys(VENDOR.ceremony.pinned_root, tmp_path / "phone", direct))


def test_the_key_set_is_what_the_server_lists(bench: Bench) -> None:
    """Names, algorithms and revocations arrive as they were published."""
    bench.direct.repository.revoke(KEYS[0].kid)
    found = bench.source.keys(START)
    assert [key.kid for key in found.keys] == [KEYS[1].kid]
    assert found.revoked == {KEYS[0].kid}


def test_what_is_kept_is_not_fetched_again(bench: Bench) -> None:
    """A check-in costs two small requests, not six."""
    bench.source.keys(START)
    bench.direct.asked.clear()
    bench.source.keys(START)
    assert bench.direct.asked == [METADATA_PATH + "2.root.json", METADATA_PATH + "timestamp.json"]


@pytest.mark.parametrize("fault", TransportFault)
def test_a_request_without_an_answer_is_a_matter_of_the_network(bench: Bench, fault: TransportFault) -> None:
    """Except that too much is an answer, and a hostile one."""
    bench.direct.instead["/tuf/"] = TransportError(fault, "planted detail")
    error = bench.error()
    if fault is TransportFault.TOO_LARGE:
        assert (error.code, error.trouble) == (TufFault.TOO_LARGE, Trouble.NO_KEYS)
    else:
        assert (error.code, error.trouble) == (TufFault.UNREACHABLE, Trouble.UNREACHABLE)
    assert "planted" not in str(error)


@pytest.mark.parametrize(
    ("status", "code", "trouble"),
    [
        (401, TufFault.MISSING, Trouble.NO_KEYS),
        (404, TufFault.MISSING, Trouble.NO_KEYS),
        (410, TufFault.MISSING, Trouble.NO_KEYS),
        (429, TufFault.BUSY, Trouble.BUSY),
        (500, TufFault.UNREACHABLE, Trouble.UNREACHABLE),
        (503, TufFault.BUSY, Trouble.BUSY),
        (204, TufFault.UNREACHABLE, Trouble.UNREACHABLE),
    ],
)
def test_a_status_means_what_it_means_everywhere(
    bench: Bench, status: int, code: TufFault, trouble: Trouble
) -> None:
    """The user is told who can mend it."""
    bench.direct.instead[METADATA_PATH + "timestamp.json"] = Answer(status, media.JSON, b"{}", retry_after=77)
    error = bench.error()
    assert (error.code, error.trouble) == (code, trouble)
    assert error.retry_after == (77 if code is TufFault.BUSY else None)


@pytest.mark.parametrize("status", [403, 404])
def test_only_a_missing_root_is_the_end_of_the_roots(bench: Bench, status: int) -> None:
    """Any other answer could hide a new root (TUF specification section 5.3.3)."""
    bench.direct.instead[METADATA_PATH + "2.root.json"] = Answer(status, media.PROBLEM, b"{}")
    assert bench.source.keys(START).keys
    bench.direct.instead[METADATA_PATH + "2.root.json"] = Answer(400, media.PROBLEM, b"{}")
    assert bench.code() is TufFault.MISSING


def test_a_phone_that_cannot_keep_metadata_says_so(bench: Bench, tmp_path: Path) -> None:
    """Without a floor on the phone a rollback could not be told, so there are no keys."""
    (tmp_path / "phone").write_text("a file where the folder should be")
    error = bench.error()
    assert (error.code, error.trouble) == (TufFault.STORAGE, Trouble.NO_STORAGE)


@pytest.mark.parametrize("root", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_an_image_with_a_broken_root_trusts_nothing(bench: Bench, tmp_path: Path, root: bytes) -> None:
    """Not even the network."""
    with pytest.raises(KeySourceError) as caught:
        TufKeys(root, tmp_path / "other", bench.direct).keys(START)
    assert caught.value.code == TufFault.MALFORMED
    assert bench.direct.asked == []


@pytest.mark.parametrize("now", [10**11, 2**53 - 1])
def test_a_time_beyond_all_calendars_finds_everything_expired(bench: Bench, now: int) -> None:
    """Whatever trusted time a verdict told, the outcome is a code."""
    assert bench.code(now) is TufFault.EXPIRED


def signed_instead(bench: Bench, change: Callable[[Targets], None]) -> None:
    """Let the vendor itself publish a list that is not as it should be, rightly signed."""

    def other(press: MetadataPublisher, sheets: Any, content: bytes) -> Targets:
        targets = press.listing(sheets, content)
        change(targets)
        return targets

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(publication._BODIES, OnlineRole.VERDICT_KEYS, other)
        bench.direct.repository.introduce(KEYS[0].public_jwk() | {"kid": "x"})


def target(content: bytes) -> Callable[[Targets], None]:
    """The one target with that content."""

    def change(targets: Targets) -> None:
        targets.targets[TARGET] = TargetFile.from_data(TARGET, content, ["sha256"])

    return change


def test_a_repository_that_lists_no_keys_gives_none(bench: Bench) -> None:
    """Rightly signed and of no use."""
    signed_instead(bench, lambda targets: targets.targets.clear())
    error = bench.error()
    assert error.code == TufFault.TARGET_MISSING
    assert f"the repository does not list {TARGET}" in str(error)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no JSON", TufFault.KEYS_MALFORMED),
        (b'{"keys":1}', TufFault.KEYS_MALFORMED),
        (b'{"keys":[],"keys":[]}', TufFault.KEYS_MALFORMED),
        (b'{"keys":[]}', TufFault.NO_USABLE_KEY),
        (b'{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}', TufFault.NO_USABLE_KEY),
    ],
)
def test_a_target_that_is_no_key_set_gives_none(bench: Bench, content: bytes, code: TufFault) -> None:
    """The key set's own reader has the last word on what the repository vouches for."""
    signed_instead(bench, target(content))
    bench.direct.instead[TARGETS_PATH] = Answer(200, media.JSON, content)
    error = bench.error()
    assert error.code == code
    if code is TufFault.NO_USABLE_KEY:
        assert "no listed key can verify verdicts" in str(error)


def test_the_delegated_role_speaks_for_its_one_target_only(bench: Bench) -> None:
    """The online key that lists verdict keys can list nothing else."""
    content = bench.direct.repository.metadata("1.targets.json")
    assert content is not None
    delegations = Metadata[Targets].from_bytes(content).signed.delegations
    assert delegations is not None
    assert list(delegations.get_roles_for_target(TARGET)) == [("verdict-keys", True)]
    assert list(delegations.get_roles_for_target("other.json")) == []
    assert list(delegations.get_roles_for_target("sub/" + TARGET)) == []


def test_what_was_seen_is_a_floor_even_when_it_has_expired(bench: Bench) -> None:
    """Waiting until the newest version has died does not make an older one good again."""
    older = bench.direct.repository.metadata("timestamp.json")
    assert older is not None
    bench.direct.repository.introduce(KEYS[0].public_jwk() | {"kid": "x"})
    bench.source.keys(START)
    much_later = START + 400 * 24 * 3600
    assert bench.code(much_later) is TufFault.EXPIRED
    bench.direct.instead[METADATA_PATH + "timestamp.json"] = Answer(200, media.JSON, older)
    assert bench.code(much_later) is TufFault.ROLLBACK
    assert bench.code() is TufFault.ROLLBACK

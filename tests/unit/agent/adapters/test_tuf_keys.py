"""The key source over TUF, with a repository that is called directly; the integration tests use HTTP."""

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
from agent.verification.bounds import TimestampBounds
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import START, World
from server_stub.key_repository import KeyRepository, OnlineRole, publication
from server_stub.key_repository.publication import MetadataPublisher
from server_stub.store.sql import SqlStore
from wire import media
from wire.key_repository import METADATA_PATH, TARGET, TARGETS_PATH

MANUFACTURER = Manufacturer("key source tests")
KEYS = MANUFACTURER.secrets.signing_keys


@dataclass
class Direct:
    """`agent.ports.Downloads` over a repository, with other responses where a test sets them."""

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
class ConnectedSource:
    world: World
    direct: Direct
    source: TufKeys

    def code(self, now: int = START) -> TufFault:
        return TufFault(self.error(now).code)

    def error(self, now: int = START) -> KeySourceError:
        with pytest.raises(KeySourceError) as caught:
            self.source.keys(TimestampBounds(now))
        return caught.value


@pytest.fixture
def published(tmp_path: Path) -> ConnectedSource:
    world = World()
    repository = MANUFACTURER.ceremony.open(SqlStore(), KEYS, world.now)
    direct = Direct(repository)
    return ConnectedSource(
        world, direct, TufKeys(MANUFACTURER.ceremony.pinned_root, tmp_path / "phone", direct)
    )


def test_key_set_equals_the_published_keys(published: ConnectedSource) -> None:
    published.direct.repository.revoke(KEYS[0].kid)
    found = published.source.keys(TimestampBounds(START)).keys
    assert [key.kid for key in found.keys] == [KEYS[1].kid]
    assert found.revoked == {KEYS[0].kid}


def test_stored_files_are_not_fetched_again(published: ConnectedSource) -> None:
    """A check-in needs two small requests instead of six."""
    published.source.keys(TimestampBounds(START))
    published.direct.asked.clear()
    published.source.keys(TimestampBounds(START))
    assert published.direct.asked == [METADATA_PATH + "2.root.json", METADATA_PATH + "timestamp.json"]


@pytest.mark.parametrize("fault", TransportFault)
def test_request_without_a_response_counts_as_unreachable(
    published: ConnectedSource, fault: TransportFault
) -> None:
    """Except for a response that is too large."""
    published.direct.instead["/tuf/"] = TransportError(fault, "planted detail")
    error = published.error()
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
def test_status_gives_the_code_and_class_of_the_failure(
    published: ConnectedSource, status: int, code: TufFault, trouble: Trouble
) -> None:
    published.direct.instead[METADATA_PATH + "timestamp.json"] = Answer(
        status, media.JSON, b"{}", retry_after=77
    )
    error = published.error()
    assert (error.code, error.trouble) == (code, trouble)
    assert error.retry_after == (77 if status in (429, 500, 503) else None)


@pytest.mark.parametrize("status", [403, 404])
def test_only_status_404_ends_the_search_for_new_roots(published: ConnectedSource, status: int) -> None:
    """Another response could hide a new root (TUF specification section 5.3.3)."""
    published.direct.instead[METADATA_PATH + "2.root.json"] = Answer(status, media.PROBLEM, b"{}")
    assert published.source.keys(TimestampBounds(START)).keys.keys
    published.direct.instead[METADATA_PATH + "2.root.json"] = Answer(400, media.PROBLEM, b"{}")
    assert published.code() is TufFault.MISSING


def test_storage_error_gives_no_keys(published: ConnectedSource, tmp_path: Path) -> None:
    """Without stored versions a rollback cannot be detected."""
    (tmp_path / "phone").write_text("a file where the folder should be")
    error = published.error()
    assert (error.code, error.trouble) == (TufFault.STORAGE, Trouble.NO_STORAGE)


@pytest.mark.parametrize("root", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_invalid_pinned_root_gives_no_keys(published: ConnectedSource, tmp_path: Path, root: bytes) -> None:
    with pytest.raises(KeySourceError) as caught:
        TufKeys(root, tmp_path / "other", published.direct).keys(TimestampBounds(START))
    assert caught.value.code == TufFault.MALFORMED
    assert published.direct.asked == []


@pytest.mark.parametrize("now", [10**11, 2**53 - 1])
def test_time_after_the_calendar_finds_all_metadata_expired(published: ConnectedSource, now: int) -> None:
    assert published.code(now) is TufFault.EXPIRED


def signed_instead(published: ConnectedSource, change: Callable[[Targets], None]) -> None:
    """Publish a list with an error, correctly signed."""

    def other(press: MetadataPublisher, sheets: Any, content: bytes) -> Targets:
        targets = press.listing(sheets, content)
        change(targets)
        return targets

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(publication._BODIES, OnlineRole.VERDICT_KEYS, other)
        published.direct.repository.introduce(KEYS[0].public_jwk() | {"kid": "x"})


def target(content: bytes) -> Callable[[Targets], None]:
    """The target with this content."""

    def change(targets: Targets) -> None:
        targets.targets[TARGET] = TargetFile.from_data(TARGET, content, ["sha256"])

    return change


def test_repository_without_the_target_gives_no_keys(published: ConnectedSource) -> None:
    signed_instead(published, lambda targets: targets.targets.clear())
    error = published.error()
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
def test_signed_target_that_is_not_a_key_set_gives_no_keys(
    published: ConnectedSource, content: bytes, code: TufFault
) -> None:
    signed_instead(published, target(content))
    published.direct.instead[TARGETS_PATH] = Answer(200, media.JSON, content)
    error = published.error()
    assert error.code == code
    if code is TufFault.NO_USABLE_KEY:
        assert "no listed key can verify verdicts" in str(error)


def test_delegated_role_can_list_only_its_target(published: ConnectedSource) -> None:
    content = published.direct.repository.metadata("1.targets.json")
    assert content is not None
    delegations = Metadata[Targets].from_bytes(content).signed.delegations
    assert delegations is not None
    assert list(delegations.get_roles_for_target(TARGET)) == [("verdict-keys", True)]
    assert list(delegations.get_roles_for_target("other.json")) == []
    assert list(delegations.get_roles_for_target("sub/" + TARGET)) == []


def test_received_version_is_a_floor_even_after_it_has_expired(published: ConnectedSource) -> None:
    older = published.direct.repository.metadata("timestamp.json")
    assert older is not None
    published.direct.repository.introduce(KEYS[0].public_jwk() | {"kid": "x"})
    published.source.keys(TimestampBounds(START))
    much_later = START + 400 * 24 * 3600
    assert published.code(much_later) is TufFault.EXPIRED
    published.direct.instead[METADATA_PATH + "timestamp.json"] = Answer(200, media.JSON, older)
    assert published.code(much_later) is TufFault.ROLLBACK
    assert published.code() is TufFault.ROLLBACK

"""The verdict server of a simulation: the real one; its operator can stop it, lose its records and restore them."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from lab.backend.forwarded_addresses import countries
from lab.backend.hosts import Host, ServerTransport
from lab.backend.records import RecordsFile, ReplaceableRecords
from lab.manufacturer.key_rotation import KeyRotationHistory
from lab.manufacturer.manufacturer import Manufacturer
from server_stub.admin.clock import ClockAdmin, guarded_clock, note_if_behind
from server_stub.admin.context import PREFIX, AdminContext, adopt_policy
from server_stub.admin.devices import LOCAL
from server_stub.admin.fault_injection import Faults
from server_stub.admin.keys import KeyAdmin
from server_stub.clock import ServerClock
from server_stub.key_repository import VerdictSigner
from server_stub.policy.policy import Policy
from server_stub.signing import Algorithm
from server_stub.verdicts.service import VerdictService


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """The URL of the admin API, and a bearer token for it."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Who runs a server, and the policy that it starts with."""

    manufacturer: Manufacturer
    issuer: str
    audience: str
    policy: Policy
    algorithm: Algorithm = Algorithm.ED25519


class LabServer:
    """Runs on `host` from its creation until `stop`, with its files in `folder` and its `records` there by default.

    `skew` returns seconds that are added to the time after its check: faults that the server does not notice.
    """

    def __init__(  # noqa: PLR0913 - each is a separate part
        self,
        identity: ServerIdentity,
        folder: Path,
        clock: ServerClock,
        random: Callable[[int], bytes],
        host: Host,
        *,
        skew: Callable[[], int] = lambda: 0,
        records: ReplaceableRecords | None = None,
    ) -> None:
        self.manufacturer = identity.manufacturer
        self._identity = identity
        self._secrets = identity.manufacturer.secrets_signing_by(identity.algorithm)
        self._records = records or RecordsFile(folder / "records.sqlite")
        self._clock = clock
        self._skew = skew
        self._random = random
        self._policy = identity.policy
        self._host = host
        self._start()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._host.origin

    @property
    def admin(self) -> AdminAccess:
        """Access to the admin API of this server; the token derives from the seed and is valid from now on."""
        token = self.manufacturer.admin_token
        if self.parts.tokens.actor(token) is None:
            self.parts.tokens.adopt(token, reason="the lab's own", by=LOCAL)
        return AdminAccess(self.origin + PREFIX, token)

    @property
    def faults(self) -> Faults:
        """The faults that this server injects, over HTTP only; they are in its records."""
        return self.parts.faults

    def transport(self) -> ServerTransport:
        """A new transport to this server, which stays usable over restarts."""
        return self._host.transport()

    def adopt(self, policy: Policy) -> None:
        """Put another policy in force, after a restart too."""
        adopt_policy(self.service, policy)
        self._policy = policy

    def replace_online_keys(self, reason: str, by: str = LOCAL) -> None:
        """Publish a root that names new online keys."""
        root = self.manufacturer.ceremony.replacement(self.repository.root())
        if self.parts.keys is not None:
            self.parts.keys.install_root(root, self._store, reason=reason, by=by)

    def accept_clock(self, reason: str, by: str = LOCAL) -> None:
        """Take the clock of the machine as it is now for right."""
        self.clock_admin.accept(self._store, reason=reason, by=by)

    def stop(self) -> None:
        """Stop finally, and delete the records, also if the store fails: raises StoreUnavailableError then."""
        with ExitStack() as stack:
            stack.callback(self._records.remove)
            self._halt()

    def restart(self) -> None:
        """Stop and start again, on the same records."""
        self._halt()
        self._start()

    def backup(self) -> bytes:
        """The present records."""
        self._halt()
        content = self._records.copy()
        self._start()
        return content

    def restore(self, content: bytes | None) -> None:
        """Replace the records by earlier ones, or by an empty database without any. The key repository is kept."""
        with self._store.reading() as reading:
            files, number = reading.repository_files(), reading.publication()
        self._halt()
        self._records.replace(content)
        with closing(self._records.open()) as store, store.transaction() as transaction:
            transaction.publish(files, number)
        self._start()
        if self.service.policy.document.version < self._policy.document.version:
            # Devices have seen its version and reject a verdict of a lower one.
            adopt_policy(self.service, self._policy)

    def _halt(self) -> None:
        self._host.stop()
        with closing(self._store):
            note_if_behind(self._guard, self._store)

    def _start(self) -> None:
        self._store = self._records.open()
        self._guard = guarded_clock(self._clock, self._store)
        note_if_behind(self._guard, self._store)
        keys = self._secrets.signing_keys
        history = KeyRotationHistory(self.manufacturer, keys)
        self.repository = self.manufacturer.ceremony.open(self._store, keys, self._now)
        self.service = VerdictService(
            secrets=self._secrets,
            policy=self._policy,
            store=self._store,
            issuer=self._identity.issuer,
            audience=self._identity.audience,
            clock=self._now,
            unchecked_clock=self._unchecked,
            random=self._random,
            key=VerdictSigner(history.keyring, self.repository.keys, self._now).key,
            country_of=countries(),
        )
        key_admin = KeyAdmin(self.repository, history.keyring, history.successor, self._unchecked)
        self.clock_admin = ClockAdmin(self._guard, self.repository, history.keyring)
        self.parts = AdminContext.of(self.service, keys=key_admin, clock_admin=self.clock_admin)
        self._host.start(self.service, self.repository, self.parts)

    def _now(self) -> int:
        return self._guard() + self._skew()

    def _unchecked(self) -> int:
        return self._guard.unchecked() + self._skew()

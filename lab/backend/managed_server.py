"""The verdict server of a scene: the real one; its operator can stop it, lose its records, restore them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lab.backend.hosts import Host, ServedApplication, Transport
from lab.manufacturer.key_rotation import KeyRotationHistory
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.addresses import countries
from server_stub.admin.context import PREFIX, AdminContext, adopt_policy
from server_stub.admin.devices import LOCAL
from server_stub.admin.fault_injection import Faults
from server_stub.admin.keys import KeyAdmin
from server_stub.key_repository import KeyList, KeyRepository, VerdictSigner
from server_stub.policy.policy import Policy
from server_stub.signing.signing_key import Algorithm
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import VerdictService

_LEFTOVERS: Final = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """The URL below which the admin API is, and the bearer token that it wants."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Who runs a server, and how it decides at first."""

    vendor: Manufacturer
    issuer: str
    audience: str
    policy: Policy
    algorithm: Algorithm = Algorithm.ED25519


class LabServer:
    """Runs on `host` from the moment that it is made until `stop`."""

    def __init__(
        self,
        house: ServerIdentity,
        folder: Path,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        host: Host,
    ) -> None:
        self.vendor = house.vendor
        self._house = house
        self._secrets = house.vendor.secrets_signing_by(house.algorithm)
        self._file = folder / "records.sqlite"
        self._file.write_bytes(_empty_database())
        self._clock = clock
        self._random = random
        self._repository = self._open_repository(folder / "keys")
        self._policy = house.policy
        self._host = host
        self._start()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._host.origin

    @property
    def repository(self) -> KeyRepository:
        """What publishes the verdict keys."""
        return self._repository

    @property
    def admin(self) -> AdminAccess:
        """How the admin API of this server is called; the token follows from the seed, and is good from now on."""
        token = self.vendor.admin_token
        if self._admin.tokens.actor(token) is None:
            self._admin.tokens.adopt(token, reason="the lab's own", by=LOCAL)
        return AdminAccess(self.origin + PREFIX, token)

    @property
    def faults(self) -> Faults:
        """What this server is told to do wrong on purpose; a restart forgets it."""
        return self._admin.faults

    @property
    def parts(self) -> AdminContext:
        """The desks of those who run this server."""
        return self._admin

    def way(self) -> Transport:
        """A new way to this server, which stays good over restarts."""
        return self._host.way()

    def adopt(self, policy: Policy) -> None:
        """Decide by another policy, after a restart too."""
        adopt_policy(self.service, policy)
        self._policy = policy

    def stop(self) -> None:
        """Stop for good."""
        self._halt()
        self._repository.close()

    def restart(self) -> None:
        """Stop and start again, on the same records."""
        self._halt()
        self._start()

    def backup(self) -> bytes:
        """The records as they are now."""
        self._halt()
        content = self._file.read_bytes()
        self._start()
        return content

    def restore(self, content: bytes | None) -> None:
        """Go on with earlier records, or, without any, with an empty database."""
        self._halt()
        for leftover in _LEFTOVERS:
            self._file.with_name(self._file.name + leftover).unlink(missing_ok=True)
        if content is not None:
            self._file.write_bytes(content)
        self._start()
        if self.service.policy.document.version < self._policy.document.version:
            adopt_policy(self.service, self._policy)  # phones know it, whatever the restored records say

    def _halt(self) -> None:
        self._host.stop()
        self._store.close()

    def _start(self) -> None:
        lineage = KeyRotationHistory(self.vendor, self._listed)
        keyring = lineage.keyring(self._secrets.signing_keys)
        self._store = SqlStore(self._file)
        self.service = VerdictService(
            secrets=self._secrets,
            policy=self._policy,
            store=self._store,
            issuer=self._house.issuer,
            audience=self._house.audience,
            clock=self._clock,
            random=self._random,
            signer=VerdictSigner(keyring, self._listed, self._clock),
            country_of=countries(),
        )
        keys = KeyAdmin(self._repository, keyring, lineage.successor, self._clock)
        self._admin = AdminContext.of(self.service, keys=keys)
        self._host.start(ServedApplication(self.service, self._repository, self._admin))

    def _listed(self) -> KeyList:
        return self._repository.keys

    def _open_repository(self, folder: Path) -> KeyRepository:
        return self.vendor.ceremony.open(folder, self._secrets.signing_keys, self._clock)


@cache
def _empty_database() -> bytes:
    """A database with its tables and no records. Migrations take longer than many a phone lives, so they run once."""
    with TemporaryDirectory(prefix="activation-") as folder:
        file = Path(folder) / "empty.sqlite"
        SqlStore(file).close()
        return file.read_bytes()

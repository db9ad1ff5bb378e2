"""The verdict server of a scene: the real one; its operator can stop it, lose its records, restore them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.hosting import Host, Premises, Way
from lab.vendor import Vendor
from server_stub.domain.policy import Policy
from server_stub.key_repository import KeyRepository, VerdictSigner
from server_stub.service import VerdictService
from server_stub.store.sql import SqlStore

_LEFTOVERS: Final = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class House:
    """Who runs a server, and how it decides at first."""

    vendor: Vendor
    issuer: str
    audience: str
    policy: Policy


class LabServer:
    """Runs on `host` from the moment that it is made until `stop`."""

    def __init__(
        self,
        house: House,
        folder: Path,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        host: Host,
    ) -> None:
        self.vendor = house.vendor
        self._house = house
        self._file = folder / "records.sqlite"
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

    def way(self) -> Way:
        """A new way to this server, which stays good over restarts."""
        return self._host.way()

    def adopt(self, policy: Policy) -> None:
        """Decide by another policy, after a restart too."""
        self.service.adopt(policy)
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

    def _halt(self) -> None:
        self._host.stop()
        self._store.close()

    def _start(self) -> None:
        keys = self.vendor.secrets.signing_keys
        self._store = SqlStore(self._file)
        self.service = VerdictService(
            secrets=self.vendor.secrets,
            policy=self._policy,
            store=self._store,
            issuer=self._house.issuer,
            audience=self._house.audience,
            clock=self._clock,
            random=self._random,
            signer=VerdictSigner(keys, lambda: self._repository.keys, self._clock),
        )
        self._host.start(Premises(self.service, self._repository))

    def _open_repository(self, folder: Path) -> KeyRepository:
        return self.vendor.ceremony.open(folder, self.vendor.secrets.signing_keys, self._clock)

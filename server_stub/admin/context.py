"""The parts of a running server that the admin API uses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from server_stub.admin.clock import ClockAdmin
from server_stub.admin.devices import DeviceAdmin
from server_stub.admin.fault_injection import Faults
from server_stub.admin.idempotency import IdempotentWrites
from server_stub.admin.keys import KeyAdmin
from server_stub.admin.policies import PolicyAdmin
from server_stub.admin.tokens import AdminTokens
from server_stub.policy.policy import Policy
from server_stub.store.transaction import Store
from server_stub.verdicts.policy_in_force import SERVER
from server_stub.verdicts.service import VerdictService

PREFIX: Final = "/admin/v1"
"""The path under which the admin API is served."""


def device_admin(service: VerdictService) -> DeviceAdmin:
    """Administration of single devices of `service`."""
    return DeviceAdmin(service.signing_context, service.store, service.in_force)


def policy_admin(service: VerdictService) -> PolicyAdmin:
    """Administration of policies and campaigns of `service`."""
    return PolicyAdmin(service.store, service.signing_context.clock)


def adopt_policy(service: VerdictService, policy: Policy) -> None:
    """Put `policy` in force. Raises ValueError for a version below the highest, which devices do not accept."""
    policy_admin(service).adopt(policy, SERVER, "adopted by the process that runs the server")


@dataclass(frozen=True, slots=True)
class AdminContext:
    """Made by `of`. `keys` and `clock_admin` are None if the server publishes no key repository."""

    service: VerdictService
    tokens: AdminTokens
    writes: IdempotentWrites
    faults: Faults
    keys: KeyAdmin | None
    clock_admin: ClockAdmin | None

    @classmethod
    def of(
        cls,
        service: VerdictService,
        *,
        keys: KeyAdmin | None = None,
        clock_admin: ClockAdmin | None = None,
        real_clock: Callable[[], int] | None = None,
        shared: bool = False,
    ) -> "AdminContext":
        """The context of `service`, with its store, clock and randomness.

        Stored responses expire by `real_clock`, where it is another one. `shared` says that other processes serve from
        the store.
        """
        context, store = service.signing_context, service.store
        return cls(
            service=service,
            tokens=AdminTokens(store, context.clock, context.random),
            writes=IdempotentWrites(store, real_clock or context.clock),
            faults=Faults(service, keys.repository if keys else None, shared=shared),
            keys=keys,
            clock_admin=clock_admin,
        )

    @property
    def store(self) -> Store:
        """The server's store."""
        return self.writes.store

    @property
    def clock(self) -> Callable[[], int]:
        """Seconds since the epoch, as the service has them."""
        return self.service.signing_context.clock

    def device_admin(self, store: Store, by: str) -> DeviceAdmin:
        """Device administration by the operator `by` on `store`, which may be part of a transaction."""
        return replace(device_admin(self.service), store=store, by=by)

    def policy_admin(self, store: Store) -> PolicyAdmin:
        """Policy administration on `store`, which may be part of a transaction."""
        return PolicyAdmin(store, self.clock)

"""What the admin API works with: the parts of one running server, and the desks for one operator in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from server_stub.admin.devices import DeviceAdmin
from server_stub.admin.fault_injection import Faults
from server_stub.admin.idempotency import IdempotentWrites
from server_stub.admin.keys import KeyAdmin
from server_stub.admin.policies import PolicyAdmin
from server_stub.admin.tokens import AdminTokens
from server_stub.policy.policy import Policy
from server_stub.store.records import Store
from server_stub.verdicts.policy_in_force import SERVER
from server_stub.verdicts.service import VerdictService

PREFIX: Final = "/admin/v1"
"""Where the admin API is served."""


def device_admin(service: VerdictService) -> DeviceAdmin:
    """What operators can decide about single devices of `service`."""
    return DeviceAdmin(service.signing_context, service.store, service.in_force)


def policy_admin(service: VerdictService) -> PolicyAdmin:
    """What operators can do to policies and campaigns of `service`."""
    return PolicyAdmin(service.store, service.signing_context.clock)


def adopt_policy(service: VerdictService, policy: Policy) -> None:
    """Put `policy` in force. Raises ValueError for a version below the highest, which devices do not accept."""
    policy_admin(service).adopt(policy, SERVER, "adopted by the process that runs the server")


@dataclass(frozen=True, slots=True)
class AdminContext:
    """Made by `of`. `keys` is None where the server publishes no key repository."""

    service: VerdictService
    tokens: AdminTokens
    writes: IdempotentWrites
    faults: Faults
    keys: KeyAdmin | None

    @classmethod
    def of(cls, service: VerdictService, *, keys: KeyAdmin | None = None) -> "AdminContext":
        """The parts that operate `service`, with its store, clock and randomness."""
        operators = device_admin(service)
        context, store = operators.context, operators.store
        return cls(
            service=service,
            tokens=AdminTokens(store, context.clock, context.random),
            writes=IdempotentWrites(store, context.clock),
            faults=Faults(context.random),
            keys=keys,
        )

    @property
    def store(self) -> Store:
        """The server's memory."""
        return self.writes.store

    @property
    def clock(self) -> Callable[[], int]:
        """Seconds since the epoch."""
        return self.writes.clock

    def device_admin(self, store: Store, by: str) -> DeviceAdmin:
        """The desk of the operator called `by`, on `store`, which may be part of a transaction."""
        return replace(device_admin(self.service), store=store, by=by)

    def policy_admin(self, store: Store) -> PolicyAdmin:
        """The desk for policies and campaigns, on `store`, which may be part of a transaction."""
        return PolicyAdmin(store, self.clock)

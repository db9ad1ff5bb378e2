"""What the admin API works with: the parts of one running server, and the desks for one operator in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from server_stub.admin.faults import Faults
from server_stub.admin.keys import KeyDesk
from server_stub.admin.once import Once
from server_stub.admin.tokens import TokenDesk
from server_stub.operator_desk import OperatorDesk
from server_stub.policy_desk import PolicyDesk
from server_stub.service import VerdictService
from server_stub.store.records import Store

PREFIX: Final = "/admin/v1"
"""Where the admin API is served."""


@dataclass(frozen=True, slots=True)
class AdminParts:
    """Made by `of`. `keys` is None where the server publishes no key repository."""

    service: VerdictService
    tokens: TokenDesk
    once: Once
    faults: Faults
    keys: KeyDesk | None

    @classmethod
    def of(cls, service: VerdictService, *, keys: KeyDesk | None = None) -> "AdminParts":
        """The parts that operate `service`, with its store, clock and randomness."""
        operators = service.operators
        desk, store = operators.desk, operators.store
        return cls(
            service=service,
            tokens=TokenDesk(store, desk.clock, desk.random),
            once=Once(store, desk.clock),
            faults=Faults(desk.random),
            keys=keys,
        )

    @property
    def store(self) -> Store:
        """The server's memory."""
        return self.once.store

    @property
    def clock(self) -> Callable[[], int]:
        """Seconds since the epoch."""
        return self.once.clock

    def operators(self, store: Store, by: str) -> OperatorDesk:
        """The desk of the operator called `by`, on `store`, which may be part of a transaction."""
        return replace(self.service.operators, store=store, by=by)

    def policies(self, store: Store) -> PolicyDesk:
        """The desk for policies and campaigns, on `store`, which may be part of a transaction."""
        return PolicyDesk(store, self.clock)

"""Ports that fail at a chosen call: one counter over all of them, so that a test can enumerate every call of a life."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agent.ports import (
    CounterError,
    KeystoreError,
    ModemError,
    PortError,
    Ports,
    StoreError,
    TransportError,
    TransportFault,
)
from lab.handset.handset import Handset

FAILURES: dict[tuple[str, str], Callable[[], PortError]] = {
    ("store", "read"): lambda: StoreError("planted", "read"),
    ("store", "write"): lambda: StoreError("planted", "write"),
    ("counter", "value"): lambda: CounterError("planted", "value"),
    ("counter", "increment"): lambda: CounterError("planted", "increment"),
    ("keystore", "sealing_key"): lambda: KeystoreError("planted", "sealing key"),
    ("keystore", "attest"): lambda: KeystoreError("planted", "attest"),
    ("modem", "write"): lambda: ModemError("planted", "write"),
    ("modem", "read"): lambda: ModemError("planted", "read"),
    ("transport", "post"): lambda: TransportError(TransportFault.TLS_FAILED, "planted"),
}


@dataclass
class Trap:
    """Fails call number `at` of `port.method`, counted from 1; 0 never fails."""

    port: str
    method: str
    at: int = 0
    calls: int = 0

    def passes(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise FAILURES[self.port, self.method]()


class Trapped:
    """A port whose one method steps into the trap before it does its work."""

    def __init__(self, inner: Any, trap: Trap) -> None:
        self._inner = inner
        self._trap = trap

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._trap.method:
            return found

        def trapped(*args: Any, **kwargs: Any) -> Any:
            self._trap.passes()
            return found(*args, **kwargs)

        return trapped


def set_trap(phone: Handset, trap: Trap) -> None:
    """Let `phone` have the trap in its ports from its next boot on."""
    original = phone._context.ports

    def ports(made: Ports) -> Ports:
        made = original(made)
        return replace(made, **{trap.port: Trapped(getattr(made, trap.port), trap)})

    phone._context = replace(phone._context, ports=ports)

"""Ports that fail at a chosen call, so that a test can enumerate every call of a device's life."""

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
class FailingCall:
    """Call number `at` of `port.method` fails, counted from 1; with 0 none does."""

    port: str
    method: str
    at: int = 0
    calls: int = 0

    def check(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise FAILURES[self.port, self.method]()


class FailingPort:
    """A port with one method that can fail before it does its work."""

    def __init__(self, inner: Any, failing: FailingCall) -> None:
        self._inner = inner
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._failing.method:
            return found

        def checked(*args: Any, **kwargs: Any) -> Any:
            self._failing.check()
            return found(*args, **kwargs)

        return checked


def let_call_fail(phone: Handset, failing: FailingCall) -> None:
    """Let a port of `phone` fail, from its next boot on."""
    original = phone._context.ports

    def ports(made: Ports) -> Ports:
        made = original(made)
        return replace(made, **{failing.port: FailingPort(getattr(made, failing.port), failing)})

    phone._context = replace(phone._context, ports=ports)

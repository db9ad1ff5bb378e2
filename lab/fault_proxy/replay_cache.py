"""The answers that went by, for a replay."""

from dataclasses import dataclass, field

from lab.fault_proxy.http1 import Reply


@dataclass(slots=True)
class Memory:
    """The first answer and the newest one for each phone and path."""

    _first: dict[tuple[str, str], Reply] = field(default_factory=dict)
    _newest: dict[tuple[str, str], Reply] = field(default_factory=dict)

    def keep(self, phone: str, path: str, reply: Reply) -> None:
        """Remember an answer of the server."""
        self._first.setdefault((phone, path), reply)
        self._newest[phone, path] = reply

    def first(self, phone: str, path: str) -> Reply | None:
        """The first answer that there was."""
        return self._first.get((phone, path))

    def newest(self, phone: str, path: str) -> Reply | None:
        """The answer before."""
        return self._newest.get((phone, path))

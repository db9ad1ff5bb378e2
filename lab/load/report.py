"""What a load measured, as JSON and as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rich.table import Table


class LoadEnd(StrEnum):
    """Why a measurement ended."""

    TIME = "time"
    EVIDENCE = "evidence-used-up"
    INTERRUPTED = "interrupted"


_ADVICE: Final = "turn the rates off: activation serve --rate-per-address off --rate-per-device off"


def listed(errors: Mapping[tuple[int, str], int]) -> str:
    """The statuses and codes of errors, and advice, as the rest of a sentence; empty without errors."""
    if not errors:
        return ""
    named = ", ".join(f"{status} {code}".rstrip() for status, code in sorted(errors))
    return f" ({named}){'; ' + _ADVICE if any(status == 429 for status, _ in errors) else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """The numbers of one measurement. Times are in seconds, those of processors for one verdict.

    `errors` are by status and code. `server_seconds` is None if `unknown` says why.
    """

    devices: int
    connections: int
    asked_seconds: float
    ended: LoadEnd
    seconds: float
    verdicts: int
    p50: float | None
    p99: float | None
    errors: Mapping[tuple[int, str], int]
    lost_connections: int
    server_seconds: float | None
    unknown: str
    signature_seconds: float
    client_seconds: float | None

    @property
    def passed(self) -> bool:
        """Whether there were verdicts and nothing else."""
        return self.verdicts > 0 and not self.errors and not self.lost_connections

    @property
    def verdicts_per_second(self) -> float:
        """The rate over the whole measurement."""
        return self.verdicts / self.seconds if self.verdicts else 0.0

    @property
    def multiple_of_signatures(self) -> float | None:
        """The server's processor time for a verdict as a multiple of that of its signatures."""
        return None if self.server_seconds is None else self.server_seconds / self.signature_seconds

    @property
    def notes(self) -> list[str]:
        """Sentences on what makes the numbers others than were asked for."""
        notes = []
        if self.ended is LoadEnd.EVIDENCE:
            notes.append(f"The prepared evidence was used up after {self.seconds:.2f} s.")
        if self.ended is LoadEnd.INTERRUPTED:
            notes.append(f"The measurement was interrupted after {self.seconds:.2f} s.")
        if self.unknown:
            notes.append(f"The server's processor time is unknown: {self.unknown}.")
        if any(status == 429 for status, _ in self.errors):
            notes.append(f"429: {_ADVICE}")
        return notes

    def as_json(self) -> dict[str, Any]:
        """The members of the JSON output. Times are in milliseconds, except for those that say seconds."""
        errors = [
            {"status": status, "code": code or None, "count": count}
            for (status, code), count in sorted(self.errors.items())
        ]
        return {
            "devices": self.devices,
            "connections": self.connections,
            "asked_seconds": self.asked_seconds,
            "ended": self.ended,
            "seconds": round(self.seconds, 3),
            "verdicts": self.verdicts,
            "verdicts_per_second": round(self.verdicts_per_second, 1),
            "p50_ms": _ms(self.p50),
            "p99_ms": _ms(self.p99),
            "errors": errors,
            "lost_connections": self.lost_connections,
            "server_processor_ms_per_verdict": _ms(self.server_seconds),
            "client_processor_ms_per_verdict": _ms(self.client_seconds),
            "signatures_ms": _ms(self.signature_seconds),
            "multiple_of_signatures": self.multiple_of_signatures and round(self.multiple_of_signatures, 2),
            "notes": self.notes,
        }

    def table(self) -> Table:
        """The numbers with their names."""
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column()
        table.add_row("verdicts", f"{self.verdicts:,}", f"in {self.seconds:.2f} s")
        table.add_row("verdicts a second", f"{self.verdicts_per_second:.1f}")
        table.add_row("latency p50", _shown(self.p50))
        table.add_row("latency p99", _shown(self.p99))
        for (status, code), count in sorted(self.errors.items()):
            table.add_row(f"error {status}", f"{count:,}", code)
        table.add_row("lost connections", f"{self.lost_connections:,}")
        table.add_row("processor time a verdict, server", _shown(self.server_seconds))
        table.add_row("processor time a verdict, this client", _shown(self.client_seconds))
        table.add_row(
            "processor time of its signatures", _shown(self.signature_seconds), "2 × ES256, 1 × Ed25519"
        )
        multiple = self.multiple_of_signatures
        table.add_row("server, multiple of its signatures", "-" if multiple is None else f"{multiple:.1f} ×")
        return table


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.2f} ms"

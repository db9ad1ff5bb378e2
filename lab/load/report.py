"""What a load measured, as JSON and as a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class LoadEnd(StrEnum):
    """Why a measurement ended."""

    TIME = "time"
    EVIDENCE = "evidence-used-up"
    INTERRUPTED = "interrupted"


_ADVICE: Final = {
    429: ("turn the rates off", "--rate-per-address off --rate-per-device off"),
    503: ("if /readyz is 200, allow more connections", "--connections-per-address 10000"),
}


def listed(errors: Mapping[tuple[int, str], int]) -> str:
    """The statuses and codes of errors, and advice, as the rest of a sentence; empty without errors."""
    if not errors:
        return ""
    named = ", ".join(f"{status} {code}".rstrip() for status, code in sorted(errors))
    return "; ".join([f" ({named})", *_advice(errors, " ")])


def _advice(errors: Iterable[tuple[int, str]], space: str) -> list[str]:
    """What to do about errors, each with `space` before a command."""
    return [
        f"{_ADVICE[status][0]}, by SIGHUP after a change of its --config file, or by:"
        f"{space}activation serve {_ADVICE[status][1]}"
        for status in sorted({status for status, _ in errors} & _ADVICE.keys())
    ]


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
        return notes + [f"{each[0].upper()}{each[1:]}" for each in _advice(self.errors, "\n  ")]

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

    def table(self) -> str:
        """The numbers with their names."""
        multiple = self.multiple_of_signatures
        rows = [
            ("verdicts", f"{self.verdicts:,}", f"in {self.seconds:.2f} s"),
            ("verdicts a second", f"{self.verdicts_per_second:.1f}", ""),
            ("latency p50", _shown(self.p50), ""),
            ("latency p99", _shown(self.p99), ""),
            *(
                (f"error {status}", f"{count:,}", code)
                for (status, code), count in sorted(self.errors.items())
            ),
            ("lost connections", f"{self.lost_connections:,}", ""),
            ("processor time a verdict, server", _shown(self.server_seconds), ""),
            ("processor time a verdict, this client", _shown(self.client_seconds), ""),
            ("processor time of its signatures", _shown(self.signature_seconds), "2 × ES256, 1 × Ed25519"),
            ("server, multiple of its signatures", "-" if multiple is None else f"{multiple:.1f} ×", ""),
        ]
        width = max(len(number) for _, number, _ in rows)
        return "\n".join(f"{name:37}  {number:>{width}}  {more}".rstrip() for name, number, more in rows)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.2f} ms"

"""`activation admin prune`."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lab.cli import database as databases
from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import check_line
from lab.cli.server_settings import with_settings

with deferred():
    from server_stub.admin import devices, retention

if TYPE_CHECKING:
    from server_stub.configuration import Configuration
    from server_stub.store.records import RecordKind

_NAMES: Final = {"verdicts": "Inputs of verdicts", "audit": "Audit entries"}


@with_settings(["database", "keep_days"])
def prune(
    configured: "Configuration",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; change nothing.")] = False,
    reason: Annotated[str, typer.Option(help="Reason, for the audit log.")] = "pruned by command",
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Remove old inputs of verdicts and old audit entries from the server's database, by the machine's clock.

    Serials, decisions, activations, spent nonces and the records of open cases stay. A running server does the same by
    itself, every hour; both may run at the same time.

    \b
    Example:
      activation admin prune --db activation.sqlite --dry-run
      activation admin prune --db activation.sqlite --keep-days 365 --json
    """
    check_line(reason)
    keep_days = configured.settings.keep_days
    with databases.opened_store(
        databases.existing_database(configured.database, configured.place("database"))
    ) as store:
        kept = retention.Retention(store, keep_days)
        now = int(time.time())
        found = kept.expired(now)
        pruned = Counter(found.prunable) if dry_run else _prune(kept, now, found.steps, reason)
    counts = {kind.value: {"pruned": pruned[kind], "kept": found.kept[kind]} for kind in found.kept}
    if json:
        output.as_json(
            {"keep_days": keep_days, "before": kept.before(now), "dry_run": dry_run, "records": counts}
        )
        return
    for kind, count in counts.items():
        also = f", {count['kept']} kept for open cases" if count["kept"] else ""
        output.say(f"{_NAMES[kind]}: {count['pruned']} {'would be ' if dry_run else ''}pruned{also}.")


def _prune(kept: "retention.Retention", now: int, steps: int, reason: str) -> "Counter[RecordKind]":
    """Prune and count. What was done so far is in the audit log if this is interrupted."""
    pruned: Counter[RecordKind] = Counter()
    try:
        for kind, result in output.progress(kept.steps(now), "pruning", steps):
            pruned[kind] += result.pruned
    finally:
        kept.record(pruned, now, devices.LOCAL, reason)
    return pruned

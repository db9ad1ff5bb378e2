"""`activation admin devices`."""

import functools
import inspect
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from lab.cli import output
from lab.cli.admin.client import Client
from lab.cli.admin.options import Device, Limit, Reason, admin_command
from lab.cli.lazy import deferred
from lab.cli.options import Case, Command, option, with_parameters

with deferred():
    from lab.cli.admin import tables

ACTIONS: Final = ["lock", "unlock", "release", "withdraw"]
DECISIONS: Final = ["notice", "defer", "allow", "deny", "release"]
PERMANENT: Final = {"deny": "lock", "allow": "unlock", "release": "release"}
EVERYBODY: Final = "--everybody"


def _property(name: str, help_: str, *names: str, kind: Any = str | None) -> inspect.Parameter:
    return option(name, Annotated[kind, typer.Option(*names, help=help_)], None)


_PROPERTIES: Final = (
    _property("territory", "Territory of the newest verdict: CU, UA-43."),
    _property("activation_territory", "Where it was activated."),
    _property("sale_region", "Where it was sold: global, eea, …"),
    _property("model", "Its model."),
    _property("batch", "Its production batch."),
    _property("distributor", "To whom the manufacturer shipped it."),
    _property("decision", "Decision of the newest verdict: allow, notice, deny, defer or release."),
    _property("locked", "Locked by its newest verdict.", "--locked", kind=bool | None),
    _property(
        "overridden",
        "Whether an operator overrides the policy.",
        "--overridden/--not-overridden",
        kind=bool | None,
    ),
)


def _with_properties(command: Command) -> Command:
    """Give a command an option for each property of a device. It gets those that are given as `properties`."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        properties = {each.name: options.pop(each.name) for each in _PROPERTIES}
        given = {name: value for name, value in properties.items() if value is not None}
        command(*arguments, properties=given, **options)

    own = list(inspect.signature(command).parameters.values())
    at = [each.name for each in own].index("properties")
    return with_parameters(run, [*own[:at], *_PROPERTIES, *own[at + 1 :]])


@admin_command
@_with_properties
def search(api: Client, properties: Mapping[str, Any], limit: Limit = 100) -> None:
    """Search devices that have all the given properties.

    \b
    Example:
      activation admin devices search --activation-territory CU --locked
    """
    items, more = api.first("/devices", properties, limit)
    api.show(items, lambda found: tables.devices(found, more=more))


@admin_command
def show(api: Client, device: Device) -> None:
    """Show one device.

    \b
    Example:
      activation admin devices show 490154203237518
    """
    api.show(api.get(api.device_path(device)).body, tables.device)


@admin_command
def history(api: Client, device: Device, limit: Limit = 100) -> None:
    """Show the verdicts on one device, newest first. --json adds inputs, appraisal and judgement of each.

    \b
    Example:
      activation admin devices history 490154203237518 --json
    """
    items, more = api.first(f"{api.device_path(device)}/history", {}, limit)
    api.show(items, lambda found: tables.history(found, more=more))


def _override(action: str, sentence: str, reason: str) -> Command:
    """The command that overrides the policy for a device."""

    def override(api: Client, device: Device, reason: Reason, case: Case = None) -> None:
        _act(action, device, {"reason": reason, "case": case}, api)

    override.__doc__ = f"""{sentence}

    \b
    Example:
      activation admin devices {action} 490154203237518 --reason "{reason}"
    """
    return admin_command(override)


lock = _override(
    "lock", "Deny a device at its next check-in, whatever the policy decides.", "reported stolen"
)
unlock = _override(
    "unlock", "Allow a device at its next check-in, whatever the policy decides.", "bought in Panama"
)
release = _override(
    "release",
    "Release a device: at its next check-in it gets a `release` verdict and stops contacting the server.",
    "end of life",
)


@admin_command
def withdraw(api: Client, device: Device, reason: Reason) -> None:
    """Withdraw an override: the policy decides on the device again.

    \b
    Example:
      activation admin devices withdraw 490154203237518 --reason "a mistake"
    """
    _act("withdraw", device, {"reason": reason}, api)


@admin_command
def decide(
    api: Client,
    device: Device,
    decision: Annotated[str, typer.Argument(help="notice, defer, allow, deny or release.")],
    reason: Reason = "test of a client",
    once: Annotated[
        bool, typer.Option("--once", help="Only the next answer; then the override or the policy again.")
    ] = False,
    case: Case = None,
) -> None:
    """Decide on a device once, at its next request, whatever an operator or the policy decided.

    A notice announces a lock in seven days; a defer asks to retry in a minute. Without --once: lock, unlock, release.

    \b
    Example:
      activation admin devices decide 490154203237518 notice --once --reason "test of my client"
    """
    output.known_name(decision, DECISIONS, "decision")
    if not once and decision not in PERMANENT:
        output.exit_with_error(f"{decision} is for one answer; add --once")
    if not once:
        _act(PERMANENT[decision], device, {"reason": reason, "case": case}, api)
        return
    body = {"decision": decision, "reason": reason, "case": case}
    item = api.post(f"{api.device_path(device)}/decide-once", body).body
    done = f"The device's next answer is {decision}, once."
    api.show(item, lambda changed: [done, *tables.device(changed)])


@admin_command
@_with_properties
def bulk(
    api: Client,
    action: Annotated[str, typer.Argument(metavar="ACT", help="lock, unlock, release or withdraw.")],
    reason: Reason,
    properties: Mapping[str, Any],
    everybody: Annotated[
        bool, typer.Option(EVERYBODY, help="Select all devices; needed if no property is given.")
    ] = False,
    maximum: Annotated[int, typer.Option(min=1, help="Change nothing if more devices are found.")] = 100,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the devices, and change nothing.")] = False,
) -> None:
    """Lock, unlock, release or withdraw all devices that are found, or none if there are more than --maximum.

    \b
    Example:
      activation admin devices bulk unlock --activation-territory CU --locked --reason "lifted" --dry-run
    """
    output.known_name(action, ACTIONS, "act")
    if bool(properties) is everybody:
        output.exit_with_error(f"specify devices, for example by --batch K-2107-A, or give {EVERYBODY}")
    body = {
        "act": action,
        "filter": properties,
        "everybody": everybody,
        "maximum": maximum,
        "dry_run": dry_run,
        "reason": reason,
    }
    result = api.post("/devices/bulk", body).body
    if api.as_json:
        output.as_json(result)
        return
    effect = "would affect" if dry_run else "affects"
    output.say(f"{action} {effect} {result['count']} devices at their next check-in.")
    for sub in result["devices"]:
        output.say(f"  {sub}")


def _act(action: str, device: str, body: Mapping[str, Any], api: Client) -> None:
    item = api.post(f"{api.device_path(device)}/{action}", body).body
    done = f"Done: {action}. It takes effect at the device's next check-in."
    api.show(item, lambda changed: [done, *tables.device(changed)])

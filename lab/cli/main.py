"""The `activation` command. Its subcommands are imported when they are called; see `lazy.py`."""

import signal
import sys

# Ctrl-C while modules are imported ends the script without a traceback; `LazyGroup` restores Python's handler.
if sys.argv[0].endswith("/activation") and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import gc
import io
from typing import Annotated, Any, Final

import typer
from typer._click.exceptions import ClickException

from lab.cli.lazy import Entry, LazyGroup, deferred

with deferred():
    from importlib import metadata

    from lab.cli import output
    from text_input import files, printable

_SHOWN_MAX: Final = 200
GC_THRESHOLD: Final = 100_000
"""Allocations between two garbage collections. At Python's 700, collections that free nothing take a quarter of the
start-up time."""

POLICY: Final = LazyGroup(
    {
        "list": ("lab.cli.policy:list_policies", "List the shipped policies by name."),
        "check": ("lab.cli.policy:check", "Check policy documents."),
        "explain": ("lab.cli.policy:explain", "Show which rule decides on given facts, and why."),
        "diff": ("lab.cli.policy:diff", "List every change of decision between two policies."),
        "simulate": ("lab.cli.policy:simulate", "Apply a draft to the devices of a server's database."),
    },
    help="List, check, explain, compare and simulate policies.",
    example="activation policy explain export-2021-09 --territory CU",
)
POLICIES: Final = LazyGroup(
    {
        "list": ("lab.cli.admin.policies:list_policies", "List all policy versions."),
        "get": ("lab.cli.admin.policies:get_policy", "Show a policy document."),
        "put": ("lab.cli.admin.policies:put_policy", "Store a draft, or change it."),
        "simulate": ("lab.cli.admin.policies:simulate", "Apply a draft to the server's devices."),
        "in-force": ("lab.cli.admin.policies:in_force", "Show the policy in force."),
        "put-in-force": ("lab.cli.admin.policies:put_in_force", "Put a policy in force."),
        "roll-back": ("lab.cli.admin.policies:roll_back", "Put the previous policy in force again."),
    },
    help="Store and simulate policy drafts, put one in force, roll back.",
    example="activation admin policies put export-2021-10.toml --reason draft",
)
CAMPAIGNS: Final = LazyGroup(
    {
        "list": ("lab.cli.admin.campaigns:list_campaigns", "List campaigns that were started or lifted."),
        "start": ("lab.cli.admin.campaigns:start", "Start a campaign, whatever its dates are."),
        "lift": ("lab.cli.admin.campaigns:lift", "End a campaign."),
    },
    help="Start and end campaigns.",
    example='activation admin campaigns lift investigation --reason "results are in"',
)
DEVICES: Final = LazyGroup(
    {
        "search": ("lab.cli.admin.devices:search", "Search devices."),
        "show": ("lab.cli.admin.devices:show", "Show one device."),
        "history": ("lab.cli.admin.devices:history", "Show the verdicts on one device."),
        "lock": ("lab.cli.admin.devices:lock", "Deny a device at its next check-in."),
        "unlock": ("lab.cli.admin.devices:unlock", "Allow a device at its next check-in."),
        "release": ("lab.cli.admin.devices:release", "Release a device at its next check-in."),
        "withdraw": ("lab.cli.admin.devices:withdraw", "Let the policy decide on a device again."),
        "decide": ("lab.cli.admin.devices:decide", "Decide on a device, once with --once."),
        "bulk": ("lab.cli.admin.devices:bulk", "Act on every device that a search finds."),
    },
    help="Search devices, and override what the policy decides on them.",
    example="activation admin devices search --decision deny",
)
KEYS: Final = LazyGroup(
    {
        "list": ("lab.cli.admin.keys:list_keys", "List the published keys."),
        "rotate": ("lab.cli.admin.keys:rotate", "Replace a key by a new one."),
        "revoke": ("lab.cli.admin.keys:revoke", "Revoke a key immediately."),
        "replace-online": ("lab.cli.admin.keys:replace_online", "Replace the online keys by a new root."),
    },
    help="List, rotate and revoke verdict keys, and replace stolen online keys by a new root.",
    example='activation admin keys rotate KEY --reason "yearly"',
)
CLOCK: Final = LazyGroup(
    {"accept": ("lab.cli.admin.clock:accept", "Accept the server's clock after it was wrong.")},
    help="Let a server sign again whose clock was wrong.",
    example='activation admin clock accept --reason "time server corrected"',
)
FAULTS: Final = LazyGroup(
    {
        "list": ("lab.cli.admin.faults:list_faults", "List the faults not used up."),
        "add": ("lab.cli.admin.faults:add", "Inject a fault into the next responses."),
        "clear": ("lab.cli.admin.faults:clear", "Cancel faults."),
    },
    help="Inject faults into the server's next responses. Faults are kept in its database.",
    example='activation admin faults add garbage --count 3 --reason "test of my client"',
)
ADMIN: Final = LazyGroup(
    {
        "policies": POLICIES,
        "campaigns": CAMPAIGNS,
        "devices": DEVICES,
        "unlock": ("lab.cli.admin.unlock:unlock", "Request the unlock code for a lock screen's challenge."),
        "keys": KEYS,
        "clock": CLOCK,
        "faults": FAULTS,
        "shipments": ("lab.cli.admin.shipments:shipments", "Import which devices were shipped to whom."),
        "audit": ("lab.cli.admin.audit:audit", "Read the audit log."),
        "token": ("lab.cli.admin.token:token", "Create a new admin token in the server's database."),
        "prune": ("lab.cli.admin.prune:prune", "Remove old records from the server's database."),
    },
    help="Operate a verdict server: policies, campaigns, devices, keys, faults, audit. The admin token is read from "
    "ACTIVATION_ADMIN_TOKEN, or from the file that `activation serve` wrote.",
    short_help="Operate a verdict server over its admin API.",
    example='activation admin devices lock 490154203237518 --reason "reported stolen"',
)
REPORT: Final = LazyGroup(
    {"merge": ("lab.cli.report:merge", "Join the reports of all shards of a run.")},
    help="Join the reports of the shards of a run.",
    example="activation report merge shard-1 shard-2 --output report",
)
COMMANDS: Final[dict[str, Entry]] = {
    "demo": ("lab.cli.demo:demo", "Run all firmware in all places, and the demo stories."),
    "serve": ("lab.cli.serve:app", "Run the verdict server until it is interrupted."),
    "load": ("lab.cli.load:load", "Load a verdict server, and measure what a verdict costs."),
    "proxy": ("lab.cli.proxy:run_proxy", "Run a proxy that injects network faults before a server."),
    "device": ("lab.cli.device:device", "Run one device through its setup."),
    "unlock": ("lab.cli.unlock:unlock", "Sign the unlock code for a lock screen's challenge."),
    "evidence": ("lab.cli.evidence:evidence", "Print the signed evidence of a device."),
    "attest": ("lab.cli.attest:attest", "Print the attestation chain of a key of your own."),
    "matrix": ("lab.cli.matrix:matrix", "Run firmware profiles in places, one device per pair."),
    "run": ("lab.cli.run:run", "Run scenarios, and explain failures."),
    "report": REPORT,
    "openapi": ("lab.cli.openapi:openapi", "Print the OpenAPI document of the server."),
    "verify": ("lab.cli.verify:verify", "Verify a verdict and show every step."),
    "appraise": ("lab.cli.appraise:appraise", "Appraise an Android Key Attestation."),
    "territory": ("lab.cli.territory:territory", "Determine a device's territory from signals."),
    "attack": ("lab.cli.attack:attack", "Run the attack catalogue."),
    "investigate": ("lab.cli.investigate:investigate", "Report the origin of devices in prohibited places."),
    "explore": ("lab.cli.explore:explore", "Model-check the agent: all states, all invariants."),
    "diagram": ("lab.cli.diagram:diagram", "Draw the agent's state machines."),
    "profiles": ("lab.cli.profiles:app", "List, show and validate firmware profiles."),
    "places": ("lab.cli.places:app", "List, show and validate places."),
    "policy": POLICY,
    "admin": ADMIN,
}


class _Activation(LazyGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(COMMANDS, **attributes)

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """The context of a call. Errors are made `_safe`."""
        try:
            return super().make_context(*arguments, **settings)
        except ClickException as error:
            raise _safe(error) from None

    def invoke(self, ctx: Any) -> Any:
        """The command. Errors of its arguments are made `_safe`; what it cannot use ends it with an error."""
        try:
            return super().invoke(ctx)
        except ClickException as error:
            raise _safe(error) from None
        except files.UserInputError as error:
            output.exit_with_error(str(error))


def _safe(error: ClickException) -> ClickException:
    """The error, whose message can repeat an argument: escaped for a terminal, and shortened."""
    error.message = "\n".join(map(printable.shortened, printable.printable(error.message).split("\n")))
    return error


app = typer.Typer(
    name="activation",
    cls=_Activation,
    epilog="Start with `activation demo`. Every command has its own --help with an example.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"activation {metadata.version('activation-agent')}")
        raise typer.Exit


@app.callback()
def activation(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """A simulated on-device activation agent: devices, the verdict server that judges them, and what locks them."""


def main() -> None:
    """Entry point of the `activation` script. Characters that the terminal cannot show are replaced.

    An argument that is not UTF-8 is a usage error: no message and no file could show it.
    """
    gc.set_threshold(GC_THRESHOLD)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    for argument in sys.argv[1:]:
        if not argument.isascii() and any("\ud800" <= each <= "\udfff" for each in argument):
            shown = ascii(argument[:_SHOWN_MAX])
            sys.stderr.write(f"activation: {shown} is not UTF-8; rename the file or correct the argument\n")
            sys.exit(2)
    try:
        app()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # while the interpreter shuts down, it changes nothing


if __name__ == "__main__":
    main()

"""`activation appraise`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json
from wire.codes import TrustTier

with deferred():
    from lab.inspection import attestation_check, attestation_inputs, attestation_report, inputs
    from server_stub.attestation import appraisal, deviations


def appraise(
    chain: Annotated[
        str, typer.Argument(help="PEM file with the chain, leaf first, or - for standard input.")
    ],
    roots: Annotated[Path, typer.Option(help="Trusted roots: a JSON array of PEM texts, or a PEM file.")],
    at: Annotated[
        str | None,
        typer.Option(help="Time of the check: seconds or ISO 8601, UTC; by default this machine's time."),
    ] = None,
    challenge: Annotated[str | None, typer.Option(help="The expected challenge, in base64.")] = None,
    imei: Annotated[str | None, typer.Option(help="The IMEI that the device claims.")] = None,
    status_list: Annotated[
        Path | None, typer.Option(help="Revocation status list, the JSON that Android publishes.")
    ] = None,
    status_list_fetched_at: Annotated[
        str | None,
        typer.Option(help="When the list was fetched, as --at; by default when the file last changed here."),
    ] = None,
    software_roots: Annotated[
        Path | None, typer.Option(help="Known roots of software keystores, in the format of --roots.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse deviations from the standards instead of warning.")
    ] = False,
    json: Json = False,
) -> None:
    """Appraise an Android Key Attestation: check the chain, show its content, and rate each claim.

    What can be read is shown, whatever is wrong. A deviation from the standards whose meaning is clear is a warning.

    Exit code 0: the chain is valid and no claim is contraindicated; 1: the chain is not valid, or a claim is
    contraindicated; 2: usage error, or a file cannot be used.

    \b
    Example:
      activation appraise phone.pem --roots roots.json --at 2026-02-25 --challenge Y2hhbGxlbmdl
    """
    if status_list_fetched_at is not None and status_list is None:
        output.exit_with_error("--status-list-fetched-at needs --status-list")
    moment = int(time.time()) if at is None else inputs.read_time(at, "--at", utc=True)
    listed = attestation_inputs.read_status_list(status_list, status_list_fetched_at) if status_list else None
    options = attestation_check.CheckOptions(
        roots=attestation_inputs.read_roots(roots),
        at=moment,
        expected=appraisal.ExpectedAttestation(
            challenge=None if challenge is None else attestation_inputs.read_challenge(challenge),
            imei=None if imei is None else attestation_inputs.read_imei(imei),
        ),
        software_roots=attestation_inputs.read_roots(software_roots) if software_roots else (),
        statuses=listed.entries if listed else None,
        status_list_age=max(0, moment - listed.fetched_at) if listed else None,
        treatment=deviations.DeviationTreatment.REFUSE if strict else deviations.DeviationTreatment.WARN,
    )
    checked = attestation_check.check(attestation_inputs.read_chain(chain), options)
    output.result(attestation_report.as_json(checked), attestation_report.as_text(checked), json=json)
    if not checked.chain_ok or checked.appraisal.tier is TrustTier.CONTRAINDICATED:
        raise typer.Exit(output.CHECK_FAILED)

"""`activation appraise`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lab.inspection.attestation_check import CheckOptions


def appraise(
    chain: Annotated[
        str, typer.Argument(help="PEM file with the chain, leaf first, or - for standard input.")
    ],
    roots: Annotated[
        Path, typer.Option(help="Roots that are trusted: a JSON array of PEM texts, or a PEM file.")
    ],
    at: Annotated[
        str | None, typer.Option(help="When: seconds or ISO 8601, UTC. Else this machine's time.")
    ] = None,
    challenge: Annotated[str | None, typer.Option(help="The challenge that was asked, in base64.")] = None,
    imei: Annotated[str | None, typer.Option(help="The IMEI that the phone claims.")] = None,
    status_list: Annotated[
        Path | None, typer.Option(help="Revocation status list, the JSON that Android publishes.")
    ] = None,
    software_roots: Annotated[
        Path | None, typer.Option(help="Known roots of keystores in software, in the form of --roots.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One object for machines.")] = False,
) -> None:
    """Appraise an Android Key Attestation: is the chain in order, what does it say, and what is each claim worth.

    Exit code 0: the chain is in order and nothing speaks against the phone; 1: the chain is not in order, or a claim
    is contraindicated; 2: the request is wrong, or a file cannot be used.

    \b
    Example:
      activation appraise phone.pem --roots roots.json --at 2026-02-25 --challenge Y2hhbGxlbmdl
    """
    from lab.cli import output
    from lab.inspection.attestation_check import check
    from lab.inspection.attestation_inputs import read_chain
    from lab.inspection.attestation_report import as_json, as_text
    from lab.inspection.inputs import InputError
    from wire.codes import TrustTier

    try:
        options = _options(roots, at, challenge, imei, status_list, software_roots)
        checked = check(read_chain(chain), options)
    except InputError as error:
        output.exit_with_error(str(error))
    if json:
        output.as_json(as_json(checked))
    else:
        output.show(as_text(checked))
    if not checked.chain_ok or checked.appraisal.tier is TrustTier.CONTRAINDICATED:
        raise typer.Exit(output.NOT_IN_ORDER)


def _options(
    roots: Path,
    at: str | None,
    challenge: str | None,
    imei: str | None,
    status_list: Path | None,
    software_roots: Path | None,
) -> "CheckOptions":
    import time

    from lab.inspection.attestation_check import CheckOptions
    from lab.inspection.attestation_inputs import (
        read_challenge,
        read_imei,
        read_moment,
        read_roots,
        read_status_list,
    )
    from server_stub.attestation.appraisal import ExpectedAttestation

    return CheckOptions(
        roots=read_roots(roots),
        at=int(time.time()) if at is None else read_moment(at),
        expected=ExpectedAttestation(
            challenge=None if challenge is None else read_challenge(challenge),
            imei=None if imei is None else read_imei(imei),
        ),
        software_roots=read_roots(software_roots) if software_roots else (),
        statuses=read_status_list(status_list).entries if status_list else None,
    )

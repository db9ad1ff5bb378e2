"""`activation verify`."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json

with deferred():
    from agent import ports
    from agent.core import screens
    from agent.verification import bounds
    from lab.inspection import inputs, repository_keys, verification_report, verification_trace
    from text_input import files


def verify(
    token: Annotated[str, typer.Argument(help="A token, a file that contains one, or - for standard input.")],
    keys: Annotated[Path | None, typer.Option(help="JWK Set with the verdict keys.")] = None,
    root: Annotated[Path | None, typer.Option(help="Pinned root.json; needs --repository.")] = None,
    repository: Annotated[
        str | None, typer.Option(help="Key repository: a server's URL or a folder; needs --root.")
    ] = None,
    nonce: Annotated[str | None, typer.Option(help="The outstanding challenge.")] = None,
    device_key: Annotated[
        str | None, typer.Option(help="The device's key: JWK or PEM file, or thumbprint.")
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(help="The floor of trusted time: seconds or ISO 8601; by default this machine's time."),
    ] = None,
    serial: Annotated[int | None, typer.Option(min=0, help="The sealed serial; 0 for none.")] = None,
    policy_version: Annotated[
        int | None, typer.Option(min=0, help="The sealed policy version; 0 for none.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="The issuer that the image pins.")] = None,
    audience: Annotated[str | None, typer.Option(help="The audience that the image pins.")] = None,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Also show the claims of a rejected token.")
    ] = False,
    json: Json = False,
) -> None:
    """Verify a verdict and show each of the fourteen steps: what was compared, and where it failed.

    A step is skipped if no option gives its expected value. Unverified content of a token is shown only with
    --unverified. Exit code 0: verified, 1: rejected, 2: usage error, 3: the key repository cannot be used.

    \b
    Example:
      activation verify verdict.jwt --keys verdict-keys.json --nonce bm9uY2Ut --now 2021-09-29T07:20:00Z
    """
    moment = int(time.time()) if now is None else inputs.read_time(now, "--now")
    expected = verification_trace.Expectations(
        now=moment,
        issuer=issuer,
        audience=audience,
        thumbprint=None if device_key is None else inputs.read_device_key(device_key),
        nonce=nonce,
        serial=serial,
        policy_version=policy_version,
    )
    token_bytes, published = inputs.read_token(token), _read_keys(keys, root, repository, moment)
    key_set = published.keys
    expected = replace(expected, now=published.bounds.floor, latest=published.latest)
    trace = verification_trace.trace(token_bytes, key_set, expected)
    output.result(
        verification_report.as_json(trace, token_bytes, key_set, unverified=unverified),
        verification_report.as_text(trace, token_bytes, key_set, unverified=unverified),
        json=json,
    )
    if not trace.verified:
        may_be_name = token != "-" and len(token) < 256 and not files.is_file(token)  # noqa: S105 - no password
        if trace.failed_at in {1, 2} and may_be_name:
            output.note(f"there is no file {token!r}; it was used as the token itself")
        raise typer.Exit(output.CHECK_FAILED)


def _read_keys(
    keys: Path | None, root: Path | None, repository: str | None, now: int
) -> "ports.PublishedKeys":
    """The keys, and the bounds of the time, from the file or the repository.

    Raises InputError unless exactly one of them is given.
    """
    if keys is not None and root is None and repository is None:
        return ports.PublishedKeys(inputs.read_keys(keys), bounds.TimestampBounds(now), None)
    if keys is None and root is not None and repository is not None:
        try:
            return repository_keys.keys_of(root, repository, now)
        except ports.KeySourceError as error:
            reason = str(error.__cause__)  # of a response that did not come, our own words
            if error.trouble is not screens.Trouble.UNREACHABLE:
                output.exit_with_error(f"no keys from {repository}: {error}", output.ENVIRONMENT)
            if reason not in list(ports.TransportFault):
                output.exit_with_error(f"no keys from {repository}: {reason}", output.ENVIRONMENT)
            tls_failed = reason == ports.TransportFault.TLS_FAILED
            output.exit_without_response(repository, tls_failed=tls_failed)
    raise inputs.InputError(
        "specify the source of the keys: either --keys FILE, or --root FILE and --repository URL or FOLDER"
    )

"""`activation verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.verification.keyset import KeySet


def verify(
    token: Annotated[str, typer.Argument(help="A token, a file that holds one, or - for standard input.")],
    keys: Annotated[Path | None, typer.Option(help="JWK Set with the verdict keys.")] = None,
    root: Annotated[Path | None, typer.Option(help="Pinned root.json; needs --repository.")] = None,
    repository: Annotated[
        str | None, typer.Option(help="Key repository: a server's URL or a folder; needs --root.")
    ] = None,
    nonce: Annotated[str | None, typer.Option(help="The outstanding challenge.")] = None,
    device_key: Annotated[
        str | None, typer.Option(help="The phone's key: JWK or PEM file, or thumbprint.")
    ] = None,
    now: Annotated[
        str | None, typer.Option(help="Trusted time: seconds or ISO 8601. Else this machine's.")
    ] = None,
    serial: Annotated[int | None, typer.Option(min=0, help="The sealed serial; 0 for none.")] = None,
    policy_version: Annotated[
        int | None, typer.Option(min=0, help="The sealed policy version; 0 for none.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="The issuer that the image pins.")] = None,
    audience: Annotated[str | None, typer.Option(help="The audience that the image pins.")] = None,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Show also what a refused token claims.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One object for machines.")] = False,
) -> None:
    """Take a verdict through the fourteen steps and show each: what was compared, and where it failed.

    A step for which no option gives the expectation is not checked. Nothing of a token is shown that has not been
    verified, unless --unverified asks for it. Exit code 0: verified, 1: refused, 2: the request is wrong,
    3: the key repository cannot be used.

    \b
    Example:
      activation verify verdict.jwt --keys verdict-keys.json --nonce bm9uY2Ut --now 2021-09-29T07:20:00Z
    """
    from lab.cli import output
    from lab.inspection.inputs import InputError, read_device_key, read_time, read_token
    from lab.inspection.verification_report import as_json, as_text
    from lab.inspection.verification_trace import Expectations, trace

    try:
        moment = _machine_time() if now is None else read_time(now)
        expected = Expectations(
            now=moment,
            issuer=issuer,
            audience=audience,
            thumbprint=None if device_key is None else read_device_key(device_key),
            nonce=nonce,
            serial=serial,
            policy_version=policy_version,
        )
        octets, key_set = read_token(token), _keys(keys, root, repository, moment)
    except InputError as error:
        output.exit_with_error(str(error))
    traced = trace(octets, key_set, expected)
    if json:
        output.as_json(as_json(traced, octets, key_set, unverified=unverified))
    else:
        output.show(as_text(traced, octets, key_set, unverified=unverified))
    if not traced.verified:
        _hint(token, traced.failed_at)
        raise typer.Exit(output.NOT_IN_ORDER)


def _keys(keys: Path | None, root: Path | None, repository: str | None, now: int) -> "KeySet":
    """The keys from the one source that the options name."""
    from agent.ports import KeySourceError
    from lab.cli import output
    from lab.inspection.inputs import InputError, read_keys
    from lab.inspection.repository_keys import keys_of

    if keys is not None and root is None and repository is None:
        return read_keys(keys)
    if keys is None and root is not None and repository is not None:
        try:
            return keys_of(root, repository, now)
        except KeySourceError as error:
            output.exit_with_error(f"no keys from {repository}: {error}", output.OUTSIDE)
    raise InputError(
        "say where the keys are: either --keys FILE, or --root FILE and --repository URL or FOLDER"
    )


def _machine_time() -> int:
    import time

    return int(time.time())


def _hint(token: str, failed_at: int | None) -> None:
    """A misspelt file name is no token; say so, as it is refused like one."""
    from lab.inspection.inputs import is_file

    if token != "-" and failed_at in {1, 2} and len(token) < 256 and not is_file(token):  # noqa: S105 - no password
        typer.echo(f"activation: no file is called {token!r}, so it was taken for the token itself", err=True)

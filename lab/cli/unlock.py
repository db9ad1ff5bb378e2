"""`activation unlock`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lab.cli import database as databases
from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Case, Challenge, CodeFile, CodePicture, Undelivered, check_line
from lab.cli.server_settings import with_settings
from server_stub.signing import Algorithm
from wire.limits import CODE_MAX
from wire.unlock import ChallengeError, UnlockChallenge

with deferred():
    from lab.api import clock as lab_clock
    from lab.manufacturer import key_rotation, manufacturer
    from lab.reports import qr as qr_codes
    from server_stub import clock, key_repository, server
    from server_stub.admin import clock as admin_clock
    from server_stub.admin import context, devices

if TYPE_CHECKING:
    from server_stub.configuration import Configuration
    from server_stub.store.sql import SqlStore

_CASE: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{CODE_MAX}}}")


@with_settings(["database", "keys", "algorithm", "seed"])
def unlock(
    configured: "Configuration",
    challenge: Challenge,
    reason: Annotated[str, typer.Option(help="Reason, for the records.")] = "unlock code",
    case: Case = None,
    undelivered: Undelivered = 0,
    qr: CodePicture = None,
    out: CodeFile = None,
) -> None:
    """Sign the unlock code for the challenge on a lock screen: as text, as a file, or as a QR picture.

    Database, keys, algorithm and seed are those of the server, from the same options, variables and --config file.

    \b
    Example:
      activation unlock FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY --db activation.sqlite --qr code.png
      activation device --profile official-global --place havana --state phone --offline --code-qr code.png
    """
    if qr is not None and configured.settings.algorithm is Algorithm.ML_DSA_65:
        output.exit_with_error(
            "an ML-DSA-65 verdict does not fit into a QR code; use --out, or --algorithm Ed25519"
        )
    if case is not None and not _CASE.fullmatch(case):
        output.exit_with_error(
            f"{case!r} is not a case number; use up to {CODE_MAX} letters, digits and ._:-"
        )
    check_line(reason)
    try:
        parsed = UnlockChallenge.parse(challenge)
    except ChallengeError as error:
        output.exit_with_error(f"this is not the challenge of a lock screen: {error}")
    database = databases.existing_database(configured.database, configured.place("database"))
    try:
        with databases.opened_store(database) as store:
            admin = _device_admin(configured, store)
            code = admin.unlock_code(parsed, reason=reason, case=case, undelivered=undelivered)
    except devices.OperatorError as error:
        output.exit_with_error(str(error), output.CHECK_FAILED)
    except clock.ClockError as error:
        output.exit_with_error(f"no code is signed: {error}", output.ENVIRONMENT)
    except key_repository.KeyRepositoryError as error:
        output.exit_with_error(f"no key to sign with in {database}: {error}", output.ENVIRONMENT)
    write_code(code.token, qr, out)
    for file in (qr, out):
        if file is not None:
            output.say(f"The code is in {file}.", err=True)
    if qr is None and out is None:
        output.say(code.token)
    print_validity(str(code.verdict.case))


def _device_admin(configured: "Configuration", store: "SqlStore") -> "devices.DeviceAdmin":
    """The server's operations on devices, with a published key of its algorithm. Exits with an error without one."""
    algorithm, maker = configured.settings.algorithm, manufacturer.Manufacturer(configured.settings.seed)
    secrets = maker.secrets_signing_by(algorithm)
    # The real clock, if the database has no test clock.
    guard = admin_clock.guarded_clock(lab_clock.LabClock(store, clock.HostClock()), store)
    repository = key_repository.KeyRepository(store, maker.ceremony.online_of, guard)
    history = key_rotation.KeyRotationHistory(maker, secrets.signing_keys)
    signer = key_repository.VerdictSigner(history.keyring, repository.keys, guard)
    with store.reading() as reading:
        found = signer.key(reading).algorithm
    if found is not algorithm:
        output.exit_with_error(
            f"{store.database} lists no {algorithm} key that may sign; choose another --algorithm",
            output.ENVIRONMENT,
        )
    service = server.build_service(
        configured, secrets, store, issuer=maker.issuer, audience=maker.audience, clock=guard, key=signer.key
    )
    return context.device_admin(service)


def write_code(token: str, picture: Path | None, file: Path | None) -> None:
    """Write an unlock code as a QR picture and as text. Exits with an error if that fails. Raises QrError."""
    if picture is not None:
        output.write(picture, qr_codes.to_png(token))
    if file is not None:
        output.write(file, token + "\n")


def print_validity(case: str) -> None:
    """Print on standard error what the code does, and its case number."""
    output.say(f"It unlocks this device only, within 24 hours; the case is {case}.", err=True)

"""One unlock code for `activation unlock`: signed from the server's records and written where it was wished."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from lab.cli import output
from lab.manufacturer.key_rotation import KeyRotationHistory
from lab.manufacturer.manufacturer import Manufacturer
from lab.reports import qr
from server_stub.admin.context import device_admin
from server_stub.admin.devices import OperatorError, UnlockCode
from server_stub.key_repository import KeyRepositoryError, VerdictSigner, published_keys
from server_stub.server import build_service, system_clock
from server_stub.settings import Settings
from server_stub.signing.signing_key import Algorithm
from server_stub.store.database import Database
from server_stub.store.records import Store, StoreUnavailableError
from server_stub.store.sql import SqlStore
from wire.limits import CODE_MAX, TEXT_MAX
from wire.unlock import ChallengeError, UnlockChallenge

_CASE: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{CODE_MAX}}}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user of the command asked for."""

    challenge: str
    db: Database
    keys: Path | None
    algorithm: str
    reason: str
    case: str | None
    undelivered: int
    qr: Path | None
    out: Path | None
    seed: str

    @property
    def folder(self) -> Path:
        """Where the key repository lies."""
        return self.keys or self.db.beside("-keys")


def run(wish: Wish) -> None:
    """Sign and write the code. Stops with an error and an exit code where that cannot be done."""
    asked, algorithm = _checked(wish)
    try:
        store = SqlStore(wish.db)
    except StoreUnavailableError as error:
        output.exit_with_error(f"cannot use {wish.db}: {error}", output.OUTSIDE)
    try:
        code = _sign(wish, asked, algorithm, store)
    except OperatorError as error:
        output.exit_with_error(str(error), output.NOT_IN_ORDER)
    except KeyRepositoryError as error:
        output.exit_with_error(f"no key to sign with in {wish.folder}: {error}", output.OUTSIDE)
    except StoreUnavailableError as error:
        output.exit_with_error(f"cannot use {wish.db}: {error}", output.OUTSIDE)
    finally:
        store.close()
    _deliver(wish, code)


def _checked(wish: Wish) -> tuple[UnlockChallenge, Algorithm]:
    """The challenge and the algorithm, and nothing done yet where one of the options is wrong."""
    known = [algorithm.value for algorithm in Algorithm]
    algorithm = Algorithm(output.known_name(wish.algorithm, known, "algorithm"))
    if wish.qr is not None and algorithm is Algorithm.ML_DSA_65:
        output.exit_with_error(
            f"an ML-DSA-65 verdict is longer than the {qr.BYTES_MAX} bytes of a QR code; "
            "use --out, or --algorithm Ed25519"
        )
    if wish.case is not None and not _CASE.fullmatch(wish.case):
        output.exit_with_error(
            f"{wish.case!r} is no case number; use up to {CODE_MAX} letters, digits and ._:-"
        )
    if not 0 < len(wish.reason) <= TEXT_MAX:
        output.exit_with_error(f"--reason has {len(wish.reason)} characters; use 1 to {TEXT_MAX}")
    if wish.db.file is not None and not wish.db.file.is_file():
        output.exit_with_error(
            f"no server keeps its records in {wish.db}; choose the --db of `activation serve`"
        )
    try:
        return UnlockChallenge.parse(wish.challenge), algorithm
    except ChallengeError as error:
        output.exit_with_error(f"this is no challenge of a lock screen: {error}")


def _sign(wish: Wish, asked: UnlockChallenge, algorithm: Algorithm, store: Store) -> UnlockCode:
    vendor = Manufacturer(wish.seed)
    secrets = vendor.secrets_signing_by(algorithm)
    settings = Settings(algorithm=algorithm, issuer=vendor.issuer, audience=vendor.audience)
    listed = published_keys(wish.folder)
    keyring = KeyRotationHistory(vendor, lambda: listed).keyring(secrets.signing_keys)
    signer = VerdictSigner(keyring, lambda: listed, system_clock)
    if signer.key.algorithm is not algorithm:
        output.exit_with_error(
            f"{wish.folder} lists no key of {algorithm} that may sign; choose another --algorithm",
            output.OUTSIDE,
        )
    operators = device_admin(build_service(settings, secrets, store, signer=signer))
    return operators.unlock_code(asked, reason=wish.reason, case=wish.case, undelivered=wish.undelivered)


def _deliver(wish: Wish, code: UnlockCode) -> None:
    if wish.qr is not None:
        try:
            output.write_octets(wish.qr, qr.to_png(code.token))
        except qr.QrError as error:
            output.exit_with_error(str(error))
        typer.echo(f"The code is in {wish.qr}.", err=True)
    if wish.out is not None:
        output.write(wish.out, code.token + "\n")
        typer.echo(f"The code is in {wish.out}.", err=True)
    elif wish.qr is None:
        typer.echo(code.token)
    typer.echo(f"It unlocks this one phone within 24 hours; the case is {code.verdict.case}.", err=True)

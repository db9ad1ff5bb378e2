"""The investigation of `activation investigate`: counted in a database, or asked of a running server."""

from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from lab.cli import output
from lab.cli.admin.client import Client
from lab.reports import investigation
from server_stub.investigation.analysis import Investigation
from server_stub.investigation.queries import InvestigationQueries
from server_stub.policies import shipped
from server_stub.policy.errors import PolicyError
from server_stub.store.database import Database, DatabaseError
from server_stub.store.records import StoreUnavailableError
from server_stub.store.sql import SqlStore
from server_stub.verdicts.policy_in_force import loaded

_DEFAULT = "activation.sqlite"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user of the command asked for."""

    database: str | None
    server: str | None
    token_file: Path
    smallest: int
    html: Path | None
    json: bool


def run(wish: Wish) -> None:
    """Count, then print or write. Stops with an error and an exit code where that cannot be done."""
    if wish.server and wish.database:
        output.exit_with_error("name --database or --server, not both")
    found = _asked(wish, wish.server) if wish.server else _counted(wish)
    if wish.html:
        output.write(wish.html, investigation.page(found))
    if wish.json:
        output.as_json(asdict(found))
    elif wish.html:
        output.show(f"{wish.html} written.")
    else:
        output.show(investigation.tables(found))


def _asked(wish: Wish, server: str) -> Investigation:
    answer = Client.of(server, wish.token_file).get("/investigation", {"smallest": wish.smallest})
    return TypeAdapter(Investigation).validate_python(answer.body)


def _counted(wish: Wish) -> Investigation:
    try:
        database = Database(wish.database or _DEFAULT)
    except DatabaseError as error:
        output.exit_with_error(str(error))
    if database.file is not None and not database.file.exists():
        output.exit_with_error(
            f"there is no {database}; name the records of a server with --database", output.OUTSIDE
        )
    try:
        return _of(SqlStore(database), wish.smallest)
    except (StoreUnavailableError, PolicyError) as error:
        output.exit_with_error(f"cannot read {database}: {error}", output.OUTSIDE)


def _of(store: SqlStore, smallest: int) -> Investigation:
    try:
        with store.reading() as reading:
            policy = loaded(reading) or shipped()
        return InvestigationQueries(store, policy).investigate(smallest=smallest)
    finally:
        store.close()

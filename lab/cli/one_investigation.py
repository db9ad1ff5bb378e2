"""The investigation of `activation investigate`: counted in a database, or asked of a running server."""

from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from lab import investigation
from lab.cli import say
from lab.cli.admin_client import Client
from server_stub.domain.investigation import Investigation
from server_stub.domain.policy_errors import PolicyError
from server_stub.in_force import loaded
from server_stub.investigation_desk import InvestigationDesk
from server_stub.policies import shipped
from server_stub.store.database import Database, DatabaseError
from server_stub.store.records import StoreUnavailableError
from server_stub.store.sql import SqlStore

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
        say.fail("name --database or --server, not both")
    found = _asked(wish, wish.server) if wish.server else _counted(wish)
    if wish.html:
        say.write(wish.html, investigation.render(found))
    if wish.json:
        say.as_json(asdict(found))
    elif wish.html:
        say.show(f"{wish.html} written.")
    else:
        say.show(investigation.tables(found))


def _asked(wish: Wish, server: str) -> Investigation:
    answer = Client.of(server, wish.token_file).get("/investigation", {"smallest": wish.smallest})
    return TypeAdapter(Investigation).validate_python(answer.body)


def _counted(wish: Wish) -> Investigation:
    try:
        database = Database(wish.database or _DEFAULT)
    except DatabaseError as error:
        say.fail(str(error))
    if database.file is not None and not database.file.exists():
        say.fail(f"there is no {database}; name the records of a server with --database", say.OUTSIDE)
    try:
        return _of(SqlStore(database), wish.smallest)
    except (StoreUnavailableError, PolicyError) as error:
        say.fail(f"cannot read {database}: {error}", say.OUTSIDE)


def _of(store: SqlStore, smallest: int) -> Investigation:
    try:
        with store.reading() as reading:
            policy = loaded(reading) or shipped()
        return InvestigationDesk(store, policy).investigate(smallest=smallest)
    finally:
        store.close()

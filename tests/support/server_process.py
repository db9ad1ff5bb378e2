"""The server as a separate process, for tests that kill it: `python -m tests.support.server_process FILE-OR-URL`."""

import secrets
import sys
import time

from server_stub.server import build_service, run
from server_stub.settings import Settings
from server_stub.store import alembic_migrations
from server_stub.store.database import Database
from server_stub.store.sql import SqlStore
from tests.support.server_phone import MANUFACTURER


def announce(origin: str) -> None:
    """Print the origin for the parent process."""
    sys.stdout.write(f"{origin}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve on a free port and print the origin when requests are answered."""
    settings = Settings(
        issuer=MANUFACTURER.issuer, audience=MANUFACTURER.audience, database=Database(sys.argv[1])
    )
    assert settings.database
    service = build_service(
        settings,
        MANUFACTURER.secrets,
        SqlStore(settings.database, alembic_migrations),
        clock=lambda: int(time.time()),
        random=secrets.token_bytes,
    )
    run(service, settings.host, settings.port, announce)


if __name__ == "__main__":
    main()

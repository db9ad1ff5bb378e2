"""The server as a separate process, for tests that kill it: `python -m tests.support.server_process FILE-OR-URL`."""

import secrets
import sys
import time

from server_stub.configuration import Configuration
from server_stub.server import build_service, listen, origin, run
from server_stub.settings import Settings
from server_stub.settings_sources import LoadedSettings
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore
from tests.support.server_phone import MANUFACTURER


def announce(origin: str) -> None:
    """Print the origin for the parent process."""
    sys.stdout.write(f"{origin}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve on a free port and print the origin when requests are answered."""
    configured = Configuration.load(LoadedSettings(Settings(port=0, database=sys.argv[1])))
    service = build_service(
        configured,
        MANUFACTURER.secrets,
        SqlStore(configured.database, alembic_migrations),
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
        clock=lambda: int(time.time()),
        random=secrets.token_bytes,
    )
    listener = listen(configured.settings.host, configured.settings.port)
    run(service, listener, lambda: announce(origin(listener)))


if __name__ == "__main__":
    main()

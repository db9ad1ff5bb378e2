"""A server whose disk is slow, as a separate process: `python -m tests.support.slow_server FILE SECONDS GRACE`."""

import sys
import time
from contextlib import contextmanager
from typing import Any

from server_stub.api.limits.settings import ServerLimits
from server_stub.configuration import Configuration
from server_stub.server import build_service, listen, origin, run
from server_stub.settings import Settings
from server_stub.settings_sources import LoadedSettings
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore
from tests.support.server_phone import MANUFACTURER


class SlowStore(SqlStore):
    """Takes its time in each transaction."""

    seconds = 0.0

    @contextmanager
    def transaction(self) -> Any:
        with super().transaction() as transaction:
            time.sleep(self.seconds)
            yield transaction


def say(line: str) -> None:
    """Print a line for the parent process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve on a free port, and print the origin when requests are answered."""
    configured = Configuration.load(LoadedSettings(Settings(port=0)))
    store = SlowStore(sys.argv[1], alembic_migrations)
    service = build_service(
        configured,
        MANUFACTURER.secrets,
        store,
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
    )
    store.seconds = float(sys.argv[2])
    listener = listen(configured.settings.host, configured.settings.port)
    run(
        service,
        listener,
        lambda: say(origin(listener)),
        limits=ServerLimits(grace_seconds=float(sys.argv[3])),
    )


if __name__ == "__main__":
    main()

"""A server in a new process that counts what its first verdicts cost: `python -m tests.support.first_verdicts FILE`.

Prints a nonce, reads evidence, and prints the number of calls of Python functions and the modules that were imported
for the verdict; twice.
"""

import json
import secrets
import sys
from types import FrameType
from typing import Any

from lab.manufacturer.manufacturer import Manufacturer
from server_stub.configuration import Configuration
from server_stub.server import ServerThread, build_service
from server_stub.settings import Settings
from server_stub.settings_sources import LoadedSettings
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore

VERDICTS = 2


def say(line: str) -> None:
    """Print a line for the parent process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Start the server as `serve` does, and judge."""
    configured = Configuration.load(LoadedSettings(Settings(port=0, database=sys.argv[1])))
    manufacturer = Manufacturer("tests")
    service = build_service(
        configured,
        manufacturer.secrets,
        SqlStore(configured.database, alembic_migrations),
        issuer=manufacturer.issuer,
        audience=manufacturer.audience,
        random=secrets.token_bytes,
    )
    with ServerThread(service):
        for _ in range(VERDICTS):
            say(service.challenge().nonce)
            token, loaded, calls = sys.stdin.readline().strip().encode(), set(sys.modules), 0

            def count(_frame: FrameType, event: str, _argument: Any) -> None:
                nonlocal calls
                calls += event == "call"

            sys.setprofile(count)
            service.judge(token)
            sys.setprofile(None)
            say(json.dumps({"calls": calls, "imported": sorted(set(sys.modules) - loaded)}))


if __name__ == "__main__":
    main()

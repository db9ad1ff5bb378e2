"""A server with `/lab/v1` on a real port, whose machine has a clock that the test sets."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.api.clock import LabClock, adopt_database
from lab.api.context import LabContext
from lab.api.extension import lab_extension
from lab.api.worlds import Worlds
from lab.manufacturer.key_rotation import KeyRotationHistory
from server_stub.admin.clock import guarded_clock
from server_stub.admin.context import AdminContext
from server_stub.admin.keys import KeyAdmin
from server_stub.clock import ClockReading
from server_stub.key_repository import VerdictSigner
from server_stub.policies.loading import shipped
from server_stub.server import ServerThread
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import VerdictService
from tests.support.admin import Operated
from tests.support.server_phone import MANUFACTURER, Clock

TOKEN = MANUFACTURER.admin_token
SEED = "tests"


@dataclass(frozen=True, slots=True)
class MachineClock:
    """Implements `ServerClock`: both clocks of a machine go on with `clock`."""

    clock: Clock

    def read(self) -> ClockReading:
        return ClockReading(self.clock.now, self.clock.now)


@contextmanager
def lab_server(folder: Path) -> Iterator[Operated]:
    """A server of a lab on the database in `folder`."""
    machine = Clock()
    with ExitStack() as stack:
        store, reader = (
            stack.enter_context(closing(SqlStore(folder / "lab.sqlite", alembic_migrations)))
            for _ in range(2)
        )
        adopt_database(store)
        clock = LabClock(reader, MachineClock(machine))
        guard, own = guarded_clock(clock, store), MANUFACTURER.secrets.signing_keys
        repository = MANUFACTURER.ceremony.open(store, own, guard)
        history = KeyRotationHistory(MANUFACTURER, own)
        service = VerdictService(
            secrets=MANUFACTURER.secrets,
            policy=shipped(),
            store=store,
            issuer=MANUFACTURER.issuer,
            audience=MANUFACTURER.audience,
            clock=guard,
            unchecked_clock=guard.unchecked,
            random=secrets.token_bytes,  # several servers share a database
            key=VerdictSigner(history.keyring, repository.keys, guard).key,
        )
        parts = AdminContext.of(
            service,
            keys=KeyAdmin(repository, history.keyring, history.successor, guard.unchecked),
            real_clock=machine,
        )
        parts.tokens.adopt(TOKEN, reason="test", by="test")
        worlds = Worlds(SEED)
        stack.callback(worlds.close)
        extension = lab_extension(LabContext(worlds, clock))
        server = stack.enter_context(
            ServerThread(service, repository=repository, admin=parts, extension=extension)
        )
        yield Operated(server.origin, service, parts, machine, TOKEN)

"""`activation serve`."""

import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.server_settings import SettingsCommand, with_settings
from lab.world.addresses import LOOPBACK

with deferred():
    from lab.api import clock as lab_clock
    from lab.api import context as lab_context
    from lab.api import extension as lab_extension
    from lab.api import worlds
    from lab.backend import forwarded_addresses, records
    from lab.manufacturer import key_rotation, manufacturer
    from server_stub import clock, key_repository, server
    from server_stub import reload as reloading
    from server_stub.admin import clock as admin_clock
    from server_stub.admin import context, devices, keys
    from server_stub.api import json_log
    from server_stub.store import alembic_migrations, sql
    from server_stub.store import records as store_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from server_stub.api.extension import Extension
    from server_stub.configuration import Configuration
    from server_stub.signing.key_material import Secrets
    from server_stub.verdicts.service import VerdictService

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("serve", cls=SettingsCommand)
@with_settings()
def serve(
    configured: "Configuration",
    accept_clock: Annotated[
        bool,
        typer.Option(
            "--accept-clock",
            help="Accept the clock after it was wrong: sign all metadata again, under the next clock number.",
        ),
    ] = False,
) -> None:
    """Run the verdict server until it is interrupted.

    Each setting below is an option, a variable and a member of the --config file. An option precedes a variable, and a
    variable the file. See docs/developers/settings.md.

    \b
    Example:
      activation serve --port 8021 --policy example
      ACTIVATION_SERVER_PORT=8021 activation serve --config server.toml
    """
    settings = configured.settings
    try:
        # First, so that a failed start leaves no files behind.
        server.listen(settings.host, settings.port).close()
        with server.hangups_held(), configured.database.held() as new, ExitStack() as undo:
            if new:
                undo.callback(configured.database.remove)
            with closing(sql.SqlStore(configured.database, alembic_migrations)) as store:
                if not settings.lab:
                    _check_no_test_clock(store)
                _serve(configured, store, undo, accept_clock=accept_clock)
    except store_records.StoreUnavailableError as error:
        output.exit_with_error(
            f"cannot use {configured.database}: {error}; choose another --db", output.ENVIRONMENT
        )
    except key_repository.KeyRepositoryError as error:
        output.exit_with_error(f"cannot publish keys: {error}; or choose another --keys", output.ENVIRONMENT)
    except lab_clock.LabDatabaseError as error:
        output.exit_with_error(f"cannot use {configured.database}: {error}", output.ENVIRONMENT)
    except clock.ClockError as error:
        advice = "" if error.fault is clock.ClockFault.OUT_OF_RANGE else ", or add --accept-clock"
        output.exit_with_error(
            f"cannot publish keys: {error.fault}; correct the clock{advice}", output.ENVIRONMENT
        )
    except OSError as error:
        output.exit_with_error(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; choose another --host or --port",
            output.ENVIRONMENT,
        )


def _check_no_test_clock(store: "sql.SqlStore") -> None:
    with store.reading() as reading:
        ahead = reading.test_clock()
    if ahead is not None:
        output.exit_with_error(
            f"{store.database} is marked test-clock: it has a test clock, {ahead} s ahead of the real one; "
            "start it with --lab, or choose another --db",
            output.ENVIRONMENT,
        )


def _serve(
    configured: "Configuration", store: "sql.SqlStore", undo: ExitStack, *, accept_clock: bool
) -> None:
    """Serve. Until everything that the settings name was found usable, `undo` removes a new database."""
    settings = configured.settings
    maker = manufacturer.Manufacturer(settings.seed)
    secrets = maker.secrets_signing_by(settings.algorithm)
    log = json_log.json_log(sys.stderr)
    with ExitStack() as stack:
        source: clock.ServerClock = clock.HostClock()
        extension, country_of, served_limits = None, None, settings.limits
        if settings.lab:
            if not served_limits.trusted_proxies:
                served_limits = replace(served_limits, trusted_proxies=(LOOPBACK,))
            made = worlds.Worlds(
                settings.seed, _world_records(store), worlds.without_rates(served_limits), log
            )
            stack.callback(made.close)
            source, extension = _lab(secrets, store, made, stack)
            country_of = forwarded_addresses.countries()  # emulated devices have addresses of their own
            if settings.source_countries is None:
                configured = replace(configured, country_of=country_of)
        guard = admin_clock.guarded_clock(source, store, configured.keys)
        if accept_clock:
            guard.accept()
        admin_clock.note_if_behind(guard, store)
        stack.callback(admin_clock.note_if_behind, guard, store)
        verdict_keys = _keys(maker, secrets, configured.keys, guard, stack)
        clock_admin = admin_clock.ClockAdmin(guard, verdict_keys.repository, verdict_keys.keyring)
        if accept_clock:
            clock_admin.accept(store, reason="serve --accept-clock", by=devices.LOCAL)
        service = server.build_service(
            configured,
            secrets,
            store,
            issuer=maker.issuer,
            audience=maker.audience,
            clock=guard,
            unchecked_clock=guard.unchecked,
            signer=_signer(configured, verdict_keys, guard),
        )
        admin = _admin(configured, service, verdict_keys, clock_admin)
        reloader = reloading.Reloader(configured, admin, log, country_of)
        reloader.start()
        undo.pop_all()
        token = first_token(configured.token_file, admin)
        server.run(
            service,
            settings.host,
            settings.port,
            lambda url: _announce(url, configured, token),
            repository=verdict_keys.repository,
            admin=admin,
            log=log,
            limits=served_limits,
            tls=reloader.tls,
            reload=reloader.reload,
            keep_days=settings.keep_days,
            extension=extension,
        )


def _keys(
    maker: "manufacturer.Manufacturer",
    secrets: "Secrets",
    folder: Path,
    guard: "clock.GuardedClock",
    stack: ExitStack,
) -> "keys.KeyAdmin":
    """The verdict keys that are published from `folder`, which is held until the end of `stack`."""
    repository = stack.enter_context(maker.ceremony.open(folder, secrets.signing_keys, guard))
    history = key_rotation.KeyRotationHistory(maker, lambda: repository.keys)
    keyring = history.keyring(secrets.signing_keys)
    return keys.KeyAdmin(repository, keyring, history.successor, guard.unchecked, maker.ceremony.online_of)


def _signer(
    configured: "Configuration", verdict_keys: "keys.KeyAdmin", guard: "clock.GuardedClock"
) -> "key_repository.VerdictSigner":
    """The signer of verdicts. Exits with an error if none of its keys is of the algorithm of the settings."""
    algorithm, repository = configured.settings.algorithm, verdict_keys.repository
    signer = key_repository.VerdictSigner(verdict_keys.keyring, lambda: repository.keys, guard)
    if guard.fault is None and signer.key.algorithm is not algorithm:
        output.exit_with_error(
            f"{configured.keys} lists no {algorithm} key that may sign; choose an empty --keys",
            output.ENVIRONMENT,
        )
    return signer


def _admin(
    configured: "Configuration",
    service: "VerdictService",
    verdict_keys: "keys.KeyAdmin",
    clock_admin: "admin_clock.ClockAdmin",
) -> "context.AdminContext":
    """What operators use, with the admin token of the settings if they name one."""
    admin = context.AdminContext.of(
        service, keys=verdict_keys, clock_admin=clock_admin, real_clock=server.system_clock
    )
    own_token = configured.admin_token
    if own_token is not None and admin.tokens.actor(own_token) is None:
        admin.tokens.adopt(own_token, reason="--admin-token-file", by=devices.LOCAL)
    return admin


def _announce(url: str, configured: "Configuration", token: str | None) -> None:
    """Print what the server is and what to try. `token` is the admin token if it is new."""
    settings, token_file = configured.settings, configured.token_file
    output.say(f"The verdict server listens on {url} and stores its records in {configured.database}.")
    output.say(f"It publishes its verdict keys from {configured.keys}.")
    if settings.lab:
        output.say(f"It is a lab: {url}/lab/v1 attests keys for any device and moves the test clock.")
    output.say(f"API documentation: {url}/docs. Try in another terminal:")
    output.say(
        f"  activation device --profile official-global --place havana --seed {settings.seed} --server {url}"
    )
    if token is not None:
        output.say(f"The admin token, shown only now and stored in {token_file} (mode 0600):")
        output.say(f"  {token}")
    elif configured.admin_token is None and not token_file.is_file():
        output.say(
            "An admin token exists; "
            f"`activation admin token --db {configured.database}` replaces it by a new one."
        )
    used = settings.admin_token_file or token_file
    output.say(f"Operate it: activation admin devices search --server {url} --token-file {used}")


def _lab(
    secrets: "Secrets", store: "sql.SqlStore", made: "worlds.Worlds", stack: ExitStack
) -> "tuple[clock.ServerClock, Extension]":
    """The test clock of a lab, and its routes. Raises LabDatabaseError and ForeignRootError."""
    lab_context.check_roots(secrets, made.seed)
    lab_clock.adopt_database(store)
    reader = stack.enter_context(closing(sql.SqlStore(store.database)))
    test_clock = lab_clock.LabClock(reader, clock.HostClock())
    return test_clock, lab_extension.lab_extension(lab_context.LabContext(made, test_clock))


def _world_records(store: "sql.SqlStore") -> "Callable[[], records.ReplaceableRecords | None]":
    """Where worlds keep their records: in files of their own, or in schemas of their own in PostgreSQL."""
    if store.database.file is not None:
        return lambda: None
    return lambda: records.RecordsSchema(store.database, alembic_migrations)


def first_token(file: Path, admin: "context.AdminContext") -> str | None:
    """The admin token, also written to `file`, at the first start with a database. None if one exists already."""
    token = admin.tokens.first()
    if token is not None:
        try:
            output.write_private(file, token)
        except OSError as error:
            output.note(f"cannot write {file}: {error.strerror}; note the token")
    return token

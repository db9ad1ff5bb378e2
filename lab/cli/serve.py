"""`activation serve`."""

import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lab.cli import database as databases
from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.server_settings import SettingsCommand, with_settings
from lab.world.addresses import LOOPBACK

with deferred():
    from lab.api import clock as lab_clock
    from lab.api import context as lab_context
    from lab.api import extension as lab_extension
    from lab.backend import forwarded_addresses
    from lab.manufacturer import key_rotation, manufacturer
    from server_stub import clock, key_repository, server
    from server_stub import reload as reloading
    from server_stub.admin import clock as admin_clock
    from server_stub.admin import context, devices, keys
    from server_stub.api import json_log
    from server_stub.store import sql

if TYPE_CHECKING:
    from server_stub.api.extension import Extension
    from server_stub.clock import ServerClock
    from server_stub.configuration import Configuration
    from server_stub.signing.key_material import Secrets
    from server_stub.store.sql import SqlStore

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("serve", cls=SettingsCommand)
@with_settings()
def serve(configured: "Configuration") -> None:
    """Run the verdict server until it is interrupted.

    Each setting is an option, a variable and a member of the --config file. An option precedes a variable, and a
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
        with ExitStack() as undo:
            if configured.database.is_new:
                undo.callback(configured.database.remove)
            with databases.opened_store(configured.database, "; choose another --db") as store:
                if not settings.lab:
                    _check_no_test_clock(store)
                _serve(configured, store, undo)
    except key_repository.KeyRepositoryError as error:
        output.exit_with_error(f"cannot publish keys: {error}; or choose another --keys", output.ENVIRONMENT)
    except lab_clock.LabDatabaseError as error:
        output.exit_with_error(f"cannot use {configured.database}: {error}", output.ENVIRONMENT)
    except lab_context.ForeignRootError as error:
        output.exit_with_error(str(error))
    except clock.ClockError as error:
        output.exit_with_error(
            f"cannot publish keys: {error.fault}; correct the clock, or add --accept-clock",
            output.ENVIRONMENT,
        )
    except OSError as error:
        output.exit_with_error(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; choose another --host or --port",
            output.ENVIRONMENT,
        )


def _check_no_test_clock(store: "SqlStore") -> None:
    with store.reading() as reading:
        ahead = reading.test_clock()
    if ahead is not None:
        output.exit_with_error(
            f"{store.database} is marked test-clock: it has a test clock, {ahead} s ahead of the real one; "
            "start it with --lab, or choose another --db",
            output.ENVIRONMENT,
        )


def _serve(configured: "Configuration", store: "SqlStore", undo: ExitStack) -> None:
    """Serve. Until everything that the settings name was found usable, `undo` removes a new database."""
    settings, folder = configured.settings, configured.keys
    maker, algorithm = manufacturer.Manufacturer(settings.seed), settings.algorithm
    secrets = maker.secrets_signing_by(algorithm)
    log = json_log.json_log(sys.stderr)
    with ExitStack() as stack:
        source: ServerClock = clock.HostClock()
        extension, served_limits = None, settings.limits
        if settings.lab:
            source, extension = _lab(secrets, store, settings.seed, stack)
            if settings.source_countries is None:  # emulated devices have addresses of their own
                configured = replace(configured, country_of=forwarded_addresses.countries())
            if not served_limits.trusted_proxies:
                served_limits = replace(served_limits, trusted_proxies=(LOOPBACK,))
        guard = admin_clock.guarded_clock(source, store, folder)
        if settings.accept_clock:
            guard.accept()
        repository = stack.enter_context(maker.ceremony.open(folder, secrets.signing_keys, guard))
        history = key_rotation.KeyRotationHistory(maker, lambda: repository.keys)
        keyring = history.keyring(secrets.signing_keys)
        signer = key_repository.VerdictSigner(keyring, history.listed, guard)
        if guard.fault is None and signer.key.algorithm is not algorithm:
            output.exit_with_error(
                f"{folder} lists no {algorithm} key that may sign; choose an empty --keys", output.ENVIRONMENT
            )
        service = server.build_service(
            configured,
            secrets,
            store,
            issuer=maker.issuer,
            audience=maker.audience,
            clock=guard,
            unchecked_clock=guard.unchecked,
            signer=signer,
        )
        clock_admin = admin_clock.ClockAdmin(guard, repository)
        if settings.accept_clock:
            clock_admin.accept(store, reason="serve --accept-clock", by=devices.LOCAL)
        admin = context.AdminContext.of(
            service,
            keys=keys.KeyAdmin(
                repository, keyring, history.successor, guard.unchecked, maker.ceremony.online_of
            ),
            clock_admin=clock_admin,
            real_clock=server.system_clock,
        )
        own_token = configured.admin_token
        if own_token is not None and admin.tokens.actor(own_token) is None:
            admin.tokens.adopt(own_token, reason="--admin-token-file", by=devices.LOCAL)
        reloader = reloading.Reloader(configured, admin, log)
        reloader.start()
        undo.pop_all()
        token = first_token(configured.token_file, admin)
        server.run(
            service,
            settings.host,
            settings.port,
            lambda url: _announce(url, configured, token),
            repository=repository,
            admin=admin,
            log=log,
            limits=served_limits,
            tls=reloader.tls,
            reload=reloader.reload,
            keep_days=settings.keep_days,
            extension=extension,
        )


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
    secrets: "Secrets", store: "SqlStore", seed: str, stack: ExitStack
) -> "tuple[ServerClock, Extension]":
    """The test clock of a lab, and its routes. Raises LabDatabaseError and ForeignRootError."""
    lab_context.check_roots(secrets, seed)
    lab_clock.adopt_database(store)
    reader = stack.enter_context(closing(sql.SqlStore(store.database)))
    test_clock = lab_clock.LabClock(reader, clock.HostClock())
    return test_clock, lab_extension.lab_extension(lab_context.LabContext(seed, test_clock))


def first_token(file: Path, admin: "context.AdminContext") -> str | None:
    """The admin token, also written to `file`, at the first start with a database. None if one exists already."""
    token = admin.tokens.first()
    if token is not None:
        try:
            output.write_private(file, token)
        except OSError as error:
            output.say(f"activation: cannot write {file}: {error.strerror}; note the token", err=True)
    return token

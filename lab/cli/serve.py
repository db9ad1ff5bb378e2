"""`activation serve`."""

import gc
import sys
from contextlib import ExitStack, closing, redirect_stderr, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.server_settings import SettingsCommand, with_settings
from lab.world.addresses import LOOPBACK
from server_stub.settings import PUBLIC_SEED

with deferred():
    from lab.api import clock as lab_clock
    from lab.api import context as lab_context
    from lab.api import extension as lab_extension
    from lab.api import worlds
    from lab.backend import forwarded_addresses, records
    from lab.cli import main
    from lab.manufacturer import key_rotation, manufacturer
    from server_stub import clock, configuration, key_repository, server, workers
    from server_stub import reload as reloading
    from server_stub.admin import clock as admin_clock
    from server_stub.admin import context, devices, keys
    from server_stub.api import json_log, metrics
    from server_stub.store import alembic_migrations, sql
    from server_stub.store import records as store_records
    from text_input import files

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from server_stub.api.extension import Extension
    from server_stub.api.limits.settings import ServerLimits
    from server_stub.api.logs import Log
    from server_stub.configuration import Configuration
    from server_stub.reference_data.source_countries import CountryOf
    from server_stub.settings_sources import LoadedSettings
    from server_stub.signing import Algorithm
    from server_stub.signing.key_material import Secrets

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
    restored: Annotated[
        bool,
        typer.Option(
            "--restored",
            help="A backup of the database was restored: sign all metadata under versions that no device has seen.",
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
        listener = server.listen(settings.host, settings.port)
    except OSError as error:
        output.exit_with_error(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; choose another --host or --port",
            output.ENVIRONMENT,
        )
    url = server.origin(listener, "https" if configured.tls else "http")
    once = _Once(accept_clock=accept_clock, restored=restored)
    log = json_log.json_log(sys.stderr)
    with listener, server.hangups_held(), ExitStack() as at_end:

        def announce(news: "workers.StartNews") -> None:
            _announce(url, configured, news)
            release = metadata.version("activation-agent")
            log.info("server-started", release=release, origin=url, workers=settings.workers)
            at_end.callback(log.info, "server-stopped")

        if settings.workers == 1:
            _serve(configured, _Process(listener, log, announce), once)
        else:
            _serve_in_workers(configured, listener, log, announce, once)


@dataclass(frozen=True)
class _Once:
    """What the first process of a start does once, because of an option."""

    accept_clock: bool = False
    restored: bool = False


@dataclass(frozen=True)
class _Process:
    """One process of the server. `announce` is called when it is ready; `first` does what a start does once."""

    listener: "socket.socket"
    log: "Log"
    announce: "Callable[[workers.StartNews], None]"
    first: bool = True
    shared: "metrics.SharedFolder | None" = None
    """Where several processes count together; None for the only one."""
    skipped_to: int | None = None
    """The version that `--restored` published."""

    @property
    def prunes(self) -> bool:
        """Whether it removes old records: one process of several does."""
        return self.shared is None or self.shared.number == 0


def _serve_in_workers(
    configured: "Configuration",
    listener: "socket.socket",
    log: "Log",
    announce: "Callable[[workers.StartNews], None]",
    once: _Once,
) -> None:
    """Serve in several processes. Exits with the code of this command if it is not 0."""
    present = configured

    def reload() -> None:
        nonlocal present
        present = reloading.reloaded(present)

    processes = workers.ServerWorkers(
        configured.settings.workers,
        listener,
        log,
        serve=lambda: partial(_serve_as_worker, present.loaded, once),
        reload=reload,
    )
    try:
        code = processes.run(announce)
    except workers.WorkerStartError as error:
        output.say(error.problem, err=True)
        code = error.code
    if code:
        raise typer.Exit(code)


def _serve_as_worker(
    loaded: "LoadedSettings",
    once: _Once,
    worker: "workers.ServerWorker",
) -> None:
    """Serve in a process that `workers` started. The parent prints why it cannot."""
    gc.set_threshold(main.GC_THRESHOLD)
    log = json_log.json_log(sys.stderr, worker=worker.metrics.number)
    with ExitStack() as until_ready:
        printed = until_ready.enter_context(redirect_stderr(StringIO()))

        def ready(news: "workers.StartNews") -> None:
            until_ready.close()
            sys.stderr.write(printed.getvalue())
            with suppress(BrokenPipeError):  # the parent was killed, and this process is about to end
                worker.parent.send(news)

        process = _Process(worker.listener, log, ready, worker.first, worker.metrics)
        try:
            try:
                _serve(configuration.Configuration.load(loaded), process, once)
            except files.UserInputError as error:
                output.exit_with_error(str(error))
        except typer.Exit as error:
            worker.parent.send(workers.WorkerStartError(printed.getvalue().strip(), error.exit_code))
            sys.exit(error.exit_code)


def _serve(configured: "Configuration", process: _Process, once: _Once) -> None:
    """Serve in this process. Exits with an error if the server cannot start."""
    try:
        with configured.database.held() as new, ExitStack() as undo:
            if new:
                undo.callback(configured.database.remove)
            with closing(sql.SqlStore(configured.database, alembic_migrations)) as store:
                if not configured.settings.lab:
                    _check_no_test_clock(store)
                _serve_store(configured, store, process, undo, once if process.first else _Once())
    except store_records.StoreUnavailableError as error:
        place, problem = configured.place("database"), f"cannot use {configured.database}: {error}"
        joint = " or" if problem.endswith("?") else ", or" if "; " in problem else ";"
        advice = f"{place}: {problem}{joint} choose another database"
        if place.startswith("-"):
            advice = f"{problem}{joint} choose another {place}"
        output.exit_with_error(advice, output.ENVIRONMENT)
    except key_repository.KeyRepositoryError as error:
        output.exit_with_error(
            f"cannot publish keys: {error}; or choose another --db and --keys", output.ENVIRONMENT
        )
    except lab_clock.LabDatabaseError as error:
        output.exit_with_error(f"cannot use {configured.database}: {error}", output.ENVIRONMENT)
    except clock.ClockError as error:
        advice = "" if error.fault is clock.ClockFault.OUT_OF_RANGE else ", or add --accept-clock"
        output.exit_with_error(
            f"cannot publish keys: {error.fault}; correct the clock{advice}", output.ENVIRONMENT
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


def _serve_store(
    configured: "Configuration",
    store: "sql.SqlStore",
    process: _Process,
    undo: ExitStack,
    once: _Once,
) -> None:
    """Serve. Until everything that the settings name was found usable, `undo` removes a new database."""
    settings = configured.settings
    maker = manufacturer.Manufacturer(settings.seed)
    secrets = maker.secrets_signing_by(settings.algorithm)
    with ExitStack() as stack:
        lab = _lab(configured, secrets, store, process, stack) if settings.lab else None
        if lab and settings.source_countries is None:
            configured = replace(configured, country_of=lab.country_of)
        guard = admin_clock.guarded_clock(lab.clock if lab else clock.HostClock(), store)
        if once.accept_clock:
            guard.accept()
        admin_clock.note_if_behind(guard, store)
        stack.callback(admin_clock.note_if_behind, guard, store)
        repository = maker.ceremony.open(
            store, secrets.signing_keys, guard, folder=configured.keys, restored=once.restored
        )
        history = key_rotation.KeyRotationHistory(maker, secrets.signing_keys)
        verdict_keys = keys.KeyAdmin(repository, history.keyring, history.successor, guard.unchecked)
        _check_algorithm(settings.algorithm, verdict_keys, store)
        clock_admin = admin_clock.ClockAdmin(guard, verdict_keys.repository, verdict_keys.keyring)
        if once.accept_clock:
            clock_admin.accept(store, reason="serve --accept-clock", by=devices.LOCAL)
        if once.restored:
            version = verdict_keys.skip_versions(store, reason="serve --restored", by=devices.LOCAL)
            process.log.warning("versions-skipped", version=version)
            process = replace(process, skipped_to=version)
        service = server.build_service(
            configured,
            secrets,
            store,
            issuer=maker.issuer,
            audience=maker.audience,
            clock=guard,
            unchecked_clock=guard.unchecked,
            key=key_repository.VerdictSigner(history.keyring, repository.keys, guard).key,
        )
        admin = context.AdminContext.of(
            service,
            keys=verdict_keys,
            clock_admin=clock_admin,
            real_clock=server.system_clock,
            shared=configured.database.is_postgresql,
        )
        _run(configured, process, lab, admin, undo)


def _run(
    configured: "Configuration",
    process: _Process,
    lab: "_Lab | None",
    admin: "context.AdminContext",
    undo: ExitStack,
) -> None:
    """Serve until a signal, by the parts of `admin`."""
    settings, extension = configured.settings, lab.extension if lab else None
    reloader = reloading.Reloader(configured, admin, process.log, lab.country_of if lab else None)
    token = _start_once(configured, admin, reloader) if process.first else None
    undo.pop_all()
    server.run(
        admin.service,
        process.listener,
        lambda: process.announce(workers.StartNews(token, process.skipped_to)),
        repository=admin.keys.repository if admin.keys else None,
        admin=admin,
        log=process.log,
        limits=lab.limits if lab else settings.limits,
        tls=reloader.tls,
        reload=reloader.reload,
        keep_days=settings.keep_days if process.prunes else None,
        extension=extension,
        metrics=metrics.Metrics(extension.name if extension else None, process.shared),
    )


def _start_once(
    configured: "Configuration", admin: "context.AdminContext", reloader: "reloading.Reloader"
) -> str | None:
    """What the first process of a start does for all. Returns the admin token if it is new."""
    own_token = configured.admin_token
    if own_token is not None and admin.tokens.actor(own_token) is None:
        admin.tokens.adopt(own_token, reason="--admin-token-file", by=devices.LOCAL)
    reloader.start()
    return first_token(configured.token_file, admin)


def _check_algorithm(algorithm: "Algorithm", verdict_keys: "keys.KeyAdmin", store: "sql.SqlStore") -> None:
    """Exits with an error if no key of the algorithm of the settings was ever published: its list never changes that.

    One that was revoked is no error: a running server goes on with another key, too.
    """
    with store.reading() as reading:
        listed = verdict_keys.repository.keys(reading)
    kids = {key["kid"] for key in listed.keys}
    algorithms = [key.algorithm for key in verdict_keys.keyring(listed).keys if key.kid in kids]
    if algorithm not in algorithms:
        others = ", ".join(dict.fromkeys(each.value for each in algorithms)) or "none of this seed"
        output.exit_with_error(
            f"{store.database} lists no {algorithm} key; choose another --algorithm ({others}), or an empty --db",
            output.ENVIRONMENT,
        )


def _announce(url: str, configured: "Configuration", news: "workers.StartNews") -> None:
    """Print what the server is, what its start did, and what to try."""
    settings, token_file = configured.settings, configured.token_file
    output.say(f"The verdict server listens on {url} and stores its records in {configured.database}.")
    output.say(f"It publishes its verdict keys there too; images pin a root in {configured.keys}.")
    if news.skipped_to is not None:
        output.say(
            f"Published under versions from {news.skipped_to}, which no device has seen; "
            "repeat what was revoked since the backup."
        )
    if settings.lab:
        output.say(f"It is a lab: {url}/lab/v1 attests keys for any device and moves the test clock.")
    output.say(f"API documentation: {url}/docs. Try in another terminal:")
    seed = PUBLIC_SEED if settings.seed == PUBLIC_SEED else "…"  # another one is a secret
    output.say(f"  activation device --profile official-global --place havana --seed {seed} --server {url}")
    if news.token is not None:
        output.say(f"The admin token, shown only now and stored in {token_file} (mode 0600):")
        output.say(f"  {news.token}")
    elif configured.admin_token is None and not token_file.is_file():
        output.say(
            "An admin token exists; "
            f"`activation admin token --db {configured.database}` replaces it by a new one."
        )
    used = settings.admin_token_file or token_file
    output.say(f"Operate it: activation admin devices search --server {url} --token-file {used}")


@dataclass(frozen=True)
class _Lab:
    """What a server of a lab has instead. Its emulated devices have addresses of their own."""

    clock: "clock.ServerClock"
    extension: "Extension"
    country_of: "CountryOf"
    limits: "ServerLimits"


def _lab(
    configured: "Configuration",
    secrets: "Secrets",
    store: "sql.SqlStore",
    process: _Process,
    stack: ExitStack,
) -> _Lab:
    """The parts of a lab, until the end of `stack`. Raises LabDatabaseError and ForeignRootError."""
    seed, limits = configured.settings.seed, configured.settings.limits
    if not limits.trusted_proxies:
        limits = replace(limits, trusted_proxies=(LOOPBACK,))
    lab_context.check_roots(secrets, seed)
    lab_clock.adopt_database(store)
    reader = stack.enter_context(closing(sql.SqlStore(store.database)))
    test_clock = lab_clock.LabClock(reader, clock.HostClock())
    made = worlds.Worlds(seed, _world_records(store), worlds.without_rates(limits), process.log)
    stack.callback(made.close)
    extension = lab_extension.lab_extension(
        lab_context.LabContext(made, test_clock, configured.settings.workers)
    )
    return _Lab(test_clock, extension, forwarded_addresses.countries(), limits)


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

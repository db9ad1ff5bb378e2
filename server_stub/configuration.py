"""Settings together with the content of the files that they name, read before a server changes anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from server_stub.admin.tokens import TOKEN_MAX, TokenFormError, check_token
from server_stub.policies import loading
from server_stub.policy.errors import PolicyError
from server_stub.policy.policy import Policy
from server_stub.reference_data.source_countries import (
    CountryOf,
    SourceCountries,
    SourceCountriesError,
    unknown_country,
)
from server_stub.reference_data.status_list import StatusListFile
from server_stub.settings import TABLE, Settings
from server_stub.settings_sources import LoadedSettings
from server_stub.store.database import ONE_PROCESS, Database, DatabaseError
from server_stub.tls import TlsIdentity
from text_input.files import UnusableFileError, may_be_read_by_others, read_text


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a server is built from. Made by `load`."""

    loaded: LoadedSettings
    database: Database
    policy: Policy
    country_of: CountryOf
    statuses: StatusListFile | None
    tls: TlsIdentity | None
    admin_token: str | None = field(repr=False)

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.loaded.settings

    def place(self, name: str) -> str:
        """Where the setting called `name` was set, for error messages."""
        return self.loaded.place(name)

    @property
    def keys(self) -> Path:
        """The folder of the key repository."""
        return self.settings.keys or self.database.beside("-keys")

    @property
    def token_file(self) -> Path:
        """Where the first admin token is written."""
        return self.database.beside("-admin-token")

    @classmethod
    def load(cls, loaded: LoadedSettings) -> "Configuration":
        """Read the files that the settings name. Raises SettingsError."""
        settings = loaded.settings
        with _naming(loaded, "database"):
            database = Database(settings.database)
        if settings.workers > 1 and not database.is_postgresql:
            raise loaded.error(
                "workers", f"{ONE_PROCESS}; name a PostgreSQL database with {TABLE['database'].options[0]}"
            )
        with _naming(loaded, "policy"):
            policy = loading.load(settings.policy)
        with _naming(loaded, "source_countries"):
            countries = settings.source_countries
            country_of = SourceCountries.read(countries) if countries else unknown_country
        with _naming(loaded, "keys"):
            if settings.keys and settings.keys.exists() and not settings.keys.is_dir():
                raise UnusableFileError(settings.keys, "is not a folder")
        return cls(
            loaded, database, policy, country_of, _statuses(settings), _tls(loaded), _admin_token(loaded)
        )


@contextmanager
def _naming(loaded: LoadedSettings, name: str) -> Iterator[None]:
    """Turns the error of a file into one that names the setting."""
    try:
        yield
    except (DatabaseError, PolicyError, SourceCountriesError, UnusableFileError) as error:
        raise loaded.error(name, error) from error
    except OSError as error:
        raise loaded.error(name, f"{error.filename}: {error.strerror}") from error


def _admin_token(loaded: LoadedSettings) -> str | None:
    """The token in the file that the settings name, None without one."""
    file = loaded.settings.admin_token_file
    if file is None:
        return None
    with _naming(loaded, "admin_token_file"):
        text = read_text(file, TOKEN_MAX)
        if may_be_read_by_others(file):
            raise UnusableFileError(file, "can be read by others; run chmod 600 on it")
        try:
            return check_token(text.strip())
        except TokenFormError as error:
            raise UnusableFileError(file, str(error)) from error


def _tls(loaded: LoadedSettings) -> TlsIdentity | None:
    certificate, key = loaded.settings.tls_cert, loaded.settings.tls_key
    if certificate is None or key is None:
        return None
    try:
        return TlsIdentity.load(certificate, key)
    except UnusableFileError as error:  # both settings may name the same file
        raise loaded.error("tls_cert" if error.file is certificate else "tls_key", error) from error


def _statuses(settings: Settings) -> StatusListFile | None:
    """The revocation status list, None if there is no file."""
    if settings.status_list is None:
        return None
    fetched = settings.status_list_fetched_at
    if fetched and not fetched.tzinfo:
        fetched = fetched.replace(tzinfo=UTC)
    return StatusListFile(
        settings.status_list,
        max_age=settings.status_list_max_age,
        when_unusable=settings.status_list_unusable,
        fetched_at=int(fetched.timestamp()) if fetched else None,
    )

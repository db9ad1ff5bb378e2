"""Settings of a server, from arguments or environment variables: `ACTIVATION_SERVER_PORT=8443`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, InstanceOf
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server_stub.attestation.appraisal import DeviationTreatment
from server_stub.policies import DEFAULT, names, shipped
from server_stub.policy.policy import Policy
from server_stub.reference_data.source_countries import CountryOf, SourceCountries, unknown_country
from server_stub.reference_data.status_list import DAY, StatusListFile, WhenUnusable
from server_stub.signing.signing_key import Algorithm
from server_stub.store.database import Database
from server_stub.store.records import KEEP_DAYS, KEEP_DAYS_MAX
from text_input.files import UnusableFileError, read_text
from text_input.suggestions import suggestion
from text_input.toml import FILE_MAX

_Database = Annotated[InstanceOf[Database], BeforeValidator(Database), NoDecode]
"""Errors do not repeat the value: a URL may contain a password."""


class Settings(BaseSettings):
    """Settings of one server. `policy` is the name of a shipped policy or a TOML file; port 0 selects a free port.

    `database` is an SQLite file or a URL `postgresql://user:password@host/name`; by default records are in memory.
    `algorithm` signs verdicts; by default it is the algorithm of the first key.
    `status_list` is a file with the revocation status list of attestation certificates. `status_list_unusable` says
    what to do while it is missing, malformed or older than `status_list_max_age` seconds. `status_list_fetched_at`
    is the time of the file that is there at first, by default when it last changed; UTC if it has no offset.
    `attestation_deviations` says what to do with an attestation that deviates from its standards.
    `source_countries` is a file with the countries of IP addresses.
    `keep_days` is how long inputs of verdicts and audit entries are kept.
    """

    model_config = SettingsConfigDict(
        env_prefix="ACTIVATION_SERVER_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    database: _Database | None = None
    policy: str = DEFAULT
    algorithm: Algorithm | None = None
    issuer: Annotated[str, Field(min_length=1, max_length=256)]
    audience: Annotated[str, Field(min_length=1, max_length=256)]
    status_list: Path | None = None
    status_list_max_age: Annotated[int, Field(gt=0)] = DAY
    status_list_unusable: WhenUnusable = WhenUnusable.REFUSE
    status_list_fetched_at: datetime | None = None
    attestation_deviations: DeviationTreatment = DeviationTreatment.WARN
    source_countries: Path | None = None
    keep_days: Annotated[int, Field(ge=1, le=KEEP_DAYS_MAX)] = KEEP_DAYS

    def statuses(self) -> StatusListFile | None:
        """The revocation status list, None if there is no file."""
        if self.status_list is None:
            return None
        fetched = self.status_list_fetched_at
        if fetched and not fetched.tzinfo:
            fetched = fetched.replace(tzinfo=UTC)
        return StatusListFile(
            self.status_list,
            max_age=self.status_list_max_age,
            when_unusable=self.status_list_unusable,
            fetched_at=int(fetched.timestamp()) if fetched else None,
        )

    def country_of(self) -> CountryOf:
        """The function that returns the country of an address. Raises SourceCountriesError."""
        return SourceCountries.read(self.source_countries) if self.source_countries else unknown_country

    def load_policy(self) -> Policy:
        """Load the policy. Raises PolicyError, or UnusableFileError if there is no such policy."""
        if self.policy.endswith(".toml"):
            return Policy.parse(read_text(Path(self.policy), FILE_MAX), self.policy)
        if self.policy not in names():
            raise UnusableFileError(Path(self.policy), f"is no policy; {suggestion(self.policy, names())}")
        return shipped(self.policy)

"""What an operator sets, from arguments or from the environment: `ACTIVATION_SERVER_PORT=8443`."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, InstanceOf
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server_stub.policies import DEFAULT, shipped
from server_stub.policy.policy import Policy
from server_stub.reference_data.source_countries import CountryOf, SourceCountries, unknown_country
from server_stub.reference_data.status_list import DAY, StatusListFile, WhenUnusable
from server_stub.signing.signing_key import Algorithm
from server_stub.store.database import Database

_Database = Annotated[InstanceOf[Database], BeforeValidator(Database), NoDecode]
"""Errors do not repeat what was given: a URL may hold a password."""


class Settings(BaseSettings):
    """Settings of one server. `policy` is a shipped policy's name or a TOML file; port 0 takes a free one.

    `database` is a file of SQLite, or a URL `postgresql://user:password@host/name`; without one, memory is all.
    `algorithm` is what verdicts are signed with; where it is not set, the first of the server's keys decides.
    `status_list` is a file with the revocation status list of attestation certificates. While it is missing, malformed
    or older than `status_list_max_age` seconds, `status_list_unusable` says whether nothing is appraised.
    `source_countries` is a file that tells the countries of addresses.
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
    source_countries: Path | None = None

    def statuses(self) -> StatusListFile | None:
        """The status list that attestation certificates are looked up in."""
        if self.status_list is None:
            return None
        return StatusListFile(
            self.status_list, max_age=self.status_list_max_age, when_unusable=self.status_list_unusable
        )

    def country_of(self) -> CountryOf:
        """Where the country of an address comes from. Raises SourceCountriesError."""
        return SourceCountries.read(self.source_countries) if self.source_countries else unknown_country

    def load_policy(self) -> Policy:
        """The policy that `policy` names. Raises PolicyError or OSError."""
        if self.policy.endswith(".toml"):
            return Policy.parse(Path(self.policy).read_text("utf-8"), self.policy)
        return shipped(self.policy)

"""Changes the settings of a running server: all of them that can change at run time, or none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Final

from server_stub.admin.context import AdminContext, policy_admin
from server_stub.admin.policies import PolicyAdminError
from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.logs import Log
from server_stub.configuration import Configuration
from server_stub.reference_data.source_countries import CountryOf
from server_stub.settings import TABLE
from server_stub.settings_sources import SettingsError
from server_stub.store.records import StoreUnavailableError
from server_stub.verdicts.policy_in_force import SERVER

_REASON: Final = "the policy of the server's settings"
_TLS: Final = frozenset({"tls_cert", "tls_key"})


class Reloader:
    """Applies changed settings to the server that was started with `configuration`. Each attempt is a line in `log`."""

    def __init__(
        self,
        configuration: Configuration,
        admin: AdminContext,
        log: Log,
        country_of: CountryOf | None = None,
    ) -> None:
        """`country_of` serves while the settings name no `source_countries`; None means their own default."""
        self._started = self._now = configuration
        self._country_of = country_of
        self._admin = admin
        self._log = log

    @property
    def tls(self) -> Callable[[], SSLContext] | None:
        """The function that returns the TLS context for a new connection, None for a server of plain HTTP."""
        return (lambda: self._now.tls.context) if self._now.tls else None  # type: ignore[union-attr] # it stays

    def start(self) -> None:
        """Put the policy in force if the settings name one. Log what an operator should know of the settings."""
        if self._now.loaded.ignored:
            self._log.info("variables-ignored", names=self._now.loaded.ignored)
        self._warn_of_certificate()
        if "policy" in self._now.loaded.values:
            try:
                self._adopt_policy(self._now)
            except (PolicyAdminError, StoreUnavailableError) as error:
                self._log.warning("policy-not-put-in-force", error=str(error))

    def reload(self, limits: LimitsInForce) -> None:
        """Read and check everything, then apply it. If anything is wrong, all stays as it is, and the log says so."""
        old = self._now
        try:
            new = Configuration.load(old.loaded.read_again())
            if "policy" not in new.loaded.values:
                new = replace(new, policy=old.policy)  # what is in force stays
            elif new.policy.text != old.policy.text:
                self._adopt_policy(new)
        except (SettingsError, PolicyAdminError, StoreUnavailableError) as error:
            self._log.warning("settings-not-reloaded", error=str(error))
            return
        changed = _differences(old, new)
        if new.settings.source_countries is None and self._country_of is not None:
            new = replace(new, country_of=self._country_of)
        if not any(name.startswith("status_list") for name in changed):
            new = replace(new, statuses=old.statuses)  # with what it has read
        need_restart = {name for name in TABLE if not TABLE[name].reloads} & _differences(self._started, new)
        if bool(new.tls) != bool(old.tls):
            need_restart |= _TLS
            new = replace(new, tls=old.tls)
        self._admin.service.appraise_by(new.country_of, new.settings.attestation_deviations, new.statuses)
        limits.apply(replace(new.settings.limits, trusted_proxies=limits.values.trusted_proxies))
        self._now = new
        self._log.info(
            "settings-reloaded", changed=sorted(changed - need_restart), need_restart=sorted(need_restart)
        )
        self._warn_of_certificate()

    def _adopt_policy(self, configuration: Configuration) -> None:
        policy_admin(self._admin.service).adopt(configuration.policy, SERVER, _REASON)

    def _warn_of_certificate(self) -> None:
        if self._now.tls and (problem := self._now.tls.problem(datetime.now(UTC))):
            self._log.warning("tls-certificate", problem=problem)


def reloaded(present: Configuration) -> Configuration:
    """The configuration of a new process of this server after a reload: `present` if the settings are wrong now."""
    try:
        new = Configuration.load(present.loaded.read_again())
    except SettingsError:  # the running processes log it
        return present
    kept = {name: getattr(present.settings, name) for name in TABLE if not TABLE[name].reloads}
    if bool(new.tls) != bool(present.tls):
        kept |= {name: getattr(present.settings, name) for name in _TLS}
    settings = new.settings.model_copy(update=kept)
    return replace(new, loaded=replace(new.loaded, settings=settings))


def _differences(old: Configuration, new: Configuration) -> set[str]:
    """The names of settings that differ, or whose file does."""
    names = {name for name in TABLE if getattr(old.settings, name) != getattr(new.settings, name)}
    names.discard("policy")
    if old.policy.text != new.policy.text:
        names.add("policy")
    if old.tls and new.tls and old.tls.certificate != new.tls.certificate:
        names.add("tls_cert")
    return names

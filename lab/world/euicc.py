"""eUICCs: a slot with several profiles of operators, of which at most one is enabled (GSMA SGP.22).

Several enabled profiles at the same time (MEP, from SGP.22 version 3) are not emulated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from lab.world.sim import SimCard

EMPTY: Final = SimCard(imsi="", ccid="", empty=True)
"""What a phone sees of an eUICC without an enabled profile: a card without an application."""


class EuiccError(ValueError):
    """The eUICC refuses a command. `code` is the result of SGP.22 clause 5.7, and of clause 2.5.6 for a download."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Euicc:
    """`profiles` are the installed ones by their names, `enabled` is the name of the one that is enabled, or None."""

    profiles: Mapping[str, SimCard]
    enabled: str | None = None

    @property
    def card(self) -> SimCard:
        """The card that a phone sees: the enabled profile, or `EMPTY`."""
        return EMPTY if self.enabled is None else self.profiles[self.enabled]

    def enable(self, name: str) -> "Euicc":
        """With this profile enabled, and the one before disabled (SGP.22 clause 5.7.16). Raises EuiccError."""
        self._check_disabled(name)
        return replace(self, enabled=name)

    def disable(self, name: str) -> "Euicc":
        """With no profile enabled (SGP.22 clause 5.7.17). Raises EuiccError."""
        self._check_installed(name)
        if name != self.enabled:
            raise EuiccError("profileNotInEnabledState", f"the profile {name} is not enabled")
        return replace(self, enabled=None)

    def delete(self, name: str) -> "Euicc":
        """Without this profile, which must be disabled (SGP.22 clause 5.7.18). Raises EuiccError."""
        self._check_disabled(name)
        return replace(self, profiles={key: card for key, card in self.profiles.items() if key != name})

    def install(self, name: str, card: SimCard) -> "Euicc":
        """With one more profile, which is disabled (SGP.22 clause 3.1.3). Raises EuiccError."""
        if name in self.profiles:
            raise EuiccError(
                "installFailedDueToIccidAlreadyExistsOnEuicc", f"the profile {name} is installed already"
            )
        return replace(self, profiles={**self.profiles, name: card})

    def _check_installed(self, name: str) -> None:
        if name not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            raise EuiccError("iccidOrAidNotFound", f"no profile is called {name!r}; installed are {known}")

    def _check_disabled(self, name: str) -> None:
        self._check_installed(name)
        if name == self.enabled:
            raise EuiccError("profileNotInDisabledState", f"the profile {name} is enabled")


SlotContent = SimCard | Euicc | None
"""A card, an eUICC, or nothing."""


def visible_card(content: SlotContent) -> SimCard | None:
    """The card that a phone sees in a slot."""
    return content.card if isinstance(content, Euicc) else content

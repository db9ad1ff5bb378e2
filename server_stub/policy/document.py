"""A policy document: the TOML form of a policy. Times are offset date-times, durations are in seconds."""

from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Self, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from server_stub.attestation.appraisal import BootKey, Identity
from server_stub.attestation.deviations import Deviation
from wire import limits
from wire.codes import Decision, Intent, MessageKey, Reason, TrustTier
from wire.model import Code, Integer, Seconds, Sequence, Territory, Text, Word
from wire.verdict import ALLOWED, REQUIRED


class TerritoryClass(StrEnum):
    """The class of a territory in a policy. `none` is only for activation: the device has not been activated."""

    PROHIBITED = "prohibited"
    NO_PRESENCE = "no-presence"
    ELIGIBLE = "eligible"
    UNKNOWN = "unknown"
    CONTRADICTORY = "contradictory"
    NONE = "none"


RESOLVED: Final = frozenset({TerritoryClass.PROHIBITED, TerritoryClass.NO_PRESENCE, TerritoryClass.ELIGIBLE})
"""The classes of a territory that is known."""


class CampaignState(StrEnum):
    """The state of a campaign: before its begin, between begin and end, after its end."""

    AHEAD = "ahead"
    RUNNING = "running"
    LIFTED = "lifted"


class Argument(StrEnum):
    """A value for an argument of a message."""

    TERRITORY = "territory"
    ACTIVATION_TERRITORY = "activation-territory"
    CASE = "case"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_EPOCH, _LAST = datetime.fromtimestamp(0, UTC), datetime.max.replace(tzinfo=UTC)
Moment = Annotated[AwareDatetime, Field(ge=datetime.min.replace(tzinfo=UTC), le=_LAST)]
"""A time that is in the calendar of UTC too, in which tables show it."""

BOOT_KEYS_MAX: Final = 512
"""Most verified-boot keys in a policy."""

VerifiedBootKey = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{64}$", to_lower=True)]
"""`verifiedBootKey` of an attestation, the SHA-256 of the public key that verified the image, in hexadecimal."""

T = TypeVar("T")

LIST_MAX: Final = 1000
"""Most elements of a list in a policy, and most rules."""
CAMPAIGNS_MAX: Final = 100

Alternatives = Annotated[Sequence[T], Field(min_length=1, max_length=LIST_MAX)]
"""A list of at least one element; an empty list would match no device."""


class Territories(_Part):
    """The territories of each class; all others are eligible. A country includes its subdivisions.

    Codes are of ISO 3166-1 alpha-2 (`CU`) or ISO 3166-2 (`UA-43`).
    """

    prohibited: Annotated[Sequence[Territory], Field(max_length=LIST_MAX)]
    no_presence: Annotated[Sequence[Territory], Field(max_length=LIST_MAX)] = ()

    @field_validator("prohibited", "no_presence")
    @classmethod
    def _once(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        return _without_repetition(codes)

    @model_validator(mode="after")
    def _of_one_class(self) -> Self:
        if both := sorted({*self.prohibited} & {*self.no_presence}):
            raise ValueError(f"{', '.join(both)} is listed in two classes; remove it from one of them")
        return self


class Campaign(_Part):
    """A measure with a begin, which is inside its period, and an end, which is not."""

    id: Code
    begins: Annotated[Moment, Field(alias="from")]
    ends: Annotated[Moment, Field(alias="until")]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError("a campaign must begin before it ends; correct `from` or `until`")
        return self


class CampaignCondition(_Part):
    """True while campaign `id` is in one of `state`."""

    id: Code
    state: Alternatives[Word[CampaignState]]


class Conditions(_Part):
    """The conditions of a rule, which must all hold; an absent condition always holds. Lists are alternatives.

    `territory` is the class of the device's territory, `activation` that of the territory of its first activation;
    `activation_age_min` and `activation_age_max` are inclusive bounds of the seconds since then, which a device that
    was not activated never meets. `sale_region` is where the device was sold, or for which its image was made;
    `roaming` is whether it is registered on a network that is not its home network; a device that does not know its
    network meets neither. `boot_key` is `known` if a locked bootloader verified the image with the manufacturer's key
    or with one of `boot_keys`. `deviations` are names of which the attestation has at least one. `terms_not` are
    versions of the terms that the user did not accept.
    """

    territory: Alternatives[Word[TerritoryClass]] | None = None
    intent: Alternatives[Word[Intent]] | None = None
    activation: Alternatives[Word[TerritoryClass]] | None = None
    activation_age_min: Seconds | None = None
    activation_age_max: Seconds | None = None
    sale_region: Alternatives[Code] | None = None
    roaming: bool | None = None
    identity: Alternatives[Word[Identity]] | None = None
    trust: Alternatives[Word[TrustTier]] | None = None
    boot_key: Alternatives[Word[BootKey]] | None = None
    deviations: Alternatives[Word[Deviation]] | None = None
    terms: Alternatives[Code] | None = None
    terms_not: Alternatives[Code] | None = None
    campaign: CampaignCondition | None = None

    @field_validator("territory")
    @classmethod
    def _somewhere(cls, classes: tuple[TerritoryClass, ...] | None) -> tuple[TerritoryClass, ...] | None:
        if classes and TerritoryClass.NONE in classes:
            raise ValueError("no device has the territory `none`; write `unknown` for unknown territories")
        return classes

    @field_validator("activation")
    @classmethod
    def _recorded(cls, classes: tuple[TerritoryClass, ...] | None) -> tuple[TerritoryClass, ...] | None:
        if classes and TerritoryClass.CONTRADICTORY in classes:
            raise ValueError("no activation has the territory `contradictory`; remove it")
        return classes

    @model_validator(mode="after")
    def _some_age(self) -> Self:
        low, high = self.activation_age_min, self.activation_age_max
        if low is not None and high is not None and low > high:
            raise ValueError("activation_age_min is above activation_age_max; correct one of them")
        return self

    @property
    def empty(self) -> bool:
        """Whether these hold for every device."""
        return self == Conditions()


class RuleMessage(_Part):
    """The sentence that the device shows, and the source of each of its arguments."""

    key: Word[MessageKey]
    args: dict[Code, Word[Argument]] = {}


class Rule(_Part):
    """Conditions and an outcome, which must have exactly the claims that its decision needs and allows."""

    id: Code
    when: Conditions = Conditions()
    decision: Word[Decision]
    reason: Word[Reason]
    message: RuleMessage | None = None
    case: bool = False
    check_in: Seconds | None = None
    offline_limit: Seconds | None = None
    not_before_lock: Annotated[AwareDatetime, Field(ge=_EPOCH, le=_LAST)] | None = None
    retry_after: Annotated[int, Field(ge=1, le=limits.RETRY_AFTER_MAX)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = ("message", "check_in", "offline_limit", "not_before_lock", "retry_after")
        given = {name for name in names if getattr(self, name) is not None} | (
            {"case"} if self.case else set()
        )
        if missing := REQUIRED[self.decision] - given:
            raise ValueError(
                f"a rule with decision {self.decision} needs {', '.join(sorted(missing))}; add it"
            )
        if excess := given - ALLOWED[self.decision]:
            raise ValueError(
                f"a rule with decision {self.decision} cannot have {', '.join(sorted(excess))}; remove it"
            )
        return self

    @model_validator(mode="after")
    def _arguments_exist(self) -> Self:
        sources = set(self.message.args.values()) if self.message else set()
        if Argument.CASE in sources and not self.case:
            raise ValueError("the message has the case number; add `case = true`")
        for source, classes in (
            (Argument.TERRITORY, self.when.territory),
            (Argument.ACTIVATION_TERRITORY, self.when.activation),
        ):
            if source in sources and not (classes and RESOLVED.issuperset(classes)):
                raise ValueError(
                    f"the message has the {source}; require a class with a known territory in `when`"
                )
        return self


class PolicyDocument(_Part):
    """A policy: ordered rules, of which the first that matches decides and the last always matches.

    `boot_keys` are keys of other parties' systems: an image that a locked bootloader verified with one of them is
    judged as the manufacturer's own.
    """

    id: Code
    version: Integer
    title: Text
    boot_keys: Annotated[Sequence[VerifiedBootKey], Field(max_length=BOOT_KEYS_MAX)] = ()
    territories: Territories
    campaigns: Annotated[Sequence[Campaign], Field(max_length=CAMPAIGNS_MAX)] = ()
    rules: Annotated[Sequence[Rule], Field(min_length=1, max_length=LIST_MAX)]

    @field_validator("boot_keys")
    @classmethod
    def _once(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        return _without_repetition(keys)


def _without_repetition(words: tuple[str, ...]) -> tuple[str, ...]:
    if twice := sorted(word for word, times in Counter(words).items() if times > 1):
        raise ValueError(f"{', '.join(twice)} is listed twice; remove one")
    return words

"""A policy document: the TOML form of a policy, checked until nothing in it can fail at a verdict.

Each error names the document, the line, the key and what to do. Times are offset date-times, durations seconds.
"""

import re
import tomllib
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from server_stub.domain.appraisal import Identity
from server_stub.domain.toml_lines import Path, line_of
from wire import limits
from wire.codes import Decision, Intent, MessageKey, Reason, TrustTier
from wire.model import Code, Integer, Seconds, Sequence, Territory, Text, Word
from wire.verdict import ALLOWED, REQUIRED


class PolicyError(ValueError):
    """A policy document cannot be used. `key` is dotted, `line` counts from 1."""

    def __init__(self, source: str, line: int, key: str, problem: str) -> None:
        super().__init__(f"{source}:{line}: {key or 'document'}: {problem}")
        self.source = source
        self.line = line
        self.key = key
        self.problem = problem


class TerritoryClass(StrEnum):
    """What a territory is to a policy. `none` is for activation alone: the phone has not been activated."""

    PROHIBITED = "prohibited"
    NO_PRESENCE = "no-presence"
    ELIGIBLE = "eligible"
    UNKNOWN = "unknown"
    CONTRADICTORY = "contradictory"
    NONE = "none"


RESOLVED: Final = frozenset({TerritoryClass.PROHIBITED, TerritoryClass.NO_PRESENCE, TerritoryClass.ELIGIBLE})
"""The classes of a territory that has a name."""


class CampaignState(StrEnum):
    """Where in its life a campaign is."""

    AHEAD = "ahead"
    RUNNING = "running"
    LIFTED = "lifted"


class Argument(StrEnum):
    """What an argument of a message can be filled with."""

    TERRITORY = "territory"
    ACTIVATION_TERRITORY = "activation-territory"
    CASE = "case"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Territories(_Part):
    """Which territories are of which class; all others are eligible. A country stands for its parts too."""

    prohibited: Sequence[Territory]
    no_presence: Sequence[Territory] = ()


class Campaign(_Part):
    """A measure with a beginning and an end: `from` is within it, `until` is not."""

    id: Code
    begins: Annotated[AwareDatetime, Field(alias="from")]
    ends: Annotated[AwareDatetime, Field(alias="until")]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.begins >= self.ends:
            raise ValueError("a campaign must begin before it ends; correct `from` or `until`")
        return self


class CampaignCondition(_Part):
    """True while campaign `id` is in one of `state`."""

    id: Code
    state: Annotated[Sequence[Word[CampaignState]], Field(min_length=1)]


class Conditions(_Part):
    """What must hold for a rule, all of it; what is left out holds always. Each list is of alternatives.

    `activation` is the class of the territory of first activation, `activation_age_min` and `activation_age_max`
    seconds since then (never true of a phone that was not activated), `terms_not` versions that are not accepted.
    """

    territory: Sequence[Word[TerritoryClass]] | None = None
    intent: Sequence[Word[Intent]] | None = None
    activation: Sequence[Word[TerritoryClass]] | None = None
    activation_age_min: Seconds | None = None
    activation_age_max: Seconds | None = None
    identity: Sequence[Word[Identity]] | None = None
    trust: Sequence[Word[TrustTier]] | None = None
    terms: Sequence[Code] | None = None
    terms_not: Sequence[Code] | None = None
    campaign: CampaignCondition | None = None

    @property
    def empty(self) -> bool:
        """Whether these hold for every phone."""
        return self == Conditions()


class Message(_Part):
    """Which sentence the phone shows; `args` says what fills each argument."""

    key: Word[MessageKey]
    args: dict[Code, Word[Argument]] = {}


class Rule(_Part):
    """One rule: when, and then what. The claims must be complete for the decision, and no more than that."""

    id: Code
    when: Conditions = Conditions()
    decision: Word[Decision]
    reason: Word[Reason]
    message: Message | None = None
    case: bool = False
    check_in: Seconds | None = None
    offline_limit: Seconds | None = None
    not_before_lock: AwareDatetime | None = None
    retry_after: Annotated[int, Field(ge=1, le=limits.RETRY_AFTER_MAX)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = ("message", "check_in", "offline_limit", "not_before_lock", "retry_after")
        given = {name for name in names if getattr(self, name) is not None} | (
            {"case"} if self.case else set()
        )
        if missing := REQUIRED[self.decision] - given:
            raise ValueError(
                f"a rule that decides {self.decision} needs {', '.join(sorted(missing))}; add it"
            )
        if excess := given - ALLOWED[self.decision]:
            raise ValueError(f"a rule that decides {self.decision} cannot have {', '.join(sorted(excess))}")
        return self

    @model_validator(mode="after")
    def _arguments_exist(self) -> Self:
        sources = set(self.message.args.values()) if self.message else set()
        if Argument.CASE in sources and not self.case:
            raise ValueError("the message names the case; add `case = true`")
        for source, classes in (
            (Argument.TERRITORY, self.when.territory),
            (Argument.ACTIVATION_TERRITORY, self.when.activation),
        ):
            if source in sources and not (classes and RESOLVED.issuperset(classes)):
                raise ValueError(f"the message names the {source}; demand a class that has one in `when`")
        return self


class PolicyDocument(_Part):
    """A whole policy: ordered rules, of which the first that matches decides and the last always matches."""

    id: Code
    version: Integer
    title: Text
    territories: Territories
    campaigns: Sequence[Campaign] = ()
    rules: Annotated[Sequence[Rule], Field(min_length=1)]


def parse(text: str, source: str) -> PolicyDocument:
    """Read and check the document `text`; `source` names it in errors. Raises PolicyError."""
    try:
        document = PolicyDocument.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(source, _syntax_line(text, str(error)), "", str(error)) from error
    except ValidationError as error:
        raise _error(text, source, *_first(error)) from error
    for path, problem in _conflicts(document):
        raise _error(text, source, path, problem)
    return document


def _syntax_line(text: str, message: str) -> int:
    """`tomllib` tells the place in words alone before Python 3.14: `(at line 2, column 3)` or the end."""
    place = re.search(r"at line (\d+)", message)
    return int(place[1]) if place else max(1, len(text.splitlines()))


def _first(error: ValidationError) -> tuple[Path, str]:
    """The first error by its place in the document, in words that say what to do."""
    details = error.errors(include_url=False)[0]
    told: dict[str, str] = {
        "extra_forbidden": "unknown key; remove it or correct its spelling",
        "missing": "missing key; add it",
    }
    message = str(details["msg"]).removeprefix("Value error, ")
    return details["loc"], told.get(details["type"], message)


def _error(text: str, source: str, path: Path, problem: str) -> PolicyError:
    return PolicyError(source, line_of(text, path), ".".join(map(str, path)), problem)


def _conflicts(document: PolicyDocument) -> list[tuple[Path, str]]:
    """What is wrong between parts that are each well-formed."""
    campaigns = {campaign.id for campaign in document.campaigns}
    found: list[tuple[Path, str]] = []
    for index, rule in enumerate(document.rules):
        at: tuple[Any, ...] = ("rules", index)
        if any(rule.id == other.id for other in document.rules[:index]):
            found.append(((*at, "id"), f"two rules are called {rule.id}; rename one"))
        if rule.when.campaign and rule.when.campaign.id not in campaigns:
            found.append(((*at, "when"), f"no campaign {rule.when.campaign.id}; add it to `campaigns`"))
        last = index == len(document.rules) - 1
        if last and not rule.when.empty:
            found.append(((*at, "when"), "the last rule must match every phone; leave out its `when`"))
        if rule.when.empty and not last:
            found.append(
                (at, "this rule matches every phone, so that no later one counts; move it to the end")
            )
    return found

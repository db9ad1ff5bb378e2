"""A whole file: the world, the handsets in it, and the steps."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from firmware_profiles.model import Band, Bootloader, KeyStorage
from lab.handset.keystore import KeyAlgorithm
from lab.handset.keystore_habits import KeystoreHabit
from lab.scenario.model.coercions import Listed, Short
from lab.scenario.model.faults import WireFault
from lab.scenario.model.field_types import (
    Duration,
    Line,
    Locale,
    ModemDialectName,
    Moment,
    Name,
    Plmn,
    Scalar,
    Some,
    Table,
    Word,
)
from lab.scenario.model.groups import DEVICES_MAX, DeviceNames
from lab.scenario.model.named_files import PlaceName, PolicyName, ProfileName
from lab.scenario.model.server_steps import ClockOffset
from lab.scenario.model.step import When
from lab.scenario.model.step_union import AnyStep, CutPower
from lab.world.clock import START
from lab.world.sim import PinState
from server_stub.signing import Algorithm


class ServerSettings(Table):
    """The settings of the server."""

    algorithm: Word[Algorithm] = Field(Algorithm.ED25519, description="The signature algorithm of verdicts.")
    clock_ahead: ClockOffset = Field(0, description="Seconds by which its clock is ahead.")


class WorldTable(Table):
    """Time, place and server of the scenario."""

    starts: Moment = Field(
        START,
        description="The time of the first step; 2021-09-08T12:00Z by default.",
        json_schema_extra={"default": "2021-09-08T12:00Z"},
    )
    place: PlaceName = Field(
        "paris",
        description="The place of handsets without their own `place`.",
    )
    network: Literal["up", "down"] = Field(
        "up", description="Whether the network of handsets is up at first."
    )
    policy: PolicyName = Field(
        "export-2021-09",
        description="The policy in force at the first step.",
    )
    policy_before: PolicyName | None = Field(
        None,
        description="The policy at `activated`; `policy` by default.",
    )
    server: ServerSettings = Field(ServerSettings(), description="The settings of the server.")
    faults: Annotated[tuple[WireFault, ...], Field(strict=False)] = Field(
        (), description="Network faults from the start."
    )
    seed: int = Field(0, description="Changes identities and random draws.")


class Activated(Table):
    """Where and when a handset was set up before the first step."""

    at: Moment = Field(description="The time of the setup.")
    place: PlaceName = Field(description="The place of the setup.")


class KeystoreTable(Table):
    """The keystore of a handset."""

    level: Word[KeyStorage] | None = Field(
        None, description="The strongest keystore that the image can use; as in the profile by default."
    )
    algorithm: Word[KeyAlgorithm] = Field(
        KeyAlgorithm.ES256, description="The algorithm of its attested keys; ES256 by default."
    )
    version: Annotated[int, Field(ge=1, le=999)] | None = Field(
        None,
        description="The version of its key descriptions; 300 (KeyMint 3), or 500 for ML-DSA-65, by default.",
    )
    habits: Annotated[tuple[Word[KeystoreHabit], ...], Field(strict=False)] = Field(
        (), description="How its key descriptions deviate from DER and the schema."
    )


class EsimTable(Table):
    """A profile of an eUICC."""

    operator: Plmn = Field(description="The operator.")
    pin: Word[PinState] = PinState.READY


class SlotTable(Table):
    """What is in a slot: a card of an operator, or an eUICC with its profiles. `208-01` is short for its card."""

    operator: Plmn | None = Field(None, description="The operator.")
    pin: Word[PinState] = PinState.READY
    esim: dict[Name, Annotated[EsimTable, Short("operator")]] | None = Field(
        None,
        description="The profiles of an eUICC by name, as in `{home: 208-01}`; `{}` for an empty one.",
    )
    enabled: Name | None = Field(None, description="The enabled profile; none by default.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.operator is None) == (self.esim is None):
            raise ValueError("is neither a card nor an eUICC; give one of `operator` and `esim`")
        if self.enabled is not None and self.enabled not in (self.esim or ()):
            raise ValueError(f"enables {self.enabled!r}, which is none of its profiles")
        if self.esim is not None and "pin" in self.model_fields_set:
            raise ValueError(
                "an eUICC has no PIN; give it to a profile, as in `{home: {operator: 208-01, pin: …}}`"
            )
        return self


class HandsetTable(Table):
    """One device, or with `count` a group of them. It is switched off at the first step, unless it was activated
    before."""

    count: Annotated[int, Field(ge=1, le=DEVICES_MAX)] | None = Field(
        None,
        description="The number of devices of a group; without it, one device with the name of the table.",
    )
    profile: ProfileName = Field(description="Its firmware: a name or a path.")
    model: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]*$", max_length=32)] | None = Field(
        None, description="The hardware model; as in the profile by default."
    )
    bands: Annotated[tuple[Band, ...], Field(strict=False, min_length=1)] | None = Field(
        None, description="The bands of its radio, such as `LTE 1800`; as in the profile by default."
    )
    bootloader: Word[Bootloader] | None = Field(
        None, description="Whether the bootloader verifies the image; as in the profile by default."
    )
    sims: (
        Annotated[
            tuple[Annotated[SlotTable, Short("operator")] | None, ...], Field(strict=False, max_length=2)
        ]
        | None
    ) = Field(
        None,
        description="Its two slots, null for an empty one; the cards of its place by default.",
    )
    locale: Locale | None = Field(
        None, description="The language of its user; English by default, if offered."
    )
    place: PlaceName | None = Field(None, description="As in the world by default.")
    modem_dialect: ModemDialectName | None = Field(
        None, description="The AT dialect of its modem; that of the standards by default."
    )
    keystore: KeystoreTable = Field(KeystoreTable(), description="Its keystore.")
    activated: Activated | None = Field(None, description="A setup before the first step.")

    @model_validator(mode="after")
    def _profiles_have_own_names(self) -> Self:
        if len(self.esims) != sum(len(slot.esim or ()) for slot in self.sims or () if slot):
            raise ValueError("has two profiles with one name; a profile is in one eUICC only")
        return self

    @property
    def esims(self) -> set[str]:
        """The names of the profiles in its eUICCs."""
        return {name for slot in self.sims or () if slot for name in slot.esim or ()}


Handsets = dict[Name, HandsetTable]


class Exemption(Table):
    """Why a scenario is skipped, or is expected to fail; a list of tables gives reasons for different combinations."""

    because: Annotated[str, StringConstraints(pattern=r"\S", max_length=200)] = Field(
        description="The reason, for reports."
    )
    when: When = Field(None, description="Only for these values of parameters, with wildcards.")


Exemptions = Annotated[tuple[Exemption, ...], Listed(), Field(strict=False, min_length=1)]


class TimeBudget(Table):
    """How long a scenario may take. A duration instead of a table is its `virtual` time."""

    virtual: Duration | None = Field(None, description="On the clock of the world; more is a failure.")
    processor: Duration | None = Field(
        None, description="Of this machine; more is counted, and with `--enforce-time` a failure."
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.virtual is None and self.processor is None:
            raise ValueError("is without a duration; write one, or `virtual`, `processor` or both")
        return self


class Scenario(Table):
    """One scenario, or with parameters one for each combination of their values."""

    name: Line = Field(description="Its name.")
    about: Annotated[str, Field(min_length=1, max_length=400)] = Field(
        description="What it shows, in one sentence."
    )
    tags: Annotated[tuple[Name, ...], Field(strict=False)] = Field(
        (), description="Labels that `--tag`, `--not-tag` and `pytest -m` select."
    )
    parameters: dict[Name, Any] = Field(
        default_factory=dict,
        description="Names with lists of values; every combination is a scenario.",
    )
    examples: Annotated[tuple[dict[Name, Scalar | None], ...], Field(strict=False)] = Field(
        (),
        description="Rows of values that belong together, or a CSV file.",
    )
    exclude: Annotated[tuple[dict[Name, Any], ...], Field(strict=False)] = Field(
        (), description="Combinations to leave out, with wildcards."
    )
    skip: Exemptions = Field((), description="Do not run it.")
    expected_to_fail: Exemptions = Field((), description="It must fail; members as in `skip`.")
    time_budget: Annotated[TimeBudget, Short("virtual")] | None = Field(
        None, description="How long it may take."
    )
    world: WorldTable = Field(WorldTable(), description="Time, place and server of the scenario.")
    handsets: Annotated[
        Handsets, Field(min_length=1, description="The devices, by the names that steps refer to.")
    ]
    steps: Annotated[Some[AnyStep], Field(description="The steps, in this order.")]

    @property
    def devices(self) -> DeviceNames:
        """The names of the devices."""
        return DeviceNames({name: table.count for name, table in self.handsets.items()})

    @model_validator(mode="after")
    def _activated_before(self) -> Self:
        for name, handset in self.handsets.items():
            if handset.activated and handset.activated.at > self.world.starts:
                raise ValueError(f"handset {name} was activated after the first step; let a step set it up")
        return self


def flat(steps: tuple[Any, ...]) -> list[Any]:
    """The steps, each followed by the step that is nested in it."""
    return [each for step in steps for each in (step, *([step.during] if isinstance(step, CutPower) else []))]

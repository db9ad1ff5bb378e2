"""Faults on the wire as scenario files write them."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from lab.fault_proxy.schedule import FaultSchedule, NetworkFault
from lab.scenario.model.field_types import Duration, Moment, Subject, Table, Word
from lab.scenario.model.server_steps import ClockOffset
from server_stub.faults.catalogue import BUSY, PROXY_KINDS, FaultKind, Route

SCENARIO_FAULTS: Final = tuple(
    kind
    for kind in PROXY_KINDS
    if kind
    not in {
        FaultKind.TLS_EXPIRED,
        FaultKind.TLS_WRONG_NAME,
        FaultKind.TLS_BROKEN_OFF,
        FaultKind.NOT_HTTP,
        FaultKind.RESET_MIDWAY,
        FaultKind.UNDERSTATED_LENGTH,
        FaultKind.DUPLICATED_ANSWER,
    }
)
"""The kinds that a scenario file can name. The others are variants for code that uses `lab.fault_proxy`."""


@dataclass(frozen=True, slots=True)
class _InScenarios:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.enum_schema(
            FaultKind, list(SCENARIO_FAULTS), sub_type="str", strict=False, ref="FaultKind:scenario"
        )


ScenarioFaultKind = Annotated[FaultKind, _InScenarios()]


class WireFault(Table):
    """A fault on the wire. Every condition that is given must hold; without one, it affects every request."""

    to: Word[Route] = Field(Route.ALL, description="The requests that it can affect.")
    on_request: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Only the n-th of these requests of a handset, from its start.",
    )
    times: Annotated[int, Field(ge=1)] | None = Field(None, description="The most injections.")
    probability: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Of an injection, for each request."
    )
    from_: Moment | None = Field(None, description="Its start; immediately by default.")
    until: Moment | None = Field(None, description="Its end.")
    for_: Duration | None = Field(None, description="Its duration.")
    fault: ScenarioFaultKind = Field(description="Its kind.")
    of: Subject = Field(None, description="The handsets that it affects; all by default.")
    retry_after: Duration | None = Field(None, description="For `too-many-requests` and `unavailable`.")
    seconds: ClockOffset | None = Field(
        None,
        description="For `clock-skew`: how far the server's clock is ahead, negative for behind.",
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if (self.fault is FaultKind.CLOCK_SKEW) != (self.seconds is not None):
            raise ValueError("`seconds` goes with `clock-skew`, and `clock-skew` with `seconds`")
        if self.retry_after is not None and self.fault not in BUSY:
            raise ValueError(f"`retry-after` goes only with {' and '.join(BUSY)}")
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise ValueError("is never injected: `until` is not after `from`")
        return self

    def starting_at(self, now: float) -> NetworkFault:
        """The fault for the scheduler, started at `now`, seconds since the epoch. `for_` must not be 0."""
        ends = [] if self.until is None else [float(self.until)]
        if self.for_ is not None:
            ends.append(max(now, self.from_ or 0) + self.for_)
        schedule = FaultSchedule(
            route=self.to,
            devices=frozenset(self.of) if self.of else None,
            nth=self.on_request,
            times=self.times,
            probability=self.probability,
            start=self.from_,
            end=min(ends, default=None),
        )
        wait = None if self.retry_after is None else int(self.retry_after)
        return NetworkFault(self.fault, schedule, wait, self.seconds)

"""Mutants of the world: steps that do nothing, faults that are never injected, images with other properties."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from firmware_profiles import loader
from firmware_profiles.model import Profile, Wake
from lab.fault_proxy.schedule import FaultScheduler, NetworkFault, OutgoingRequest
from lab.handset import handset, location
from lab.handset.location import DeviceLocation
from lab.scenario.engine import actions, context
from lab.scenario.model.step_union import VERBS
from lab.simulation import simulation
from lab.simulation.simulation import Simulation
from lab.world.operators import Band
from server_stub.faults.catalogue import FaultKind

Apply = Callable[[pytest.MonkeyPatch], None]


def without_step(verb: str) -> Apply:
    """A step that does nothing."""
    kind = VERBS[verb]
    tables: list[dict[type[Any], Any]] = [actions.ALL_DEVICE_ACTIONS, actions.WORLD_ACTIONS]
    table = next(table for table in tables if kind in table)
    return lambda patch: patch.setitem(table, kind, lambda *_: None)


def without_fault(kind: FaultKind) -> Apply:
    """A fault that is never injected."""
    original = FaultScheduler.fault_for

    def without(self: FaultScheduler, request: OutgoingRequest) -> NetworkFault | None:
        fault = original(self, request)
        return None if fault is None or fault.kind is kind else fault

    return lambda patch: patch.setattr(FaultScheduler, "fault_for", without)


def _images(change: Callable[[Profile], Profile]) -> Apply:
    def load(name: str, folder: Path = Path()) -> Profile:
        return change(loader.find(name, folder))

    def apply(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(simulation, "load_named", load)
        patch.setattr(context, "find", load)

    return apply


def _with_agent(profile: Profile) -> Profile:
    return profile if profile.agent else profile.model_copy(update={"agent": _official().agent})


def _awake(profile: Profile) -> Profile:
    if profile.agent is None:
        return profile
    return profile.model_copy(update={"agent": profile.agent.model_copy(update={"wakes_on": tuple(Wake)})})


def _official() -> Profile:
    return loader.load_named("official-global")


def _sold_everywhere(profile: Profile) -> Profile:
    image = profile.image.model_copy(update={"sale_region": _official().image.sale_region})
    return profile.model_copy(update={"image": image})


_server_access = Simulation._server_access


def _every_band(_: object) -> frozenset[Band]:
    return frozenset(Band(technology, 0) for technology in ("GSM", "UMTS", "TD-SCDMA", "LTE", "TD-LTE", "5G"))


IMAGES: Final[dict[str, Apply]] = {
    "world: every image has an agent": _images(_with_agent),
    "world: every agent wakes on every event": _images(_awake),
    "world: every image is sold everywhere": _images(_sold_everywhere),
    "world: every radio has every band": lambda patch: patch.setattr(location, "parse_bands", _every_band),
    "world: every image boots": lambda patch: patch.setattr(handset, "boots", lambda _: True),
    "world: no image boots": lambda patch: patch.setattr(handset, "boots", lambda _: False),
    "world: no image falsifies its location": lambda patch: patch.setattr(
        DeviceLocation, "reported_radio", DeviceLocation._received
    ),
    "world: no image hooks the display": lambda patch: patch.setattr(handset, "_hooked", lambda _: False),
    "world: every image trusts the manufacturer": lambda patch: patch.setattr(
        Simulation, "_server_access", lambda self, _holder: _server_access(self, simulation.MANUFACTURER)
    ),
}

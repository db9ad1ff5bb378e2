"""Mutants of the world: steps that do nothing, faults that are never injected, images with other properties."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from firmware_profiles import loader
from firmware_profiles.model import Profile, Wake
from lab.fault_proxy.schedule import FaultScheduler, NetworkFault, OutgoingRequest
from lab.handset import handset, location
from lab.handset.location import DeviceLocation
from lab.model_check.memoized_step import Replaced
from lab.scenario.engine import actions, context
from lab.scenario.model.step_union import VERBS
from lab.simulation import simulation
from lab.simulation.simulation import Simulation
from lab.world.operators import Band
from server_stub.faults.catalogue import FaultKind


def without_step(verb: str) -> tuple[Any, type[Any], Any]:
    """A step that does nothing: the entry of a table in place of the name of a part."""
    kind = VERBS[verb]
    tables: list[dict[type[Any], Any]] = [actions.ALL_DEVICE_ACTIONS, actions.WORLD_ACTIONS]
    return next(table for table in tables if kind in table), kind, lambda *_: None


def without_fault(kind: FaultKind) -> Replaced:
    """A fault that is never injected."""
    original = FaultScheduler.fault_for

    def without(self: FaultScheduler, request: OutgoingRequest) -> NetworkFault | None:
        fault = original(self, request)
        return None if fault is None or fault.kind is kind else fault

    return FaultScheduler, "fault_for", without


def _images(change: Callable[[Profile], Profile]) -> list[Replaced]:
    def load(name: str, folder: Path = Path()) -> Profile:
        return change(loader.find(name, folder))

    return [(simulation, "load_named", load), (context, "find", load)]


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
_BANDS: Final = frozenset(Band(name, 0) for name in ("GSM", "UMTS", "TD-SCDMA", "LTE", "TD-LTE", "5G"))

IMAGES: Final[dict[str, list[Replaced]]] = {
    "every image has an agent": _images(_with_agent),
    "every agent wakes on every event": _images(_awake),
    "every image is sold everywhere": _images(_sold_everywhere),
    "every radio has every band": [(location, "parse_bands", lambda _: _BANDS)],
    "every image boots": [(handset, "boots", lambda _: True)],
    "no image boots": [(handset, "boots", lambda _: False)],
    "no image falsifies its location": [(DeviceLocation, "reported_radio", DeviceLocation._received)],
    "no image hooks the display": [(handset, "hides_agent_screens", lambda _: False)],
    "every image trusts the manufacturer": [
        (
            Simulation,
            "_server_access",
            lambda self, _holder: _server_access(self, simulation.MANUFACTURER),
        )
    ],
}

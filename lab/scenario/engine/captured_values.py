"""The values of the world that a step `capture` stores."""

from collections.abc import Callable
from typing import Any, Final

from lab.scenario.engine.checks import at_path, json_of, newest_claims
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.operations import StepError
from lab.scenario.model.field_types import moment_text
from lab.scenario.model.time_steps import Capture


def capture(context: ScenarioContext, step: Capture) -> None:
    """Store the values of a step. Raises StepError for one that is absent."""
    device = context.select_devices((step.of,) if step.of else None)[0]
    for name, source in step.capture.items():
        group, _, path = source.partition(".")
        value = json_of(_VALUES[group](context, device, path))
        if value in (None, "") or isinstance(value, dict | list):
            raise StepError(f"{source} of {device.name} has no value to capture at this moment")
        context.captured[name] = value


def _challenge(_: ScenarioContext, device: ScenarioDevice, __: str) -> Any:
    now = device.handset.display.current
    return now and now.facts.challenge


def _screen(_: ScenarioContext, device: ScenarioDevice, member: str) -> Any:
    screen = device.handset.screen()
    if screen is None:
        return None
    return "\n".join((screen.title, *screen.body)) if member == "text" else getattr(screen, member)


def _state(_: ScenarioContext, device: ScenarioDevice, member: str) -> Any:
    if device.handset.agent is None:
        return None
    state = device.handset.agent.state
    name = "terms_version" if member == "terms" else member.replace("-", "_")
    return getattr(state, name) if hasattr(state, name) else getattr(state.memory, name)


def _verdict(_: ScenarioContext, device: ScenarioDevice, path: str) -> Any:
    verdicts = device.handset.timeline.verdicts
    return at_path(verdicts[-1].claims.model_dump(mode="json"), path) if verdicts else None


def _evidence(_: ScenarioContext, device: ScenarioDevice, path: str) -> Any:
    return at_path(newest_claims(device.handset.timeline.entries), path or "eat_nonce")


def _record(context: ScenarioContext, device: ScenarioDevice, member: str) -> Any:
    record = context.operations.device(device.imei)
    return record and getattr(record, member.replace("-", "_"))


_VALUES: Final[dict[str, Callable[[ScenarioContext, ScenarioDevice, str], Any]]] = {
    "challenge": _challenge,
    "code": lambda context, device, _: context.newest_code.get(device.name, b"").decode(),
    "imei": lambda _, device, __: device.imei,
    "nonce": _evidence,
    "time": lambda context, _, __: moment_text(int(context.world.exact())),
    "screen": _screen,
    "state": _state,
    "verdict": _verdict,
    "evidence": _evidence,
    "record": _record,
}
"""By the first word of the source; the rest is the path."""

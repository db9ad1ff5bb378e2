"""Does steps: one function for each kind, found by its type. Those of one handset are in `device_actions`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from lab.handset.handset import Power
from lab.scenario.engine.breakable_parts import PowerCut
from lab.scenario.engine.captured_values import capture
from lab.scenario.engine.checks import NOTHING, check_result, json_of
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.device_actions import DEVICE_ACTIONS, DeviceAction
from lab.scenario.engine.operations import NotSeenError, StepError
from lab.scenario.engine.result import CheckResult, Mismatch
from lab.scenario.engine.screen_actions import SCREEN_ACTIONS
from lab.scenario.engine.tally import tally
from lab.scenario.model import device_steps, server_steps, step_union, time_steps
from lab.scenario.model.field_types import duration_text
from lab.scenario.model.screen_steps import ScreenStep
from lab.scenario.model.step import HandsetStep, Step

SCREEN_STEPS: Final = (
    ScreenStep,
    device_steps.SetUp,
    device_steps.ChooseLanguage,
    device_steps.AcceptTerms,
    device_steps.DeclineTerms,
    device_steps.Continue,
    device_steps.Retry,
    device_steps.ShowImeiStep,
    device_steps.EnterCode,
)
"""Steps that a user does on the screen."""


def perform(context: ScenarioContext, step: Step) -> None:
    """Do a step. Raises `engine.SCENARIO_ERRORS`."""
    if (action := WORLD_ACTIONS.get(type(step))) is not None:
        action(context, step)
    elif isinstance(step, HandsetStep):
        for devices in _turns(context, step):
            _perform_side_by_side(context, devices, step)


def _turns(context: ScenarioContext, step: HandsetStep) -> Iterable[Sequence[ScenarioDevice]]:
    """The devices of a step, each in its turn, or side by side if a group takes part."""
    devices = context.select_devices(step.subject)
    return [devices] if any(device.group for device in devices) else [[device] for device in devices]


def _perform_side_by_side(
    context: ScenarioContext, devices: Sequence[ScenarioDevice], step: HandsetStep
) -> None:
    context.run_tasks([(device, _perform_on_device(context, device, step)) for device in devices])


def _perform_on_device(
    context: ScenarioContext, device: ScenarioDevice, step: HandsetStep
) -> Iterator[float]:
    """Screen steps need a lit screen. `set-up` on a device that did not boot does nothing. Raises StepError."""
    did_not_boot = device.handset.power is Power.REFUSED
    dark = isinstance(step, SCREEN_STEPS) and device.handset.display.current is None
    if dark and not (did_not_boot and isinstance(step, device_steps.SetUp)):
        why = "is off" if device.handset.power is Power.OFF else "did not boot"
        raise StepError(f"{device.name} {why}, so its screen cannot be used")
    yield from ALL_DEVICE_ACTIONS[type(step)](context, device, step) or ()


def _cut_power(context: ScenarioContext, step: step_union.CutPower) -> None:
    for devices in _turns(context, step):
        _cut_power_of(context, devices, step)


def _cut_power_of(
    context: ScenarioContext, devices: Sequence[ScenarioDevice], step: step_union.CutPower
) -> None:
    """The step ends when the power of all these devices is off."""
    during = step.during
    context.cutting = tuple(devices)
    for device in devices:
        device.power_cut.set(step.at_effect)
    try:
        if isinstance(during, HandsetStep) and during.subject is None and type(during) in ALL_DEVICE_ACTIONS:
            _perform_side_by_side(context, devices, during)
        else:
            perform(context, during)
    except PowerCut:
        return
    finally:
        uncut = [(device.name, device.power_cut.effects) for device in devices if not device.power_cut.fired]
        for device in devices:
            device.power_cut.set(0)
    name, effects = uncut[0]
    raise StepError(f"{during.verb()} had {effects} effects on {name}, so the {step.at_effect}th never came")


ALL_DEVICE_ACTIONS: Final[dict[type[Step], DeviceAction]] = {**DEVICE_ACTIONS, **SCREEN_ACTIONS}
"""Steps that are done to each handset, in turn or side by side."""


def _wait_for(context: ScenarioContext, step: time_steps.WaitFor) -> None:
    end = context.world.exact() + step.at_most
    devices = context.select_devices(step.subject)
    waiting = {device.name: device.observer.first_current() for device in devices}
    least, _ = step.bounds(len(devices))
    for device in chain(devices, context.run_until(end)):
        device.observer.catch_up()
        if device.name in waiting:
            new = device.observer.seen[waiting[device.name] :]
            waiting[device.name] += len(new)
            if any(observation.matches(step.see) for observation in new):
                del waiting[device.name]
        if len(devices) - len(waiting) >= least:
            return
    checks = {device.name: [_seen(device, step, device.name not in waiting)] for device in devices}
    if step.at_least is not None or any(device.group for device in devices):
        subject = ", ".join(step.subject or context.scenario.handsets)
        raise NotSeenError((tally(subject, step.bounds(len(devices)), checks),))
    raise NotSeenError(tuple(check for name in waiting for check in checks[name]))


def _seen(device: ScenarioDevice, step: time_steps.WaitFor, shown: bool) -> CheckResult:  # noqa: FBT001 - a fact
    """Whether a device showed what was waited for; if not, what it showed at last."""
    wanted = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in json_of(step.see).items()
    }
    if shown:
        return check_result("wait-for", device, wanted, ())
    current = json_of(device.observer.newest(step.see.model_fields_set)) or NOTHING
    mismatch = Mismatch(f"see within {duration_text(step.at_most)}", wanted, current)
    return check_result("wait-for", device, wanted, (mismatch,))


def _wait_until(context: ScenarioContext, step: time_steps.WaitUntil) -> None:
    if step.wait_until < context.world.exact():
        raise StepError("that moment has passed; time does not go back")
    context.advance_to(float(step.wait_until))


def _put_in_force(context: ScenarioContext, step: server_steps.PutInForce) -> None:
    context.operations.put_in_force(step.put_in_force, context.case.folder, step.reason)
    context.announce(f"{step.put_in_force} is in force")


def _start_campaign(context: ScenarioContext, step: server_steps.StartCampaign) -> None:
    context.operations.start_campaign(step.start_campaign, step.reason)
    context.announce(f"the campaign {step.start_campaign} begins")


def _lift_campaign(context: ScenarioContext, step: server_steps.LiftCampaign) -> None:
    context.operations.lift_campaign(step.lift_campaign, step.reason)
    context.announce(f"the campaign {step.lift_campaign} is lifted")


def _restore_backup(context: ScenarioContext, step: server_steps.RestoreBackup) -> None:
    if step.from_ not in context.backups:
        raise StepError(f"no backup is kept as {step.from_!r}; a step `back-up` must come before")
    _restore(context, context.backups[step.from_])


def _restore(context: ScenarioContext, records: bytes | None) -> None:
    """Continue with other records. Their audit log can be shorter, so marks are moved to its end at most."""
    context.operations.restore(records)
    length = len(context.operations.audit())
    for name, mark in context.marks.items():
        context.marks[name] = replace(mark, audit=min(mark.audit, length))


WorldAction = Callable[[ScenarioContext, Any], None]

WORLD_ACTIONS: Final[dict[type[Step], WorldAction]] = {
    time_steps.Wait: lambda context, step: context.advance(step.wait),
    time_steps.WaitUntil: _wait_until,
    time_steps.WaitFor: _wait_for,
    time_steps.Capture: capture,
    step_union.CutPower: _cut_power,
    time_steps.Mark: lambda context, step: context.marks.update({step.mark: context.mark()}),
    server_steps.PutInForce: _put_in_force,
    server_steps.StartCampaign: _start_campaign,
    server_steps.LiftCampaign: _lift_campaign,
    server_steps.RotateKey: lambda context, _: context.operations.rotate_key(),
    server_steps.RevokeKey: lambda context, _: context.operations.revoke_key(),
    server_steps.ReplaceOnlineKeys: lambda context, _: context.operations.replace_online_keys(),
    server_steps.StealKey: lambda context, step: context.steal_key(step),
    server_steps.SetServerClock: lambda context, step: context.set_server_clock(step.set_server_clock),
    server_steps.AcceptClock: lambda context, step: context.operations.accept_clock(step.reason),
    server_steps.RestartServer: lambda context, _: context.operations.restart(),
    server_steps.BackUp: lambda context, step: context.backups.update(
        {step.as_: context.operations.backup()}
    ),
    server_steps.RestoreBackup: _restore_backup,
    server_steps.LoseRecords: lambda context, _: _restore(context, None),
    step_union.FaultStep: lambda context, step: context.start_fault(step),
    step_union.Heal: lambda context, step: context.faults.clear_faults(step.heal),
}
"""Steps that are not done by single handsets one after the other: those of the world, of time and of the server."""

"""Doing the steps that are done to the world or its server: time, marks, policies, keys, records, faults."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from lab.handset.timeline import Who
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.operations import CannotError
from lab.scenario.model import server_steps, step_union, time_steps
from lab.scenario.model.step import Step

WorldAction = Callable[[ScenarioContext, Any], None]


def _wait_for(context: ScenarioContext, step: time_steps.WaitFor) -> None:
    end = context.world.exact() + step.at_most
    waiting = {device.name: _standing(device) for device in context.select_devices(step.subject)}
    if _shown(context, step, waiting):
        return
    for _ in context.run_until(end):
        if _shown(context, step, waiting):
            return
    raise CannotError(f"{', '.join(waiting)} showed nothing of the kind within {step.at_most:g} s")


def _standing(device: ScenarioDevice) -> int:
    """The number of the moment from which on to look: that of the screen that stands."""
    seen = device.observer.seen
    if device.handset.panel.now is None:
        return len(seen)
    screens = (at for at in range(len(seen) - 1, -1, -1) if "screen" in seen[at].facts)
    return next(screens, len(seen))


def _shown(context: ScenarioContext, step: time_steps.WaitFor, waiting: dict[str, int]) -> bool:
    """Whether all have shown it by now. Those that have are taken out of `waiting`; the others go on from here."""
    context.update_observers()
    for name, begun in list(waiting.items()):
        seen = context.devices[name].observer.seen
        waiting[name] = len(seen)
        if any(seen[at].shows(step.see) for at in range(begun, len(seen))):
            del waiting[name]
    return not waiting


def _wait(context: ScenarioContext, step: time_steps.Wait) -> None:
    for _ in context.run_until(context.world.exact() + step.wait):
        pass


def _wait_until(context: ScenarioContext, step: time_steps.WaitUntil) -> None:
    if step.wait_until < context.world.exact():
        raise CannotError("that moment has passed; time does not go back")
    for _ in context.run_until(float(step.wait_until)):
        pass


def _mark(context: ScenarioContext, step: time_steps.Mark) -> None:
    context.marks[step.mark] = context.mark()


def _put_in_force(context: ScenarioContext, step: server_steps.PutInForce) -> None:
    context.operations.put_in_force(step.put_in_force, context.case.folder, step.reason)
    _announce(context, f"{step.put_in_force} is in force")


def _start_campaign(context: ScenarioContext, step: server_steps.StartCampaign) -> None:
    context.operations.start_campaign(step.start_campaign, step.reason)
    _announce(context, f"the campaign {step.start_campaign} begins")


def _lift_campaign(context: ScenarioContext, step: server_steps.LiftCampaign) -> None:
    context.operations.lift_campaign(step.lift_campaign, step.reason)
    _announce(context, f"the campaign {step.lift_campaign} is lifted")


def _announce(context: ScenarioContext, what: str) -> None:
    for device in context.devices.values():
        device.handset.timeline.note(Who.VENDOR, what)


def _back_up(context: ScenarioContext, step: server_steps.BackUp) -> None:
    context.backups[step.as_] = context.operations.backup()


def _restore_backup(context: ScenarioContext, step: server_steps.RestoreBackup) -> None:
    if step.from_ not in context.backups:
        raise CannotError(f"no backup is kept as {step.from_!r}; a step `back-up` must come before")
    _restore(context, context.backups[step.from_])


def _restore(context: ScenarioContext, records: bytes | None) -> None:
    """Go on with other records. Their audit log is another one, so that marks count from its end at most."""
    context.operations.restore(records)
    length = len(context.operations.audit())
    for name, mark in context.marks.items():
        context.marks[name] = replace(mark, audit=min(mark.audit, length))


WORLD_ACTIONS: Final[dict[type[Step], WorldAction]] = {
    time_steps.Wait: _wait,
    time_steps.WaitUntil: _wait_until,
    time_steps.WaitFor: _wait_for,
    time_steps.Mark: _mark,
    server_steps.PutInForce: _put_in_force,
    server_steps.StartCampaign: _start_campaign,
    server_steps.LiftCampaign: _lift_campaign,
    server_steps.RotateKey: lambda context, _: context.operations.rotate_key(),
    server_steps.RevokeKey: lambda context, _: context.operations.revoke_key(),
    server_steps.RestartServer: lambda context, _: context.operations.restart(),
    server_steps.BackUp: _back_up,
    server_steps.RestoreBackup: _restore_backup,
    server_steps.LoseRecords: lambda context, _: _restore(context, None),
    step_union.FaultStep: lambda context, step: context.start_fault(step),
    step_union.Heal: lambda context, step: context.faults.clear_faults(step.heal),
}
"""Steps that are done to the world or its server."""

"""Doing the steps that are done to the world or its server: time, marks, policies, keys, records, faults."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from lab.handset.timeline import Who
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.operations import CannotError
from lab.scenario.model import server_steps, step_union, time_steps
from lab.scenario.model.step import Step

InWorld = Callable[[ScenarioContext, Any], None]


def _wait_for(stage: ScenarioContext, step: time_steps.WaitFor) -> None:
    end = stage.world.exact() + step.at_most
    waiting = {actor.name: _standing(actor) for actor in stage.select_devices(step.subject)}
    if _shown(stage, step, waiting):
        return
    for _ in stage.run_until(end):
        if _shown(stage, step, waiting):
            return
    raise CannotError(f"{', '.join(waiting)} showed nothing of the kind within {step.at_most:g} s")


def _standing(actor: ScenarioDevice) -> int:
    """The number of the moment from which on to look: that of the screen that stands."""
    seen = actor.watch.seen
    if actor.phone.panel.now is None:
        return len(seen)
    screens = (at for at in range(len(seen) - 1, -1, -1) if "screen" in seen[at].facts)
    return next(screens, len(seen))


def _shown(stage: ScenarioContext, step: time_steps.WaitFor, waiting: dict[str, int]) -> bool:
    """Whether all have shown it by now. Those that have are taken out of `waiting`; the others go on from here."""
    stage.update_observers()
    for name, begun in list(waiting.items()):
        seen = stage.actors[name].watch.seen
        waiting[name] = len(seen)
        if any(seen[at].shows(step.see) for at in range(begun, len(seen))):
            del waiting[name]
    return not waiting


def _wait(stage: ScenarioContext, step: time_steps.Wait) -> None:
    for _ in stage.run_until(stage.world.exact() + step.wait):
        pass


def _wait_until(stage: ScenarioContext, step: time_steps.WaitUntil) -> None:
    if step.wait_until < stage.world.exact():
        raise CannotError("that moment has passed; time does not go back")
    for _ in stage.run_until(float(step.wait_until)):
        pass


def _mark(stage: ScenarioContext, step: time_steps.Mark) -> None:
    stage.marks[step.mark] = stage.mark()


def _put_in_force(stage: ScenarioContext, step: server_steps.PutInForce) -> None:
    stage.operations.put_in_force(step.put_in_force, stage.case.folder, step.reason)
    _announce(stage, f"{step.put_in_force} is in force")


def _start_campaign(stage: ScenarioContext, step: server_steps.StartCampaign) -> None:
    stage.operations.start_campaign(step.start_campaign, step.reason)
    _announce(stage, f"the campaign {step.start_campaign} begins")


def _lift_campaign(stage: ScenarioContext, step: server_steps.LiftCampaign) -> None:
    stage.operations.lift_campaign(step.lift_campaign, step.reason)
    _announce(stage, f"the campaign {step.lift_campaign} is lifted")


def _announce(stage: ScenarioContext, what: str) -> None:
    for actor in stage.actors.values():
        actor.phone.timeline.note(Who.VENDOR, what)


def _back_up(stage: ScenarioContext, step: server_steps.BackUp) -> None:
    stage.backups[step.as_] = stage.operations.backup()


def _restore_backup(stage: ScenarioContext, step: server_steps.RestoreBackup) -> None:
    if step.from_ not in stage.backups:
        raise CannotError(f"no backup is kept as {step.from_!r}; a step `back-up` must come before")
    _restore(stage, stage.backups[step.from_])


def _restore(stage: ScenarioContext, records: bytes | None) -> None:
    """Go on with other records. Their audit log is another one, so that marks count from its end at most."""
    stage.operations.restore(records)
    length = len(stage.operations.audit())
    for name, mark in stage.marks.items():
        stage.marks[name] = replace(mark, audit=min(mark.audit, length))


IN_WORLD: Final[dict[type[Step], InWorld]] = {
    time_steps.Wait: _wait,
    time_steps.WaitUntil: _wait_until,
    time_steps.WaitFor: _wait_for,
    time_steps.Mark: _mark,
    server_steps.PutInForce: _put_in_force,
    server_steps.StartCampaign: _start_campaign,
    server_steps.LiftCampaign: _lift_campaign,
    server_steps.RotateKey: lambda stage, _: stage.operations.rotate_key(),
    server_steps.RevokeKey: lambda stage, _: stage.operations.revoke_key(),
    server_steps.RestartServer: lambda stage, _: stage.operations.restart(),
    server_steps.BackUp: _back_up,
    server_steps.RestoreBackup: _restore_backup,
    server_steps.LoseRecords: lambda stage, _: _restore(stage, None),
    step_union.Fault: lambda stage, step: stage.plan.start(step),
    step_union.Heal: lambda stage, step: stage.plan.clear_faults(step.heal),
}
"""Steps that are done to the world or its server."""

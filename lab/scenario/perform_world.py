"""Doing the steps that are done to the world or its server: time, marks, policies, keys, records, faults."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from lab.scenario.model import on_servers, over_time, steps
from lab.scenario.model.step import Step
from lab.scenario.operations import CannotError
from lab.scenario.stage import Actor, Stage
from lab.timeline import Who

InWorld = Callable[[Stage, Any], None]


def _wait_for(stage: Stage, step: over_time.WaitFor) -> None:
    end = stage.world.exact() + step.at_most
    waiting = {actor.name: _standing(actor) for actor in stage.chosen(step.subject)}
    if _shown(stage, step, waiting):
        return
    for _ in stage.live(end):
        if _shown(stage, step, waiting):
            return
    raise CannotError(f"{', '.join(waiting)} showed nothing of the kind within {step.at_most:g} s")


def _standing(actor: Actor) -> int:
    """The number of the moment from which on to look: that of the screen that stands."""
    seen = actor.watch.seen
    if actor.phone.panel.now is None:
        return len(seen)
    screens = (at for at in range(len(seen) - 1, -1, -1) if "screen" in seen[at].facts)
    return next(screens, len(seen))


def _shown(stage: Stage, step: over_time.WaitFor, waiting: dict[str, int]) -> bool:
    """Whether all have shown it by now. Those that have are taken out of `waiting`; the others go on from here."""
    stage.catch_up()
    for name, begun in list(waiting.items()):
        seen = stage.actors[name].watch.seen
        waiting[name] = len(seen)
        if any(seen[at].shows(step.see) for at in range(begun, len(seen))):
            del waiting[name]
    return not waiting


def _wait(stage: Stage, step: over_time.Wait) -> None:
    for _ in stage.live(stage.world.exact() + step.wait):
        pass


def _wait_until(stage: Stage, step: over_time.WaitUntil) -> None:
    if step.wait_until < stage.world.exact():
        raise CannotError("that moment has passed; time does not go back")
    for _ in stage.live(float(step.wait_until)):
        pass


def _mark(stage: Stage, step: over_time.Mark) -> None:
    stage.marks[step.mark] = stage.mark()


def _put_in_force(stage: Stage, step: on_servers.PutInForce) -> None:
    stage.operations.put_in_force(step.put_in_force, stage.case.folder, step.reason)
    _announce(stage, f"{step.put_in_force} is in force")


def _start_campaign(stage: Stage, step: on_servers.StartCampaign) -> None:
    stage.operations.start_campaign(step.start_campaign, step.reason)
    _announce(stage, f"the campaign {step.start_campaign} begins")


def _lift_campaign(stage: Stage, step: on_servers.LiftCampaign) -> None:
    stage.operations.lift_campaign(step.lift_campaign, step.reason)
    _announce(stage, f"the campaign {step.lift_campaign} is lifted")


def _announce(stage: Stage, what: str) -> None:
    for actor in stage.actors.values():
        actor.phone.timeline.note(Who.VENDOR, what)


def _back_up(stage: Stage, step: on_servers.BackUp) -> None:
    stage.backups[step.as_] = stage.operations.backup()


def _restore_backup(stage: Stage, step: on_servers.RestoreBackup) -> None:
    if step.from_ not in stage.backups:
        raise CannotError(f"no backup is kept as {step.from_!r}; a step `back-up` must come before")
    _restore(stage, stage.backups[step.from_])


def _restore(stage: Stage, records: bytes | None) -> None:
    """Go on with other records. Their audit log is another one, so that marks count from its end at most."""
    stage.operations.restore(records)
    length = len(stage.operations.audit())
    for name, mark in stage.marks.items():
        stage.marks[name] = replace(mark, audit=min(mark.audit, length))


IN_WORLD: Final[dict[type[Step], InWorld]] = {
    over_time.Wait: _wait,
    over_time.WaitUntil: _wait_until,
    over_time.WaitFor: _wait_for,
    over_time.Mark: _mark,
    on_servers.PutInForce: _put_in_force,
    on_servers.StartCampaign: _start_campaign,
    on_servers.LiftCampaign: _lift_campaign,
    on_servers.RotateKey: lambda stage, _: stage.operations.rotate_key(),
    on_servers.RevokeKey: lambda stage, _: stage.operations.revoke_key(),
    on_servers.RestartServer: lambda stage, _: stage.operations.restart(),
    on_servers.BackUp: _back_up,
    on_servers.RestoreBackup: _restore_backup,
    on_servers.LoseRecords: lambda stage, _: _restore(stage, None),
    steps.Fault: lambda stage, step: stage.plan.start(step),
    steps.Heal: lambda stage, step: stage.plan.heal(step.heal),
}
"""Steps that are done to the world or its server."""

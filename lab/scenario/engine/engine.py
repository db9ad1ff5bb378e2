"""Running one scenario: from a case to a result. Everything follows from the case and the seed."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

from firmware_profiles.errors import ProfileError
from lab.scenario.engine.actions import perform
from lab.scenario.engine.check_helpers import CheckContext, json_of
from lab.scenario.engine.checks import OF_HANDSET, OF_WORLD
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice, ServerTarget, open_context
from lab.scenario.engine.operations import CannotError
from lab.scenario.engine.result import HandsetResult, Judged, ScenarioResult, SetUpBefore, Status, StepResult
from lab.scenario.files.reader import Case
from lab.scenario.model.expect import Expect
from lab.scenario.model.scenario import HandsetTable
from lab.scenario.model.step import Step
from lab.world.places import UnknownPlaceError, find_place
from server_stub.admin.devices import OperatorError
from server_stub.key_repository import KeyRepositoryError
from server_stub.policy.errors import PolicyError
from server_stub.verdicts.service import ServiceError

SCENARIO_ERRORS: Final = (
    CannotError,
    KeyRepositoryError,
    LookupError,
    OSError,
    OperatorError,
    OverflowError,
    PolicyError,
    ProfileError,
    ServiceError,
    TypeError,
    UnknownPlaceError,
    ValueError,
)
"""What the lab and the server say of a step that makes no sense where it stands."""


def run(case: Case, seed: str, venue: ServerTarget | None = None) -> ScenarioResult:
    """Run a scenario. Everything that goes wrong in it is in the result."""
    venue = venue or ServerTarget()
    try:
        with open_context(case, seed, venue) as stage:
            return _run_steps(case, seed, stage)
    except SCENARIO_ERRORS as error:
        return _setup_failed(case, seed, venue, error)


def _run_steps(case: Case, seed: str, stage: ScenarioContext) -> ScenarioResult:
    steps: list[StepResult] = []
    error, skips = _run_setup(stage)
    if error is None:
        for line, step in case.steps:
            steps.append(_step(stage, line, step))
            if steps[-1].status in (Status.ERROR, Status.SKIPPED):
                break
    stage.update_observers()
    return ScenarioResult(
        id=case.id,
        file=case.file,
        name=case.scenario.name,
        about=case.scenario.about,
        tags=case.scenario.tags,
        parameters=dict(case.labels),
        seed=seed,
        status=Status.SKIPPED if skips else _status(steps, error),
        began=int(stage.began),
        elapsed=stage.now(),
        steps=tuple(steps),
        handsets=tuple(_handset(actor) for actor in stage.actors.values()),
        audit=_audit(stage),
        reproduce=reproduce(case, seed, stage.venue),
        error=error,
    )


def _run_setup(stage: ScenarioContext) -> tuple[str | None, bool]:
    """What went wrong before the first step, and whether it is for this server alone."""
    try:
        _prepare_world(stage)
    except SCENARIO_ERRORS as mishap:
        return f"before the first step: {mishap}", isinstance(mishap, CannotError) and mishap.skips
    return None, False


def _setup_failed(case: Case, seed: str, venue: ServerTarget, error: Exception) -> ScenarioResult:
    return ScenarioResult(
        id=case.id,
        file=case.file,
        name=case.scenario.name,
        about=case.scenario.about,
        tags=case.scenario.tags,
        parameters=dict(case.labels),
        seed=seed,
        status=Status.ERROR,
        began=case.scenario.world.starts,
        elapsed=0.0,
        steps=(),
        handsets=(),
        reproduce=reproduce(case, seed, venue),
        error=f"the world could not be made: {error}",
    )


def reproduce(case: Case, seed: str, venue: ServerTarget) -> str:
    """The command that runs this one scenario again, as a shell takes it."""
    only = ["--only", case.combination] if case.labels else []
    return shlex.join(["activation", "run", case.file, *only, "--seed", seed, *venue.options])


def _prepare_world(stage: ScenarioContext) -> None:
    """Handsets are activated in the order of their dates; then the world is as the story wants it."""
    early = [actor for actor in stage.actors.values() if actor.table.activated]
    if early and stage.venue.url is not None:
        raise CannotError(
            "handsets were activated at a time that a server elsewhere does not know", skips=True
        )
    for actor in sorted(early, key=_activated_at):
        for _ in stage.run_until(float(_activated_at(actor))):
            pass
        actor.phone.power_on()
        stage.update_observers()  # before the language changes
        actor.phone.walk_setup(actor.table.locale)
    if stage.venue.url is None:
        for _ in stage.run_until(float(stage.scenario.world.starts)):
            pass
    stage.started = stage.world.exact()
    world = stage.scenario.world
    chosen = "policy" in world.model_fields_set and stage.venue.url is not None
    if chosen or (early and world.policy_before is not None):
        stage.operations.put_in_force(world.policy, stage.case.folder, "the story begins")
    for actor in stage.actors.values():
        _put_in_place(stage, actor, actor.table)
    for fault in world.faults:
        stage.plan.start(fault)
    stage.update_observers()


def _activated_at(actor: ScenarioDevice) -> int:
    return actor.table.activated.at if actor.table.activated else 0


def _put_in_place(stage: ScenarioContext, actor: ScenarioDevice, table: HandsetTable) -> None:
    place = table.place or stage.scenario.world.place
    if actor.phone.place.name != place:
        actor.phone.carry(find_place(place))
    if stage.scenario.world.network == "down":
        actor.phone.network_down()


def _step(stage: ScenarioContext, line: int, step: Step) -> StepResult:
    began, status = stage.now(), Status.PASSED
    judged: tuple[Judged, ...] = ()
    error: str | None = None
    try:
        if isinstance(step, Expect):
            stage.update_observers()
            judged = tuple(judge(stage, step))
            status = Status.PASSED if all(each.holds for each in judged) else Status.FAILED
        else:
            perform(stage, step)
            stage.update_observers()
    except CannotError as mishap:
        error, status = str(mishap), Status.SKIPPED if mishap.skips else Status.ERROR
    except SCENARIO_ERRORS as mishap:
        error, status = f"{mishap}", Status.ERROR
    return StepResult(line, step_text(step), step.note, began, stage.now(), status, judged, error)


def judge(stage: ScenarioContext, step: Expect) -> Iterator[Judged]:
    """Every member of an expectation, for each of its handsets."""
    for name in type(step).model_fields:
        wanted = getattr(step, name)
        if wanted is None:
            continue
        if name in OF_HANDSET:
            for actor in stage.select_devices(step.subject):
                since = stage.marked(step.since).entries[actor.name] if step.since else 0
                found = tuple(OF_HANDSET[name](CheckContext(stage, actor, since), wanted))
                yield Judged(
                    kind=name.replace("_", "-"),
                    handset=actor.name,
                    expected=json_of(wanted),
                    mismatches=found,
                    entries=len(actor.phone.timeline.entries),
                    screen=len(actor.watch.shots) - 1 if actor.watch.shots else None,
                )
        elif name in OF_WORLD:
            yield Judged(name, None, json_of(wanted), tuple(OF_WORLD[name](stage, step)))


def step_text(step: Step) -> str:
    """A step in a line, as a file would have it.

    >>> from lab.scenario.model.time_steps import Mark
    >>> step_text(Mark.model_validate({"mark": "sold"}))
    'mark: sold'
    """
    written: dict[str, Any] = step.model_dump(mode="json", by_alias=True, exclude_unset=True)
    verb = step.verb()
    rest = {name: value for name, value in written.items() if name not in (verb, "when", "note")}
    text = f"{verb}: {_short(written.get(verb))}" if written.get(verb) is not None else verb
    return "; ".join([text, *(f"{name}: {_short(value)}" for name, value in rest.items())])


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_short(part) for part in value) or "none"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_short(part)}" for name, part in value.items()) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _status(steps: Sequence[StepResult], error: str | None) -> Status:
    found = {step.status for step in steps}
    if error is not None or Status.ERROR in found:
        return Status.ERROR
    return next((status for status in (Status.FAILED, Status.SKIPPED) if status in found), Status.PASSED)


def _handset(actor: ScenarioDevice) -> HandsetResult:
    phone, before = actor.phone, actor.table.activated
    return HandsetResult(
        name=actor.name,
        profile=phone.profile.name,
        place=phone.place.name,
        outcome=phone.outcome().value,
        timeline=tuple(entry.as_json() for entry in phone.timeline.entries),
        screens=tuple(actor.watch.shots),
        activated=SetUpBefore(before.place, before.at) if before else None,
        profiles=tuple(phone.profiles),
        places=phone.places,
    )


def _audit(stage: ScenarioContext) -> tuple[dict[str, Any], ...]:
    try:
        return tuple(stage.operations.audit())
    except CannotError:
        return ()

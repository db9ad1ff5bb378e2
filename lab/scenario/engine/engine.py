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


def run(case: Case, seed: str, target: ServerTarget | None = None) -> ScenarioResult:
    """Run a scenario. Everything that goes wrong in it is in the result."""
    target = target or ServerTarget()
    try:
        with open_context(case, seed, target) as context:
            return _run_steps(case, seed, context)
    except SCENARIO_ERRORS as error:
        return _setup_failed(case, seed, target, error)


def _run_steps(case: Case, seed: str, context: ScenarioContext) -> ScenarioResult:
    steps: list[StepResult] = []
    error, skips = _run_setup(context)
    if error is None:
        for line, step in case.steps:
            steps.append(_step(context, line, step))
            if steps[-1].status in (Status.ERROR, Status.SKIPPED):
                break
    context.update_observers()
    return ScenarioResult(
        id=case.id,
        file=case.file,
        name=case.scenario.name,
        about=case.scenario.about,
        tags=case.scenario.tags,
        parameters=dict(case.labels),
        seed=seed,
        status=Status.SKIPPED if skips else _status(steps, error),
        began=int(context.began),
        elapsed=context.now(),
        steps=tuple(steps),
        handsets=tuple(_handset(device) for device in context.devices.values()),
        audit=_audit(context),
        reproduce=reproduce(case, seed, context.target),
        error=error,
    )


def _run_setup(context: ScenarioContext) -> tuple[str | None, bool]:
    """What went wrong before the first step, and whether it is for this server alone."""
    try:
        _prepare_world(context)
    except SCENARIO_ERRORS as mishap:
        return f"before the first step: {mishap}", isinstance(mishap, CannotError) and mishap.skips
    return None, False


def _setup_failed(case: Case, seed: str, target: ServerTarget, error: Exception) -> ScenarioResult:
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
        reproduce=reproduce(case, seed, target),
        error=f"the world could not be made: {error}",
    )


def reproduce(case: Case, seed: str, target: ServerTarget) -> str:
    """The command that runs this one scenario again, as a shell takes it."""
    only = ["--only", case.combination] if case.labels else []
    return shlex.join(["activation", "run", case.file, *only, "--seed", seed, *target.options])


def _prepare_world(context: ScenarioContext) -> None:
    """Handsets are activated in the order of their dates; then the world is as the story wants it."""
    early = [device for device in context.devices.values() if device.table.activated]
    if early and context.target.url is not None:
        raise CannotError(
            "handsets were activated at a time that a server elsewhere does not know", skips=True
        )
    for device in sorted(early, key=_activated_at):
        for _ in context.run_until(float(_activated_at(device))):
            pass
        device.handset.power_on()
        context.update_observers()  # before the language changes
        device.handset.walk_setup(device.table.locale)
    if context.target.url is None:
        for _ in context.run_until(float(context.scenario.world.starts)):
            pass
    context.started = context.world.exact()
    world = context.scenario.world
    chosen = "policy" in world.model_fields_set and context.target.url is not None
    if chosen or (early and world.policy_before is not None):
        context.operations.put_in_force(world.policy, context.case.folder, "the story begins")
    for device in context.devices.values():
        _put_in_place(context, device, device.table)
    for fault in world.faults:
        context.start_fault(fault)
    context.update_observers()


def _activated_at(device: ScenarioDevice) -> int:
    return device.table.activated.at if device.table.activated else 0


def _put_in_place(context: ScenarioContext, device: ScenarioDevice, table: HandsetTable) -> None:
    place = table.place or context.scenario.world.place
    if device.handset.place.name != place:
        device.handset.carry(find_place(place))
    if context.scenario.world.network == "down":
        device.handset.network_down()


def _step(context: ScenarioContext, line: int, step: Step) -> StepResult:
    began, status = context.now(), Status.PASSED
    judged: tuple[Judged, ...] = ()
    error: str | None = None
    try:
        if isinstance(step, Expect):
            context.update_observers()
            judged = tuple(judge(context, step))
            status = Status.PASSED if all(each.holds for each in judged) else Status.FAILED
        else:
            perform(context, step)
            context.update_observers()
    except CannotError as mishap:
        error, status = str(mishap), Status.SKIPPED if mishap.skips else Status.ERROR
    except SCENARIO_ERRORS as mishap:
        error, status = f"{mishap}", Status.ERROR
    return StepResult(line, step_text(step), step.note, began, context.now(), status, judged, error)


def judge(context: ScenarioContext, step: Expect) -> Iterator[Judged]:
    """Every member of an expectation, for each of its handsets."""
    for name in type(step).model_fields:
        wanted = getattr(step, name)
        if wanted is None:
            continue
        if name in OF_HANDSET:
            for device in context.select_devices(step.subject):
                since = context.marked(step.since).entries[device.name] if step.since else 0
                found = tuple(OF_HANDSET[name](CheckContext(context, device, since), wanted))
                yield Judged(
                    kind=name.replace("_", "-"),
                    handset=device.name,
                    expected=json_of(wanted),
                    mismatches=found,
                    entries=len(device.handset.timeline.entries),
                    screen=len(device.observer.shots) - 1 if device.observer.shots else None,
                )
        elif name in OF_WORLD:
            yield Judged(name, None, json_of(wanted), tuple(OF_WORLD[name](context, step)))


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


def _handset(device: ScenarioDevice) -> HandsetResult:
    phone, before = device.handset, device.table.activated
    return HandsetResult(
        name=device.name,
        profile=phone.profile.name,
        place=phone.place.name,
        outcome=phone.outcome().value,
        timeline=tuple(entry.as_json() for entry in phone.timeline.entries),
        screens=tuple(device.observer.shots),
        activated=SetUpBefore(before.place, before.at) if before else None,
        profiles=tuple(phone.profiles),
        places=phone.places,
    )


def _audit(context: ScenarioContext) -> tuple[dict[str, Any], ...]:
    try:
        return tuple(context.operations.audit())
    except CannotError:
        return ()

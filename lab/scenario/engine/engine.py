"""Runs one scenario: from a case to a result. Everything follows from the case and the seed."""

import shlex
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from lab.scenario.engine.actions import perform
from lab.scenario.engine.checks import HANDSET_CHECKS, WORLD_CHECKS, CheckContext, check_result, json_of
from lab.scenario.engine.context import (
    OutputOptions,
    ScenarioContext,
    ScenarioDevice,
    ServerTarget,
)
from lab.scenario.engine.handset_results import group_results, handset_results
from lab.scenario.engine.opening import open_context
from lab.scenario.engine.operations import NotSeenError, StepError
from lab.scenario.engine.outcome import judged
from lab.scenario.engine.remote_operations import AdminOperations
from lab.scenario.engine.result import (
    CheckResult,
    ScenarioResult,
    Status,
    StepResult,
)
from lab.scenario.engine.screen_actions import golden_mismatches
from lab.scenario.engine.tally import tally
from lab.scenario.files.parts import resolve_step
from lab.scenario.files.reader import Case
from lab.scenario.model.expect import Expect
from lab.scenario.model.named_files import FileScope
from lab.scenario.model.screen_steps import Golden
from lab.scenario.model.step import HandsetStep, Step
from lab.world.euicc import EuiccError
from lab.world.operators import UnknownOperatorError
from server_stub.admin.devices import OperatorError
from server_stub.admin.policies import PolicyAdminError
from server_stub.key_repository import KeyRepositoryError
from server_stub.verdicts.service import ServiceError
from text_input.documents import DocumentError
from wire.unlock import ChallengeError

SCENARIO_ERRORS: Final = (
    ChallengeError,
    DocumentError,
    EuiccError,
    KeyRepositoryError,
    OperatorError,
    PolicyAdminError,
    ServiceError,
    StepError,
    UnknownOperatorError,
)
"""What the lab and the server raise on purpose for a step that cannot be done. Any other exception is a defect."""


def run(
    case: Case,
    seed: str,
    target: ServerTarget | None = None,
    output: OutputOptions | None = None,
    *,
    details: bool = False,
) -> ScenarioResult:
    """Run a scenario. `SCENARIO_ERRORS` are in the result; any other exception propagates.

    Sealed records are unsealed if the scenario did not pass, or with `details`.
    """
    target = target or ServerTarget()
    if case.skip is not None:
        return replace(empty_result(case, seed, target), status=Status.SKIPPED, because=case.skip)
    try:
        with open_context(case, seed, target, output) as context:
            return judged(case, _run_steps(context, empty_result(case, seed, target), details=details))
    except SCENARIO_ERRORS as error:
        return replace(empty_result(case, seed, target), error=f"the world could not be made: {error}")


def empty_result(case: Case, seed: str, target: ServerTarget) -> ScenarioResult:
    """The result of a scenario of which no step was done, with the status `error`."""
    scenario = case.scenario
    only = ["--only", case.combination] if case.labels else []
    return ScenarioResult(
        id=case.id,
        file=case.file,
        name=scenario.name,
        about=scenario.about,
        tags=scenario.tags,
        parameters=dict(case.labels),
        seed=seed,
        status=Status.ERROR,
        began=scenario.world.starts,
        elapsed=0.0,
        steps=(),
        handsets=(),
        reproduce=shlex.join(["activation", "run", case.file, *only, "--seed", seed, *target.options]),
    )


def _run_steps(context: ScenarioContext, result: ScenarioResult, *, details: bool) -> ScenarioResult:
    steps: list[StepResult] = []
    error: str | None = None
    status = Status.PASSED
    try:
        prepare_world(context)
    except SCENARIO_ERRORS as cause:
        error, status = f"before the first step: {cause}", status_of(cause)
    else:
        for number, (line, step) in enumerate(context.case.steps):
            done = run_step(context, line, step, context.case.open_steps.get(number))
            steps.append(replace(done, file=context.case.included.get(number, "")))
            not_seen = any(check.kind == "wait-for" for check in done.judged)
            if not_seen or done.status in (Status.ERROR, Status.SKIPPED):
                break  # the next steps rely on this one
        found = {step.status for step in steps}
        worst_first = (Status.ERROR, Status.FAILED, Status.SKIPPED)
        status = next((each for each in worst_first if each in found), Status.PASSED)
    context.update_observers()
    handsets = handset_results(context, steps, unsealed=details or status is not Status.PASSED)
    return replace(
        result,
        status=status,
        began=int(context.began),
        elapsed=context.now(),
        steps=tuple(steps),
        handsets=handsets,
        groups=group_results(handsets),
        audit=context.audit(),
        error=error,
        written=tuple(context.written),
    )


def status_of(error: Exception) -> Status:
    """The status of what raised one of `SCENARIO_ERRORS`."""
    return Status.SKIPPED if isinstance(error, StepError) and error.skips else Status.ERROR


def prepare_world(context: ScenarioContext) -> None:
    """Activate handsets in the order of their dates, then start policy and faults. Raises `SCENARIO_ERRORS`."""
    scenario, world = context.scenario, context.scenario.world
    activated = any(table.activated for table in scenario.handsets.values())
    if context.session is not None:
        _check_algorithm(context)
        first = world.policy_before if activated and world.policy_before else world.policy
        context.operations.put_in_force(first, context.case.folder, "the scenario starts")
    if activated and context.clock_is_remote:
        raise StepError(
            "this scenario has devices with an earlier activation, which a remote server does not know",
            skips=True,
        )
    _activate_before(context)
    if not context.clock_is_remote:
        context.advance_to(float(world.starts))
    context.started = context.world.exact()
    if activated and world.policy_before is not None:
        context.operations.put_in_force(world.policy, context.case.folder, "the story begins")
    for device in context.devices.values():
        place = context.place(device.table.place or scenario.world.place)
        if device.handset.place != place:
            device.handset.carry(place)
        if world.network == "down":
            device.handset.network_down()
    for fault in world.faults:
        context.start_fault(fault)
    context.update_observers()


def _activate_before(context: ScenarioContext) -> None:
    """Set up the handsets that were activated before the first step, the members of a group side by side."""
    tables = context.scenario.handsets
    activated = [(table.activated.at, name) for name, table in tables.items() if table.activated]
    for at, name in sorted(activated, key=lambda pair: pair[0]):
        context.advance_to(float(at))
        devices = context.select_devices((name,))
        for device in devices:
            device.handset.power_on()
        context.update_observers()  # before the language changes
        context.run_tasks([(device, device.set_up()) for device in devices])


def _check_algorithm(context: ScenarioContext) -> None:
    server, operations = context.scenario.world.server, context.operations
    if "algorithm" in server.model_fields_set and isinstance(operations, AdminOperations):
        found = operations.algorithm()
        if found != server.algorithm:
            raise StepError(f"the remote server signs with {found}, not with {server.algorithm}", skips=True)


def run_step(context: ScenarioContext, line: int, step: Step, written: Any = None) -> StepResult:
    """Do a step, or check an expectation. `written` is the step with references to captured values."""
    began, status = context.now(), Status.PASSED
    checks: tuple[CheckResult, ...] = ()
    error: str | None = None
    try:
        if written is not None:
            step, written = _resolved(context, written), None
        if isinstance(step, Golden):
            checks = tuple(_compare(context, step))
        elif isinstance(step, Expect):
            context.update_observers()
            checks = tuple(_check(context, step))
        else:
            perform(context, step)
            context.update_observers()
        status = Status.PASSED if all(each.holds for each in checks) else Status.FAILED
    except NotSeenError as cause:
        checks, status = cause.checks, Status.FAILED
    except SCENARIO_ERRORS as cause:
        error, status = str(cause), status_of(cause)
    entries = tuple(len(device.handset.timeline.entries) for device in context.devices.values())
    text = step_text(step) if written is None else _value_text(written)[1:-1]
    return StepResult(line, text, step.note, began, context.now(), status, checks, error, entries)


def _resolved(context: ScenarioContext, written: Any) -> Step:
    """The step with captured values. Raises StepError."""
    try:
        return resolve_step(written, context.captured, FileScope(context.case.folder, context.case.root))
    except ValueError as error:
        raise StepError(str(error)) from None


def _check(context: ScenarioContext, step: Expect) -> Iterator[CheckResult]:
    """Every member of an expectation: of each single handset, and together of those that are counted."""
    alone, counted = _counted(context, step, together=step.quantified)
    for name in type(step).model_fields:
        if getattr(step, name) is None:
            continue
        if name in HANDSET_CHECKS:
            yield from (_check_device(context, step, name, device) for device in alone)
        elif name in WORLD_CHECKS:
            wanted = json_of(getattr(step, name))
            yield CheckResult(name, None, wanted, tuple(WORLD_CHECKS[name](context, step)))
    names = [name for name in HANDSET_CHECKS if getattr(step, name) is not None]
    for subject, devices in counted.items() if names else ():
        checks = {
            device.name: [_check_device(context, step, name, device) for name in names] for device in devices
        }
        yield tally(subject, step.bounds(len(devices)), checks)


def _counted(
    context: ScenarioContext, step: HandsetStep, *, together: bool = False
) -> tuple[list[ScenarioDevice], dict[str, list[ScenarioDevice]]]:
    """The single handsets of a step, and its groups by their names; with `together`, all devices as one group."""
    alone: list[ScenarioDevice] = []
    counted: dict[str, list[ScenarioDevice]] = {}
    selected = context.scenario.devices.selected(step.subject)
    for name, members in selected.items():
        devices = [context.devices[member] for member in members]
        if together:
            counted.setdefault(", ".join(selected), []).extend(devices)
        elif len(devices) > 1:
            counted[name] = devices
        else:
            alone += devices
    return alone, counted


def _check_device(context: ScenarioContext, step: Expect, name: str, device: ScenarioDevice) -> CheckResult:
    since = context.marked(step.since).entries[device.name] if step.since else 0
    wanted = getattr(step, name)
    mismatches = HANDSET_CHECKS[name](CheckContext(context, device, since), wanted)
    return check_result(name.replace("_", "-"), device, json_of(wanted), mismatches)


def _compare(context: ScenarioContext, step: Golden) -> Iterator[CheckResult]:
    """The screen of each handset, compared with a file."""

    def check(device: ScenarioDevice) -> CheckResult:
        return check_result("golden", device, step.golden, golden_mismatches(context, device, step))

    alone, counted = _counted(context, step)
    yield from map(check, alone)
    for subject, devices in counted.items():
        every = Fraction(len(devices))
        yield tally(subject, (every, every), {device.name: [check(device)] for device in devices})


def step_text(step: Step) -> str:
    """A step in a line, as a file would have it.

    >>> from lab.scenario.model.time_steps import Mark
    >>> step_text(Mark.model_validate({"mark": "sold"}))
    'mark: sold'
    """
    written: dict[str, Any] = step.model_dump(mode="json", by_alias=True, exclude_unset=True)
    verb = step.verb()
    rest = {name: value for name, value in written.items() if name not in (verb, "when", "note")}
    text = f"{verb}: {_value_text(written.get(verb))}" if written.get(verb) is not None else verb
    return "; ".join([text, *(f"{name}: {_value_text(value)}" for name, value in rest.items())])


def _value_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value_text(part) for part in value) or "none"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_value_text(part)}" for name, part in value.items()) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)

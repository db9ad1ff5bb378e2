"""Does the steps on the current screen: press a button, take a picture, compare its data with a file."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any, Final

from agent.core.events import EventKind, LanguageChosen
from agent.core.screens import Action, ScreenId
from agent.screens import Screen, build, screen_json
from agent.screens.fill import isolated
from agent.screens.names import moment
from lab.handset.display import Shown
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.device_actions import DEVICE_ACTIONS, DeviceAction
from lab.scenario.engine.files_below import read_below, write_below
from lab.scenario.engine.operations import StepError
from lab.scenario.engine.result import Mismatch
from lab.scenario.files.reader import Case
from lab.scenario.model import device_steps
from lab.scenario.model.screen_steps import Golden, Press, ScreenshotStep
from lab.scenario.model.step import Step
from text_input.printable import json_text

ABSENT: Final = "absent"
_GOLDEN_MAX: Final = 1_000_000
"""Bytes of a file; a screen has a few thousand."""
_NAME_MAX: Final = 200
"""Bytes of a name of a folder."""


def _press(context: ScenarioContext, device: ScenarioDevice, step: Press) -> None:
    """Press a button of the current screen. Raises StepError if it has no such button."""
    screen, _ = _current(device)
    buttons = [action for action, _ in screen.actions]
    if step.press not in buttons:
        raise StepError(
            f"the screen {screen.id} of {device.name} has no button {step.press}; it has {', '.join(buttons)}"
        )
    BUTTONS[step.press](context, device, step)


def _continue(context: ScenarioContext, device: ScenarioDevice, step: Press) -> None:
    """Choose the language, go on with the network that is there, or put the screen away."""
    handset, screen = device.handset, _current(device)[0].id
    if screen is ScreenId.LANGUAGE:
        language = step.language or device.table.locale
        handset.act(LanguageChosen(handset.offered(device.offered(language) if language else None)))
    elif step.language:
        raise StepError(f"the button continue of the screen {screen} chooses no language")
    elif screen is not ScreenId.CONNECT:
        DEVICE_ACTIONS[device_steps.Continue](context, device, step)
    elif handset.network.data_path:
        handset.deliver_event(EventKind.CONNECTED)


BUTTONS: Final[dict[Action, DeviceAction]] = {
    Action.LANGUAGE: DEVICE_ACTIONS[device_steps.ChooseLanguage],
    Action.ACCEPT_TERMS: DEVICE_ACTIONS[device_steps.AcceptTerms],
    Action.DECLINE_TERMS: DEVICE_ACTIONS[device_steps.DeclineTerms],
    Action.RETRY: DEVICE_ACTIONS[device_steps.Retry],
    Action.SHOW_IMEI: DEVICE_ACTIONS[device_steps.ShowImeiStep],
    Action.ENTER_CODE: DEVICE_ACTIONS[device_steps.EnterCode],
    Action.CONTINUE: _continue,
    Action.WIFI_SETTINGS: lambda _, device, __: device.handset.open_wifi_settings(),
    Action.EMERGENCY_CALL: lambda _, device, __: device.handset.call_emergency(),
}
"""What each button does."""


def _take_screenshot(context: ScenarioContext, device: ScenarioDevice, step: ScreenshotStep) -> None:
    """Write the screen as a PNG. Raises StepError."""
    from lab.reports.screen_picture import to_png  # noqa: PLC0415 - Pillow and fonts, which few scenarios need

    several = len(context.select_devices(step.subject)) > 1
    parts = (*_case_folders(context.case), *([device.name] if several else []), step.screenshot)
    write_below(context.output.screenshots, "/".join(parts), to_png(_current(device)[0]))
    context.written.append((step.verb(), context.output.screenshots.joinpath(*parts)))


def _case_folders(case: Case) -> tuple[str, ...]:
    """The folders of a scenario's pictures: that of its file below the root of the run, and its id."""
    folder, root = case.folder.resolve(), case.root.resolve()
    below = folder.relative_to(root).parts if folder.is_relative_to(root) else ()
    digest = hashlib.sha256(case.id.encode()).hexdigest()[:16]
    fits = case.id.strip(".") and len(case.id.encode()) <= _NAME_MAX
    return (*below, case.id if fits else f"{case.id[:40].strip('.')}-{digest}")


def golden_mismatches(context: ScenarioContext, device: ScenarioDevice, step: Golden) -> Iterator[Mismatch]:
    """The differences between the current screen and the file; none if the file is updated. Raises StepError."""
    case = context.case
    root, file = case.root.resolve(), os.path.normpath(case.folder.resolve() / step.golden)
    path = os.path.relpath(file, root)  # below the root, as the reader of the file checks
    actual, content = _golden_data(context, device), read_below(root, path, _GOLDEN_MAX)
    if context.output.update_golden:
        document = f"{json_text(actual, indent=2)}\n".encode()
        if content != document:
            write_below(root, path, document)
            context.written.append((step.verb(), context.case.folder / step.golden))
        return
    if content is None:
        raise StepError(f"there is no file {step.golden}; run with --update-golden to write it")
    try:
        expected = json.loads(content)
    except (ValueError, RecursionError):
        expected = None
    if not isinstance(expected, dict):
        raise StepError(f"{step.golden} is not a JSON object; run with --update-golden to write it again")
    for member in dict.fromkeys((*expected, *actual)):
        yield from _differences(f"golden.{member}", expected.get(member, ABSENT), actual.get(member, ABSENT))


def _differences(member: str, expected: Any, actual: Any) -> Iterator[Mismatch]:
    """A mismatch for each value that differs; lists are compared one by one."""
    if isinstance(expected, list) and isinstance(actual, list):
        for at, (wanted, found) in enumerate(zip_longest(expected, actual, fillvalue=ABSENT)):
            yield from _differences(f"{member}[{at + 1}]", wanted, found)
    elif expected != actual or isinstance(expected, bool) != isinstance(actual, bool):
        yield Mismatch(member, expected, actual)


def _golden_data(context: ScenarioContext, device: ScenarioDevice) -> dict[str, Any]:
    """The data of the current screen, with placeholders for what follows from the seed and the present moment."""
    screen, shown = _current(device)
    locale, facts = device.handset.locale, shown.facts
    if facts.lock_at is not None and context.clock_is_remote:
        raise StepError("the date of the lock depends on the clock of a remote server", skips=True)
    masked = replace(
        facts,
        case="{case}" if facts.case else "",
        challenge="{challenge}" if facts.challenge else "",
        imeis=("{imei}",) * len(facts.imeis),
    )
    data = screen_json(build(screen.id, masked, locale))
    for name in ("date", "retry_at"):
        if (time := getattr(facts, name)) is not None:
            text = moment(time, locale)
            data["body"] = [each.replace(text, isolated(f"{{{name}}}")) for each in data["body"]]
    return data


def _current(device: ScenarioDevice) -> tuple[Screen, Shown]:
    """The current screen as data and as it was shown. Raises StepError if the screen is dark."""
    screen, shown = device.handset.screen(), device.handset.display.current
    if screen is None or shown is None:
        raise StepError(f"the screen of {device.name} is dark")
    return screen, shown


SCREEN_ACTIONS: Final[dict[type[Step], DeviceAction]] = {
    Press: _press,
    ScreenshotStep: _take_screenshot,
}
"""By the type of the step."""

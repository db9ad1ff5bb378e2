"""Checks of a scenario before it is run, of what the run would find: policies and their campaigns, languages that an
image does not offer, and times that have passed.
"""

from collections.abc import Mapping
from typing import Any

from firmware_profiles.loader import find
from lab.handset.handset import offers
from lab.scenario.files.errors import FileErrorCode
from lab.scenario.files.yaml_positions import Path, Tree
from lab.scenario.model.device_steps import ChooseLanguage, Flash, SetUp
from lab.scenario.model.faults import WireFault
from lab.scenario.model.field_types import moment_text
from lab.scenario.model.named_files import FileScope, policy_named
from lab.scenario.model.scenario import HandsetTable, WorldTable
from lab.scenario.model.screen_steps import Press
from lab.scenario.model.server_steps import LiftCampaign, PutInForce, StartCampaign
from lab.scenario.model.step import Step
from lab.scenario.model.step_union import CutPower, FaultStep
from lab.scenario.model.time_steps import Wait, WaitUntil
from text_input.suggestions import suggestion


class BeforeRun:
    """Follows the steps of one scenario. Errors are added to its tree.

    `now` is the earliest time of the next step: steps on screens and `wait-for` can take longer.
    """

    def __init__(
        self, tree: Tree, scope: FileScope, handsets: Mapping[str, HandsetTable | None], world: WorldTable
    ) -> None:
        """Check the world and the handsets."""
        self._tree, self._scope = tree, scope
        self._profiles = {name: table.profile for name, table in handsets.items() if table}
        self._now = float(world.starts)
        self._policy: Any = None
        if world.policy_before is not None:
            self._adopt(("world", "policy-before"), world.policy_before)
        self._adopt(("world", "policy"), world.policy)
        for name, table in handsets.items():
            if table and table.locale is not None:
                self._check_language(("handsets", name, "locale"), name, table.locale)
        for at, fault in enumerate(world.faults):
            self._check_fault(("world", "faults", at), fault)

    def step(self, path: Path, step: Step) -> None:
        """Check a step, and let its time pass."""
        if isinstance(step, CutPower):
            self.step((*path, "during"), step.during)
            return
        if isinstance(step, PutInForce):
            self._adopt((*path, "put-in-force"), step.put_in_force)
        elif isinstance(step, StartCampaign | LiftCampaign):
            self._check_campaign((*path, step.verb()), getattr(step, step.verb_field()))
        elif isinstance(step, Flash):
            self._profiles |= dict.fromkeys(step.subject or self._profiles, step.profile)
        elif isinstance(step, SetUp | ChooseLanguage | Press):
            for name in (step.subject or self._profiles) if step.language else ():
                self._check_language((*path, "language"), name, step.language or "")
        elif isinstance(step, FaultStep):
            self._check_fault(path, step)
        elif isinstance(step, Wait):
            self._now += step.wait
        elif isinstance(step, WaitUntil):
            self._check_time((*path, "wait-until"), step.wait_until)
            self._now = max(self._now, float(step.wait_until))

    def _adopt(self, path: Path, name: str) -> None:
        try:
            self._policy = self._scope.load(policy_named, name)
        except ValueError as error:
            self._policy = None
            self._tree.add_error(path, str(error), FileErrorCode.UNKNOWN_NAME)

    def _check_campaign(self, path: Path, name: str) -> None:
        if self._policy is not None and name not in self._policy.periods:
            known = list(self._policy.periods)
            hint = suggestion(name, known) if known else "it has no campaign"
            message = f"the policy in force has no campaign {name!r}; {hint}"
            self._tree.add_error(path, message, FileErrorCode.UNKNOWN_NAME)

    def _check_language(self, path: Path, name: str, language: str) -> None:
        if name not in self._profiles:
            return
        profile = self._scope.load(find, self._profiles[name])
        if not offers(profile, language):
            languages = ", ".join(profile.image.languages)
            self._tree.add_error(path, f"{profile.name} does not offer {language!r}; it offers {languages}")

    def _check_fault(self, path: Path, fault: WireFault) -> None:
        for member, moment in (("from", fault.from_), ("until", fault.until)):
            if moment is not None:
                self._check_time((*path, member), moment)

    def _check_time(self, path: Path, moment: int) -> None:
        if moment < self._now:
            message = (
                f"{moment_text(moment)} has passed: it is {moment_text(int(self._now))} or later at this step"
            )
            self._tree.add_error(path, f"{message}; write a later time")

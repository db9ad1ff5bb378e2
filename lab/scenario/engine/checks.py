"""Holding what was observed against what is expected: one function for each member of an `expect` step."""

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

from agent.core.states import State
from agent.screens import Screen
from lab.scenario.engine.check_helpers import NOTHING, CheckContext, among, at_path, equal, json_of, within
from lab.scenario.engine.context import ScenarioContext
from lab.scenario.engine.history_checks import always, never, requests, timeline, was_locked
from lab.scenario.engine.result import Mismatch
from lab.scenario.model.expect import Expect
from lab.scenario.model.expectations import (
    EvidenceExpected,
    RecordExpected,
    ScreenExpected,
    StateExpected,
    VerdictExpected,
)


def outcome(check: CheckContext, wanted: tuple[Any, ...]) -> Iterator[Mismatch]:
    """How it ended."""
    yield from among("outcome", wanted, check.device.handset.outcome())


def usable(check: CheckContext, wanted: bool) -> Iterator[Mismatch]:  # noqa: FBT001 - as the file has it
    """Whether the user is at home."""
    yield from equal("usable", wanted, check.device.handset.usable)


def screen(check: CheckContext, wanted: ScreenExpected) -> Iterator[Mismatch]:
    """The screen that stands."""
    shown, now = check.device.observer.screen(), check.device.handset.panel.now
    if shown is None or now is None:
        yield Mismatch("screen", json_of(wanted), NOTHING)
        return
    yield from among("screen.id", wanted.id, shown.id)
    yield from among("screen.trouble", wanted.trouble, now.facts.trouble or "none")
    for member in ("title", "direction", "locale", "symbol", "dark"):
        yield from equal(f"screen.{member}", getattr(wanted, member), getattr(shown, member))
    yield from equal("screen.shows-challenge", wanted.shows_challenge, bool(now.facts.challenge))
    yield from equal("screen.shows-imei", wanted.shows_imei, bool(now.facts.imeis))
    yield from _texts(wanted, shown)
    yield from _actions(wanted, shown)


def _texts(wanted: ScreenExpected, shown: Screen) -> Iterator[Mismatch]:
    said = "\n".join((shown.title, *shown.body))
    for text in wanted.text or ():
        if text not in said:
            yield Mismatch("screen.text", text, said)
    for text in wanted.without_text or ():
        if text in said:
            yield Mismatch("screen.without-text", text, said)


def _actions(wanted: ScreenExpected, shown: Screen) -> Iterator[Mismatch]:
    offered = [action for action, _ in shown.actions]
    if wanted.actions is not None and sorted(wanted.actions) != sorted(offered):
        yield Mismatch("screen.actions", json_of(wanted.actions), json_of(offered))
    for action in wanted.offers or ():
        if action not in offered:
            yield Mismatch("screen.offers", json_of(action), json_of(offered))


def state(check: CheckContext, wanted: StateExpected) -> Iterator[Mismatch]:
    """Where the machines of the agent stand."""
    agent = check.device.handset.agent
    if agent is None:
        yield Mismatch("state", json_of(wanted), NOTHING)
        return
    found = agent.state
    for member in ("setup", "exchange", "lock", "attention", "trouble"):
        yield from among(f"state.{member}", getattr(wanted, member), getattr(found, member) or "none")
    yield from equal("state.locale", wanted.locale, found.memory.locale)
    yield from equal("state.terms", wanted.terms, found.memory.terms_version)
    yield from equal("state.policy-version", wanted.policy_version, found.memory.policy_version)
    yield from within("state.serial", wanted.serial, found.memory.serial)
    yield from within("state.trusted-time", wanted.trusted_time, _behind(check, found))


def _behind(check: CheckContext, found: State) -> float:
    """How far trusted time is behind the truth, in seconds."""
    anchor = found.memory.time
    return (
        check.context.world.now() - anchor.epoch - int(check.device.handset.clock.elapsed() - anchor.elapsed)
    )


def verdict(check: CheckContext, wanted: VerdictExpected) -> Iterator[Mismatch]:
    """The newest verdict that the phone took."""
    verdicts = check.device.handset.timeline.verdicts
    if not verdicts:
        yield Mismatch("verdict", json_of(wanted), NOTHING)
        return
    claims = verdicts[-1].claims
    yield from among("verdict.decision", wanted.decision, verdicts[-1].decision)
    yield from among("verdict.reason", wanted.reason, verdicts[-1].reason)
    yield from among("verdict.rule", wanted.rule, claims.policy.rule)
    yield from equal("verdict.policy", wanted.policy, claims.policy.id)
    yield from equal("verdict.policy-version", wanted.policy_version, claims.policy.version)
    yield from among("verdict.territory", wanted.territory, claims.territory or "none")
    yield from among("verdict.trust", wanted.trust, claims.trust)
    yield from among("verdict.message", wanted.message, claims.message.key if claims.message else None)
    yield from equal("verdict.case", wanted.case, claims.case is not None)
    yield from within("verdict.check-in", wanted.check_in, claims.check_in)
    yield from within("verdict.offline-limit", wanted.offline_limit, claims.offline_limit)
    yield from equal("verdict.not-before-lock", wanted.not_before_lock, claims.not_before_lock)


def no_verdict(check: CheckContext, wanted: bool) -> Iterator[Mismatch]:  # noqa: FBT001 - as the file has it
    """Whether the phone has taken none."""
    yield from equal("no-verdict", wanted, not check.device.handset.timeline.verdicts)


def evidence(check: CheckContext, wanted: EvidenceExpected) -> Iterator[Mismatch]:
    """The newest evidence that the phone sent."""
    sent = [
        entry.detail["sent"]["claims"] for entry in check.entries if "claims" in entry.detail.get("sent", {})
    ]
    if not sent:
        yield Mismatch("evidence", json_of(wanted), NOTHING)
        return
    yield from equal("evidence.intent", json_of(wanted.intent), sent[-1].get("intent"))
    for path, value in (wanted.claims or {}).items():
        yield from equal(f"evidence.claims.{path}", value, at_path(sent[-1], path))
    for path in wanted.without or ():
        if (found := at_path(sent[-1], path)) is not None:
            yield Mismatch(f"evidence.without.{path}", None, found)


def record(check: CheckContext, wanted: RecordExpected) -> Iterator[Mismatch]:
    """What the server knows of the phone."""
    found = check.context.operations.device(check.device.imei)
    yield from equal("record.known", wanted.known, found is not None)
    if found is None:
        if wanted.model_fields_set - {"known"}:
            yield Mismatch("record", json_of(wanted), NOTHING)
        return
    territory = found.activation_territory or "none"
    yield from equal("record.activation-territory", wanted.activation_territory, territory)
    yield from equal("record.sale-region", wanted.sale_region, found.sale_region)
    yield from equal("record.override", wanted.override, found.override or "none")
    yield from equal("record.locked", wanted.locked, found.locked)


OfHandset = Callable[[CheckContext, Any], Iterator[Mismatch]]

OF_HANDSET: Final[dict[str, OfHandset]] = {
    "outcome": outcome,
    "usable": usable,
    "screen": screen,
    "state": state,
    "verdict": verdict,
    "no_verdict": no_verdict,
    "evidence": evidence,
    "requests": requests,
    "timeline": timeline,
    "never": never,
    "always": always,
    "was_locked": was_locked,
    "record": record,
}
"""By the field of `Expect`; held for each handset of the step."""


def audit(context: ScenarioContext, step: Expect) -> Iterator[Mismatch]:
    """Entries of the audit log."""
    log = context.operations.audit()
    entries = log[context.marked(step.since).audit if step.since else 0 :]
    for wanted in step.audit or ():
        subject = (
            context.operations.subject_of(context.devices[wanted.of].imei) if wanted.of else wanted.subject
        )
        fits = [
            entry
            for entry in entries
            if fnmatchcase(entry["action"], wanted.action)
            and all(
                value is None or fnmatchcase(entry[name], value)
                for name, value in (("subject", subject), ("actor", wanted.by), ("reason", wanted.reason))
            )
        ]
        if len(fits) not in wanted.count:
            actions = [entry["action"] for entry in entries]
            yield Mismatch("audit", json_of(wanted), {"count": len(fits), "actions": actions})


def elapsed(context: ScenarioContext, step: Expect) -> Iterator[Mismatch]:
    """How much time passed."""
    if step.elapsed is None:
        return
    since = context.marked(step.elapsed.since).at if step.elapsed.since else context.started
    yield from within("elapsed", step.elapsed, round(context.world.exact() - since, 3))


OfWorld = Callable[[ScenarioContext, Expect], Iterator[Mismatch]]

OF_WORLD: Final[dict[str, OfWorld]] = {"audit": audit, "elapsed": elapsed}
"""By the field of `Expect`; held once."""

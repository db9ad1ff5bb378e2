"""Compares what was observed with what is expected: one function for each member of an `expect` step."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any, Final

from agent.screens import Screen
from lab.handset.handset import Handset
from lab.handset.timeline import Entry, Who
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.observer import DARK, Observation, visible_text
from lab.scenario.engine.result import CheckResult, Mismatch, lock_periods
from lab.scenario.model.expect import Expect
from lab.scenario.model.expectations import (
    EntryPattern,
    EvidenceExpected,
    LockedPeriod,
    ObservationPattern,
    RecordExpected,
    RequestsExpected,
    ScreenExpected,
    StateExpected,
    VerdictExpected,
)
from lab.scenario.model.field_types import Bounds, Span, Table
from server_stub.faults.catalogue import Route

NOTHING: Final = "nothing"
_FORMER_NAMES: Final = {"emergency call": "emergency-call", "Wi-Fi settings": "wifi-settings"}
"""What timeline entries were called that have the names of their buttons now."""
_INDEX: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The device of an expectation, and the index of the first timeline entry that counts."""

    context: ScenarioContext
    device: ScenarioDevice
    since: int

    @property
    def handset(self) -> Handset:
        """The handset of the device."""
        return self.device.handset

    @property
    def entries(self) -> Sequence[Entry]:
        """The timeline from there on."""
        return self.handset.timeline.entries[self.since :]

    @property
    def seen(self) -> Iterator[Observation]:
        """The observations from there on, after that of the screen that was shown there."""
        before = [
            each for each in self.device.observer.seen if each.entry < self.since and "screen" in each.facts
        ]
        between = self.handset.timeline.entries[before[-1].entry : self.since] if before else ()
        went_dark = any(entry.who is Who.PHONE and entry.what in DARK for entry in between)
        after = (each for each in self.device.observer.seen if each.entry >= self.since)
        return chain([] if went_dark else before[-1:], after)


def json_of(value: Any) -> Any:
    """A value of the models as JSON, as files write it."""
    if isinstance(value, Table):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    if isinstance(value, list | tuple):
        return [json_of(part) for part in value]
    if isinstance(value, dict):
        return {name: json_of(part) for name, part in value.items()}
    return getattr(value, "value", value)


def check_result(
    kind: str, device: ScenarioDevice, expected: Any, mismatches: Iterable[Mismatch]
) -> CheckResult:
    """The result of a check of a device, with its timeline and screen at this moment."""
    return CheckResult(
        kind=kind,
        handset=device.name,
        expected=expected,
        mismatches=tuple(mismatches),
        entries=len(device.handset.timeline.entries),
        screen=len(device.observer.shots) - 1 if device.observer.shots else None,
    )


def among(member: str, wanted: tuple[Any, ...] | None, actual: Any) -> Iterator[Mismatch]:
    """A mismatch if `actual` is none of the wanted words."""
    if wanted is not None and actual not in wanted:
        listed = json_of(wanted)
        yield Mismatch(member, listed[0] if len(listed) == 1 else listed, json_of(actual))


def equal(member: str, wanted: Any, actual: Any) -> Iterator[Mismatch]:
    """A mismatch if the values differ; True is not 1."""
    if wanted is not None and (wanted != actual or isinstance(wanted, bool) != isinstance(actual, bool)):
        yield Mismatch(member, json_of(wanted), json_of(actual))


def within(member: str, wanted: Bounds | Span | None, actual: float | None) -> Iterator[Mismatch]:
    """A mismatch if a number is outside its bounds."""
    if wanted is not None and (actual is None or actual not in wanted):
        yield Mismatch(member, json_of(wanted), actual)


def at_path(value: Any, path: str) -> Any:
    """The value at a dotted path in JSON, or None; numbers index lists, from 0."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and _INDEX.fullmatch(part) and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def newest_claims(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """The claims of the newest evidence that was sent, or None."""
    sent = (entry.detail.get("sent", {}) for entry in reversed(entries))
    return next((token["claims"] for token in sent if "claims" in token), None)


def screen(check: CheckContext, wanted: ScreenExpected) -> Iterator[Mismatch]:
    """The current screen."""
    shown, now = check.handset.screen(), check.handset.display.current
    if shown is None or now is None:
        yield Mismatch("screen", json_of(wanted), NOTHING)
        return
    yield from among("screen.id", wanted.id, shown.id)
    yield from among("screen.trouble", wanted.trouble, now.facts.trouble or "none")
    yield from among("screen.modem", wanted.modem, now.facts.modem or "none")
    for member in ("title", "direction", "locale", "symbol", "dark"):
        yield from equal(f"screen.{member}", getattr(wanted, member), getattr(shown, member))
    yield from equal("screen.shows-challenge", wanted.shows_challenge, bool(now.facts.challenge))
    yield from equal("screen.shows-imei", wanted.shows_imei, bool(now.facts.imeis))
    yield from _texts(wanted, shown)
    offered = [action for action, _ in shown.actions]
    if wanted.actions is not None and sorted(wanted.actions) != sorted(offered):
        yield Mismatch("screen.actions", json_of(wanted.actions), json_of(offered))
    for action in wanted.offers or ():
        if action not in offered:
            yield Mismatch("screen.offers", json_of(action), json_of(offered))


def _texts(wanted: ScreenExpected, shown: Screen) -> Iterator[Mismatch]:
    whole = visible_text(shown)
    for text in wanted.text or ():
        if text not in whole:
            yield Mismatch("screen.text", text, whole)
    for text in wanted.without_text or ():
        if text in whole:
            yield Mismatch("screen.without-text", text, whole)


def state(check: CheckContext, wanted: StateExpected) -> Iterator[Mismatch]:
    """The states of the agent's machines, and what it remembers."""
    agent = check.handset.agent
    if agent is None:
        yield Mismatch("state", json_of(wanted), NOTHING)
        return
    found = agent.state
    for member in ("setup", "exchange", "lock", "attention", "trouble", "modem"):
        yield from among(f"state.{member}", getattr(wanted, member), getattr(found, member) or "none")
    yield from equal("state.locale", wanted.locale, found.memory.locale)
    yield from equal("state.terms", wanted.terms, found.memory.terms_version)
    version = found.memory.policy_version - check.context.policy_floor
    yield from equal("state.policy-version", wanted.policy_version, version)
    yield from within("state.serial", wanted.serial, found.memory.serial)
    anchor = found.memory.time
    trusted = anchor.epoch + int(check.handset.clock.elapsed() - anchor.elapsed)
    behind = check.context.world.now() - trusted
    yield from within("state.trusted-time", wanted.trusted_time, behind)
    yield from within("state.trusted-time-ahead", wanted.trusted_time_ahead, -behind)


def verdict(check: CheckContext, wanted: VerdictExpected) -> Iterator[Mismatch]:
    """The newest verdict that the device accepted."""
    verdicts = check.handset.timeline.verdicts
    if not verdicts:
        yield Mismatch("verdict", json_of(wanted), NOTHING)
        return
    claims = verdicts[-1].claims
    yield from among("verdict.decision", wanted.decision, verdicts[-1].decision)
    yield from among("verdict.reason", wanted.reason, verdicts[-1].reason)
    yield from among("verdict.rule", wanted.rule, claims.policy.rule)
    yield from equal("verdict.policy", wanted.policy, claims.policy.id)
    version = claims.policy.version - check.context.policy_floor
    yield from equal("verdict.policy-version", wanted.policy_version, version)
    yield from among("verdict.territory", wanted.territory, claims.territory or "none")
    yield from among("verdict.trust", wanted.trust, claims.trust)
    yield from among("verdict.message", wanted.message, claims.message.key if claims.message else None)
    yield from equal("verdict.case", wanted.case, claims.case is not None)
    yield from within("verdict.check-in", wanted.check_in, claims.check_in)
    yield from within("verdict.offline-limit", wanted.offline_limit, claims.offline_limit)
    yield from equal("verdict.not-before-lock", wanted.not_before_lock, claims.not_before_lock)


def evidence(check: CheckContext, wanted: EvidenceExpected) -> Iterator[Mismatch]:
    """The newest evidence that the device sent."""
    sent = newest_claims(check.entries)
    if sent is None:
        yield Mismatch("evidence", json_of(wanted), NOTHING)
        return
    yield from equal("evidence.intent", json_of(wanted.intent), sent.get("intent"))
    for path, value in (wanted.claims or {}).items():
        yield from equal(f"evidence.claims.{path}", value, at_path(sent, path))
    for path in wanted.without or ():
        if (found := at_path(sent, path)) is not None:
            yield Mismatch(f"evidence.without.{path}", None, found)


def record(check: CheckContext, wanted: RecordExpected) -> Iterator[Mismatch]:
    """The server's record of the device."""
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


def requests(check: CheckContext, wanted: RequestsExpected) -> Iterator[Mismatch]:
    """The number of requests that the device sent."""
    paths = [entry.what.partition(" ")[2] for entry in check.entries if entry.who is Who.NETWORK]
    for route in Route:
        count = sum(route.matches(path) for path in paths)
        yield from within(f"requests.{route}", getattr(wanted, route.value), count)


def timeline(check: CheckContext, wanted: tuple[EntryPattern, ...]) -> Iterator[Mismatch]:
    """Entries that are there in this order."""
    rest = iter(check.entries)
    after = "the beginning"
    for at, pattern in enumerate(wanted):
        found = next((entry for entry in rest if _matches(entry, pattern)), None)
        if found is None:
            yield Mismatch(f"timeline[{at + 1}]", json_of(pattern), f"nothing of the kind after {after}")
            return
        after = f"{found.who} {found.what} at {found.at:g} s"


def _matches(entry: Entry, pattern: EntryPattern) -> bool:
    what = _FORMER_NAMES.get(pattern.what, pattern.what)
    if pattern.who not in (None, entry.who) or not fnmatchcase(entry.what, what):
        return False
    for path, wanted in (pattern.detail or {}).items():
        found = at_path(entry.detail, path)
        is_text = isinstance(wanted, str) and found is not None
        if not (fnmatchcase(str(found), wanted) if is_text else found == wanted):
            return False
    return True


def never(check: CheckContext, wanted: tuple[ObservationPattern, ...]) -> Iterator[Mismatch]:
    """What no observation may match."""
    for pattern in wanted:
        if found := next((each for each in check.seen if each.matches(pattern)), None):
            yield Mismatch("never", json_of(pattern), _observation_json(found))


def always(check: CheckContext, wanted: tuple[ObservationPattern, ...]) -> Iterator[Mismatch]:
    """What every observation must match that has the facts; at least one must have them."""
    for pattern in wanted:
        results = [(each, each.matches(pattern)) for each in check.seen]
        if all(matches is None for _, matches in results):
            yield Mismatch("always", json_of(pattern), "it could not be seen at any moment")
        elif found := next((each for each, matches in results if matches is False), None):
            yield Mismatch("always", json_of(pattern), _observation_json(found))


def _observation_json(observation: Observation) -> dict[str, Any]:
    facts = {name: json_of(value) for name, value in observation.facts.items() if value is not None}
    return {"at": observation.at, **facts}


def was_locked(check: CheckContext, wanted: tuple[LockedPeriod, ...]) -> Iterator[Mismatch]:
    """The periods in which the lock screen was shown."""
    began = check.context.began
    periods = [
        (began + each.since, None if each.until is None else began + each.until)
        for each in lock_periods(check.device.observer.shots)
    ]
    actual = [{"from": _moment(start), "to": None if end is None else _moment(end)} for start, end in periods]
    if len(periods) != len(wanted):
        yield Mismatch("was-locked", json_of(wanted), actual)
        return
    for at, ((start, end), period) in enumerate(zip(periods, wanted, strict=True)):
        if not (
            (period.after is None or start >= period.after)
            and (period.before is None or start < period.before)
            and (period.lifted_after is None or (end is not None and end >= period.lifted_after))
            and (period.lifted_before is None or (end is not None and end < period.lifted_before))
            and period.lifted in (None, end is not None)
        ):
            yield Mismatch(f"was-locked[{at + 1}]", json_of(period), actual[at])


def _moment(epoch: float) -> str:
    try:
        return datetime.fromtimestamp(int(epoch), UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError):  # a deadline of a verdict can be beyond the calendar
        return f"second {int(epoch)}"


HANDSET_CHECKS: Final[dict[str, Callable[[CheckContext, Any], Iterator[Mismatch]]]] = {
    "outcome": lambda check, wanted: among("outcome", wanted, check.handset.outcome()),
    "usable": lambda check, wanted: equal("usable", wanted, check.handset.usable),
    "screen": screen,
    "state": state,
    "verdict": verdict,
    "no_verdict": lambda check, wanted: equal("no-verdict", wanted, not check.handset.timeline.verdicts),
    "evidence": evidence,
    "requests": requests,
    "timeline": timeline,
    "never": never,
    "always": always,
    "was_locked": was_locked,
    "record": record,
}
"""By the field of `Expect`; run for each handset of the step."""


def audit(context: ScenarioContext, step: Expect) -> Iterator[Mismatch]:
    """Entries of the audit log."""
    log = context.operations.audit()
    entries = log[context.marked(step.since).audit if step.since else 0 :]
    for wanted in step.audit or ():
        devices = context.select_devices((wanted.of,)) if wanted.of else ()
        subjects = {context.operations.subject_of(device.imei) for device in devices}
        patterns = {"subject": wanted.subject, "actor": wanted.by, "reason": wanted.reason}
        count = sum(
            fnmatchcase(entry["action"], wanted.action)
            and (not subjects or entry["subject"] in subjects)
            and all(value is None or fnmatchcase(entry[name], value) for name, value in patterns.items())
            for entry in entries
        )
        if count not in wanted.count:
            actions = [entry["action"] for entry in entries]
            yield Mismatch("audit", json_of(wanted), {"count": count, "actions": actions})


def elapsed(context: ScenarioContext, step: Expect) -> Iterator[Mismatch]:
    """The time that has passed."""
    if step.elapsed is None:
        return
    since = context.marked(step.elapsed.since).at if step.elapsed.since else context.started
    yield from within("elapsed", step.elapsed, round(context.world.exact() - since, 3))


WORLD_CHECKS: Final[dict[str, Callable[[ScenarioContext, Expect], Iterator[Mismatch]]]] = {
    "audit": audit,
    "elapsed": elapsed,
}
"""By the field of `Expect`; run once."""

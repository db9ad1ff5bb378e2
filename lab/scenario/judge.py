"""Holding what was observed against what is expected: one function for each member of an `expect` step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from agent.core.states import State
from agent.screens import Screen
from lab.scenario.faults import PATHS
from lab.scenario.model.expect import Expect
from lab.scenario.model.faults import Target
from lab.scenario.model.observed import (
    EntryPattern,
    EvidenceExpected,
    Glimpse,
    LockedPeriod,
    RecordExpected,
    RequestsExpected,
    ScreenExpected,
    StateExpected,
    VerdictExpected,
)
from lab.scenario.model.words import Bounds, Span, Table
from lab.scenario.result import Mismatch
from lab.scenario.stage import Actor, Stage
from lab.scenario.watch import Seen
from lab.timeline import Entry, Who

NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expectation is about: a handset, and from which entry of its timeline on."""

    stage: Stage
    actor: Actor
    since: int

    @property
    def entries(self) -> Sequence[Entry]:
        """The timeline from there on."""
        return self.actor.phone.timeline.entries[self.since :]

    @property
    def seen(self) -> Iterator[Seen]:
        """The moments from there on."""
        return (moment for moment in self.actor.watch.seen if moment.entry >= self.since)


def json_of(value: Any) -> Any:
    """A value of the models as JSON, as files write it."""
    if isinstance(value, Table):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    if isinstance(value, list | tuple):
        return [json_of(part) for part in value]
    return getattr(value, "value", value)


def _among(member: str, wanted: tuple[Any, ...] | None, actual: Any) -> Iterator[Mismatch]:
    if wanted is not None and actual not in wanted:
        listed = json_of(wanted)
        yield Mismatch(member, listed[0] if len(listed) == 1 else listed, json_of(actual))


def _equal(member: str, wanted: Any, actual: Any) -> Iterator[Mismatch]:
    if wanted is not None and wanted != actual:
        yield Mismatch(member, json_of(wanted), json_of(actual))


def _within(member: str, wanted: Bounds | Span | None, actual: float | None) -> Iterator[Mismatch]:
    if wanted is not None and (actual is None or actual not in wanted):
        yield Mismatch(member, json_of(wanted), actual)


def outcome(scope: Scope, wanted: tuple[Any, ...]) -> Iterator[Mismatch]:
    """How it ended."""
    yield from _among("outcome", wanted, scope.actor.phone.outcome())


def usable(scope: Scope, wanted: bool) -> Iterator[Mismatch]:  # noqa: FBT001 - as the file has it
    """Whether the user is at home."""
    yield from _equal("usable", wanted, scope.actor.phone.usable)


def screen(scope: Scope, wanted: ScreenExpected) -> Iterator[Mismatch]:
    """The screen that stands."""
    shown, now = scope.actor.watch.screen(), scope.actor.phone.panel.now
    if shown is None or now is None:
        yield Mismatch("screen", json_of(wanted), NOTHING)
        return
    yield from _among("screen.id", wanted.id, shown.id)
    yield from _among("screen.trouble", wanted.trouble, now.facts.trouble)
    for member in ("title", "direction", "locale", "symbol", "dark"):
        yield from _equal(f"screen.{member}", getattr(wanted, member), getattr(shown, member))
    yield from _equal("screen.shows-challenge", wanted.shows_challenge, bool(now.facts.challenge))
    yield from _equal("screen.shows-imei", wanted.shows_imei, bool(now.facts.imeis))
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


def state(scope: Scope, wanted: StateExpected) -> Iterator[Mismatch]:
    """Where the machines of the agent stand."""
    agent = scope.actor.phone.agent
    if agent is None:
        yield Mismatch("state", json_of(wanted), NOTHING)
        return
    found = agent.state
    for member in ("setup", "exchange", "lock", "attention", "trouble"):
        yield from _among(f"state.{member}", getattr(wanted, member), getattr(found, member))
    yield from _equal("state.locale", wanted.locale, found.memory.locale)
    yield from _equal("state.terms", wanted.terms, found.memory.terms_version)
    yield from _equal("state.policy-version", wanted.policy_version, found.memory.policy_version)
    yield from _within("state.serial", wanted.serial, found.memory.serial)
    yield from _within("state.trusted-time", wanted.trusted_time, _behind(scope, found))


def _behind(scope: Scope, found: State) -> float:
    """How far trusted time is behind the truth, in seconds."""
    anchor = found.memory.time
    return scope.stage.world.now() - anchor.epoch - int(scope.actor.phone.clock.elapsed() - anchor.elapsed)


def verdict(scope: Scope, wanted: VerdictExpected) -> Iterator[Mismatch]:
    """The newest verdict that the phone took."""
    verdicts = scope.actor.phone.timeline.verdicts
    if not verdicts:
        yield Mismatch("verdict", json_of(wanted), NOTHING)
        return
    claims = verdicts[-1].claims
    yield from _among("verdict.decision", wanted.decision, verdicts[-1].decision)
    yield from _among("verdict.reason", wanted.reason, verdicts[-1].reason)
    yield from _among("verdict.rule", wanted.rule, claims.policy.rule)
    yield from _equal("verdict.policy", wanted.policy, claims.policy.id)
    yield from _equal("verdict.policy-version", wanted.policy_version, claims.policy.version)
    yield from _among("verdict.territory", wanted.territory, claims.territory or "none")
    yield from _among("verdict.trust", wanted.trust, claims.trust)
    yield from _among("verdict.message", wanted.message, claims.message.key if claims.message else None)
    yield from _equal("verdict.case", wanted.case, claims.case is not None)
    yield from _within("verdict.check-in", wanted.check_in, claims.check_in)
    yield from _within("verdict.offline-limit", wanted.offline_limit, claims.offline_limit)
    yield from _equal("verdict.not-before-lock", wanted.not_before_lock, claims.not_before_lock)


def no_verdict(scope: Scope, wanted: bool) -> Iterator[Mismatch]:  # noqa: FBT001 - as the file has it
    """Whether the phone has taken none."""
    yield from _equal("no-verdict", wanted, not scope.actor.phone.timeline.verdicts)


def evidence(scope: Scope, wanted: EvidenceExpected) -> Iterator[Mismatch]:
    """The newest evidence that the phone sent."""
    sent = [
        entry.detail["sent"]["claims"] for entry in scope.entries if "claims" in entry.detail.get("sent", {})
    ]
    if not sent:
        yield Mismatch("evidence", json_of(wanted), NOTHING)
        return
    yield from _equal("evidence.intent", json_of(wanted.intent), sent[-1].get("intent"))
    for path, value in (wanted.claims or {}).items():
        yield from _equal(f"evidence.claims.{path}", value, at_path(sent[-1], path))
    for path in wanted.without or ():
        if (found := at_path(sent[-1], path)) is not None:
            yield Mismatch(f"evidence.without.{path}", None, found)


def at_path(value: Any, path: str) -> Any:
    """What is at a dotted path in JSON, None where nothing is; numbers index lists, from 0."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def requests(scope: Scope, wanted: RequestsExpected) -> Iterator[Mismatch]:
    """How many requests have left the phone."""
    paths = [entry.what.partition(" ")[2] for entry in scope.entries if entry.who is Who.NETWORK]
    for target in Target:
        count = sum(fnmatchcase(path, PATHS[target]) for path in paths)
        yield from _within(f"requests.{target}", getattr(wanted, target.value), count)


def timeline(scope: Scope, wanted: tuple[EntryPattern, ...]) -> Iterator[Mismatch]:
    """Entries that are there in this order."""
    rest = iter(scope.entries)
    after = "the beginning"
    for at, pattern in enumerate(wanted):
        found = next((entry for entry in rest if _fits(entry, pattern)), None)
        if found is None:
            yield Mismatch(f"timeline[{at + 1}]", json_of(pattern), f"nothing of the kind after {after}")
            return
        after = f"{found.who} {found.what} at {found.at:g} s"


def _fits(entry: Entry, pattern: EntryPattern) -> bool:
    if pattern.who not in (None, entry.who) or not fnmatchcase(entry.what, pattern.what):
        return False
    return all(_like(at_path(entry.detail, path), value) for path, value in (pattern.detail or {}).items())


def _like(found: Any, wanted: Any) -> bool:
    return (
        fnmatchcase(str(found), wanted) if isinstance(wanted, str) and found is not None else found == wanted
    )


def never(scope: Scope, wanted: tuple[Glimpse, ...]) -> Iterator[Mismatch]:
    """What there never was."""
    for glimpse in wanted:
        if found := next((moment for moment in scope.seen if moment.shows(glimpse)), None):
            yield Mismatch("never", json_of(glimpse), _told(found))


def always(scope: Scope, wanted: tuple[Glimpse, ...]) -> Iterator[Mismatch]:
    """What held whenever it could."""
    for glimpse in wanted:
        held = [(moment, moment.shows(glimpse)) for moment in scope.seen]
        if all(shows is None for _, shows in held):
            yield Mismatch("always", json_of(glimpse), "it could not be seen at any moment")
        elif found := next((moment for moment, shows in held if shows is False), None):
            yield Mismatch("always", json_of(glimpse), _told(found))


def _told(moment: Seen) -> dict[str, Any]:
    facts = {name: json_of(value) for name, value in moment.facts.items() if value is not None}
    return {"at": moment.at, **facts}


def was_locked(scope: Scope, wanted: tuple[LockedPeriod, ...]) -> Iterator[Mismatch]:
    """When the lock screen stood."""
    began, periods = scope.stage.began, locked_periods(scope.actor.watch.seen)
    told = [{"from": _moment(began + a), "to": None if b is None else _moment(began + b)} for a, b in periods]
    if len(periods) != len(wanted):
        yield Mismatch("was-locked", json_of(wanted), told)
        return
    for at, ((start, end), period) in enumerate(zip(periods, wanted, strict=True)):
        if not _is_period(period, began + start, None if end is None else began + end):
            yield Mismatch(f"was-locked[{at + 1}]", json_of(period), told[at])


def locked_periods(seen: Sequence[Seen]) -> list[tuple[float, float | None]]:
    """From when to when the lock screen stood, in seconds since the world began; None for until now."""
    periods: list[tuple[float, float | None]] = []
    for moment in seen:
        if "screen" not in moment.facts:
            continue
        standing = bool(periods) and periods[-1][1] is None
        locked = moment.facts["screen"] == "locked"
        if locked and not standing:
            periods.append((moment.at, None))
        elif standing and not locked:
            periods[-1] = (periods[-1][0], moment.at)
    return periods


def _is_period(wanted: LockedPeriod, start: float, end: float | None) -> bool:
    return (
        (wanted.after is None or start >= wanted.after)
        and (wanted.before is None or start < wanted.before)
        and (wanted.lifted_after is None or (end is not None and end >= wanted.lifted_after))
        and (wanted.lifted_before is None or (end is not None and end < wanted.lifted_before))
        and wanted.lifted in (None, end is not None)
    )


def _moment(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).isoformat().replace("+00:00", "Z")


def record(scope: Scope, wanted: RecordExpected) -> Iterator[Mismatch]:
    """What the server knows of the phone."""
    found = scope.stage.operations.device(scope.actor.imei)
    yield from _equal("record.known", wanted.known, found is not None)
    if found is None:
        if wanted.model_fields_set - {"known"}:
            yield Mismatch("record", json_of(wanted), NOTHING)
        return
    territory = found.activation_territory or "none"
    yield from _equal("record.activation-territory", wanted.activation_territory, territory)
    yield from _equal("record.sale-region", wanted.sale_region, found.sale_region)
    yield from _equal("record.override", wanted.override, found.override)
    yield from _equal("record.locked", wanted.locked, found.locked)


OfHandset = Callable[[Scope, Any], Iterator[Mismatch]]

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


def audit(stage: Stage, step: Expect) -> Iterator[Mismatch]:
    """Entries of the audit log."""
    log = stage.operations.audit()
    entries = log[stage.marks[step.since].audit if step.since else 0 :]
    for wanted in step.audit or ():
        subject = stage.operations.subject_of(stage.actors[wanted.of].imei) if wanted.of else wanted.subject
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


def elapsed(stage: Stage, step: Expect) -> Iterator[Mismatch]:
    """How much time passed."""
    if step.elapsed is None:
        return
    since = stage.marks[step.elapsed.since].at if step.elapsed.since else stage.started
    yield from _within("elapsed", step.elapsed, round(stage.world.exact() - since, 3))


OfWorld = Callable[[Stage, Expect], Iterator[Mismatch]]

OF_WORLD: Final[dict[str, OfWorld]] = {"audit": audit, "elapsed": elapsed}
"""By the field of `Expect`; held once."""

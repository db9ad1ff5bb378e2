"""How an event changes what the agent remembers. Pure; the machines' own states are not touched here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.core import timing
from agent.core.events import (
    ChallengeReceived,
    CodeRefused,
    Collected,
    Event,
    EventKind,
    Failed,
    LanguageChosen,
    SimpleEvent,
    TermsAccepted,
    VerdictReceived,
)
from agent.core.screens import Trouble
from agent.core.states import LockCause, Memory, State
from agent.core.timing import Context
from agent.verification.verdict import VerifiedVerdict
from wire import limits
from wire.codes import Decision, MessageKey


def apply_event(state: State, event: Event, context: Context) -> State:
    """The state with everything remembered that `event` says. `state` already stands where the event leads."""
    return _ABSORB[type(event)](state, event, context)


def _happened(state: State, event: SimpleEvent, context: Context) -> State:
    change = _ON_KIND.get(event.kind)
    return change(state, context) if change else state


def _language_chosen(state: State, event: LanguageChosen, _: Context) -> State:
    return replace(state, memory=replace(state.memory, locale=event.locale))


def _terms_accepted(state: State, event: TermsAccepted, _: Context) -> State:
    """Whoever has accepted is not asked again before the server says so."""
    memory = replace(state.memory, terms_version=event.version)
    if memory.message is MessageKey.ACCEPT_NEW_TERMS:
        memory = replace(memory, message=None, args=())
    return replace(state, memory=memory)


def _collected(state: State, event: Collected, _: Context) -> State:
    return replace(state, imei=event.imei)


def _code_refused(state: State, event: CodeRefused, _: Context) -> State:
    return replace(state, refusal=event.code)


def _challenged(state: State, event: ChallengeReceived, _: Context) -> State:
    return replace(state, nonce=event.nonce)


def _failed(state: State, event: Failed, context: Context) -> State:
    attempts = state.attempts + 1
    wait = timing.delay(event.trouble, attempts, context.fraction, event.retry_after)
    return replace(
        state, attempts=attempts, retry_at=context.elapsed + wait, trouble=event.trouble, nonce="", refusal=""
    )


def _judged(state: State, event: VerdictReceived, context: Context) -> State:
    """A verdict answers the nonce, tells the time, raises the floors, and sets or keeps the deadlines."""
    verdict = event.verdict
    time = timing.advance_anchor(state.memory.time, context, verdict.claims.iat)
    memory = replace(_with_floors(state.memory, verdict), time=time, imei=state.imei or state.memory.imei)
    memory = _DECIDED[verdict.decision](memory, verdict, context)
    # An unlock code answers no nonce of the exchange and may be hours old: it moves trusted time, but tells it not.
    answered = replace(
        state, memory=memory, anchored=state.anchored or state.nonce != "", nonce="", refusal=""
    )
    if verdict.decision is Decision.DEFER:
        return _deferred(answered, verdict, context)
    return replace(answered, attempts=0, retry_at=0.0, trouble=None)


def _deferred(state: State, verdict: VerifiedVerdict, context: Context) -> State:
    wait = timing.delay(Trouble.BUSY, 1, context.fraction, verdict.claims.retry_after)
    return replace(state, retry_at=context.elapsed + wait, trouble=Trouble.BUSY)


def _with_floors(memory: Memory, verdict: VerifiedVerdict) -> Memory:
    """The floors rise to what the verdict says, by one step at most: whoever stole a verdict key cannot use them up."""
    claims = verdict.claims
    return replace(
        memory,
        serial=min(claims.serial, memory.serial + limits.FLOOR_STEP_MAX),
        policy_version=min(claims.policy.version, memory.policy_version + limits.FLOOR_STEP_MAX),
        jti=claims.jti,
        thumbprint=claims.cnf.jkt,
    )


def _spoken(memory: Memory, verdict: VerifiedVerdict) -> Memory:
    claims = verdict.claims
    return replace(
        memory,
        message=claims.message.key if claims.message else None,
        args=tuple(sorted(claims.message.args.items())) if claims.message else (),
        case=claims.case or "",
        territory=claims.territory or "",
    )


def _next_check_in(memory: Memory, verdict: VerifiedVerdict, context: Context) -> int | None:
    interval = verdict.claims.check_in
    if interval is None:
        return None
    interval = max(interval, timing.CHECK_IN_LEAST)
    return memory.time.epoch + int(interval * (1 + timing.CHECK_IN_JITTER * context.fraction))


def _allowed(memory: Memory, verdict: VerifiedVerdict, context: Context) -> Memory:
    limit = verdict.claims.offline_limit or 0
    offline_at = memory.time.epoch + limit
    return replace(
        _spoken(memory, verdict),
        cause=LockCause.NONE,
        lock_at=verdict.claims.not_before_lock,
        check_in_at=_next_check_in(memory, verdict, context),
        warn_at=offline_at - limit // timing.WARNING_SHARE,
        offline_at=offline_at,
    )


def _denied(memory: Memory, verdict: VerifiedVerdict, context: Context) -> Memory:
    return replace(
        _spoken(memory, verdict),
        cause=LockCause.VERDICT,
        lock_at=None,
        check_in_at=_next_check_in(memory, verdict, context),
        warn_at=None,
        offline_at=None,
    )


def _kept(memory: Memory, _: VerifiedVerdict, __: Context) -> Memory:
    """A `defer` decides nothing: what stood before, and all its deadlines, stand."""
    return memory


def _given_up(memory: Memory, verdict: VerifiedVerdict, _: Context) -> Memory:
    return replace(
        _spoken(memory, verdict),
        cause=LockCause.NONE,
        lock_at=None,
        check_in_at=None,
        warn_at=None,
        offline_at=None,
    )


_DECIDED: Final[dict[Decision, Callable[[Memory, VerifiedVerdict, Context], Memory]]] = {
    Decision.ALLOW: _allowed,
    Decision.NOTICE: _allowed,
    Decision.DENY: _denied,
    Decision.DEFER: _kept,
    Decision.RELEASE: _given_up,
}


def _booted(state: State, _: Context) -> State:
    """`sealing.recover` has made trusted time go on from what was sealed; how long the phone was off, nobody knows."""
    return replace(
        state,
        memory=replace(state.memory, boots=state.memory.boots + 1),
        anchored=False,
        imei="",
        refusal="",
        nonce="",
        attempts=0,
        retry_at=0.0,
        trouble=None,
    )


def _warned(state: State, _: Context) -> State:
    return replace(state, memory=replace(state.memory, warn_at=None))


def _locked_on_notice(state: State, _: Context) -> State:
    return replace(state, memory=_without_deadlines(state.memory, LockCause.NOTICE))


def _locked_offline(state: State, _: Context) -> State:
    return replace(state, memory=_without_deadlines(state.memory, LockCause.OFFLINE))


def _without_deadlines(memory: Memory, cause: LockCause) -> Memory:
    """A phone that has locked itself waits for no other lock."""
    return replace(memory, lock_at=None, warn_at=None, offline_at=None, cause=cause)


_ON_KIND: Final[dict[EventKind, Callable[[State, Context], State]]] = {
    EventKind.BOOTED: _booted,
    EventKind.WARNING_DUE: _warned,
    EventKind.LOCK_DUE: _locked_on_notice,
    EventKind.OFFLINE_DUE: _locked_offline,
}

_ABSORB: Final[dict[type, Callable[..., State]]] = {
    SimpleEvent: _happened,
    LanguageChosen: _language_chosen,
    TermsAccepted: _terms_accepted,
    Collected: _collected,
    ChallengeReceived: _challenged,
    CodeRefused: _code_refused,
    Failed: _failed,
    VerdictReceived: _judged,
}

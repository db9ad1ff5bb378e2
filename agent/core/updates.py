"""How an event changes the data in `State`. The states of the four machines are set by `step`. Pure."""

from dataclasses import replace
from math import ceil

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
from wire import limits
from wire.codes import Decision, MessageKey
from wire.verdict import Verdict


def apply_event(state: State, event: Event, context: Context) -> State:
    """`state` with the data of `event`. The machines of `state` have taken their transitions already."""
    memory = state.memory
    match event:
        case SimpleEvent():
            state = _apply_simple_event(state, event.kind, context)
        case VerdictReceived():
            state = _apply_verdict(state, event, context)
        case Collected():
            state = replace(state, imei=event.imei, modem=event.modem)
        case ChallengeReceived():
            state = replace(state, nonce=event.nonce)
        case Failed(trouble=trouble):
            attempts = state.attempts + 1
            retry_at = context.elapsed + timing.delay(trouble, attempts, context.fraction, event.retry_after)
            state = replace(
                state, attempts=attempts, retry_at=retry_at, trouble=trouble, nonce="", refusal=""
            )
        case CodeRefused():
            state = replace(state, refusal=event.code)
        case LanguageChosen():
            state = replace(state, memory=replace(memory, locale=event.locale))
        case TermsAccepted():
            memory = replace(memory, terms_version=event.version)
            if memory.message is MessageKey.ACCEPT_NEW_TERMS:  # the request of the server is fulfilled
                memory = replace(memory, message=None, args=())
            state = replace(state, memory=memory)
    return state


def _apply_simple_event(state: State, kind: EventKind, context: Context) -> State:
    memory = state.memory
    match kind:
        case EventKind.BOOTED:
            # `sealing.recover` has continued trusted time from the sealed value. The off time is unknown.
            return replace(
                state,
                memory=replace(memory, boots=memory.boots + 1),
                imei="",
                modem=None,
                refusal="",
                nonce="",
                attempts=0,
                retry_at=0.0,
                trouble=None,
            )
        case EventKind.WARNING_DUE:
            return replace(state, memory=_mark_warned(memory, timing.trusted_now(state, context)))
        case EventKind.LOCK_DUE | EventKind.OFFLINE_DUE:
            cause = LockCause.NOTICE if kind is EventKind.LOCK_DUE else LockCause.OFFLINE
            return replace(
                state, memory=replace(memory, lock_at=None, warn_at=None, offline_at=None, cause=cause)
            )
    return state


def _apply_verdict(state: State, event: VerdictReceived, context: Context) -> State:
    """Set trusted time and the floors, update deadlines and message, and end the exchange."""
    claims, memory = event.verdict.claims, state.memory
    memory = replace(
        timing.set_time(memory, event.bounds, claims.iat, context)
        if event.bounds is not None
        else timing.advance(memory, context),
        # One step at most, so that a stolen verdict key cannot use up the numbers.
        serial=min(claims.serial, memory.serial + limits.FLOOR_STEP_MAX),
        policy_version=min(claims.policy.version, memory.policy_floor(event.bounds) + limits.FLOOR_STEP_MAX),
        jti=claims.jti,
        thumbprint=claims.cnf.jkt,
        imei=state.imei or memory.imei,
    )
    answered = replace(state, nonce="", refusal="")
    if claims.decision is Decision.DEFER:
        wait = timing.delay(Trouble.BUSY, 1, context.fraction, claims.retry_after)
        renewed = _renew_offline_limit(memory, wait)
        return replace(answered, memory=renewed, retry_at=context.elapsed + wait, trouble=Trouble.BUSY)
    decided = _with_decision(memory, claims, context)
    return replace(answered, memory=decided, attempts=0, retry_at=0.0, trouble=None)


def _with_decision(memory: Memory, claims: Verdict, context: Context) -> Memory:
    """`memory` with the message, the deadlines and the lock cause of a verdict other than `defer`."""
    memory = _set_offline_limit(memory, claims.offline_limit)
    check_in_at = None
    if claims.check_in is not None:
        interval = max(claims.check_in, timing.CHECK_IN_LEAST)
        check_in_at = memory.time.epoch + int(interval * (1 + timing.CHECK_IN_JITTER * context.fraction))
        if memory.warn_at is not None:  # a check-in after the offline limit would come too late
            latest = max(memory.warn_at - timing.CHECK_IN_LEAST, memory.time.epoch + timing.CHECK_IN_LEAST)
            check_in_at = min(check_in_at, latest)
    lock_at = claims.not_before_lock
    if (
        lock_at is not None
    ):  # like every deadline, counted from trusted time, which can be later than the issue
        lock_at += memory.time.epoch - claims.iat
    return replace(
        memory,
        message=claims.message.key if claims.message else None,
        args=tuple(sorted(claims.message.args.items())) if claims.message else (),
        case=claims.case or "",
        territory=claims.territory or "",
        cause=LockCause.VERDICT if claims.decision is Decision.DENY else LockCause.NONE,
        lock_at=lock_at,
        check_in_at=check_in_at,
    )


def _set_offline_limit(memory: Memory, limit: int | None) -> Memory:
    """`memory` with an offline limit of `limit` seconds from its time anchor and its warning, or with none."""
    if limit is None:
        return replace(memory, offline_at=None, warn_at=None)
    offline_at = memory.time.epoch + limit
    return replace(memory, offline_at=offline_at, warn_at=offline_at - limit // timing.WARNING_SHARE)


def _renew_offline_limit(memory: Memory, wait: float) -> Memory:
    """`memory` with the same offline limit, counted from its time anchor; without a limit unchanged.

    The server asked for the next request in `wait` seconds: neither limit nor warning is due before it. The limit is
    never shortened.
    """
    if memory.offline_at is None:
        return memory
    share = _warning_share(memory, memory.offline_at)
    now = memory.time.epoch
    after_retry = now + ceil(wait) + timing.CHECK_IN_LEAST + share
    offline_at = max(memory.offline_at, now + timing.WARNING_SHARE * share, after_retry)
    return replace(memory, offline_at=offline_at, warn_at=offline_at - share)


def _mark_warned(memory: Memory, now: int) -> Memory:
    """`memory` once the offline warning was shown: `warn_at` is as far after the limit as it was before."""
    if memory.offline_at is None:
        return replace(memory, warn_at=None)
    share = _warning_share(memory, memory.offline_at)
    return replace(memory, warn_at=max(memory.offline_at, now) + share)


def _warning_share(memory: Memory, offline_at: int) -> int:
    """The seconds of the offline limit that remain when the warning is due, at least 1."""
    if memory.warn_at is None:
        return timing.OFFLINE_LIMIT_UNKNOWN // timing.WARNING_SHARE
    return max(1, abs(offline_at - memory.warn_at))

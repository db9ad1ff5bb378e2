"""The screen of a state. The lock has priority, then the setup wizard, then notices and warnings."""

from typing import Final

from agent.core.screens import ScreenFacts, ScreenId, Trouble
from agent.core.states import Attention, Exchange, Lock, Setup, State
from agent.core.timing import Context, trusted_now

_WIZARD: Final[dict[Setup, ScreenId]] = {
    Setup.LANGUAGE: ScreenId.LANGUAGE,
    Setup.TERMS: ScreenId.TERMS,
    Setup.CONNECT: ScreenId.CONNECT,
}

_ACTIVATE: Final[dict[Exchange, ScreenId]] = {
    Exchange.IDLE: ScreenId.ACTIVATING,
    Exchange.COLLECTING: ScreenId.ACTIVATING,
    Exchange.CHALLENGING: ScreenId.ACTIVATING,
    Exchange.AWAITING_VERDICT: ScreenId.ACTIVATING,
    Exchange.BACKOFF: ScreenId.WAITING,
}

_DONE: Final[dict[Attention, ScreenId]] = {
    Attention.CLEAR: ScreenId.HOME,
    Attention.NOTICE: ScreenId.NOTICE,
    Attention.WARNING: ScreenId.OFFLINE_WARNING,
}


def screen_of(state: State) -> ScreenId:
    """The screen for a state."""
    if state.lock is Lock.LOCKED:
        return ScreenId.LOCKED
    if state.setup in _WIZARD:
        return _WIZARD[state.setup]
    if state.setup is Setup.ACTIVATE:
        return _ACTIVATE[state.exchange]
    return _DONE[state.attention]


def facts_of(state: State, context: Context) -> ScreenFacts:
    """The facts for that screen."""
    memory = state.memory
    retry_at = None
    if state.exchange is Exchange.BACKOFF and memory.jti:  # before the first verdict the date is unknown
        retry_at = trusted_now(state, context) + max(0, int(state.retry_at - context.elapsed))
    return ScreenFacts(
        message=memory.message,
        args=memory.args,
        cause=memory.cause,
        case=memory.case,
        territory=memory.territory,
        lock_at=memory.lock_at if state.attention is not Attention.WARNING else memory.offline_at,
        retry_at=retry_at,
        trouble=Trouble.CODE_REFUSED if state.refusal else state.trouble,
        modem=state.modem,
        terms_version=memory.terms_version,
        date=trusted_now(state, context) if state.lock is Lock.LOCKED else None,
    )

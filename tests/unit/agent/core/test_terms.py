"""New terms after setup: whoever is asked to accept them can, and the server learns of it at once."""

from dataclasses import replace
from itertools import product

import pytest

from agent.core.effects import Collect, Persist
from agent.core.events import TermsAccepted
from agent.core.states import Exchange, Lock, Memory, Setup, State, TimeAnchor
from agent.core.step import RejectedEventError, step
from agent.core.timing import Context
from wire.codes import MessageKey

CONTEXT = Context(elapsed=100.0, fraction=0.5)
OLD = Memory(
    time=TimeAnchor(1_700_000_000, 100.0),
    terms_version="2019-09",
    message=MessageKey.ACCEPT_NEW_TERMS,
    args=(("version", "2021-08"),),
)
ACCEPTED = TermsAccepted("2021-08")
AFTER_THE_WIZARD = (Setup.ACTIVATE, Setup.DONE)
RESTING = (Exchange.IDLE, Exchange.BACKOFF)


@pytest.mark.parametrize(("setup", "exchange", "lock"), [*product(AFTER_THE_WIZARD, Exchange, Lock)])
def test_new_terms_can_be_accepted_wherever_the_phone_stands(
    setup: Setup, exchange: Exchange, lock: Lock
) -> None:
    """Sealed first, and asked about at once, unless a question is under way or nobody is asked any more."""
    state = State(memory=OLD, setup=setup, exchange=exchange, lock=lock)
    after, effects = step(state, ACCEPTED, CONTEXT)
    assert after.memory.terms_version == "2021-08"
    assert isinstance(effects[0], Persist)
    assert (after.setup, after.lock) == (setup, lock)
    asks = exchange in RESTING and lock is not Lock.RELEASED
    assert (after.exchange is Exchange.COLLECTING) == (asks or exchange is Exchange.COLLECTING)
    assert any(isinstance(effect, Collect) for effect in effects) == asks


def test_whoever_has_accepted_is_not_asked_again_before_the_server_says_so() -> None:
    """Without a network the screen would go on asking for what was done."""
    after, _ = step(State(memory=OLD, setup=Setup.DONE), ACCEPTED, CONTEXT)
    assert (after.memory.message, after.memory.args) == (None, ())


def test_another_message_stays() -> None:
    """Why a phone is locked is not answered by accepting terms."""
    memory = replace(OLD, message=MessageKey.NOT_SOLD_HERE, args=())
    after, _ = step(State(memory=memory, setup=Setup.DONE, lock=Lock.LOCKED), ACCEPTED, CONTEXT)
    assert after.memory.message is MessageKey.NOT_SOLD_HERE


@pytest.mark.parametrize("setup", [Setup.LANGUAGE, Setup.CONNECT])
def test_terms_are_accepted_where_they_are_shown(setup: Setup) -> None:
    """The wizard shows them on a screen of their own, and on no other."""
    with pytest.raises(RejectedEventError):
        step(State(memory=OLD, setup=setup), ACCEPTED, CONTEXT)

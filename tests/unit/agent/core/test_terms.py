"""New terms after setup: the user can accept them, and the server is informed immediately."""

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
def test_new_terms_can_be_accepted_in_every_state(setup: Setup, exchange: Exchange, lock: Lock) -> None:
    """Sealed first, then sent immediately, unless an exchange is running or the device is released."""
    state = State(memory=OLD, setup=setup, exchange=exchange, lock=lock)
    after, effects = step(state, ACCEPTED, CONTEXT)
    assert after.memory.terms_version == "2021-08"
    assert isinstance(effects[0], Persist)
    assert (after.setup, after.lock) == (setup, lock)
    asks = exchange in RESTING and lock is not Lock.RELEASED
    assert (after.exchange is Exchange.COLLECTING) == (asks or exchange is Exchange.COLLECTING)
    assert any(isinstance(effect, Collect) for effect in effects) == asks


def test_accepted_terms_are_not_requested_again_before_the_next_verdict() -> None:
    after, _ = step(State(memory=OLD, setup=Setup.DONE), ACCEPTED, CONTEXT)
    assert (after.memory.message, after.memory.args) == (None, ())


def test_accepting_terms_keeps_other_messages() -> None:
    memory = replace(OLD, message=MessageKey.NOT_SOLD_HERE, args=())
    after, _ = step(State(memory=memory, setup=Setup.DONE, lock=Lock.LOCKED), ACCEPTED, CONTEXT)
    assert after.memory.message is MessageKey.NOT_SOLD_HERE


@pytest.mark.parametrize("setup", [Setup.LANGUAGE, Setup.CONNECT])
def test_terms_can_be_accepted_only_where_they_are_shown(setup: Setup) -> None:
    with pytest.raises(RejectedEventError):
        step(State(memory=OLD, setup=setup), ACCEPTED, CONTEXT)

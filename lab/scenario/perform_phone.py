"""Doing the steps that are done to one handset after the other: what people do with it, and operators about it."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from agent.core.events import Happened, Kind, LanguageChosen, TermsAccepted
from firmware_profiles.loader import load_named
from lab.handset.sim import PinState
from lab.places import find_place
from lab.scenario.model import on_phones, on_servers
from lab.scenario.model.step import Step
from lab.scenario.operations import CannotError
from lab.scenario.stage import Actor, Stage
from server_stub.operator_desk import Act
from wire.unlock import UnlockChallenge

OnPhone = Callable[[Stage, Actor, Any], None]


def _set_up(_: Stage, actor: Actor, step: on_phones.SetUp) -> None:
    actor.phone.walk_setup(step.language or actor.table.locale)


def _choose_language(_: Stage, actor: Actor, step: on_phones.ChooseLanguage) -> None:
    if step.language not in actor.phone.profile.image.languages:
        offered = ", ".join(actor.phone.profile.image.languages)
        raise CannotError(f"{actor.phone.profile.name} does not offer {step.language!r}; it offers {offered}")
    actor.phone.act(LanguageChosen(step.language))


def _accept_terms(_: Stage, actor: Actor, __: on_phones.AcceptTerms) -> None:
    agent = actor.phone.profile.agent
    actor.phone.act(TermsAccepted(agent.terms_version if agent else "none"))


def _enter_code(stage: Stage, actor: Actor, step: on_phones.EnterCode) -> None:
    code = step.text.encode() if step.text else _code(stage, actor, step.code)
    actor.phone.enter_code(code)


def _code(stage: Stage, actor: Actor, name: str | None) -> bytes:
    found = _of(stage.codes, name, actor) if name else stage.newest_code.get(actor.name)
    if found is None:
        raise CannotError(
            f"no unlock code has been issued for {actor.name}; a step `issue-code` must come before"
        )
    return found


def _insert_sim(stage: Stage, actor: Actor, step: on_phones.InsertSim) -> None:
    card = stage.card(step.operator, f"{actor.name} {stage.now()} {step.slot}")
    actor.phone.insert(card if step.pin is PinState.READY else replace(card, pin=step.pin), step.slot - 1)


def _swap_sims(stage: Stage, actor: Actor, step: on_phones.SwapSims) -> None:
    if step.with_ is None:
        actor.phone.swap_slots()
        return
    other = stage.actors[step.with_].phone
    mine, theirs = actor.phone.card(), other.card()
    actor.phone.insert(theirs)
    other.insert(mine)


def _join_vpn(stage: Stage, actor: Actor, step: on_phones.JoinVpn) -> None:
    if stage.venue.url is not None:
        raise CannotError("a server that runs elsewhere sees where requests really come from", skips=True)
    actor.phone.join_vpn(step.exit)


def _copy_state(stage: Stage, actor: Actor, step: on_phones.CopyState) -> None:
    stage.copies[step.as_, actor.name] = actor.store.read()


def _restore_state(stage: Stage, actor: Actor, step: on_phones.RestoreState) -> None:
    if not any(name == step.from_ for name, _ in stage.copies):
        raise CannotError(f"no state is kept as {step.from_!r}; a step `copy-state` must come before")
    actor.store.put(_of(stage.copies, step.from_, actor))


def _of(kept: Mapping[tuple[str, str], bytes | None], name: str, actor: Actor) -> bytes | None:
    """What is kept under a name: the phone's own, or else the newest of another phone."""
    others = [value for (called, _), value in kept.items() if called == name]
    return kept.get((name, actor.name), others[-1] if others else None)


_SPOIL: Final[dict[on_phones.Spoiling, Callable[[bytes], bytes | None]]] = {
    on_phones.Spoiling.EMPTY: lambda _: b"",
    on_phones.Spoiling.TRUNCATED: lambda record: record[: len(record) // 2],
    on_phones.Spoiling.TORN: lambda record: (
        record[: len(record) // 2] + bytes(len(record) - len(record) // 2)
    ),
    on_phones.Spoiling.EXTENDED: lambda record: record + b"\0",
    on_phones.Spoiling.FOREIGN: lambda _: b"PK\x03\x04 something else entirely",
    on_phones.Spoiling.FLIPPED_BIT: lambda record: bytes((record[0] ^ 1,)) + record[1:] if record else b"\1",
    on_phones.Spoiling.MISSING: lambda _: None,
}


def _break(_: Stage, actor: Actor, step: on_phones.BreakStorage) -> None:
    if step.how is on_phones.StorageFault.FULL_DISK:
        actor.store.full = True
    else:
        actor.counter.silent = True


def _mend(_: Stage, actor: Actor, __: on_phones.MendStorage) -> None:
    actor.store.full = actor.counter.silent = False


def _lose_keys(_: Stage, actor: Actor, __: on_phones.LoseKeys) -> None:
    if actor.folder is not None:
        shutil.rmtree(actor.folder, ignore_errors=True)


def _reset(_: Stage, actor: Actor, __: on_phones.FactoryReset) -> None:
    actor.phone.factory_reset()


def _decide(act: Act) -> OnPhone:
    def decide(stage: Stage, actor: Actor, step: Any) -> None:
        operator = step if isinstance(step, on_servers.OperatorStep) else None
        stage.operations.decide(act, actor.imei, operator, step.reason)

    return decide


def _issue_code(stage: Stage, actor: Actor, step: on_servers.IssueCode) -> None:
    now = actor.phone.panel.now
    text = now.facts.challenge if now else ""
    if not text:
        raise CannotError(f"the screen of {actor.name} shows no challenge; only a lock screen does")
    code = stage.operations.issue_code(UnlockChallenge.parse(text), step)
    stage.codes[step.as_, actor.name] = stage.newest_code[actor.name] = code


PHONE_STEPS: Final[dict[type[Step], OnPhone]] = {
    on_phones.PowerOn: lambda _, actor, __: actor.phone.power_on(),
    on_phones.PowerOff: lambda _, actor, __: actor.phone.power_off(),
    on_phones.SetUp: _set_up,
    on_phones.ChooseLanguage: _choose_language,
    on_phones.AcceptTerms: _accept_terms,
    on_phones.DeclineTerms: lambda _, actor, __: actor.phone.act(Happened(Kind.TERMS_DECLINED)),
    on_phones.Continue: lambda _, actor, __: actor.phone.put_away(),
    on_phones.Retry: lambda _, actor, __: actor.phone.retry(),
    on_phones.ShowImei: lambda _, actor, __: actor.phone.act(Happened(Kind.IMEI_REQUESTED)),
    on_phones.EnterCode: _enter_code,
    on_phones.InsertSim: _insert_sim,
    on_phones.RemoveSim: lambda _, actor, step: actor.phone.insert(None, step.slot - 1),
    on_phones.SwapSims: _swap_sims,
    on_phones.Move: lambda _, actor, step: actor.phone.carry(find_place(step.to)),
    on_phones.JoinWifi: lambda _, actor, step: actor.phone.join_wifi(step.country),
    on_phones.LeaveWifi: lambda _, actor, __: actor.phone.leave_wifi(),
    on_phones.AirplaneMode: lambda _, actor, step: actor.phone.airplane_mode(
        on=step.turn is on_phones.Switch.ON
    ),
    on_phones.JoinVpn: _join_vpn,
    on_phones.LeaveVpn: lambda _, actor, __: actor.phone.leave_vpn(),
    on_phones.Location: lambda _, actor, step: actor.phone.locate(on=step.turn is on_phones.Switch.ON),
    on_phones.FalsePosition: lambda _, actor, step: actor.phone.hear_satellites_of(find_place(step.at)),
    on_phones.TruePosition: lambda _, actor, __: actor.phone.hear_satellites_of(None),
    on_phones.NetworkDown: lambda _, actor, __: actor.phone.network_down(),
    on_phones.NetworkUp: lambda _, actor, __: actor.phone.network_up(),
    on_phones.SetClock: lambda _, actor, step: actor.phone.set_wall(step.to),
    on_phones.FactoryReset: _reset,
    on_phones.Flash: lambda _, actor, step: actor.phone.flash(load_named(step.profile)),
    on_phones.CopyState: _copy_state,
    on_phones.RestoreState: _restore_state,
    on_phones.SpoilState: lambda _, actor, step: actor.store.put(_SPOIL[step.how](actor.store.read() or b"")),
    on_phones.BreakStorage: _break,
    on_phones.MendStorage: _mend,
    on_phones.ReplaceCounter: lambda _, actor, __: actor.counter.replace(),
    on_phones.LoseKeys: _lose_keys,
    on_servers.Lock: _decide(Act.LOCK),
    on_servers.Unlock: _decide(Act.UNLOCK),
    on_servers.Release: _decide(Act.RELEASE),
    on_servers.Withdraw: _decide(Act.WITHDRAW),
    on_servers.IssueCode: _issue_code,
}
"""By kind: what is done to one handset."""

"""Doing the steps that are done to one handset after the other: what people do with it, and operators about it."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from agent.core.events import EventKind, LanguageChosen, SimpleEvent, TermsAccepted
from firmware_profiles.loader import load_named
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.operations import CannotError
from lab.scenario.model import device_steps, server_steps
from lab.scenario.model.step import Step
from lab.world.places import find_place
from lab.world.sim import PinState
from server_stub.admin.devices import Act
from wire.unlock import UnlockChallenge

OnPhone = Callable[[ScenarioContext, ScenarioDevice, Any], None]


def _set_up(_: ScenarioContext, actor: ScenarioDevice, step: device_steps.SetUp) -> None:
    actor.phone.walk_setup(step.language or actor.table.locale)


def _choose_language(_: ScenarioContext, actor: ScenarioDevice, step: device_steps.ChooseLanguage) -> None:
    if step.language not in actor.phone.profile.image.languages:
        offered = ", ".join(actor.phone.profile.image.languages)
        raise CannotError(f"{actor.phone.profile.name} does not offer {step.language!r}; it offers {offered}")
    actor.phone.act(LanguageChosen(step.language))


def _accept_terms(_: ScenarioContext, actor: ScenarioDevice, __: device_steps.AcceptTerms) -> None:
    agent = actor.phone.profile.agent
    actor.phone.act(TermsAccepted(agent.terms_version if agent else "none"))


def _enter_code(stage: ScenarioContext, actor: ScenarioDevice, step: device_steps.EnterCode) -> None:
    code = step.text.encode() if step.text else _code(stage, actor, step.code)
    actor.phone.enter_code(code)


def _code(stage: ScenarioContext, actor: ScenarioDevice, name: str | None) -> bytes:
    found = _of(stage.codes, name, actor) if name else stage.newest_code.get(actor.name)
    if found is None:
        raise CannotError(
            f"no unlock code has been issued for {actor.name}; a step `issue-code` must come before"
        )
    return found


def _insert_sim(stage: ScenarioContext, actor: ScenarioDevice, step: device_steps.InsertSim) -> None:
    card = stage.card(step.operator, f"{actor.name} {stage.now()} {step.slot}")
    actor.phone.insert(card if step.pin is PinState.READY else replace(card, pin=step.pin), step.slot - 1)


def _swap_sims(stage: ScenarioContext, actor: ScenarioDevice, step: device_steps.SwapSims) -> None:
    if step.with_ is None:
        actor.phone.swap_slots()
        return
    other = stage.actors[step.with_].phone
    mine, theirs = actor.phone.card(), other.card()
    actor.phone.insert(theirs)
    other.insert(mine)


def _join_vpn(stage: ScenarioContext, actor: ScenarioDevice, step: device_steps.JoinVpn) -> None:
    if stage.venue.url is not None:
        raise CannotError("a server that runs elsewhere sees where requests really come from", skips=True)
    actor.phone.join_vpn(step.exit)


def _copy_state(stage: ScenarioContext, actor: ScenarioDevice, step: device_steps.CopyState) -> None:
    stage.copies[step.as_, actor.name] = actor.store.read()


def _restore_state(stage: ScenarioContext, actor: ScenarioDevice, step: device_steps.RestoreState) -> None:
    if not any(name == step.from_ for name, _ in stage.copies):
        raise CannotError(f"no state is kept as {step.from_!r}; a step `copy-state` must come before")
    actor.store.put(_of(stage.copies, step.from_, actor))


def _of(kept: Mapping[tuple[str, str], bytes | None], name: str, actor: ScenarioDevice) -> bytes | None:
    """What is kept under a name: the phone's own, or else the newest of another phone."""
    others = [value for (called, _), value in kept.items() if called == name]
    return kept.get((name, actor.name), others[-1] if others else None)


_SPOIL: Final[dict[device_steps.Spoiling, Callable[[bytes], bytes | None]]] = {
    device_steps.Spoiling.EMPTY: lambda _: b"",
    device_steps.Spoiling.TRUNCATED: lambda record: record[: len(record) // 2],
    device_steps.Spoiling.TORN: lambda record: (
        record[: len(record) // 2] + bytes(len(record) - len(record) // 2)
    ),
    device_steps.Spoiling.EXTENDED: lambda record: record + b"\0",
    device_steps.Spoiling.FOREIGN: lambda _: b"PK\x03\x04 something else entirely",
    device_steps.Spoiling.FLIPPED_BIT: lambda record: (
        bytes((record[0] ^ 1,)) + record[1:] if record else b"\1"
    ),
    device_steps.Spoiling.MISSING: lambda _: None,
}


def _break(_: ScenarioContext, actor: ScenarioDevice, step: device_steps.BreakStorage) -> None:
    if step.how is device_steps.StorageFault.FULL_DISK:
        actor.store.full = True
    else:
        actor.counter.silent = True


def _mend(_: ScenarioContext, actor: ScenarioDevice, __: device_steps.MendStorage) -> None:
    actor.store.full = actor.counter.silent = False


def _lose_keys(_: ScenarioContext, actor: ScenarioDevice, __: device_steps.LoseKeys) -> None:
    if actor.folder is not None:
        shutil.rmtree(actor.folder, ignore_errors=True)


def _reset(_: ScenarioContext, actor: ScenarioDevice, __: device_steps.FactoryReset) -> None:
    actor.phone.factory_reset()


def _decide(act: Act) -> OnPhone:
    def decide(stage: ScenarioContext, actor: ScenarioDevice, step: Any) -> None:
        operator = step if isinstance(step, server_steps.OperatorStep) else None
        stage.operations.decide(act, actor.imei, operator, step.reason)

    return decide


def _issue_code(stage: ScenarioContext, actor: ScenarioDevice, step: server_steps.IssueCode) -> None:
    now = actor.phone.panel.now
    text = now.facts.challenge if now else ""
    if not text:
        raise CannotError(f"the screen of {actor.name} shows no challenge; only a lock screen does")
    code = stage.operations.issue_code(UnlockChallenge.parse(text), step)
    stage.codes[step.as_, actor.name] = stage.newest_code[actor.name] = code


PHONE_STEPS: Final[dict[type[Step], OnPhone]] = {
    device_steps.PowerOn: lambda _, actor, __: actor.phone.power_on(),
    device_steps.PowerOff: lambda _, actor, __: actor.phone.power_off(),
    device_steps.SetUp: _set_up,
    device_steps.ChooseLanguage: _choose_language,
    device_steps.AcceptTerms: _accept_terms,
    device_steps.DeclineTerms: lambda _, actor, __: actor.phone.act(SimpleEvent(EventKind.TERMS_DECLINED)),
    device_steps.Continue: lambda _, actor, __: actor.phone.put_away(),
    device_steps.Retry: lambda _, actor, __: actor.phone.retry(),
    device_steps.ShowImei: lambda _, actor, __: actor.phone.act(SimpleEvent(EventKind.IMEI_REQUESTED)),
    device_steps.EnterCode: _enter_code,
    device_steps.InsertSim: _insert_sim,
    device_steps.RemoveSim: lambda _, actor, step: actor.phone.insert(None, step.slot - 1),
    device_steps.SwapSims: _swap_sims,
    device_steps.Move: lambda _, actor, step: actor.phone.carry(find_place(step.to)),
    device_steps.JoinWifi: lambda _, actor, step: actor.phone.join_wifi(step.country),
    device_steps.LeaveWifi: lambda _, actor, __: actor.phone.leave_wifi(),
    device_steps.AirplaneMode: lambda _, actor, step: actor.phone.airplane_mode(
        on=step.turn is device_steps.Switch.ON
    ),
    device_steps.JoinVpn: _join_vpn,
    device_steps.LeaveVpn: lambda _, actor, __: actor.phone.leave_vpn(),
    device_steps.Location: lambda _, actor, step: actor.phone.locate(on=step.turn is device_steps.Switch.ON),
    device_steps.FalsePosition: lambda _, actor, step: actor.phone.hear_satellites_of(find_place(step.at)),
    device_steps.TruePosition: lambda _, actor, __: actor.phone.hear_satellites_of(None),
    device_steps.NetworkDown: lambda _, actor, __: actor.phone.network_down(),
    device_steps.NetworkUp: lambda _, actor, __: actor.phone.network_up(),
    device_steps.SetClock: lambda _, actor, step: actor.phone.set_wall(step.to),
    device_steps.FactoryReset: _reset,
    device_steps.Flash: lambda _, actor, step: actor.phone.flash(load_named(step.profile)),
    device_steps.CopyState: _copy_state,
    device_steps.RestoreState: _restore_state,
    device_steps.SpoilState: lambda _, actor, step: actor.store.put(
        _SPOIL[step.how](actor.store.read() or b"")
    ),
    device_steps.BreakStorage: _break,
    device_steps.MendStorage: _mend,
    device_steps.ReplaceCounter: lambda _, actor, __: actor.counter.replace(),
    device_steps.LoseKeys: _lose_keys,
    server_steps.Lock: _decide(Act.LOCK),
    server_steps.Unlock: _decide(Act.UNLOCK),
    server_steps.Release: _decide(Act.RELEASE),
    server_steps.Withdraw: _decide(Act.WITHDRAW),
    server_steps.IssueCode: _issue_code,
}
"""By kind: what is done to one handset."""

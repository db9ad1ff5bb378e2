"""Doing the steps: one function for each kind, found by its type."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from agent.core.events import Happened, Kind, LanguageChosen, TermsAccepted
from firmware_profiles.loader import load_named
from lab.handset.handset import Power
from lab.handset.sim import PinState
from lab.places import find_place
from lab.scenario.model import on_phones, on_servers, over_time, steps
from lab.scenario.model.step import HandsetStep, Step
from lab.scenario.operations import CannotError
from lab.scenario.parts import PowerCut
from lab.scenario.stage import Actor, Stage
from lab.timeline import Who
from server_stub.operator_desk import Act
from wire.unlock import UnlockChallenge

TOUCHES: Final = (
    on_phones.SetUp,
    on_phones.ChooseLanguage,
    on_phones.AcceptTerms,
    on_phones.DeclineTerms,
    on_phones.Continue,
    on_phones.Retry,
    on_phones.ShowImei,
    on_phones.EnterCode,
)
"""Steps that a user does on the screen."""

OnPhone = Callable[[Stage, Actor, Any], None]
InWorld = Callable[[Stage, Any], None]


def perform(stage: Stage, step: Step) -> None:
    """Do a step. Raises CannotError, or what the lab says of what makes no sense."""
    if (in_world := IN_WORLD.get(type(step))) is not None:
        in_world(stage, step)
    elif isinstance(step, HandsetStep):
        for actor in stage.chosen(step.subject):
            _check_lit(actor, step)
            ON_PHONE[type(step)](stage, actor, step)


def _check_lit(actor: Actor, step: HandsetStep) -> None:
    """Nobody touches the screen of a phone that shows none; who sets one up that does not boot is done.

    Raises CannotError.
    """
    if actor.phone.power is Power.REFUSED and isinstance(step, on_phones.SetUp):
        return
    if isinstance(step, TOUCHES) and actor.phone.panel.now is None:
        why = "is off" if actor.phone.power is Power.OFF else "did not boot"
        raise CannotError(f"{actor.name} {why}, so that nobody can do this on its screen")


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


def _cut_power(stage: Stage, actor: Actor, step: steps.CutPower) -> None:
    actor.fuse.set(step.at_effect)
    during = step.during
    try:
        if isinstance(during, HandsetStep) and during.subject is None and type(during) in ON_PHONE:
            _check_lit(actor, during)
            ON_PHONE[type(during)](stage, actor, during)
        else:
            perform(stage, during)
    except PowerCut:
        actor.phone.power_off()
        return
    finally:
        done = actor.fuse.ticks
        actor.fuse.set(0)
    raise CannotError(
        f"{step.during.verb()} had {done} effects on {actor.name}, so the {step.at_effect}th never came"
    )


def _wait_for(stage: Stage, step: over_time.WaitFor) -> None:
    end = stage.world.exact() + step.at_most
    waiting = {actor.name: _standing(actor) for actor in stage.chosen(step.subject)}
    if _shown(stage, step, waiting):
        return
    for _ in stage.live(end):
        if _shown(stage, step, waiting):
            return
    raise CannotError(f"{', '.join(waiting)} showed nothing of the kind within {step.at_most:g} s")


def _standing(actor: Actor) -> int:
    """The number of the moment from which on to look: that of the screen that stands."""
    seen = actor.watch.seen
    if actor.phone.panel.now is None:
        return len(seen)
    screens = (at for at in range(len(seen) - 1, -1, -1) if "screen" in seen[at].facts)
    return next(screens, len(seen))


def _shown(stage: Stage, step: over_time.WaitFor, waiting: dict[str, int]) -> bool:
    """Whether all have shown it by now. Those that have are taken out of `waiting`; the others go on from here."""
    stage.catch_up()
    for name, begun in list(waiting.items()):
        seen = stage.actors[name].watch.seen
        waiting[name] = len(seen)
        if any(seen[at].shows(step.see) for at in range(begun, len(seen))):
            del waiting[name]
    return not waiting


def _wait(stage: Stage, step: over_time.Wait) -> None:
    for _ in stage.live(stage.world.exact() + step.wait):
        pass


def _wait_until(stage: Stage, step: over_time.WaitUntil) -> None:
    if step.wait_until < stage.world.exact():
        raise CannotError("that moment has passed; time does not go back")
    for _ in stage.live(float(step.wait_until)):
        pass


def _mark(stage: Stage, step: over_time.Mark) -> None:
    stage.marks[step.mark] = stage.mark()


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


def _put_in_force(stage: Stage, step: on_servers.PutInForce) -> None:
    stage.operations.put_in_force(step.put_in_force, stage.case.folder, step.reason)
    _announce(stage, f"{step.put_in_force} is in force")


def _start_campaign(stage: Stage, step: on_servers.StartCampaign) -> None:
    stage.operations.start_campaign(step.start_campaign, step.reason)
    _announce(stage, f"the campaign {step.start_campaign} begins")


def _lift_campaign(stage: Stage, step: on_servers.LiftCampaign) -> None:
    stage.operations.lift_campaign(step.lift_campaign, step.reason)
    _announce(stage, f"the campaign {step.lift_campaign} is lifted")


def _announce(stage: Stage, what: str) -> None:
    for actor in stage.actors.values():
        actor.phone.timeline.note(Who.VENDOR, what)


def _back_up(stage: Stage, step: on_servers.BackUp) -> None:
    stage.backups[step.as_] = stage.operations.backup()


def _restore_backup(stage: Stage, step: on_servers.RestoreBackup) -> None:
    if step.from_ not in stage.backups:
        raise CannotError(f"no backup is kept as {step.from_!r}; a step `back-up` must come before")
    _restore(stage, stage.backups[step.from_])


def _restore(stage: Stage, records: bytes | None) -> None:
    """Go on with other records. Their audit log is another one, so that marks count from its end at most."""
    stage.operations.restore(records)
    length = len(stage.operations.audit())
    for name, mark in stage.marks.items():
        stage.marks[name] = replace(mark, audit=min(mark.audit, length))


ON_PHONE: Final[dict[type[Step], OnPhone]] = {
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
    steps.CutPower: _cut_power,
    on_servers.Lock: _decide(Act.LOCK),
    on_servers.Unlock: _decide(Act.UNLOCK),
    on_servers.Release: _decide(Act.RELEASE),
    on_servers.Withdraw: _decide(Act.WITHDRAW),
    on_servers.IssueCode: _issue_code,
}
"""Steps that are done to one handset after the other."""

IN_WORLD: Final[dict[type[Step], InWorld]] = {
    over_time.Wait: _wait,
    over_time.WaitUntil: _wait_until,
    over_time.WaitFor: _wait_for,
    over_time.Mark: _mark,
    on_servers.PutInForce: _put_in_force,
    on_servers.StartCampaign: _start_campaign,
    on_servers.LiftCampaign: _lift_campaign,
    on_servers.RotateKey: lambda stage, _: stage.operations.rotate_key(),
    on_servers.RevokeKey: lambda stage, _: stage.operations.revoke_key(),
    on_servers.RestartServer: lambda stage, _: stage.operations.restart(),
    on_servers.BackUp: _back_up,
    on_servers.RestoreBackup: _restore_backup,
    on_servers.LoseRecords: lambda stage, _: _restore(stage, None),
    steps.Fault: lambda stage, step: stage.plan.start(step),
    steps.Heal: lambda stage, step: stage.plan.heal(step.heal),
}
"""Steps that are done to the world or its server."""

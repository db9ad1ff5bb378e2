"""Does the steps of one handset: what people do with it, and what operators decide about it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from agent.core.events import EventKind, LanguageChosen, SimpleEvent, TermsAccepted
from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.operations import StepError
from lab.scenario.model import device_steps, server_steps
from lab.scenario.model.step import Step
from lab.world.euicc import Euicc
from server_stub.admin.devices import Act
from wire.unlock import UnlockChallenge

DeviceAction = Callable[[ScenarioContext, ScenarioDevice, Any], Iterable[float] | None]
"""Does a step, and may yield the seconds that pass before each of its parts."""


def _accept_terms(_: ScenarioContext, device: ScenarioDevice, __: device_steps.AcceptTerms) -> None:
    agent = device.handset.profile.agent
    device.handset.act(TermsAccepted(agent.terms_version if agent else "none"))


def _enter_code(context: ScenarioContext, device: ScenarioDevice, step: device_steps.EnterCode) -> None:
    if step.text:
        code: bytes | None = step.text.encode()
    elif step.code:
        code = _stored(context.codes, step.code, device)
    else:
        code = context.newest_code.get(device.name)
    if code is None:
        raise StepError(
            f"no unlock code has been issued for {device.name}; a step `issue-code` must come before"
        )
    device.handset.enter_code(code)


def _insert_sim(context: ScenarioContext, device: ScenarioDevice, step: device_steps.InsertSim) -> None:
    _check_removable(device, step.slot - 1)
    card = context.card(step.operator, f"{device.label} {context.now()} {step.slot}", step.pin)
    device.handset.insert(card, step.slot - 1)


def _remove_sim(_: ScenarioContext, device: ScenarioDevice, step: device_steps.RemoveSim) -> None:
    _check_removable(device, step.slot - 1)
    device.handset.insert(None, step.slot - 1)


def _check_removable(device: ScenarioDevice, *slots: int) -> None:
    for slot in slots:
        if isinstance(device.handset.slots[slot], Euicc):
            raise StepError(
                f"slot {slot + 1} of {device.name} is an eUICC, which cannot be taken out; change its profiles"
            )


def _swap_sims(context: ScenarioContext, device: ScenarioDevice, step: device_steps.SwapSims) -> None:
    if step.with_ is None:
        _check_removable(device, 0, 1)
        device.handset.swap_slots()
        return
    (partner,) = context.select_devices((step.with_,))
    for each in (device, partner):
        _check_removable(each, 0)
    other = partner.handset
    own_card, other_card = device.handset.slots[0], other.slots[0]
    device.handset.insert(other_card)
    other.insert(own_card)


def _euiccs(device: ScenarioDevice) -> dict[int, Euicc]:
    """The eUICCs of a device by their slots, from 0. Raises StepError if there is none."""
    found = {at: content for at, content in enumerate(device.handset.slots) if isinstance(content, Euicc)}
    if not found:
        raise StepError(
            f"{device.name} has no eUICC; give it one, as in `sims: [{{esim: {{home: 208-01}}}}]`"
        )
    return found


def _euicc_with(device: ScenarioDevice, name: str) -> tuple[int, Euicc]:
    """The slot and the eUICC with a profile, or else the first one, which then says that it has no such profile."""
    found = list(_euiccs(device).items())
    return next((each for each in found if name in each[1].profiles), found[0])


def _enable_esim(_: ScenarioContext, device: ScenarioDevice, step: device_steps.EnableEsim) -> None:
    slot, euicc = _euicc_with(device, step.esim)
    device.handset.set_euicc(slot, euicc.enable(step.esim), "eSIM enabled")


def _disable_esim(_: ScenarioContext, device: ScenarioDevice, step: device_steps.DisableEsim) -> None:
    enabled = [euicc.enabled for euicc in _euiccs(device).values() if euicc.enabled is not None]
    if step.esim is None and len(enabled) != 1:
        raise StepError(f"{device.name} has {len(enabled)} enabled profiles; name one with `esim`")
    name = step.esim or enabled[0]
    slot, euicc = _euicc_with(device, name)
    device.handset.set_euicc(slot, euicc.disable(name), "eSIM disabled")


def _delete_esim(_: ScenarioContext, device: ScenarioDevice, step: device_steps.DeleteEsim) -> None:
    slot, euicc = _euicc_with(device, step.esim)
    if euicc.enabled == step.esim:
        euicc = euicc.disable(step.esim)
        device.handset.set_euicc(slot, euicc, "eSIM disabled")
    device.handset.set_euicc(slot, euicc.delete(step.esim), "eSIM deleted")


def _download_esim(context: ScenarioContext, device: ScenarioDevice, step: device_steps.DownloadEsim) -> None:
    euiccs = _euiccs(device)
    slot = next(iter(euiccs)) if step.slot is None else step.slot - 1
    if slot not in euiccs:
        raise StepError(f"slot {slot + 1} of {device.name} is no eUICC")
    card = context.card(step.operator, f"{device.label} {context.now()} {step.esim}", step.pin)
    _, holder = _euicc_with(device, step.esim)
    euicc = holder if step.esim in holder.profiles else euiccs[slot]
    device.handset.set_euicc(slot, euicc.install(step.esim, card), "eSIM downloaded")


def _join_vpn(context: ScenarioContext, device: ScenarioDevice, step: device_steps.JoinVpn) -> None:
    if context.clock_is_remote:
        raise StepError("a remote server receives the real source address", skips=True)
    device.handset.join_vpn(step.exit)


def _restore_state(context: ScenarioContext, device: ScenarioDevice, step: device_steps.RestoreState) -> None:
    if not any(name == step.from_ for name, _ in context.copies):
        raise StepError(f"no state is kept as {step.from_!r}; a step `copy-state` must come before")
    device.store.put(_stored(context.copies, step.from_, device))


def _stored(
    values: Mapping[tuple[str, str], bytes | None], name: str, device: ScenarioDevice
) -> bytes | None:
    """The value that was stored under a name: the device's own, or else the newest of another device."""
    others = [value for (stored_name, _), value in values.items() if stored_name == name]
    return values.get((name, device.name), others[-1] if others else None)


_SPOILED: Final[dict[device_steps.Spoiling, Callable[[bytes], bytes | None]]] = {
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


def _decide(act: Act) -> DeviceAction:
    def decide(context: ScenarioContext, device: ScenarioDevice, step: Any) -> None:
        case = step.case if isinstance(step, server_steps.OperatorStep) else None
        context.operations.decide(act, device.imei, case, step.reason)

    return decide


def _issue_code(context: ScenarioContext, device: ScenarioDevice, step: server_steps.IssueCode) -> None:
    now = device.handset.display.current
    text = now.facts.challenge if now else ""
    if not text:
        raise StepError(f"the screen of {device.name} shows no challenge; only a lock screen does")
    code = context.operations.issue_code(UnlockChallenge.parse(text), step)
    context.codes[step.as_, device.name] = context.newest_code[device.name] = code


DEVICE_ACTIONS: Final[dict[type[Step], DeviceAction]] = {
    device_steps.PowerOn: lambda _, device, __: device.handset.power_on(),
    device_steps.PowerOff: lambda _, device, __: device.handset.power_off(),
    device_steps.SetUp: lambda _, device, step: device.set_up(step.language),
    device_steps.ChooseLanguage: lambda _, device, step: device.handset.act(
        LanguageChosen(device.offered(step.language))
    ),
    device_steps.AcceptTerms: _accept_terms,
    device_steps.DeclineTerms: lambda _, device, __: device.handset.act(
        SimpleEvent(EventKind.TERMS_DECLINED)
    ),
    device_steps.Continue: lambda _, device, __: device.handset.put_away(),
    device_steps.Retry: lambda _, device, __: device.handset.retry(),
    device_steps.ShowImeiStep: lambda _, device, __: device.handset.act(
        SimpleEvent(EventKind.IMEI_REQUESTED)
    ),
    device_steps.EnterCode: _enter_code,
    device_steps.InsertSim: _insert_sim,
    device_steps.RemoveSim: _remove_sim,
    device_steps.SwapSims: _swap_sims,
    device_steps.EnableEsim: _enable_esim,
    device_steps.DisableEsim: _disable_esim,
    device_steps.DeleteEsim: _delete_esim,
    device_steps.DownloadEsim: _download_esim,
    device_steps.Move: lambda context, device, step: device.handset.carry(context.place(step.to)),
    device_steps.JoinWifi: lambda _, device, step: device.handset.join_wifi(step.country),
    device_steps.LeaveWifi: lambda _, device, __: device.handset.leave_wifi(),
    device_steps.AirplaneMode: lambda _, device, step: device.handset.airplane_mode(
        on=step.turn is device_steps.Switch.ON
    ),
    device_steps.JoinVpn: _join_vpn,
    device_steps.LeaveVpn: lambda _, device, __: device.handset.leave_vpn(),
    device_steps.LocationStep: lambda _, device, step: device.handset.locate(
        on=step.turn is device_steps.Switch.ON
    ),
    device_steps.FalsePosition: lambda context, device, step: device.handset.hear_satellites_of(
        context.place(step.at)
    ),
    device_steps.TruePosition: lambda _, device, __: device.handset.hear_satellites_of(None),
    device_steps.NetworkDown: lambda _, device, __: device.handset.network_down(),
    device_steps.NetworkUp: lambda _, device, __: device.handset.network_up(),
    device_steps.SetClock: lambda _, device, step: device.handset.set_wall(step.to),
    device_steps.FactoryReset: lambda _, device, __: device.handset.factory_reset(),
    device_steps.Flash: lambda context, device, step: device.handset.flash(context.profile(step.profile)),
    device_steps.CopyState: lambda context, device, step: context.copies.update(
        {(step.as_, device.name): device.store.read()}
    ),
    device_steps.RestoreState: _restore_state,
    device_steps.SpoilState: lambda _, device, step: device.store.put(
        _SPOILED[step.how](device.store.read() or b"")
    ),
    device_steps.BreakStorage: lambda _, device, step: device.break_storage(step.how),
    device_steps.MendStorage: lambda _, device, __: device.mend_storage(),
    device_steps.BreakModem: lambda _, device, step: device.modem_line.break_by(step.how),
    device_steps.RepairModem: lambda _, device, __: device.modem_line.break_by(None),
    device_steps.ReplaceCounter: lambda _, device, __: device.counter.replace(),
    device_steps.LoseKeys: lambda _, device, __: device.lose_keys(),
    server_steps.Lock: _decide(Act.LOCK),
    server_steps.Unlock: _decide(Act.UNLOCK),
    server_steps.Release: _decide(Act.RELEASE),
    server_steps.Withdraw: _decide(Act.WITHDRAW),
    server_steps.IssueCode: _issue_code,
}
"""By the type of the step."""

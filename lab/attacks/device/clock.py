"""Attacks on the phone's time: the clock that the user sets, and the network that keeps the phone from asking."""

from typing import Final

from lab.attacks.device.base import DENIED, HOME, LOCKED, attack, drop
from lab.attacks.device_state import DeviceState
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.target_phone import Phone
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic
from lab.manufacturer.policies import DAILY_CHECK_IN
from server_stub.policy.policy import Policy

_T = Topic
_DAY: Final = 24 * 3600


def _leashed(stage: TrialContext) -> Phone:
    """A phone that may be used for a day without the server, cut off from it."""
    phone = stage.set_up(
        stage.phone("paris", server=stage.server(Policy.parse(DAILY_CHECK_IN, "short-leash.toml")))
    )
    phone.wire.act = drop
    return phone


def _clock_set(epoch: int, days: float) -> AttackRun:
    def play(stage: TrialContext) -> Phone:
        phone = _leashed(stage)
        phone.handset.clock.set_wall(epoch)
        phone.handset.wait(days * _DAY)
        return phone

    return play


def _clock_set_when_asking(epoch: int) -> AttackRun:
    def play(stage: TrialContext) -> Phone:
        phone = stage.phone("havana")
        phone.handset.clock.set_wall(epoch)
        return stage.set_up(phone)

    return play


def _swinging(stage: TrialContext) -> Phone:
    """The clock is set forth and back every hour."""
    phone = _leashed(stage)
    for hour in range(26):
        phone.handset.clock.set_wall(0 if hour % 2 else 4_000_000_000)
        phone.handset.wait(3600)
    return phone


def _rebooting(every: int, days: float) -> AttackRun:
    """A reboot after so many seconds, for so long."""

    def play(stage: TrialContext) -> Phone:
        phone = _leashed(stage)
        for _ in range(int(days * _DAY / every)):
            phone.handset.wait(every)
            phone.handset.power_on()
        return phone

    return play


def _cut_off_locked(stage: TrialContext) -> Phone:
    phone = stage.locked()
    phone.wire.act = drop
    phone.handset.wait(1.2 * _DAY)
    return phone


ATTACKS: Final[tuple[Attack, ...]] = (
    attack("cut-off-locked", "Keep a locked phone from the server for a day.", "CWE-400", AttackerCapability.NETWORK,
            _T.TRANSPORT, _cut_off_locked, DeviceState(*LOCKED, "unreachable")),
    attack("cut-off-activated", "Keep an activated phone from the server beyond its offline limit.",
            "CWE-400", AttackerCapability.NETWORK, _T.TRANSPORT, _clock_set(1_631_102_400, 1.2),
                    DeviceState(*LOCKED, "unreachable"),
            falls="a verified verdict set this limit; whoever cuts the phone off for so long locks it"),
    attack("clock-back", "Set the clock to 1970 so that the offline limit never comes.", "CWE-346",
            AttackerCapability.CLOCK,
            _T.CLOCK, _clock_set(0, 1.2), DeviceState(*LOCKED, "unreachable")),
    attack("clock-forth", "Set another's clock to 2096 so that the offline limit has passed.", "CWE-346",
            AttackerCapability.CLOCK, _T.CLOCK, _clock_set(4_000_000_000, 0.5), DeviceState(*HOME, "unreachable")),
    attack("clock-swinging", "Set the clock forth and back every hour.", "CWE-346", AttackerCapability.CLOCK,
            _T.CLOCK, _swinging, DeviceState(*LOCKED, "unreachable")),
    attack("clock-back-before-asking", "Ask with a clock in 1970.", "CWE-346", AttackerCapability.CLOCK,
            _T.CLOCK, _clock_set_when_asking(0), DENIED),
    attack("clock-forth-before-asking", "Ask with a clock in 2096, after the end of every campaign.", "CWE-346",
            AttackerCapability.CLOCK, _T.CLOCK, _clock_set_when_asking(4_000_000_000), DENIED),
    attack("clock-slowed-by-reboots", "Reboot every five hours, so that little of the time in between is sealed.",
            "CWE-346", AttackerCapability.CLOCK, _T.CLOCK, _rebooting(5 * 3600, 2.5), DeviceState(*LOCKED,
                    "unreachable")),
    attack("clock-slowed-by-many-reboots", "Reboot every hour.", "CWE-346",
            AttackerCapability.CLOCK, _T.CLOCK, _rebooting(3600, 2), DeviceState(*LOCKED, "unreachable")),
    attack("clock-stopped-by-reboots", "Reboot every nine minutes, before trusted time is sealed.", "CWE-346",
            AttackerCapability.CLOCK, _T.CLOCK, _rebooting(540, 2.5), DeviceState(*HOME, "unreachable"),
            falls="nobody counts while the phone is off; trusted time is sealed ten minutes after a boot"),
)  # fmt: skip

"""Steps that people do with a device."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lab.scenario.model.field_types import (
    Line,
    Locale,
    Moment,
    Name,
    Plmn,
    Subject,
    Word,
)
from lab.scenario.model.named_files import PlaceName, ProfileName
from lab.scenario.model.step import HandsetStep
from lab.world.sim import PinState
from wire.model import CountryCode

Slot = Annotated[int, Field(ge=1, le=2)]


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


class Spoiling(StrEnum):
    """How the sealed state on flash is damaged."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    TORN = "torn"
    EXTENDED = "extended"
    FOREIGN = "foreign"
    FLIPPED_BIT = "flipped-bit"
    MISSING = "missing"


class StorageFault(StrEnum):
    """What fails while the device keeps running."""

    FULL_DISK = "full-disk"
    SILENT_COUNTER = "silent-counter"


class ModemBreakage(StrEnum):
    """How the line between the agent and the modem fails."""

    SILENT = "silent"
    """No command gets an answer."""
    GONE = "gone"
    """Reading and writing fail: the port was removed."""
    CUT = "cut"
    """The line fails in the middle of each reading, after the first answers."""
    SENSELESS = "senseless"
    """Each command gets an answer in no known form."""
    NOISY = "noisy"
    """Each command gets bytes that are no text."""


class PowerOn(HandsetStep):
    """Switch on, or restart."""

    power_on: Subject


class PowerOff(HandsetStep):
    """Switch off."""

    power_off: Subject


class SetUp(HandsetStep):
    """Do the setup as a user does."""

    set_up: Subject
    language: Locale | None = Field(None, description="The handset's by default.")


class ChooseLanguage(HandsetStep):
    """Choose a language on its screen."""

    choose_language: Subject
    language: Locale


class AcceptTerms(HandsetStep):
    """Accept the terms."""

    accept_terms: Subject


class DeclineTerms(HandsetStep):
    """Decline the terms."""

    decline_terms: Subject


class Continue(HandsetStep):
    """Dismiss the screen before the home screen."""

    continue_: Subject


class Retry(HandsetStep):
    """Tap `Try again`."""

    retry: Subject


class ShowImeiStep(HandsetStep):
    """Tap `Show IMEI` on the lock screen."""

    show_imei: Subject


class EnterCode(HandsetStep):
    """Enter an unlock code on the lock screen."""

    enter_code: Subject
    code: Name | None = Field(None, description="The issued code of this name; the newest by default.")
    text: Line | None = Field(None, description="Any other text.")


class InsertSim(HandsetStep):
    """Put a new card into a slot."""

    insert_sim: Subject
    operator: Plmn
    slot: Slot = 1
    pin: Word[PinState] = PinState.READY


class RemoveSim(HandsetStep):
    """Take the card out of a slot."""

    remove_sim: Subject
    slot: Slot = 1


class SwapSims(HandsetStep):
    """Exchange the cards of both slots, or of two devices."""

    swap_sims: Subject
    with_: Name | None = Field(None, description="The other device.")


class EnableEsim(HandsetStep):
    """Enable a profile of an eUICC; the one before is disabled."""

    enable_esim: Subject
    esim: Name


class DisableEsim(HandsetStep):
    """Disable the enabled profile of an eUICC."""

    disable_esim: Subject
    esim: Name | None = Field(None, description="The enabled one by default.")


class DeleteEsim(HandsetStep):
    """Delete a profile of an eUICC; an enabled one is disabled first."""

    delete_esim: Subject
    esim: Name


class DownloadEsim(HandsetStep):
    """Download a profile into an eUICC, under a new name; it is not enabled."""

    download_esim: Subject
    esim: Name
    operator: Plmn
    pin: Word[PinState] = PinState.READY
    slot: Slot | None = Field(None, description="The first eUICC by default.")


class Move(HandsetStep):
    """Move to another place, with the cards."""

    move: Subject
    to: PlaceName


class JoinWifi(HandsetStep):
    """Join a Wi-Fi network."""

    join_wifi: Subject
    country: CountryCode | None = Field(None, description="As the access point announces (IEEE 802.11d).")


class LeaveWifi(HandsetStep):
    """Leave every Wi-Fi network."""

    leave_wifi: Subject


class AirplaneMode(HandsetStep):
    """Turn airplane mode on or off; on also leaves Wi-Fi."""

    airplane_mode: Subject
    turn: Word[Switch]


class JoinVpn(HandsetStep):
    """Send all traffic through a VPN."""

    join_vpn: Subject
    exit: CountryCode | None = Field(
        None, description="The country of its exit; unknown to the server by default."
    )


class LeaveVpn(HandsetStep):
    """End the VPN."""

    leave_vpn: Subject


class LocationStep(HandsetStep):
    """Turn location on or off; off, the device reports no position."""

    location: Subject
    turn: Word[Switch]


class FalsePosition(HandsetStep):
    """Send false satellite signals of another place."""

    false_position: Subject
    at: PlaceName


class TruePosition(HandsetStep):
    """End the false satellite signals."""

    true_position: Subject


class NetworkDown(HandsetStep):
    """Let no request get through."""

    network_down: Subject


class NetworkUp(HandsetStep):
    """End `network-down`."""

    network_up: Subject


class SetClock(HandsetStep):
    """Set the wall clock."""

    set_clock: Subject
    to: Moment


class FactoryReset(HandsetStep):
    """Erase the state and start."""

    factory_reset: Subject


class Flash(HandsetStep):
    """Install another image; the device is off afterwards."""

    flash: Subject
    profile: ProfileName


class CopyState(HandsetStep):
    """Copy the sealed state file."""

    copy_state: Subject
    as_: Name = "copy"


class RestoreState(HandsetStep):
    """Replace the sealed state file by a copy, for the next start."""

    restore_state: Subject
    from_: Name = "copy"


class SpoilState(HandsetStep):
    """Damage the sealed state file, for the next start."""

    spoil_state: Subject
    how: Word[Spoiling]


class BreakStorage(HandsetStep):
    """Let the storage fail from now on."""

    break_storage: Subject
    how: Word[StorageFault]


class MendStorage(HandsetStep):
    """Let the storage work again."""

    mend_storage: Subject


class BreakModem(HandsetStep):
    """Let the modem fail from now on."""

    break_modem: Subject
    how: Word[ModemBreakage]


class RepairModem(HandsetStep):
    """Let the modem answer again."""

    repair_modem: Subject


class ReplaceCounter(HandsetStep):
    """Install a new monotonic counter, at zero."""

    replace_counter: Subject


class LoseKeys(HandsetStep):
    """Delete the copy of the key repository."""

    lose_keys: Subject
